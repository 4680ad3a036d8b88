"""Data set cards: what the catalogue knows about a published data set."""

import tomllib
from dataclasses import dataclass, fields
from typing import Any

from stdpnet.catalog import card_names, card_path, unknown_name


@dataclass(frozen=True, kw_only=True)
class CardFile:
    """One file of a data set, with its original digests.

    Parameters
    ----------
    name : str
        File name, as published.
    role : str
        What it holds: ``X_train``, ``y_train``, ``X_test``, ``y_test`` or
        ``archive``; in an archive ``train`` or ``test``.
    bytes : int, optional
        Size, if known.
    md5, sha256 : str
        Digests of the original, in hexadecimal; empty if not published.
    content_sha256 : str
        Digest of the sounds in an archive whose own bytes may change (see
        `content_digest`); empty if they may not.
    """

    name: str
    role: str
    bytes: int | None = None
    md5: str = ""
    sha256: str = ""
    content_sha256: str = ""

    @property
    def digest(self) -> tuple[str, str] | None:
        """Algorithm and value of the strongest digest known."""
        for algorithm in ("sha256", "content_sha256", "md5"):
            if getattr(self, algorithm):
                return algorithm, getattr(self, algorithm)
        return None


@dataclass(frozen=True, kw_only=True)
class Card:
    """What is published about a data set; one TOML file in the catalogue.

    Parameters
    ----------
    name, title, source, citation, licence : str
        What to call it, where it comes from and how to cite it.
    format : str
        Which reader understands it: ``idx``, ``cifar-binary``, ``embedded``, or for
        sounds ``fsdd``, ``ti46``, ``synthetic-sounds``.
    image_shape : tuple of int
        (height, width) or (height, width, channels); of sounds with the default
        front end.
    max_value : float
        Full scale of the pixels.
    n_train, n_test : int
        Number of images or recordings.
    classes : tuple of str
        What the labels 0, 1, ... stand for.
    url : str
        Folder on a server that holds `files`; empty if there is none.
    digest_source : str
        Who published the digests.
    files : tuple of CardFile
        What is downloaded.
    members : tuple of CardFile
        What an archive among `files` holds, in order.
    obtain : str
        What a user has to do for data that cannot be downloaded; empty if they can
        or are embedded.
    """

    name: str
    title: str
    source: str
    citation: str
    licence: str
    format: str
    image_shape: tuple[int, ...]
    max_value: float
    n_train: int
    n_test: int
    classes: tuple[str, ...]
    url: str = ""
    digest_source: str = ""
    files: tuple[CardFile, ...] = ()
    members: tuple[CardFile, ...] = ()
    obtain: str = ""

    @property
    def embedded(self) -> bool:
        """Whether the data come with the package, or are made by it."""
        return not self.files and not self.obtain


def load_card(name: str) -> Card:
    """Return the card of a data set in the catalogue.

    Parameters
    ----------
    name : str
        Such as ``"mnist"``.

    Returns
    -------
    Card

    Raises
    ------
    ValueError
        If there is no such card, or it has an unknown or missing key.
    """
    path = card_path(name)
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for key in ("files", "members"):
        table[key] = tuple(_build(CardFile, path.name, e) for e in table.get(key, []))
    for key in ("image_shape", "classes"):
        table[key] = tuple(table.get(key, ()))
    card: Card = _build(Card, path.name, table)
    return card


def foreign_owner(card: Card, name: str, algorithm: str, value: str) -> str | None:
    """Return the other card that has a file of this name and digest, if any.

    Data sets share file names (MNIST and Fashion-MNIST), so one can lie in the
    other's folder.
    """
    for other in card_names():
        if other == card.name:
            continue
        for entry in load_card(other).files:
            if entry.name == name and getattr(entry, algorithm) == value:
                return other
    return None


def _build(kind: Any, where: str, table: dict[str, Any]) -> Any:
    known = [f.name for f in fields(kind)]
    for key in table:
        if key not in known:
            raise ValueError(f"{where}: {unknown_name('key', key, known)}")
    try:
        return kind(**table)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None
