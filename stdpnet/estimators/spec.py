"""From the sections of a specification to estimators."""

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py

from stdpnet.catalog import unknown_name
from stdpnet.config import SpecError, from_dict
from stdpnet.encoding import Encoding
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.fully_connected import FullyConnectedSTDP
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.multimodal import MultimodalSTDP
from stdpnet.estimators.multimodal.spec import KIND, is_joint, make_joint, with_specs
from stdpnet.estimators.stack import ConvStack
from stdpnet.estimators.stack.spec import KIND as STACK
from stdpnet.estimators.stack.spec import is_stack, make_stack
from stdpnet.estimators.stochastic_binary import StochasticBinarySTDP
from stdpnet.models.custom import model_from_dict, resolved
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.readout import LinearReadout, MLPReadout, NeuronVoteClassifier
from stdpnet.specs import DEFAULT_TYPES, load_spec

#: Networks of one sense; several of them make a `MultimodalSTDP`.
ESTIMATORS: dict[str, type[Learner]] = {
    "ConvSTDP": ConvSTDP,
    "FullyConnectedSTDP": FullyConnectedSTDP,
    "StochasticBinarySTDP": StochasticBinarySTDP,
}
Readout = LinearReadout | MLPReadout | NeuronVoteClassifier
_READOUTS: dict[str, Any] = {
    "linear": LinearReadout,
    "mlp": MLPReadout,
    "votes": NeuronVoteClassifier,
}
#: Constructor arguments that have sections of their own or belong to a run.
_ELSEWHERE = (
    "neuron",
    "rule",
    "encoding",
    "random_state",
    "n_jobs",
    "verbose",
    "image_shape",
)


def make_banks(
    spec: dict[str, Any], *, seed: int, n_jobs: int = 1, verbose: bool = False
) -> dict[str, Any]:
    """Make the estimators of a specification: one, or one for each ``network.banks``.

    Of several modalities, one `MultimodalSTDP`; of layers, one `ConvStack`. A bank is a
    table of network parameters (and ``neuron`` or ``rule`` tables) that differ from the rest of the specification.

    Raises
    ------
    SpecError
        If a section has a key that its type does not know.
    ValueError
        If a value cannot be used.
    """
    if is_joint(spec):
        joint = make_joint(
            spec, lambda own: make_banks(own, seed=seed)["main"], seed=seed
        )
        return {"main": joint.set_params(n_jobs=n_jobs, verbose=verbose)}
    if is_stack(spec):
        stack = make_stack(spec, _make, seed=seed)
        return {"main": stack.set_params(n_jobs=n_jobs, verbose=verbose)}
    network = dict(spec.get("network", {}))
    banks = _table("network.banks", network.pop("banks", {})) or {"main": {}}
    made: dict[str, Any] = {}
    for number, (name, changes) in enumerate(banks.items()):
        changes = dict(_table(f"network.banks.{name}", changes))
        sections = {
            part: {
                **spec.get(part, {}),
                **_table(f"network.banks.{name}.{part}", changes.pop(part, {})),
            }
            for part in ("neuron", "rule")
        }
        made[name] = _make(
            {**network, **changes},
            sections,
            spec.get("encoding", {}),
            seed + 1000 * number,
        )
        made[name].set_params(n_jobs=n_jobs, verbose=verbose)
    return made


def _table(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SpecError(f"{name} must be a table, got {value!r}")
    return value


def _make(
    network: dict[str, Any],
    sections: dict[str, Any],
    encoding: dict[str, Any],
    seed: int,
) -> Learner:
    kind = network.pop("type", "ConvSTDP")
    if kind not in ESTIMATORS:
        raise SpecError(
            unknown_name("network.type", str(kind), [*ESTIMATORS, KIND, STACK])
        )
    cls = ESTIMATORS[kind]
    known = [n for n in inspect.signature(cls).parameters if n not in _ELSEWHERE]
    for key in network:
        if key not in known:
            raise SpecError(unknown_name("network key", key, known))
    for key, value in network.items():
        if value == "none":  # TOML has no None
            network[key] = None
    made = cls(
        **cls.read_tables(network),
        neuron=from_dict(NeuronModel, _filled(sections["neuron"], cls, "neuron")),
        rule=from_dict(PlasticityRule, _filled(sections["rule"], cls, "rule")),
        encoding=Encoding.from_dict(_filled_encoding(encoding, cls)),
        random_state=seed,
    )
    made.check_parameters()
    return made


def _filled_encoding(encoding: dict[str, Any], cls: type[Learner]) -> dict[str, Any]:
    """Return the tables of an encoding with what is not given from the default."""
    usual = cls._defaults["encoding"]().to_dict()
    filled = {
        name: _over(usual[name], encoding.get(name, {})) for name in ("filter", "code")
    }
    return {**encoding, **filled}


def _filled(given: dict[str, Any], cls: type[Learner], name: str) -> dict[str, Any]:
    """Return the table of a part with what is not given from the network's default."""
    filled: dict[str, Any] = _over(cls._defaults[name]().to_dict(), given)
    return filled


def _over(usual: dict[str, Any], given: Any) -> Any:
    """Return a table over the usual one, if it is of the same type."""
    if isinstance(given, dict) and given.get("type", usual["type"]) == usual["type"]:
        return {**usual, **given}
    return given


def make_readout(spec: dict[str, Any], *, n_jobs: int = 1) -> Readout:
    """Make the classifier of the ``[readout]`` section: linear, mlp, or votes of neurons.

    Raises
    ------
    SpecError
        If the section has a key that the classifier does not know.
    """
    values = dict(spec.get("readout", {}))
    kind = values.pop("type", DEFAULT_TYPES["readout"])
    if kind not in _READOUTS:
        raise SpecError(unknown_name("readout.type", str(kind), _READOUTS))
    cls = _READOUTS[kind]
    known = [n for n in inspect.signature(cls).parameters if n != "callback"]
    for key in values:
        if key not in known:
            raise SpecError(unknown_name("readout key", key, known))
    return cls(**({"n_jobs": n_jobs} if "n_jobs" in known else {}) | values)


def load_models(
    name_or_path: str | Path, overrides: Iterable[str] = ()
) -> dict[str, Any]:
    """Read a specification; neurons and rules of the user's files become text.

    Raises
    ------
    SpecError
        If the specification, an override or a file that it names cannot be used.
    """
    spec = load_spec(name_or_path, overrides)
    path = Path(name_or_path)
    folder = path.parent if path.is_file() else Path()
    bases = {"neuron": NeuronModel, "rule": PlasticityRule}
    if "modalities" in spec:
        # A file stands beside the one that names it.
        spec["modalities"] = with_specs(
            spec["modalities"],
            lambda name: load_models(folder / name if ".toml" in name else name),
        )
    network = spec.get("network", {})
    parts = (network.get("banks"), network.get("layers"), spec.get("modalities"))
    for table in (spec, *(own for part in parts for own in _tables(part))):
        for section, base in bases.items():
            named = table.get(section)
            if isinstance(named, dict) and ".py:" in str(named.get("type", "")):
                model = model_from_dict(base, named, "", folder)
                table[section] = resolved(model).to_dict()
    return spec


def _tables(table: Any) -> list[dict[str, Any]]:
    """Return the tables in a table; what is none is refused elsewhere."""
    found = table.values() if isinstance(table, dict) else ()
    return [one for one in found if isinstance(one, dict)]


def load_network(
    spec: str | Path, overrides: Iterable[str] = (), *, random_state: int = 0
) -> Any:
    """Return the network of a specification, ready to be fitted.

    Parameters
    ----------
    spec : str or path
        Name in the catalogue (``stdpnet models``), or a TOML file.
    overrides : iterable of str
        Each ``"section.key=value"``.
    random_state : int
        Seed.

    Returns
    -------
    ConvSTDP, ConvStack, FullyConnectedSTDP, StochasticBinarySTDP or MultimodalSTDP, or
    FeatureUnion of one for each bank

    Raises
    ------
    SpecError
        If the specification or an override cannot be used.
    """
    banks = make_banks(load_models(spec, overrides), seed=random_state)
    if len(banks) == 1:
        return next(iter(banks.values()))
    # Half a second to import, and only few networks have several banks.
    from sklearn.pipeline import FeatureUnion

    return FeatureUnion(list(banks.items()))


def read_estimator(group: h5py.Group) -> Any:
    """Read an estimator of any class from an open HDF5 group.

    Raises
    ------
    ValueError
        If it is damaged, of no known class, or of a newer version.
    """
    kind = str(group.attrs.get("class", "ConvSTDP"))
    if kind in (KIND, STACK):
        return (MultimodalSTDP if kind == KIND else ConvStack).read_from(group)
    if kind not in ESTIMATORS:
        raise ValueError(
            f"{group.file.filename} holds {kind!r}, which this version does not know; "
            "upgrade stdpnet"
        )
    return ESTIMATORS[kind].read_from(group)
