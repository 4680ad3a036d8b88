"""The folder of compiled programs: found by content, locked while built, limited in size."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pooch

from stdpnet.runs import locked

#: Oldest programs are removed beyond this many bytes.
SIZE_LIMIT = 500 * 2**20
#: How the names of folders begin in which a program is being built.
BUILDING = "building-"
#: Time between two marks that a program is in use.
MARK_SECONDS = 60


class CacheError(OSError):
    """The program cache cannot be used."""


def cache_folder() -> Path:
    """Return ``$STDPNET_CACHE`` or the user's cache folder, for programs.

    Raises
    ------
    CacheError
        If the folder cannot be made or written.
    """
    root = Path(os.environ.get("STDPNET_CACHE") or pooch.os_cache("stdpnet"))
    folder = root.absolute() / "programs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not os.access(folder, os.W_OK):
        raise _unwritable(folder, PermissionError("no permission to write"))
    return folder


def _unwritable(folder: Path, error: OSError) -> CacheError:
    reason = error.strerror or str(error)
    return CacheError(
        f"cannot write the program cache {folder} ({reason}); "
        "set STDPNET_CACHE to a folder that can be written"
    )


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file, so that two processes do not build the same program.

    Raises
    ------
    CacheError
        If the file cannot be made or locked.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path))
        except OSError as error:
            raise _unwritable(path.parent, error) from error
        yield


@dataclass(frozen=True)
class CachedProgram:
    """One program in the cache."""

    key: str
    path: Path
    size: int
    last_used: float
    title: str


def list_programs() -> list[CachedProgram]:
    """Return the programs in the cache, most recently used first."""
    found = []
    for manifest in cache_folder().glob("*/manifest.json"):
        if manifest.parent.name.startswith(BUILDING):
            continue
        # Another process may remove it while we look.
        with contextlib.suppress(FileNotFoundError):
            found.append(_cached(manifest))
    return sorted(found, key=lambda program: -program.last_used)


def _cached(manifest: Path) -> CachedProgram:
    path, title = manifest.parent, manifest.with_name("title")
    return CachedProgram(
        key=path.name,
        path=path,
        size=sum(f.stat().st_size for f in path.rglob("*") if f.is_file()),
        last_used=manifest.stat().st_mtime,
        title=title.read_text() if title.exists() else "",
    )


def mark_used(program: Path) -> None:
    """Note that the program in a folder is in use, at most once a minute."""
    manifest = program / "manifest.json"
    # A program of another user, or one that has gone, is not ours to mark.
    with contextlib.suppress(OSError):
        if time.time() - manifest.stat().st_mtime > MARK_SECONDS:
            manifest.touch()


def clear() -> int:
    """Remove every program; return how many bytes that freed.

    Lock files stay: another process may hold one.
    """
    freed = sum(program.size for program in list_programs())
    for entry in cache_folder().iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.suffix != ".lock":
            entry.unlink(missing_ok=True)
    return freed


def keep_within_limit(limit: int = SIZE_LIMIT) -> None:
    """Remove the programs not used for longest until the cache fits the limit.

    Also removes what a build that was killed has left.
    """
    # A program used within the hour may be running.
    old = time.time() - 3600
    for leftover in cache_folder().glob(f"{BUILDING}*"):
        with contextlib.suppress(FileNotFoundError):
            if leftover.stat().st_mtime < old:
                shutil.rmtree(leftover, ignore_errors=True)
    total = 0
    for program in list_programs():
        total += program.size
        if total > limit and program.last_used < old:
            shutil.rmtree(program.path, ignore_errors=True)
