"""Reader of the Free Spoken Digit Dataset.

Recordings are named ``DIGIT_SPEAKER_INDEX.wav``; those with an index from 0 to 4
are the official test set. They lie in GitHub's archive of a version, in an archive
of the folder ``recordings`` alone, or in that folder.
"""

import re
from pathlib import Path

import numpy as np

from stdpnet.audio.reading import SoundError, read_sound
from stdpnet.audio.recordings import Recordings
from stdpnet.datasets.archives import content_digest, read_sounds
from stdpnet.datasets.cards import Card
from stdpnet.datasets.dataset import NOT_ORIGINAL, Dataset
from stdpnet.datasets.files import DamagedFileError
from stdpnet.datasets.reading import (
    FileCheck,
    Format,
    damaged_check,
    missing_check,
    sound_check,
)
from stdpnet.datasets.sounds import default_rate, from_recordings, mixed

_NAME = re.compile(r"(\d)_([a-z]+)_(\d+)\.wav")
_N_TEST = 5
_UNPACKED = "free-spoken-digit-dataset-1.0.10"


def _place(card: Card, folder: Path) -> Path | None:
    """Return the archive or folder with the recordings."""
    for place in (folder / "recordings", folder / _UNPACKED / "recordings"):
        if next(place.glob("[0-9]_*_*.wav"), None):
            return place
    archives = ("recordings.zip", card.files[0].name, f"{_UNPACKED}.zip")
    return next((folder / a for a in archives if (folder / a).is_file()), None)


def _present(card: Card, folder: Path) -> list[Path]:
    place = _place(card, folder)
    return [place] if place else []


def _missing(card: Card, folder: Path) -> list[Path]:
    return [] if _place(card, folder) else [folder / card.files[0].name]


def _recordings(card: Card, folder: Path, rate: int) -> Recordings:
    place = _place(card, folder)
    if place is None:
        raise FileNotFoundError(f"{card.name}: no recordings in {folder}")
    sounds = read_sounds(place)
    original = content_digest(sounds) == card.files[0].content_sha256
    fields = [_parsed(place, name) for name in sounds]
    # Sorted by digit they would be learned one digit after another.
    order = mixed(len(sounds))
    names = list(sounds)
    waves = [
        read_sound(sounds[names[i]], rate=rate, name=f"{place}: {names[i]}")[0]
        for i in order
    ]
    try:
        return Recordings(
            name=card.name,
            waveforms=tuple(waves),
            rate=rate,
            labels=np.array([int(fields[i][0]) for i in order], np.int64),
            class_names=card.classes,
            is_test=np.array([int(fields[i][2]) < _N_TEST for i in order], bool),
            speakers=tuple(fields[i][1] for i in order),
            names=tuple(names[i] for i in order),
            notes=() if original else (f"{NOT_ORIGINAL}: {place.name}",),
            source=str(folder),
        )
    except ValueError as error:
        raise DamagedFileError(f"{place}: {error}; replace it") from None


def _parsed(place: Path, name: str) -> tuple[str, str, str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise DamagedFileError(
            f"{place} must hold recordings named like 7_jackson_32.wav, got {name}; "
            "remove it"
        )
    return found[1], found[2], found[3]


def _load(card: Card, folder: Path) -> Dataset:
    return from_recordings(_recordings(card, folder, default_rate()))


def _check(card: Card, folder: Path) -> list[FileCheck]:
    place = _place(card, folder)
    if place is None:
        return [missing_check(folder / card.files[0].name)]
    try:
        recordings = _recordings(card, folder, default_rate())
    except (DamagedFileError, SoundError) as error:
        return [damaged_check(place, error)]
    return [sound_check(place, not recordings.notes)]


FSDD = Format(
    present=_present,
    missing=_missing,
    load=_load,
    check=_check,
    recordings=_recordings,
)
