"""Images in files that need not fit into memory, read one shard after another."""

import contextlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stdpnet.catalog import unknown_name

#: Ends of the names of files that can be read.
SUFFIXES = (".npy", ".npz", ".h5", ".hdf5", ".zarr")


@dataclass(frozen=True)
class Source:
    """An array in a file.

    Parameters
    ----------
    path : Path
        The file.
    key : str
        Name of the array in it; "" for ``.npy``.
    shape : tuple of int
        (n, height, width[, channels]) of images, (n,) of labels.
    dtype : numpy.dtype
        Type of the array.
    keys : tuple of str
        Names of all arrays of the file.
    """

    path: Path
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype
    keys: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        return self.shape[0]

    def shards(self, size: int) -> Iterator[np.ndarray]:
        """Yield `size` rows after `size` rows, in their order, the last ones fewer."""
        kind = self.path.suffix.lower()
        if kind == ".npz":
            yield from _stream(self, size)
            return
        with _opened(self.path) as arrays:
            array = arrays[self.key] if self.key else arrays
            for start in range(0, len(self), size):
                yield np.asarray(array[start : start + size])


def open_source(path: Path | str, key: str | None = None) -> Source:
    """Find an array in a file, without reading it.

    Parameters
    ----------
    path : path
        An ``.npy``, ``.npz``, HDF5 or Zarr file.
    key : str, optional
        Name of the array; default ``X``, ``X_test``, ``X_train`` or the only one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is of another kind, damaged, or has no such array.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}")
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path} must end in {', '.join(SUFFIXES)}")
    try:
        found = _headers(path)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} is damaged or of another kind: {reason}") from error
    if not found:
        raise ValueError(f"{path} holds no array")
    name = _choose(path, key, tuple(found))
    shape, dtype = found[name]
    return Source(path, name, shape, dtype, tuple(found))


def _choose(path: Path, key: str | None, keys: tuple[str, ...]) -> str:
    if key is not None:
        if key not in keys:
            raise ValueError(f"{path}: " + unknown_name("array", key, keys))
        return key
    usual = next((name for name in ("X", "X_test", "X_train") if name in keys), None)
    if usual is None and len(keys) > 1:
        raise ValueError(f"{path} holds {', '.join(keys)}; give --key one of them")
    return usual or keys[0]


Header = tuple[tuple[int, ...], np.dtype]


def _headers(path: Path) -> dict[str, Header]:
    """Return shape and type of every array of a file."""
    kind = path.suffix.lower()
    if kind == ".npz":
        with zipfile.ZipFile(path) as archive:
            found = {}
            for name in archive.namelist():
                with archive.open(name) as member:
                    found[name.removesuffix(".npy")] = _read_header(member)
            return found
    with _opened(path) as arrays:
        if kind == ".npy":
            return {"": (arrays.shape, arrays.dtype)}
        return {
            name: (tuple(array.shape), np.dtype(array.dtype))
            for name, array in arrays.items()
            if hasattr(array, "shape")
        }


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    kind = path.suffix.lower()
    if kind == ".npy":
        yield np.load(path, mmap_mode="r", allow_pickle=False)
    elif kind == ".zarr":
        yield _zarr(path)
    else:
        with h5py.File(path, "r") as file:
            yield file


def _zarr(path: Path) -> Any:
    try:
        import zarr
    except ImportError as error:
        raise ValueError("it needs the package zarr; install it with pip") from error
    return dict(zarr.open_group(path, mode="r").arrays())


def _read_header(member: Any) -> Header:
    version = np.lib.format.read_magic(member)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, column_major, dtype = read(member)
    if column_major or dtype.hasobject:
        raise ValueError("its arrays must be plain numbers in C order")
    return shape, dtype


def _stream(source: Source, size: int) -> Iterator[np.ndarray]:
    """Read an array of an archive from the beginning, as it is unpacked."""
    row = int(np.prod(source.shape[1:], dtype=int)) * source.dtype.itemsize
    with (
        zipfile.ZipFile(source.path) as archive,
        archive.open(f"{source.key}.npy") as member,
    ):
        _read_header(member)
        for start in range(0, len(source), size):
            n = min(size, len(source) - start)
            content = member.read(n * row)
            yield np.frombuffer(content, source.dtype).reshape(n, *source.shape[1:])
