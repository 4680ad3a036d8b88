"""Where data sets lie: find them, fetch them, check them."""

import os
from dataclasses import dataclass
from pathlib import Path

from stdpnet.catalog import card_names
from stdpnet.datasets.cards import Card, CardFile, load_card
from stdpnet.datasets.cifar import CIFAR_BINARY
from stdpnet.datasets.digits import EMBEDDED
from stdpnet.datasets.download import DownloadError, ProgressCallback, download
from stdpnet.datasets.files import DamagedFileError, is_original
from stdpnet.datasets.fsdd import FSDD
from stdpnet.datasets.idx import IDX
from stdpnet.datasets.progress import show_progress
from stdpnet.datasets.reading import FileCheck, Format
from stdpnet.datasets.synthetic import SYNTHETIC
from stdpnet.datasets.ti46 import TI46

ROOT_VARIABLE = "STDPNET_DATA"

FORMATS: dict[str, Format] = {
    "idx": IDX,
    "cifar-binary": CIFAR_BINARY,
    "embedded": EMBEDDED,
    "fsdd": FSDD,
    "ti46": TI46,
    "synthetic-sounds": SYNTHETIC,
}

Root = str | os.PathLike[str] | None


@dataclass(frozen=True)
class Listing:
    """A data set of the catalogue, and where it was found.

    Parameters
    ----------
    name, title : str
        From its card.
    source : str or None
        Folder with a complete copy, ``"embedded"``, or None if there is none.
    """

    name: str
    title: str
    source: str | None


def cache_root() -> Path:
    """Return the folder of downloaded data in the user's cache."""
    import pooch

    return Path(pooch.os_cache("stdpnet")) / "data"


def search_roots(root: Root) -> list[Path]:
    """Return the folders to look in: `root`, ``$STDPNET_DATA``, the cache.

    Parameters
    ----------
    root : path, optional
        Looked in first.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    FileNotFoundError
        If a folder that was named does not exist.
    """
    variable = os.environ.get(ROOT_VARIABLE)
    named = [("data folder", root), (f"${ROOT_VARIABLE}", variable)]
    roots = [_existing(what, Path(value)) for what, value in named if value]
    return [*roots, cache_root()]


def _existing(what: str, folder: Path) -> Path:
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise FileNotFoundError(f"{what} must be a folder that exists, got {folder}")
    return folder


def _folders(card: Card, root: Root) -> list[Path]:
    return [f for r in search_roots(root) for f in (r / card.name, r)]


def find_folder(card: Card, root: Root = None) -> Path | None:
    """Return the first folder with a complete copy of a data set.

    Parameters
    ----------
    card : Card
        What to look for.
    root : path, optional
        Looked in first.

    Returns
    -------
    pathlib.Path or None
    """
    handler = FORMATS[card.format]
    for folder in _folders(card, root):
        if not handler.missing(card, folder) and _belongs(card, folder):
            return folder
    return None


def _incomplete_folder(card: Card, root: Root) -> Path | None:
    """Return the first folder with any file of a data set that is nowhere complete."""
    present = FORMATS[card.format].present
    for folder in _folders(card, root):
        if present(card, folder) and _belongs(card, folder):
            return folder
    return None


def _belongs(card: Card, folder: Path) -> bool:
    """Whether a folder without the data set's name is not that of another one."""
    if folder.name == card.name or not card.files:
        return True
    here = [f for f in card.files if (folder / f.name).is_file()]
    smallest = sorted(here, key=lambda f: (folder / f.name).stat().st_size)[:1]
    try:
        for entry in smallest:
            is_original(card, entry, folder / entry.name)
    except DamagedFileError:
        return False
    return True


def explain_missing(card: Card, root: Root, reason: str = "") -> str:
    """Return the message for a data set that is nowhere complete.

    Parameters
    ----------
    card : Card
        What was looked for.
    root : path, optional
        As given by the user.
    reason : str, optional
        Why it could not be downloaded.
    """
    tried = f" and the download failed ({reason})" if reason else ""
    advice = card.obtain or (
        f"Run 'stdpnet data fetch {card.name}' with a network, "
        f"or name the folder that has it with --data DIR or ${ROOT_VARIABLE}"
    )
    folder = _incomplete_folder(card, root)
    if folder is not None:
        missing = FORMATS[card.format].missing(card, folder)
        names = ", ".join(path.name for path in missing)
        return f"{card.name}: no such file in {folder}: {names}{tried}. {advice}"
    places = ", ".join(str(place) for place in search_roots(root))
    return f"{card.name}: no copy in {places}{tried}. {advice}"


def locate(
    card: Card,
    root: Root,
    download: bool,
    progress: bool | ProgressCallback | None,
) -> Path:
    """Return the folder with a data set, which is downloaded if it is nowhere.

    Parameters
    ----------
    card : Card
        What to look for.
    root : path, optional
        Looked in first.
    download : bool
        Whether the network may be used.
    progress : bool or callable, optional
        See `fetch`.

    Raises
    ------
    FileNotFoundError
        If the data are nowhere and cannot be downloaded; the message says what
        to do.
    """
    folder = find_folder(card, root)
    if folder is not None:
        return folder
    if card.obtain or not download:
        raise FileNotFoundError(explain_missing(card, root))
    try:
        return fetch(card.name, progress=progress or False)
    except DownloadError as error:
        message = explain_missing(card, root, str(error))
        raise FileNotFoundError(message) from None


def fetch(
    name: str, *, root: Root = None, progress: bool | ProgressCallback = True
) -> Path:
    """Download a data set, unless a complete copy is there already.

    Parameters
    ----------
    name : str
        Data set of the catalogue.
    root : path, optional
        Parent of the data set's folder; default is the user's cache.
    progress : bool or callable
        True for a bar on standard error, or a function that is called with
        file name, bytes received, and bytes in all (None if unknown).

    Returns
    -------
    pathlib.Path
        Folder that holds the files.

    Raises
    ------
    ValueError
        If the name is unknown, embedded or not free, or a download has a wrong digest.
    FileExistsError
        If a file is there that is not the original.
    ConnectionError
        If the server cannot be reached, refuses or keeps breaking off.
    OSError
        If the folder cannot be written.
    """
    card = load_card(name)
    if card.embedded:
        raise ValueError(f"{name} is embedded; there is nothing to fetch")
    if card.obtain:
        raise ValueError(f"{name} cannot be downloaded. {card.obtain}")
    folder = (Path(root).expanduser() if root else cache_root()) / name
    have = [f for f in card.files if (folder / f.name).exists()]
    if have or FORMATS[card.format].missing(card, folder):
        _refuse_changed(card, folder, have)
        with show_progress(progress) as callback:
            for entry in card.files:
                _fetch_file(card, entry, folder, callback)
    return folder


def _refuse_changed(card: Card, folder: Path, have: list[CardFile]) -> None:
    for entry in have:
        if is_original(card, entry, folder / entry.name) is False:
            raise FileExistsError(
                f"{folder / entry.name} exists and is not the original; "
                "remove it and fetch again"
            )


def _fetch_file(
    card: Card, entry: CardFile, folder: Path, progress: ProgressCallback | None
) -> None:
    try:
        download(card.url + entry.name, folder / entry.name, entry, progress=progress)
    except ConnectionError:
        raise
    except OSError as error:
        raise type(error)(
            f"{folder / entry.name} cannot be written: {error.strerror or error}; "
            "choose another folder"
        ) from None


def check(name: str, *, root: Root = None) -> list[FileCheck]:
    """Compare every file of a data set with its card.

    Parameters
    ----------
    name : str
        Data set of the catalogue.
    root : path, optional
        Looked in first.

    Returns
    -------
    list of FileCheck
        One a file, of the first complete copy; without one, of the first
        place that has any file, else of the last place looked in.

    Raises
    ------
    ValueError
        If the name is unknown.
    FileNotFoundError
        If a folder that was named does not exist.
    """
    card = load_card(name)
    folder = find_folder(card, root) or _incomplete_folder(card, root)
    return FORMATS[card.format].check(card, folder or cache_root() / name)


def list_datasets(*, root: Root = None) -> list[Listing]:
    """Return every data set of the catalogue, and where a copy was found.

    Parameters
    ----------
    root : path, optional
        Looked in first.

    Returns
    -------
    list of Listing
        Sorted by name.

    Raises
    ------
    FileNotFoundError
        If a folder that was named does not exist.
    """
    return [_listing(load_card(name), root) for name in card_names()]


def _listing(card: Card, root: Root) -> Listing:
    if card.embedded:
        return Listing(card.name, card.title, "embedded")
    folder = find_folder(card, root)
    return Listing(card.name, card.title, str(folder) if folder else None)
