"""Download one file so that only its whole, verified content ever appears.

Bytes arrive in a hidden file beside the target, which takes the target's name
once its digest is right. What was received before a connection broke stays in
the hidden file, and the next attempt asks the server for the rest only.
"""

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stdpnet.datasets.cards import CardFile
from stdpnet.datasets.files import digest_of

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

ProgressCallback = Callable[[str, int, int | None], None]
"""Called with file name, bytes received so far, and bytes in all if known."""

_TIMEOUT_S = 30
_CHUNK_BYTES = 2**16
_ATTEMPTS = 5


class DownloadError(ConnectionError):
    """A server that cannot be reached, refuses, or breaks off."""


def partial_path(target: Path) -> Path:
    """Return the hidden file that collects the bytes of `target`."""
    return target.with_name(f".{target.name}.part")


def download(
    url: str,
    target: Path,
    entry: CardFile,
    *,
    progress: ProgressCallback | None = None,
) -> None:
    """Download a file, verify it, and only then give it its name.

    Parameters
    ----------
    url : str
        Where to get it.
    target : pathlib.Path
        Where it shall be; nothing happens if it exists.
    entry : CardFile
        Its digest, and its size if known.
    progress : callable, optional
        Told of every piece that arrives.

    Raises
    ------
    DownloadError
        If the server cannot be reached, refuses or keeps breaking off.
    ValueError
        If the digest is wrong; nothing is kept.
    OSError
        If the folder cannot be written or the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = partial_path(target)
    with _exclusive(part) as stream:
        if target.exists():  # another process was faster
            part.unlink(missing_ok=True)
            return
        _receive(url, stream, entry, progress)
        _verify(url, part, entry)
        part.replace(target)


def _receive(
    url: str, stream: IO[bytes], entry: CardFile, progress: ProgressCallback | None
) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        before = _size(stream)
        if entry.bytes is not None and before >= entry.bytes:
            return
        try:
            _receive_once(url, stream, entry.name, progress)
            return
        except DownloadError:
            if _size(stream) <= before or attempt == _ATTEMPTS:
                raise


def _receive_once(
    url: str, stream: IO[bytes], name: str, progress: ProgressCallback | None
) -> None:
    done = _size(stream)
    with _open(url, done) as response:
        if done and response.status != http.HTTPStatus.PARTIAL_CONTENT:
            stream.truncate(0)
            done = 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        for piece in _pieces(url, response):
            stream.write(piece)
            done += len(piece)
            if progress:
                progress(name, done, total)
    stream.flush()
    if total is not None and done < total:
        raise DownloadError(f"{url}: connection broke after {done} of {total} bytes")


def _open(url: str, start: int) -> http.client.HTTPResponse:
    headers = {"User-Agent": "stdpnet"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(
            request, timeout=_TIMEOUT_S
        )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            return _open(url, 0)
        raise DownloadError(f"{url}: HTTP {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(f"{url}: {reason}") from None
    return response


def _pieces(url: str, response: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            piece = response.read(_CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise DownloadError(f"{url}: connection broke: {error}") from None
        if not piece:
            return
        yield piece


def _size(stream: IO[bytes]) -> int:
    stream.flush()
    return os.fstat(stream.fileno()).st_size


def _verify(url: str, part: Path, entry: CardFile) -> None:
    if entry.digest is None:
        return
    algorithm, expected = entry.digest
    try:
        actual = digest_of(part, algorithm)
    except ValueError:
        actual = "something that is no such archive"
    if actual != expected:
        part.unlink()
        raise ValueError(
            f"{url} must have {algorithm} {expected}, got {actual}; nothing was kept, "
            "try again or copy the original file by hand"
        )


@contextmanager
def _exclusive(part: Path) -> Iterator[IO[bytes]]:
    """Open `part` for appending, by one process at a time."""
    while True:
        with part.open("ab") as stream:
            if fcntl:
                fcntl.flock(stream, fcntl.LOCK_EX)
            if _is_same(part, stream):
                yield stream
                return


def _is_same(part: Path, stream: IO[bytes]) -> bool:
    """Whether `part` was neither renamed nor removed while we waited."""
    try:
        return part.stat().st_ino == os.fstat(stream.fileno()).st_ino
    except FileNotFoundError:
        return False
