"""What every reader of a published format offers, and what it reports."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stdpnet.audio.recordings import Recordings
from stdpnet.datasets.cards import Card
from stdpnet.datasets.dataset import Dataset

Status = Literal["ok", "present", "differs", "damaged", "missing"]


@dataclass(frozen=True)
class FileCheck:
    """What became of one file of a data set.

    Parameters
    ----------
    name : str
        File name on the card.
    path : pathlib.Path or None
        Where it is or should be; None if it is embedded.
    status : {"ok", "present", "differs", "damaged", "missing"}
        ``ok``: the original bytes. ``present``: well formed, but no digest is
        published to compare with. ``differs``: well formed, not the original.
    message : str
        One line for the user.
    """

    name: str
    path: Path | None
    status: Status
    message: str


@dataclass(frozen=True)
class Format:
    """What a reader can do with a folder.

    Parameters
    ----------
    present : callable
        Files of the data set that are there, whole or not.
    missing : callable
        Files that the folder would still need, empty if it is complete.
    load : callable
        The data set in a complete folder.
    check : callable
        One `FileCheck` a file, whatever is there.
    recordings : callable, optional
        Sounds before they become images: from card, folder and sampling rate in Hz.
        None if the data are images.
    """

    present: Callable[[Card, Path], list[Path]]
    missing: Callable[[Card, Path], list[Path]]
    load: Callable[[Card, Path], Dataset]
    check: Callable[[Card, Path], list[FileCheck]]
    recordings: Callable[[Card, Path, int], Recordings] | None = None


def missing_check(path: Path) -> FileCheck:
    """Return the report on a file that is not there."""
    return FileCheck(path.name, path, "missing", f"no such file: {path}")


_MESSAGES: dict[bool | None, tuple[Status, str]] = {
    True: ("ok", "the original bytes"),
    False: ("differs", "well formed, but not the original bytes"),
    None: ("present", "well formed; no digest is published to compare with"),
}


def sound_check(path: Path, original: bool | None) -> FileCheck:
    """Return the report on a well-formed file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    original : bool or None
        Whether it has the published digest, None if there is none.
    """
    status, message = _MESSAGES[original]
    return FileCheck(path.name, path, status, message)


def damaged_check(path: Path, error: Exception) -> FileCheck:
    """Return the report on a file that cannot be used."""
    return FileCheck(path.name, path, "damaged", str(error))
