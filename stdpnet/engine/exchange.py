"""Where chunks and programs exchange data: in memory where there is room, else on disk.

Files that live for a fraction of a second are slow on a disk: ext4, for one, does not
use the number of a file again within seconds of its removal, and looks for another.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

#: A file system in memory, on Linux.
MEMORY = Path("/dev/shm")
#: Where temporary files are if nobody has asked for another place.
USUAL = "/tmp"
#: Part of what is free there that one chunk may take.
SHARE = 1 / 16
_PREFIX = "stdpnet-"
_LOCK = "lock"


class Exchange:
    """A folder in memory for the jobs of this process, made when it is first needed.

    Whoever is killed leaves it behind; the next process that needs one removes it.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._held: IO[str] | None = None

    def new_folder(self, n_bytes: int | None) -> Path:
        """Make a folder for one job.

        Parameters
        ----------
        n_bytes : int or None
            What the job may write there; None if nobody knows.

        Raises
        ------
        OSError
            If it cannot be made.
        """
        place = None
        if n_bytes is not None and has_room(n_bytes):
            with contextlib.suppress(OSError):
                place = self._root()
        return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self.forget()

    def forget(self) -> None:
        """Leave the folder to the process that made it, after a fork."""
        if self._held is not None:
            self._held.close()
        self._folder = self._held = None

    def _root(self) -> Path:
        if self._folder is None:
            _remove_left_behind()
            folder = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=MEMORY))
            held = _lock(folder / _LOCK)
            assert held is not None  # nobody else looks at hidden ones
            # From now on others see it, and that it is in use.
            self._folder = folder.rename(MEMORY / folder.name.removeprefix("."))
            self._held = held
        return self._folder


def has_room(n_bytes: int) -> bool:
    """Say whether a job of this size belongs into memory; not if TMPDIR is set."""
    if fcntl is None:
        return False
    if tempfile.gettempdir() != USUAL or not os.access(MEMORY, os.W_OK):
        return False
    return n_bytes <= SHARE * shutil.disk_usage(MEMORY).free


def _remove_left_behind() -> None:
    for folder in MEMORY.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # of another user, or gone meanwhile
            held = _lock(folder / _LOCK)
            if held is not None:
                with held:
                    shutil.rmtree(folder)


def _lock(path: Path) -> IO[str] | None:
    """Lock a file until it is closed; None if another process has it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
