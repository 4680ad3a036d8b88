"""One door to all data: by name, or by the path of the user's own."""

import os
import warnings
from pathlib import Path

from stdpnet.catalog import card_names, unknown_name
from stdpnet.datasets import arrays, image_folder
from stdpnet.datasets.cards import Card, load_card
from stdpnet.datasets.dataset import NOT_ORIGINAL, Dataset, DataWarning
from stdpnet.datasets.download import DownloadError, ProgressCallback
from stdpnet.datasets.places import FORMATS, Root, explain_missing, fetch, find_folder
from stdpnet.datasets.splitting import check_split


def load_dataset(
    name_or_path: str | os.PathLike[str],
    *,
    root: Root = None,
    test_fraction: float = 0.2,
    seed: int = 0,
    download: bool = True,
    progress: bool | ProgressCallback | None = None,
) -> Dataset:
    """Load a data set of the catalogue, or one's own images.

    A published data set is looked for in `root`, in ``$STDPNET_DATA`` and in
    the user's cache, under its own name or directly; else it is downloaded
    into the cache. It comes with its own test set, in its own order.

    Parameters
    ----------
    name_or_path : str or path
        A name such as ``"mnist"``; an ``.npz`` or HDF5 file with `X_train`,
        `y_train`, `X_test`, `y_test` or with `X` and optionally `y`; or a
        folder with one folder of images a class. X has the shape
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
    if isinstance(name_or_path, str) and name_or_path in card_names():
        data = _load_published(load_card(name_or_path), root, download, progress)
    else:
        data = _load_own(name_or_path, test_fraction, seed)
    for note in data.notes:
        if note.startswith(NOT_ORIGINAL):
            warnings.warn(f"{data.name}: {note}; used as is", DataWarning, stacklevel=2)
    return data


def _load_published(
    card: Card,
    root: Root,
    download: bool,
    progress: bool | ProgressCallback | None,
) -> Dataset:
    folder = find_folder(card, root)
    if folder is None and not download:
        raise FileNotFoundError(explain_missing(card, root))
    if folder is None:
        try:
            folder = fetch(card.name, progress=progress or False)
        except DownloadError as error:
            message = explain_missing(card, root, str(error))
            raise FileNotFoundError(message) from None
    return FORMATS[card.format].load(card, folder)


def _load_own(
    name_or_path: str | os.PathLike[str], test_fraction: float, seed: int
) -> Dataset:
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return image_folder.load_image_folder(
            path, test_fraction=test_fraction, seed=seed
        )
    if path.is_file() and path.suffix.lower() in arrays.SUFFIXES:
        return arrays.load_arrays(path, test_fraction=test_fraction, seed=seed)
    if path.is_file():
        raise ValueError(
            f"{path} must end in {', '.join(arrays.SUFFIXES)} or be a folder of "
            f"images, got {path.suffix or 'no suffix'}"
        )
    if path.suffix or len(path.parts) > 1:
        raise FileNotFoundError(
            f"no such file or folder: {path}; "
            f"data sets with a name are {', '.join(card_names())}"
        )
    raise ValueError(unknown_name("data set", str(name_or_path), card_names()))
