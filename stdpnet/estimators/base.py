"""What all networks share: parameters that reach into parts, seeds, progress, files."""

import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import h5py
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from stdpnet import __version__
from stdpnet.config import Parameters
from stdpnet.models.custom import resolved
from stdpnet.runs import writing_hdf5
from stdpnet.units import Quantity, as_quantity

#: Version of saved estimators; older ones still open.
FILE_FORMAT = 1
_TEXT = h5py.string_dtype()
#: What reading a damaged file may raise.
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, OSError, RuntimeError)


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


class STDPTransformer(TransformerMixin, BaseEstimator):
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

    def save(self, path: str | Path) -> Path:
        """Write parameters and learned arrays to one HDF5 file, atomically.

        Parameters
        ----------
        path : path
            File to write; an existing one is replaced.

        Raises
        ------
        OSError
            If it cannot be written; what was there before is kept.
        """
        path = Path(path)
        with writing_hdf5(path) as file:
            self.write_to(file)
        return path

    def write_to(self, group: h5py.Group) -> None:
        """Write parameters and learned arrays into an open HDF5 group."""
        group.attrs["format"] = FILE_FORMAT
        group.attrs["stdpnet"] = __version__
        group.attrs["class"] = type(self).__name__
        group.attrs["params"] = json.dumps(self._plain_params())
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
    def load(cls, path: str | Path) -> Self:
        """Read an estimator that `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, of another class, or of a newer version.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no such file: {path}")
        try:
            file = h5py.File(path, "r")
        except OSError as error:
            raise ValueError(
                f"{path} is not a saved {cls.__name__}: {error}"
            ) from error
        with file:
            return cls.read_from(file)

    @classmethod
    def read_from(cls, group: h5py.Group) -> Self:
        """Read an estimator from an open HDF5 group.

        Raises
        ------
        ValueError
            If it is damaged, of another class, or of a newer version.
        """
        params = cls._read_header(group)
        try:
            estimator = cls._from_plain(params)
            for name in group["learned"]:
                estimator._restore(name, _read(group["learned"][name]))
            estimator._check_complete(group)
        except _DAMAGE as error:
            reason = error.args[0] if isinstance(error, KeyError) else error
            raise ValueError(
                f"{group.file.filename} is damaged or of a newer version: {reason}; "
                "train again, or upgrade stdpnet"
            ) from error
        return estimator

    @classmethod
    def _read_header(cls, group: h5py.Group) -> Any:
        """Return the parameters of an estimator of this class and a known format."""
        file, header = group.file.filename, group.attrs
        if missing := [n for n in ("format", "class", "params") if n not in header]:
            raise ValueError(
                f"{file} is not a saved {cls.__name__}: it has no {missing[0]!r}"
            )
        if header["format"] > FILE_FORMAT:
            raise ValueError(
                f"{file} has format {header['format']}, this version "
                f"of stdpnet ({__version__}) reads up to {FILE_FORMAT}; upgrade stdpnet"
            )
        if header["class"] != cls.__name__:
            raise ValueError(f"{file} holds a {header['class']}, not a {cls.__name__}")
        try:
            return json.loads(header["params"])
        except (TypeError, json.JSONDecodeError) as error:
            raise ValueError(
                f"{file} is not a saved {cls.__name__}: {error}"
            ) from error

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
