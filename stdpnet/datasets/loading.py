"""One door to all data, images and sounds: by name, or by the path of the user's own."""

import os
import warnings
from pathlib import Path

from stdpnet.audio.cochleagram import Cochleagram
from stdpnet.audio.front import Front
from stdpnet.audio.recordings import Recordings
from stdpnet.audio.waves import checked_rate
from stdpnet.catalog import card_names, unknown_name
from stdpnet.datasets import arrays, image_folder
from stdpnet.datasets.cards import load_card
from stdpnet.datasets.dataset import NOT_ORIGINAL, Dataset, DataWarning
from stdpnet.datasets.download import ProgressCallback
from stdpnet.datasets.places import FORMATS, Root, locate
from stdpnet.datasets.sound_folder import holds_sounds, read_sound_folder
from stdpnet.datasets.sounds import from_recordings
from stdpnet.datasets.splitting import check_split

SPLITS = ("recording", "speaker")


def load_dataset(
    name_or_path: str | os.PathLike[str],
    *,
    root: Root = None,
    test_fraction: float = 0.2,
    seed: int = 0,
    download: bool = True,
    progress: bool | ProgressCallback | None = None,
    front: Front | None = None,
    split: str = "recording",
) -> Dataset:
    """Load a data set of the catalogue, or one's own images or sounds.

    A published data set is looked for in `root`, in ``$STDPNET_DATA`` and in
    the user's cache, under its own name or directly; else it is downloaded
    into the cache. It comes with its own test set, in its own order.

    Parameters
    ----------
    name_or_path : str or path
        A name such as ``"mnist"``; an ``.npz`` or HDF5 file with `X_train`,
        `y_train`, `X_test`, `y_test` or with `X` and optionally `y`; or a
        folder with one folder of images or sounds a class. X has the shape
        (n, height, width[, channels]), uint8 or float, from 8x8 pixels up.
    root : path, optional
        Folder to look in first.
    test_fraction : float
        Share of the test set in data of one's own without one.
    seed : int
        Seed of that split.
    download : bool
        Whether the network may be used.
    progress : bool or callable, optional
        True for a bar on standard error, or a function that is called with
        file name, bytes received, and bytes in all (None if unknown).
    front : Front, optional
        What makes images of sounds; default is ``Cochleagram()``.
    split : {"recording", "speaker"}
        How sounds are split, see `load_recordings`.

    Returns
    -------
    Dataset
        Unscaled images and labels ``0 .. n_classes - 1``.

    Raises
    ------
    ValueError
        If the name is unknown, a parameter out of range, a file damaged, or
        the data are not usable.
    FileNotFoundError
        If the data are nowhere and cannot be downloaded; the message says
        what to do.

    Warns
    -----
    DataWarning
        If files are well formed but not the original ones.
    """
    check_split(test_fraction, seed)
    if _is_sound(name_or_path):
        recordings = load_recordings(
            name_or_path,
            root=root,
            rate=(front or Cochleagram()).sampling_rate,
            split=split,
            test_fraction=test_fraction,
            seed=seed,
            download=download,
            progress=progress,
        )
        return from_recordings(recordings, front)
    if front is not None or split != SPLITS[0]:
        raise ValueError(
            f"front and split are for sounds, and {name_or_path} holds none; "
            "leave them out"
        )
    if _is_published(name_or_path):
        card = load_card(str(name_or_path))
        data = FORMATS[card.format].load(card, locate(card, root, download, progress))
    else:
        data = _load_own(name_or_path, test_fraction, seed)
    _warn(data.name, data.notes)
    return data


def load_recordings(
    name_or_path: str | os.PathLike[str],
    *,
    root: Root = None,
    rate: float = 8000,
    split: str = "recording",
    test_fraction: float = 0.2,
    seed: int = 0,
    download: bool = True,
    progress: bool | ProgressCallback | None = None,
) -> Recordings:
    """Load sounds of the catalogue, or one's own, before they become images.

    Parameters
    ----------
    name_or_path : str or path
        A name such as ``"fsdd"``, or a folder with one folder of WAV, FLAC or OGG
        files a class, in which there may be one folder a speaker.
    root, download, progress
        See `load_dataset`.
    rate : float
        Sampling rate that all recordings are brought to, Hz.
    split : {"recording", "speaker"}
        ``recording``: the split of the data set, or one by class.
        ``speaker``: tested on speakers who are not heard in training.
    test_fraction : float
        Share of the test set where there is a split to make; of the speakers in a
        split by speaker.
    seed : int
        Seed of that split.

    Returns
    -------
    Recordings

    Raises
    ------
    ValueError
        If the name is unknown or not of sounds, a parameter out of range, a file
        damaged, or speakers are not known.
    FileNotFoundError
        If the data are nowhere and cannot be downloaded.

    Warns
    -----
    DataWarning
        If files are well formed but not the original ones.
    """
    check_split(test_fraction, seed)
    whole_rate = checked_rate("rate", rate)
    if split not in SPLITS:
        known = ", ".join(repr(name) for name in SPLITS)
        raise ValueError(f"split must be one of {known}, got {split!r}")
    if not _is_sound(name_or_path):
        raise ValueError(
            f"{name_or_path} must be sounds with a name, or a folder with one folder "
            "of sounds a class; load images with load_dataset"
        )
    if _is_published(name_or_path):
        card = load_card(str(name_or_path))
        read = FORMATS[card.format].recordings
        assert read is not None  # `_is_sound`
        recordings = read(card, locate(card, root, download, progress), whole_rate)
    else:
        recordings = read_sound_folder(
            Path(name_or_path).expanduser(),
            rate=whole_rate,
            test_fraction=test_fraction,
            seed=seed,
        )
    _warn(recordings.name, recordings.notes)
    if split == "speaker":
        return recordings.split_by_speaker(test_fraction=test_fraction, seed=seed)
    return recordings


def _is_published(name_or_path: str | os.PathLike[str]) -> bool:
    """Return whether this is the name of a data set of the catalogue."""
    return isinstance(name_or_path, str) and name_or_path in card_names()


def _is_sound(name_or_path: str | os.PathLike[str]) -> bool:
    """Whether this names sounds.

    Raises
    ------
    ValueError, FileNotFoundError
        If it names nothing, or a folder of both sounds and images.
    """
    if _is_published(name_or_path):
        card = load_card(str(name_or_path))
        return FORMATS[card.format].recordings is not None
    path = Path(name_or_path).expanduser()
    _check_exists(name_or_path, path)
    return path.is_dir() and holds_sounds(path)


def _warn(name: str, notes: tuple[str, ...]) -> None:
    for note in notes:
        if note.startswith(NOT_ORIGINAL):
            warnings.warn(f"{name}: {note}; used as is", DataWarning, stacklevel=3)


def _load_own(
    name_or_path: str | os.PathLike[str], test_fraction: float, seed: int
) -> Dataset:
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return image_folder.load_image_folder(
            path, test_fraction=test_fraction, seed=seed
        )
    if path.suffix.lower() in arrays.SUFFIXES:
        return arrays.load_arrays(path, test_fraction=test_fraction, seed=seed)
    raise ValueError(
        f"{path} must end in {', '.join(arrays.SUFFIXES)} or be a folder of "
        f"images or sounds, got {path.suffix or 'no suffix'}"
    )


def _check_exists(name_or_path: str | os.PathLike[str], path: Path) -> None:
    if path.is_dir() or path.is_file():
        return
    if path.suffix or len(path.parts) > 1:
        raise FileNotFoundError(
            f"no such file or folder: {path}; "
            f"data sets with a name are {', '.join(card_names())}"
        )
    raise ValueError(unknown_name("data set", str(name_or_path), card_names()))
