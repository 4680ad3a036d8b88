"""List of records whose pixels are not the original ones.

A file `jpeg_filled_records.txt` may lie beside the batches of CIFAR-10. Each
line names a batch, the index of a record in it and the label of that record;
lines that start with ``#`` are comments.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.datasets.cards import Card
from stdpnet.datasets.dataset import NOT_ORIGINAL
from stdpnet.datasets.files import DamagedFileError

LIST_NAME = "jpeg_filled_records.txt"

Place = Callable[[str], tuple[str, slice]]
"""From the name of a batch to its part, ``train`` or ``test``, and its rows."""


@dataclass(frozen=True)
class Replaced:
    """Records that were filled in from a JPEG copy.

    Parameters
    ----------
    path : pathlib.Path or None
        The list, None if there is none.
    records : tuple of (str, int, int)
        Batch, index in the batch, and label of each record.
    """

    path: Path | None = None
    records: tuple[tuple[str, int, int], ...] = ()

    @property
    def batches(self) -> set[str]:
        """Names of the batches that hold such records."""
        return {name for name, _, _ in self.records}

    def indices(self, place: Place) -> dict[str, np.ndarray]:
        """Return the indices of the records in the training and the test set.

        Parameters
        ----------
        place : callable
            Where a batch goes.

        Returns
        -------
        dict of str to ndarray of int64, shape (n_records,)
            Under ``train`` and ``test``, sorted.
        """
        found: dict[str, list[int]] = {"train": [], "test": []}
        for name, record, _ in self.records:
            part, rows = place(name)
            found[part].append(rows.start + record)
        return {part: np.array(sorted(i), np.int64) for part, i in found.items()}

    def check_labels(self, arrays: dict[str, np.ndarray], place: Place) -> None:
        """Raise if the list does not belong to these data.

        Parameters
        ----------
        arrays : dict of str to ndarray
            With ``y_train`` and ``y_test`` of shape (n,).
        place : callable
            Where a batch goes.

        Raises
        ------
        DamagedFileError
            Naming the first record whose label differs.
        """
        for name, record, label in self.records:
            part, rows = place(name)
            actual = arrays[f"y_{part}"][rows][record]
            if actual != label:
                raise DamagedFileError(
                    f"{self.path}: {name} {record} must have label {actual} as in "
                    f"the batch, got {label}; remove the list or replace the file"
                )

    def note(self, card: Card) -> str:
        """Return one line on what these records mean for results."""
        n_all = card.n_train + card.n_test
        return (
            f"{NOT_ORIGINAL}: {len(self.records)} of {n_all} records come from a "
            f"JPEG copy ({LIST_NAME})"
        )


def read_replaced(folders: Iterable[Path], batches: list[str]) -> Replaced:
    """Read the list from the first folder that has one.

    Parameters
    ----------
    folders : iterable of pathlib.Path
        Where to look.
    batches : list of str
        Names that the list may use.

    Returns
    -------
    Replaced
        Empty if there is no list.

    Raises
    ------
    DamagedFileError
        If a line is not a known batch and two numbers in range.
    """
    path = next((f / LIST_NAME for f in folders if (f / LIST_NAME).is_file()), None)
    if path is None:
        return Replaced()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    entries = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    return Replaced(path, tuple(_parse(path, n, line, batches) for n, line in entries))


def _parse(
    path: Path, number: int, line: str, batches: list[str]
) -> tuple[str, int, int]:
    words = line.split()
    numbers = [int(word) for word in words[1:] if word.isdecimal()]
    if len(words) != 3 or len(numbers) != 2 or numbers[0] >= 10_000:
        raise DamagedFileError(
            f"{path}: line {number} must be a batch, a record 0..9999 and a label, "
            f"got {line!r}"
        )
    if words[0] not in batches:
        raise DamagedFileError(
            f"{path}: line {number}: {unknown_name('batch', words[0], batches)}"
        )
    return words[0], numbers[0], numbers[1]
