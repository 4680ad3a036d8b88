"""Reader of the user's own arrays in an .npz or HDF5 file."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.datasets.checks import (
    check_images,
    check_label_type,
    check_pair,
    full_scale,
)
from stdpnet.datasets.dataset import Dataset
from stdpnet.datasets.files import DamagedFileError
from stdpnet.datasets.splitting import split_indices

Arrays = dict[str, np.ndarray]

SUFFIXES = (".npz", ".h5", ".hdf5")
_KEYS = ("X", "y", "X_train", "y_train", "X_test", "y_test")


def load_arrays(path: Path, *, test_fraction: float, seed: int) -> Dataset:
    """Load a data set from an .npz or HDF5 file.

    The file holds `X_train` and `X_test`, with `y_train` and `y_test` or
    without labels; or `X` and optionally `y`, which are then split.

    Parameters
    ----------
    path : pathlib.Path
        File that ends in ``.npz``, ``.h5`` or ``.hdf5``.
    test_fraction : float
        Share of the test set, if there is a split to make.
    seed : int
        Seed of the split.

    Returns
    -------
    Dataset
        Labels renumbered ``0 .. n_classes - 1`` in the order of their values.

    Raises
    ------
    ValueError
        If the file is damaged, has other keys, or its arrays are not usable.
    """
    arrays = _read(path)
    _check_keys(path, arrays)
    for key in arrays:
        where = f"{path}: {key}"
        if key.startswith("X"):
            arrays[key] = check_images(where, arrays[key])
        else:
            check_label_type(where, arrays[key])
    class_names, notes = _renumber(arrays)
    if "X" in arrays:
        arrays = _split(path, arrays, test_fraction, seed)
    return Dataset(
        name=path.stem,
        X_train=arrays["X_train"],
        y_train=arrays.get("y_train"),
        X_test=arrays["X_test"],
        y_test=arrays.get("y_test"),
        class_names=class_names,
        max_value=full_scale(arrays["X_train"], arrays["X_test"]),
        notes=notes,
        source=str(path.absolute()),
    )


def _read(path: Path) -> Arrays:
    return _read_npz(path) if path.suffix.lower() == ".npz" else _read_hdf5(path)


def _read_npz(path: Path) -> Arrays:
    if not zipfile.is_zipfile(path):
        raise DamagedFileError(
            f"{path} must be an .npz archive, got something else or a truncated one; "
            "save it with numpy.savez"
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: np.asarray(archive[key]) for key in archive.files}
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise _unreadable(path, error) from None
        raise ValueError(
            f"{path} must hold plain arrays, got Python objects, which are never "
            "loaded because that can run code; save uint8, float or integer arrays"
        ) from None
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(path, error) from None


def _read_hdf5(path: Path) -> Arrays:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            for key, item in file.items():
                if key in _KEYS and not isinstance(item, h5py.Dataset):
                    raise ValueError(f"{path}: {key} must be an array, got a group")
            # Of other items the name is enough: they are refused by it.
            return {
                key: np.asarray(item[()]) if key in _KEYS else item
                for key, item in file.items()
            }
    except (OSError, RuntimeError, KeyError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> DamagedFileError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DamagedFileError(
        f"{path} must be a readable {path.suffix} file, got an error: {reason}; "
        "replace the file"
    )


def _check_keys(path: Path, arrays: Arrays) -> None:
    for key in arrays:
        if key not in _KEYS:
            raise ValueError(f"{path}: {unknown_name('key', key, _KEYS)}")
    keys = set(arrays)
    allowed = [{"X"}, {"X", "y"}, {"X_train", "X_test"}, set(_KEYS[2:])]
    if keys not in allowed:
        raise ValueError(
            f"{path} must hold X and optionally y, or X_train, X_test and optionally "
            f"y_train and y_test, got {', '.join(sorted(keys)) or 'nothing'}"
        )
    for images, labels in (("X", "y"), ("X_train", "y_train"), ("X_test", "y_test")):
        if labels in arrays and arrays[images].ndim and arrays[labels].ndim:
            check_pair(str(path), images, arrays[images], arrays[labels])


def _renumber(arrays: Arrays) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Replace labels by 0, 1, ... in place; return class names and notes."""
    keys = [key for key in arrays if key.startswith("y")]
    if not keys:
        return (), ()
    # Signed and unsigned integers of 64 bits would meet in floats.
    labels = [arrays[key].astype(np.int64) for key in keys]
    values = np.unique(np.concatenate(labels))
    for key, old in zip(keys, labels, strict=True):
        arrays[key] = np.searchsorted(values, old)
    names = tuple(str(value) for value in values)
    if np.array_equal(values, np.arange(len(values))):
        return names, ()
    return names, (f"labels {', '.join(names)} were renumbered from 0",)


def _split(path: Path, arrays: Arrays, test_fraction: float, seed: int) -> Arrays:
    images, labels = arrays["X"], arrays.get("y")
    try:
        train, test = split_indices(
            len(images), labels, test_fraction=test_fraction, seed=seed
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    parts = {"X_train": images[train], "X_test": images[test]}
    if labels is not None:
        parts |= {"y_train": labels[train], "y_test": labels[test]}
    return parts
