"""Read files whole, decompress them, and compare digests."""

import hashlib
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stdpnet.datasets.cards import Card, CardFile, foreign_owner


class DamagedFileError(ValueError):
    """A file that is truncated, corrupt, or not what its name says."""


def digest_of(path: Path, algorithm: str) -> str:
    """Return the digest of a file in hexadecimal.

    Parameters
    ----------
    path : pathlib.Path
        File to read.
    algorithm : {"md5", "sha256", "content_sha256"}
        Name as :mod:`hashlib` knows it; or the sha256 of what an archive of sounds
        holds.

    Raises
    ------
    DamagedFileError
        If the content is asked for and the file is no such archive.
    """
    if algorithm == "content_sha256":
        # It needs the error of this module.
        from stdpnet.datasets.archives import content_digest, read_sounds

        return content_digest(read_sounds(path))
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def is_original(card: Card, entry: CardFile, path: Path) -> bool | None:
    """Return whether a file has the digest of its card, None if there is none.

    Parameters
    ----------
    card : Card
        Data set that the file should belong to.
    entry : CardFile
        What the card says of it.
    path : pathlib.Path
        The local copy.

    Raises
    ------
    DamagedFileError
        If the file belongs to another data set of the catalogue.
    """
    if entry.digest is None:
        return None
    algorithm, expected = entry.digest
    if digest_of(path, algorithm) == expected:
        return True
    for other in ("md5", "sha256"):
        owner = foreign_owner(card, entry.name, other, digest_of(path, other))
        if owner:
            raise DamagedFileError(
                f"{path} must be a file of {card.name}, got that of {owner}; "
                f"give each data set a folder of its own"
            )
    return False


def read_data(path: Path, *, limit: int) -> bytes:
    """Return the content of a file, decompressed if it ends in .gz or .xz.

    Parameters
    ----------
    path : pathlib.Path
        Plain, gzip or xz file, told by its suffix.
    limit : int
        Most bytes that the content may have.

    Raises
    ------
    DamagedFileError
        If the file cannot be decompressed, ends early or exceeds `limit`.
    """
    raw = path.read_bytes()
    if path.suffix in _DECOMPRESSORS:
        raw = _decompress(path, raw, limit)
    if len(raw) > limit:
        raise DamagedFileError(f"{path} must hold at most {limit} bytes, got more")
    return raw


def _gzip_decompressor() -> Any:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    ".gz": _gzip_decompressor,
    ".xz": lzma.LZMADecompressor,
}


def _decompress(path: Path, raw: bytes, limit: int) -> bytes:
    data = b""
    while raw or not data:  # both formats allow several streams in a row
        decompressor = _DECOMPRESSORS[path.suffix]()
        try:
            data += decompressor.decompress(raw, limit + 1 - len(data))
        except (zlib.error, lzma.LZMAError, EOFError) as error:
            raise DamagedFileError(
                f"{path} must be a valid {path.suffix} file, got an error: {error}; "
                "replace the file"
            ) from None
        if len(data) > limit:
            return data
        if not decompressor.eof:
            raise DamagedFileError(
                f"{path} must be a whole {path.suffix} file, got a truncated one; "
                "replace the file"
            )
        raw = decompressor.unused_data.lstrip(b"\0")
    return data
