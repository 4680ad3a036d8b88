"""What all networks share: parameters that reach into parts, seeds, progress."""

import warnings
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import h5py
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from stdpnet.config import Parameters
from stdpnet.estimators.saving import Saved, reading
from stdpnet.models.custom import resolved
from stdpnet.units import Quantity, as_quantity

_TEXT = h5py.string_dtype()


@dataclass(frozen=True)
class Progress:
    """How far learning is, after a chunk.

    Attributes
    ----------
    n_shown, n_total : int
        Images shown so far, and at most.
    convergence : float
        Mean of ``w (1 - w)``, with weights relative to the upper bound: zero
        when every weight is at a bound.
    spikes : float
        Mean number of spikes per presentation in this chunk.
    """

    n_shown: int
    n_total: int
    convergence: float
    spikes: float


class STDPTransformer(Saved, TransformerMixin, BaseEstimator):
    """Base of the networks: a scikit-learn transformer with parts as parameters."""

    #: Names of learned arrays that `save` writes and `load` restores.
    _saved: ClassVar[tuple[str, ...]] = ()
    #: Those of them that a file may lack.
    _optional: ClassVar[tuple[str, ...]] = ()

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of parts: ``rule__learning_rate=0.02``.

        Parts are frozen, so a new one replaces the old.

        Raises
        ------
        ValueError
            If a parameter does not exist or a value is refused.
        """
        plain, nested = _split(params)
        super().set_params(**plain)
        for name, changes in nested.items():
            self._set_nested(name, changes)
        return self

    def _set_nested(self, name: str, changes: dict[str, Any]) -> None:
        if name not in self.get_params(deep=False):
            super().set_params(**{name: None})  # raises the usual error
        part = self._resolved_part(name)
        setattr(self, name, replaced(f"{type(self).__name__}.{name}", part, changes))

    def _resolved_part(self, name: str) -> Any:
        """Return a part, or what its shorthand stands for."""
        return getattr(self, name)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    # -- files --------------------------------------------------------------------

    def write_to(self, group: h5py.Group) -> None:
        """Write parameters and everything learned into an open HDF5 group."""
        self._write_header(group, self._plain_params())
        learned = group.require_group("learned")
        known = [name for name in self._saved if hasattr(self, name)]
        if set(self._required()) <= set(known):  # else nothing was learned yet
            for name in known:
                _write(learned, name, self._stored(name))

    def _stored(self, name: str) -> Any:
        """Return what a file holds of something learned."""
        return getattr(self, name)

    @classmethod
    def _required(cls) -> list[str]:
        return [name for name in cls._saved if name not in cls._optional]

    @classmethod
    def read_from(cls, group: h5py.Group) -> Self:
        """Read an estimator from an open HDF5 group."""
        params = cls._read_header(group)
        with reading(group):
            estimator = cls._from_plain(params)
            for name in group["learned"]:
                estimator._restore(name, _read(group["learned"][name]))
            estimator._check_complete(group)
        return estimator

    def _check_complete(self, group: h5py.Group) -> None:
        """Raise KeyError if something learned is missing, but not all of it."""
        if len(group["learned"]):
            for name in self._required():
                if name not in group["learned"]:
                    raise KeyError(f"it has no {name}")

    def _restore(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def _plain_params(self) -> dict[str, Any]:
        return {
            name: _plain(value) for name, value in self.get_params(deep=False).items()
        }

    @classmethod
    def _from_plain(cls, params: dict[str, Any]) -> Self:
        raise NotImplementedError


def replaced(name: str, part: Any, changes: dict[str, Any]) -> Parameters:
    """Return a part with parameters, or those of its own parts, changed at once.

    Parameters
    ----------
    name : str
        Of the part, for errors.
    part : Parameters
        What is changed; left as it is.
    changes : dict
        ``"learning_rate"``, or ``"code__fill"`` for a part of the part.

    Raises
    ------
    ValueError
        If the part has no such parameter or refuses the value.
    """
    if not isinstance(part, Parameters):
        raise ValueError(f"{name} has no parameters to set, it is {part!r}")
    plain, nested = _split(changes)
    part.check_names([*plain, *nested])
    part = replace(part, **plain)
    for key, inner in nested.items():
        value = replaced(f"{name}.{key}", getattr(part, key), inner)
        part = replace(part, **{key: value})
    return part


def _split(params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Part plain parameters from those of parts, the latter grouped by part."""
    plain: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for name, value in params.items():
        part, deep, key = name.partition("__")
        if deep:
            nested.setdefault(part, {})[key] = value
        else:
            plain[name] = value
    return plain, nested


def warn_blank(n_blank: int, n_images: int, consequence: str) -> None:
    """Warn once of images without any contrast, with their number."""
    if n_blank:
        warnings.warn(
            f"{n_blank} of {n_images} images have no contrast; {consequence}",
            stacklevel=3,
        )


def derived_seed(seed: int, *numbers: int) -> int:
    """Return a seed that depends on all numbers, for one chunk or one permutation."""
    return int(np.random.SeedSequence([seed, *numbers]).generate_state(1)[0])


def _plain(value: Any) -> Any:
    if isinstance(value, Parameters):
        return resolved(value).to_dict()
    if isinstance(value, Quantity):
        return str(value)
    if hasattr(value, "dim"):  # a quantity of Brian2
        return str(as_quantity(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.random.RandomState):
        return None
    return value


def _write(group: h5py.Group, name: str, value: Any) -> None:
    if isinstance(value, dict):
        below = group.create_group(name)
        for key, item in value.items():
            _write(below, key, item)
    elif np.asarray(value).dtype.kind == "U":
        group.create_dataset(name, data=np.asarray(value, object), dtype=_TEXT)
    else:
        group.create_dataset(name, data=value)


def _read(item: Any) -> Any:
    if isinstance(item, h5py.Group):
        return {key: _read(item[key]) for key in item}
    if item.dtype == _TEXT:
        return item.asstr()[()].astype(str)
    value = item[()]
    return value.item() if np.ndim(value) == 0 else value
