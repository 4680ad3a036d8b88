"""Reader of gzip-compressed IDX files: MNIST and its relatives.

The format is documented at http://yann.lecun.com/exdb/mnist/: two zero bytes,
the type (8 for uint8), the number of axes, the length of each axis as a
big-endian 32-bit integer, then the values with the last axis fastest.
"""

import math
from pathlib import Path

import numpy as np

from stdpnet.datasets.cards import Card, CardFile
from stdpnet.datasets.checks import check_images, check_labels
from stdpnet.datasets.dataset import NOT_ORIGINAL, Dataset
from stdpnet.datasets.files import DamagedFileError, is_original, read_data
from stdpnet.datasets.reading import (
    FileCheck,
    Format,
    damaged_check,
    missing_check,
    sound_check,
)

_LIMIT = 2**30
_UINT8 = 8


def read_idx(path: Path, *, n_axes: int) -> np.ndarray:
    """Read an array of uint8 from an IDX file.

    Parameters
    ----------
    path : pathlib.Path
        IDX file; decompressed if its name ends in ``.gz``.
    n_axes : int
        Number of axes expected: 3 for images, 1 for labels.

    Returns
    -------
    ndarray of uint8
        With `n_axes` axes.

    Raises
    ------
    DamagedFileError
        If the file is not IDX, of another kind, or has a wrong length.
    """
    data = read_data(path, limit=_LIMIT)
    start = 4 + 4 * n_axes
    magic = int.from_bytes(data[:4], "big")
    expected = _UINT8 << 8 | n_axes
    if len(data) < start or magic != expected:
        raise DamagedFileError(
            f"{path} must be IDX with {n_axes} axes (magic 0x{expected:08x}), "
            f"got 0x{magic:08x} and {len(data)} bytes; replace the file"
        )
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", n_axes, offset=4))
    if len(data) - start != math.prod(shape):
        raise DamagedFileError(
            f"{path} must hold {math.prod(shape)} values as its header {shape} says, "
            f"got {len(data) - start}; replace the file"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _read_part(card: Card, entry: CardFile, folder: Path) -> np.ndarray:
    path = folder / entry.name
    try:
        if entry.role.startswith("y"):
            labels = read_idx(path, n_axes=1).astype(np.int64)
            check_labels(f"{path}: labels", labels, len(card.classes))
            return labels
        images = check_images(str(path), read_idx(path, n_axes=3))
    except DamagedFileError:
        raise
    except ValueError as error:
        raise DamagedFileError(str(error)) from None
    if images.shape[1:] != card.image_shape:
        raise DamagedFileError(
            f"{path} must hold images of shape {card.image_shape}, "
            f"got {images.shape[1:]}; replace the file"
        )
    return images


def _present(card: Card, folder: Path) -> list[Path]:
    paths = [folder / entry.name for entry in card.files]
    return [path for path in paths if path.is_file()]


def _missing(card: Card, folder: Path) -> list[Path]:
    paths = [folder / entry.name for entry in card.files]
    return [path for path in paths if not path.is_file()]


def _load(card: Card, folder: Path) -> Dataset:
    changed = [
        e.name for e in card.files if is_original(card, e, folder / e.name) is False
    ]
    parts = {entry.role: _read_part(card, entry, folder) for entry in card.files}
    notes = (f"{NOT_ORIGINAL}: {', '.join(changed)}",) if changed else ()
    return Dataset(
        name=card.name,
        class_names=card.classes,
        max_value=card.max_value,
        notes=notes,
        source=str(folder),
        **parts,
    )


def _check_file(card: Card, entry: CardFile, folder: Path) -> FileCheck:
    path = folder / entry.name
    if not path.is_file():
        return missing_check(path)
    try:
        original = is_original(card, entry, path)
        _read_part(card, entry, folder)
    except DamagedFileError as error:
        return damaged_check(path, error)
    return sound_check(path, original)


def _check(card: Card, folder: Path) -> list[FileCheck]:
    return [_check_file(card, entry, folder) for entry in card.files]


IDX = Format(present=_present, missing=_missing, load=_load, check=_check)
