"""Reader of the digits of TI46, which its owners license (LDC93S9).

The folder ``TI20`` holds ``TRAIN`` and ``TEST``, they hold a folder a speaker
(``F1 .. F8``, ``M1 .. M8``), with files such as ``00F1SET0.WAV``: word, speaker,
session and take. Words ``00`` to ``09`` are the digits. Names may be in small letters.

References
----------
NIST Speech Disc 7-1.1 (1991), https://catalog.ldc.upenn.edu/docs/LDC93S9/readme.txt.
"""

import re
from pathlib import Path

import numpy as np

from stdpnet.audio.reading import SoundError, read_sound
from stdpnet.audio.recordings import PARTS, Recordings
from stdpnet.datasets.cards import Card
from stdpnet.datasets.dataset import Dataset
from stdpnet.datasets.files import DamagedFileError
from stdpnet.datasets.reading import (
    FileCheck,
    Format,
    damaged_check,
    missing_check,
    sound_check,
)
from stdpnet.datasets.sounds import default_rate, from_recordings, mixed

_NAME = re.compile(r"0(\d)([fm]\d)\w{4}\.wav", re.IGNORECASE)
_TRAIN, _TEST, _ = PARTS


def _child(folder: Path, name: str) -> Path | None:
    """Return the folder of a name in capital or small letters."""
    for spelled in (name.upper(), name.lower()):
        if (folder / spelled).is_dir():
            return folder / spelled
    return None


def _parts(folder: Path) -> dict[str, Path]:
    """Return the folders of training and test set that are there."""
    root = _child(folder, "ti20")
    found = {part: _child(root, part) if root else None for part in (_TRAIN, _TEST)}
    return {part: place for part, place in found.items() if place}


def _present(card: Card, folder: Path) -> list[Path]:
    return list(_parts(folder).values())


def _missing(card: Card, folder: Path) -> list[Path]:
    root = _child(folder, "ti20") or folder / "TI20"
    parts = _parts(folder)
    return [root / part.upper() for part in (_TRAIN, _TEST) if part not in parts]


def _digits(place: Path) -> list[tuple[Path, int, str]]:
    """Return files, digits and speakers of a part, sorted."""
    found = ((path, _NAME.fullmatch(path.name)) for path in sorted(place.glob("*/*")))
    return [(path, int(m[1]), m[2].upper()) for path, m in found if m]


def _recordings(card: Card, folder: Path, rate: int) -> Recordings:
    parts = _parts(folder)
    found = {part: _digits(place) for part, place in parts.items()}
    for part, place in parts.items():
        if not found[part]:
            raise DamagedFileError(
                f"{place} must hold recordings named like F1/00F1SET0.WAV, got none; "
                "copy them from the disc"
            )
    entries = [(*entry, part == _TEST) for part in found for entry in found[part]]
    entries = [entries[i] for i in mixed(len(entries))]
    return Recordings(
        name=card.name,
        waveforms=tuple(read_sound(path, rate=rate)[0] for path, *_ in entries),
        rate=rate,
        labels=np.array([digit for _, digit, _, _ in entries], np.int64),
        class_names=card.classes,
        is_test=np.array([is_test for *_, is_test in entries], bool),
        speakers=tuple(speaker for _, _, speaker, _ in entries),
        names=tuple(str(path) for path, *_ in entries),
        source=str(folder),
    )


def _load(card: Card, folder: Path) -> Dataset:
    return from_recordings(_recordings(card, folder, default_rate()))


def _check(card: Card, folder: Path) -> list[FileCheck]:
    parts = _parts(folder)
    reports = [_check_part(place) for place in parts.values()]
    return [*reports, *(missing_check(path) for path in _missing(card, folder))]


def _check_part(place: Path) -> FileCheck:
    digits = _digits(place)
    if not digits:
        return damaged_check(place, DamagedFileError(f"{place}: no recordings"))
    try:
        for path, *_ in digits:
            read_sound(path)
    except SoundError as error:
        return damaged_check(place, error)
    return sound_check(place, None)


TI46 = Format(
    present=_present,
    missing=_missing,
    load=_load,
    check=_check,
    recordings=_recordings,
)
