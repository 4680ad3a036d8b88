"""What a `MultimodalSTDP` is given, checked before anything starts."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.engine.program import BACKENDS
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.fully_connected import FullyConnectedSTDP
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.parts import is_count, is_real
from stdpnet.estimators.stochastic_binary import StochasticBinarySTDP
from stdpnet.models.plasticity import PlasticityRule

_OWNER = "MultimodalSTDP"
#: Networks that a modality may have.
MEMBERS = (ConvSTDP, FullyConnectedSTDP, StochasticBinarySTDP)
#: Parameters that all who have them must have in common, as they share presentations.
_COMMON = ("dt", "presentation", "rest", "dtype")
#: Parameters of a network that must have one value here.
_PLAIN = {
    "pruning": None,
    "quantization": None,
    "max_delay": None,
    "fit_on": "images",
}
#: Most weights of the connections from one modality to another.
MAX_WEIGHTS = 50_000_000


@contextlib.contextmanager
def naming(modality: str) -> Iterator[None]:
    """Let errors say which modality they are of."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"modality {modality!r}: {error}") from error


def check_members(modalities: Any) -> None:
    """Refuse names and networks that cannot be joined."""
    pairs = _checked_list(modalities)
    for name, network in pairs:
        if not (isinstance(name, str) and name.isalnum() and not name[0].isdigit()):
            raise ValueError(
                f"{_OWNER}: the name of a modality must be letters and digits, got "
                f"{name!r}"
            )
        if not isinstance(network, MEMBERS):
            raise ValueError(
                f"{_OWNER}: modality {name!r} must be a ConvSTDP or a "
                f"FullyConnectedSTDP, got {type(network).__name__}"
            )
        with naming(name):
            network.check_parameters()
            _check_plain(network)
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"{_OWNER}: the name {name!r} is taken twice; rename one of them"
            )
    _check_common(pairs)


def _checked_list(modalities: Any) -> list[tuple[Any, Any]]:
    try:
        pairs = [(name, network) for name, network in modalities]
    except (TypeError, ValueError):
        pairs = []
    if len(pairs) < 2:
        raise ValueError(
            f"{_OWNER}.modalities must be a list of two or more pairs (name, network), "
            f"got {modalities!r}"
        )
    return pairs


def _check_plain(network: Learner) -> None:
    for name, value in _PLAIN.items():
        if getattr(network, name, value) != value:
            network._refuse(name, f"{value!r} in a MultimodalSTDP")


def _check_common(pairs: list[tuple[str, Any]]) -> None:
    for parameter in _COMMON:
        having = [(name, one) for name, one in pairs if hasattr(one, parameter)]
        for (first_name, first), (name, network) in pairwise(having):
            if _plain(first, parameter) != _plain(network, parameter):
                raise ValueError(
                    f"{_OWNER}: modalities must have the same {parameter}, got "
                    f"{getattr(first, parameter)!r} in {first_name!r} and "
                    f"{getattr(network, parameter)!r} in {name!r}; give all of them "
                    "one, as they share presentations"
                )


def _plain(network: Any, parameter: str) -> Any:
    value = getattr(network, parameter)
    if parameter == "dtype" or value is None:
        return value
    return round(network._time(parameter).value, 12)


def check_numbers(joint: Any) -> None:
    """Refuse numbers that the whole has for itself."""
    for name, low in (("n_epochs", 1), ("chunk_size", 1), ("n_settle", 0)):
        if not is_count(getattr(joint, name), low):
            _refuse(joint, name, f"an integer >= {low}")
    jobs = joint.n_jobs
    if jobs is not None and (not is_count(jobs, -np.inf) or jobs == 0):
        _refuse(joint, "n_jobs", "None or an integer other than 0")
    if joint.backend not in BACKENDS:
        raise ValueError(
            unknown_name(f"{_OWNER}.backend", str(joint.backend), BACKENDS)
        )


def _refuse(joint: Any, name: str, rule: str) -> None:
    raise ValueError(f"{_OWNER}.{name} must be {rule}, got {getattr(joint, name)!r}")


def check_cross(rule: Any, totals: Mapping[str, Any], scale: Any) -> None:
    """Refuse connections that are none, or not bounded."""
    if rule is not None and not isinstance(rule, PlasticityRule):
        raise ValueError(
            f"{_OWNER}.cross_rule must be a PlasticityRule or None, got {rule!r}"
        )
    for total in totals.values():
        if not (is_real(total) and total > 0):
            raise ValueError(
                f"{_OWNER}.cross_total must be a number > 0, or a dict of one for each "
                f"modality, got {total!r}"
            )
    if not (is_real(scale) and scale >= 0):
        raise ValueError(f"{_OWNER}.cross_scale must be a number >= 0, got {scale!r}")


def totals_of(total: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the sum of weights for every modality, of one number or a dict."""
    if not isinstance(total, Mapping):
        return dict.fromkeys(names, total)
    if set(total) != set(names):
        raise ValueError(
            f"{_OWNER}.cross_total must be a number or a dict with {', '.join(names)}, "
            f"got {total!r}"
        )
    return dict(total)


def check_sizes(layers: Mapping[str, Any], pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse connections of more weights than memory and time allow."""
    for pair in pairs:
        shapes = {name: layers[name].positions for name in pair}
        n_weights = prod(prod(shape) for shape in shapes.values())
        if n_weights > MAX_WEIGHTS:
            source, target = (
                f"{name!r} ({' x '.join(map(str, shape))} neurons)"
                for name, shape in shapes.items()
            )
            raise ValueError(
                f"{_OWNER}: connections from {source} to {target} must be at most "
                f"{MAX_WEIGHTS:,} weights, got {n_weights:,}; use fewer maps or "
                "neurons, or a larger stride"
            )


def check_pairs(X: Any, members: Mapping[str, Any], *, complete: bool) -> None:
    """Refuse data that are not those of the modalities, or not as many of each."""
    if not isinstance(X, Mapping) or not X:
        raise ValueError(
            f"{_OWNER}: X must be a dict with the data of {', '.join(members)}, got "
            f"{type(X).__name__ if not isinstance(X, Mapping) else 'an empty one'}"
        )
    for name in X:
        if name not in members:
            raise ValueError(unknown_name("modality", str(name), members))
    for name in members:
        if complete and name not in X:
            raise ValueError(
                f"{_OWNER}: no data for modality {name!r}; it learns from all of "
                f"{', '.join(members)}, and only predicts without some"
            )
    sizes = {name: np.shape(values)[:1] for name, values in X.items()}
    for name, size in sizes.items():
        if size == (0,) or size == ():
            raise ValueError(f"{_OWNER}: no data for modality {name!r}")
    if len(set(sizes.values())) > 1:
        numbers = ", ".join(f"{size[0]} of {name!r}" for name, size in sizes.items())
        raise ValueError(
            f"{_OWNER}: modalities must have equally many examples, got {numbers}; "
            "rows of one index belong together"
        )
