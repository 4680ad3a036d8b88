"""Estimators in HDF5 files: parameters and everything learned, without pickle."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import h5py

from stdpnet import __version__
from stdpnet.runs import writing_hdf5

#: Version of saved estimators; older ones still open.
FILE_FORMAT = 1
#: What reading a damaged file may raise.
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, OSError, RuntimeError)


class Saved:
    """An estimator that is saved and loaded; how, is told by `write_to`, `read_from`."""

    def save(self, path: str | Path) -> Path:
        """Write parameters and everything learned to one HDF5 file, atomically.

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
        """Write parameters and everything learned into an open HDF5 group."""
        raise NotImplementedError

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
        raise NotImplementedError

    def _write_header(self, group: h5py.Group, params: dict[str, Any]) -> None:
        """Write class, versions and parameters, which are plain values."""
        group.attrs["format"] = FILE_FORMAT
        group.attrs["stdpnet"] = __version__
        group.attrs["class"] = type(self).__name__
        group.attrs["params"] = json.dumps(params)

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


@contextmanager
def reading(group: h5py.Group) -> Iterator[None]:
    """Raise ValueError with the file's name for whatever a damaged group raises."""
    try:
        yield
    except _DAMAGE as error:
        if str(error).startswith(group.file.filename):  # a part said it already
            raise
        reason = error.args[0] if isinstance(error, KeyError) else error
        raise ValueError(
            f"{group.file.filename} is damaged or of a newer version: {reason}; "
            "train again, or upgrade stdpnet"
        ) from error


def read_one(group: h5py.Group, kinds: tuple[type[Saved], ...]) -> Any:
    """Return the estimator of a group that may hold one of several classes.

    Raises
    ------
    ValueError
        If it holds another one, or is damaged.
    """
    known = {kind.__name__: kind for kind in kinds}
    kind = str(group.attrs["class"])
    if kind not in known:
        raise ValueError(f"{group.name.strip('/')} is a {kind}")
    return known[kind].read_from(group)
