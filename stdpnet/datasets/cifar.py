"""Reader of the CIFAR-10 "binary version".

The format is documented at https://www.cs.toronto.edu/~kriz/cifar.html: each
batch is 10,000 records of one label byte, then 1024 red, 1024 green and 1024
blue bytes, row by row.
"""

import os
import tarfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from stdpnet.datasets.cards import Card, CardFile
from stdpnet.datasets.dataset import NOT_ORIGINAL, Dataset
from stdpnet.datasets.files import DamagedFileError, is_original, read_data
from stdpnet.datasets.reading import (
    FileCheck,
    Format,
    damaged_check,
    missing_check,
    sound_check,
)
from stdpnet.datasets.replaced import Replaced, read_replaced

_FOLDER = "cifar-10-batches-bin"
_SUFFIXES = ("", ".gz", ".xz")
_RECORDS = 10_000
_SIDE = 32
_RECORD_BYTES = 1 + 3 * _SIDE * _SIDE
_BATCH_BYTES = _RECORDS * _RECORD_BYTES

Arrays = dict[str, np.ndarray]


def decode_batch(where: str, data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels of one batch.

    Parameters
    ----------
    where : str
        Subject of the error messages.
    data : bytes
        Content of the batch, decompressed.

    Returns
    -------
    images : ndarray of uint8, shape (10000, 32, 32, 3)
        Red, green, blue; a view of `data`.
    labels : ndarray of uint8, shape (10000,)

    Raises
    ------
    DamagedFileError
        If the length is wrong or a label is not 0 to 9.
    """
    if len(data) != _BATCH_BYTES:
        raise DamagedFileError(
            f"{where} must hold {_BATCH_BYTES} bytes, got {len(data)}; replace the file"
        )
    records = np.frombuffer(data, np.uint8).reshape(_RECORDS, _RECORD_BYTES)
    labels = records[:, 0]
    wrong = np.flatnonzero(labels > 9)
    if wrong.size:
        raise DamagedFileError(
            f"{where}: labels must lie in 0..9, got {labels[wrong[0]]} "
            f"at record {wrong[0]}; replace the file"
        )
    pixels = records[:, 1:].reshape(_RECORDS, 3, _SIDE, _SIDE)
    return pixels.transpose(0, 2, 3, 1), labels


def _find_batch(member: CardFile, folder: Path) -> Path | None:
    for place in (folder / _FOLDER, folder):
        for suffix in _SUFFIXES:
            path = place / f"{member.name}{suffix}"
            if path.is_file():
                return path
    return None


def _find_batches(card: Card, folder: Path) -> dict[str, Path]:
    found = {member.name: _find_batch(member, folder) for member in card.members}
    return {name: path for name, path in found.items() if path}


def _archive(card: Card, folder: Path) -> Path:
    return folder / card.files[0].name


def _present(card: Card, folder: Path) -> list[Path]:
    found = list(_find_batches(card, folder).values())
    archive = _archive(card, folder)
    return [*found, archive] if archive.is_file() else found


def _missing(card: Card, folder: Path) -> list[Path]:
    batches = _find_batches(card, folder)
    if len(batches) == len(card.members) or _archive(card, folder).is_file():
        return []
    if not batches:
        return [_archive(card, folder)]
    place = next(iter(batches.values())).parent
    return [place / m.name for m in card.members if m.name not in batches]


def _read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    return decode_batch(str(path), read_data(path, limit=_BATCH_BYTES))


def _read_archive(card: Card, path: Path) -> Iterator[tuple[str, bytes]]:
    names = {member.name for member in card.members}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for info in archive:
                name = Path(info.name).name
                stream = archive.extractfile(info) if name in names else None
                if stream:
                    yield name, stream.read(_BATCH_BYTES + 1)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DamagedFileError(
            f"{path} must be a whole .tar.gz archive, got an error: {error}; "
            "replace the file"
        ) from None


def _empty_arrays(card: Card) -> Arrays:
    shape = card.image_shape
    return {
        "X_train": np.empty((card.n_train, *shape), np.uint8),
        "y_train": np.empty(card.n_train, np.int64),
        "X_test": np.empty((card.n_test, *shape), np.uint8),
        "y_test": np.empty(card.n_test, np.int64),
    }


def _place(card: Card, name: str) -> tuple[str, slice]:
    """Part of the data set and rows in it that a batch fills."""
    member = next(m for m in card.members if m.name == name)
    same = [m.name for m in card.members if m.role == member.role]
    start = same.index(name) * _RECORDS
    return member.role, slice(start, start + _RECORDS)


def _fill(card: Card, arrays: Arrays, name: str, batch: tuple[np.ndarray, ...]) -> None:
    part, rows = _place(card, name)
    arrays[f"X_{part}"][rows], arrays[f"y_{part}"][rows] = batch


def _pool(n_tasks: int) -> ThreadPoolExecutor:
    # Threads are enough: decompression releases the interpreter lock.
    return ThreadPoolExecutor(min(n_tasks, os.cpu_count() or 1))


def _load_batches(card: Card, batches: dict[str, Path]) -> Arrays:
    arrays = _empty_arrays(card)

    def work(item: tuple[str, Path]) -> None:
        _fill(card, arrays, item[0], _read_batch(item[1]))

    with _pool(len(batches)) as pool:
        list(pool.map(work, batches.items()))
    return arrays


def _load_archive(card: Card, path: Path) -> Arrays:
    arrays = _empty_arrays(card)
    absent = [member.name for member in card.members]
    for name, data in _read_archive(card, path):
        _fill(card, arrays, name, decode_batch(f"{path}: {name}", data))
        absent = [other for other in absent if other != name]
    if absent:
        raise DamagedFileError(
            f"{path} must hold {len(card.members)} batches, got none named "
            f"{', '.join(absent)}; replace the file"
        )
    return arrays


def _load(card: Card, folder: Path) -> Dataset:
    batches = _find_batches(card, folder)
    if len(batches) == len(card.members):
        arrays, irregular, notes = _from_batches(card, batches)
    else:
        arrays, irregular, notes = _from_archive(card, _archive(card, folder))
    return Dataset(
        name=card.name,
        class_names=card.classes,
        max_value=card.max_value,
        notes=notes,
        source=str(folder),
        irregular_train=irregular["train"],
        irregular_test=irregular["test"],
        **arrays,
    )


def _from_batches(
    card: Card, batches: dict[str, Path]
) -> tuple[Arrays, Arrays, tuple[str, ...]]:
    replaced = _replaced(card, batches)
    arrays = _load_batches(card, batches)
    place = partial(_place, card)
    replaced.check_labels(arrays, place)
    notes = (replaced.note(card),) if replaced.records else ()
    return arrays, replaced.indices(place), notes


def _from_archive(card: Card, path: Path) -> tuple[Arrays, Arrays, tuple[str, ...]]:
    original = is_original(card, card.files[0], path)
    notes = () if original else (f"{NOT_ORIGINAL}: {path.name}",)
    return _load_archive(card, path), Replaced().indices(partial(_place, card)), notes


def _replaced(card: Card, batches: dict[str, Path]) -> Replaced:
    place = next(iter(batches.values())).parent
    return read_replaced([place, place.parent], [m.name for m in card.members])


def _check(card: Card, folder: Path) -> list[FileCheck]:
    batches = _find_batches(card, folder)
    archive = _archive(card, folder)
    whole = len(batches) == len(card.members)
    if not batches or (archive.is_file() and not whole):
        return [_check_archive(card, archive)]
    replaced = _replaced(card, batches)
    with _pool(len(card.members)) as pool:
        work = partial(_check_batch, folder, batches, replaced)
        return list(pool.map(work, card.members))


def _check_archive(card: Card, path: Path) -> FileCheck:
    if not path.is_file():
        return missing_check(path)
    original = is_original(card, card.files[0], path)
    try:
        if not original:
            _load_archive(card, path)
    except DamagedFileError as error:
        return damaged_check(path, error)
    return sound_check(path, original)


def _check_batch(
    folder: Path, batches: dict[str, Path], replaced: Replaced, member: CardFile
) -> FileCheck:
    path = batches.get(member.name)
    if path is None:
        return missing_check(folder / _FOLDER / member.name)
    try:
        _read_batch(path)
    except DamagedFileError as error:
        return damaged_check(path, error)
    return sound_check(path, False if member.name in replaced.batches else None)


CIFAR_BINARY = Format(present=_present, missing=_missing, load=_load, check=_check)
