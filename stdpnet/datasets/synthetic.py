"""Spoken digits that nobody spoke, made when they are asked for."""

from dataclasses import replace
from pathlib import Path

from stdpnet.audio.recordings import Recordings
from stdpnet.audio.synthetic import RATE, synthetic_digits
from stdpnet.audio.waves import resample
from stdpnet.datasets.cards import Card
from stdpnet.datasets.dataset import Dataset
from stdpnet.datasets.reading import FileCheck, Format
from stdpnet.datasets.sounds import default_rate, from_recordings

# Part of the definition of the data set, so not the user's seed.
_SEED = 0


def _no_files(card: Card, folder: Path) -> list[Path]:
    return []


def _recordings(card: Card, folder: Path, rate: int) -> Recordings:
    n = card.n_train + card.n_test
    made = synthetic_digits(n, seed=_SEED, test_fraction=card.n_test / n)
    waves = tuple(resample(wave, RATE, rate) for wave in made.waveforms)
    return replace(made, name=card.name, waveforms=waves, rate=rate)


def _load(card: Card, folder: Path) -> Dataset:
    return from_recordings(_recordings(card, folder, default_rate()))


def _check(card: Card, folder: Path) -> list[FileCheck]:
    made = "embedded: stdpnet.audio.synthetic_digits"
    return [FileCheck(card.name, None, "ok", made)]


SYNTHETIC = Format(
    present=_no_files,
    missing=_no_files,
    load=_load,
    check=_check,
    recordings=_recordings,
)
