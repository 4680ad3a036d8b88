"""Reader of the user's own sounds, one folder a class."""

import os
from pathlib import Path

import numpy as np

from stdpnet.audio.reading import SUFFIXES, read_sound
from stdpnet.audio.recordings import Recordings
from stdpnet.datasets import image_folder
from stdpnet.datasets.sounds import mixed
from stdpnet.datasets.splitting import split_indices

_PARTS = ("train", "test")

#: File, label and speaker ("" if not known).
Entry = tuple[Path, int, str]


def holds_sounds(path: Path) -> bool:
    """Return whether a folder is one of sounds rather than of images.

    Raises
    ------
    ValueError
        If it has both.
    """
    suffixes = {
        Path(name).suffix.lower() for _, _, files in os.walk(path) for name in files
    }
    sounds, images = suffixes & {*SUFFIXES}, suffixes & {*image_folder.SUFFIXES}
    if sounds and images:
        raise ValueError(
            f"{path} must hold either images or sounds, got both "
            f"({', '.join(sorted(sounds | images))}); keep them apart"
        )
    return bool(sounds)


def read_sound_folder(
    path: Path, *, rate: int, test_fraction: float, seed: int
) -> Recordings:
    """Read recordings from a folder with one folder of sounds a class.

    The class folders lie in `path` itself, and are then split, or in its
    subfolders `train` and `test`. Sounds lie in their class folder or in a folder
    for each speaker there. Classes are numbered in the order of their names.

    Parameters
    ----------
    path : pathlib.Path
        Folder of folders with WAV, FLAC or OGG files.
    rate : int
        Sampling rate to read them at, Hz.
    test_fraction : float
        Share of the test set, if there is a split to make.
    seed : int
        Seed of the split and of the order.

    Returns
    -------
    Recordings
        In random order; speakers are known if all sounds lie in their folders.

    Raises
    ------
    ValueError
        If a file cannot be used, a class has none, or there are no classes.
    """
    roots = [path / part for part in _PARTS if (path / part).is_dir()]
    if len(roots) == 1:
        absent = next(part for part in _PARTS if path / part not in roots)
        raise ValueError(
            f"{path} must have both train/ and test/, got no {absent}/; add it, or put "
            "the class folders into one folder"
        )
    names = _class_names(roots or [path])
    found = [_entries(root, names) for root in roots or [path]]
    entries = [entry for of_root in found for entry in of_root]
    labels = np.array([label for _, label, _ in entries], np.int64)
    if roots:
        is_test = np.repeat([False, True], [len(of_root) for of_root in found])
    else:
        is_test = _drawn(path, labels, test_fraction, seed)
    order = mixed(len(entries), seed)
    speakers = tuple(entries[i][2] for i in order)
    return Recordings(
        name=path.resolve().name,
        waveforms=tuple(read_sound(entries[i][0], rate=rate)[0] for i in order),
        rate=rate,
        labels=labels[order],
        class_names=names,
        is_test=is_test[order],
        speakers=speakers if all(speakers) else (),
        names=tuple(str(entries[i][0]) for i in order),
        source=str(path.absolute()),
    )


def _drawn(path: Path, labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    try:
        _, test = split_indices(len(labels), labels, test_fraction=share, seed=seed)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return np.isin(np.arange(len(labels)), test)


def _folders(root: Path) -> list[Path]:
    return sorted(
        folder
        for folder in root.iterdir()
        if folder.is_dir() and not folder.name.startswith(".")
    )


def _class_names(roots: list[Path]) -> tuple[str, ...]:
    names = {folder.name for root in roots for folder in _folders(root)}
    if not names:
        raise ValueError(f"{roots[0]} must hold one folder of sounds a class, got none")
    return tuple(sorted(names))


def _sound_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def _entries(root: Path, names: tuple[str, ...]) -> list[Entry]:
    entries: list[Entry] = []
    for label, name in enumerate(names):
        folder = root / name
        if not folder.is_dir():  # a class of the other part only
            continue
        of_class = [(path, label, "") for path in _sound_files(folder)]
        for voice in _folders(folder):
            of_class += [(path, label, voice.name) for path in _sound_files(voice)]
        if not of_class:
            raise ValueError(
                f"{folder} must hold sounds ({', '.join(SUFFIXES)}), got none; add "
                "some or remove the folder"
            )
        entries += of_class
    return entries
