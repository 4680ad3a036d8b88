"""Processes at work: each with a temporary folder, and both end when we do."""

import atexit
import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stdpnet.engine.exchange import Exchange
from stdpnet.engine.program import ProgramError

STOPPED = (
    "the program was stopped before it began; this chunk is discarded, what was "
    "finished before is kept"
)


class Job:
    """A temporary folder and the process that works in it, one at most.

    Attributes
    ----------
    folder : Path
        Where data are exchanged with the process.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen | None = None
        self._stopped = False

    def start(self, command: list[str], **options: Any) -> subprocess.Popen:
        """Start a process for this job, unless the job has been stopped."""
        with _lock:
            self._refuse_if_stopped()
            self._process = subprocess.Popen(command, **options)
            return self._process

    def give_to(self, process: subprocess.Popen) -> None:
        """Note that a process which runs already works on this job."""
        with _lock:
            self._refuse_if_stopped()
            self._process = process

    def _refuse_if_stopped(self) -> None:
        if self._stopped or _closing:
            raise ProgramError(STOPPED)

    def stop(self) -> None:
        """Kill the process and remove the folder."""
        with _lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=1)  # it may be writing a file
        self.remove_folder()

    def remove_folder(self) -> None:
        """Remove the folder, if it is still there.

        It is renamed first: a thread that is still writing finds it no more, and
        cannot put a file into it while the others are being removed.
        """
        removed = self.folder.with_name(f"{self.folder.name}-removed")
        try:
            self.folder.rename(removed)
        except OSError:
            removed = self.folder
        shutil.rmtree(removed, ignore_errors=True)


_lock = threading.RLock()
_jobs: set[Job] = set()
_exchange = Exchange()
_closing = False


@contextlib.contextmanager
def new_job(n_bytes: int | None = None) -> Iterator[Job]:
    """Make a job, and remove its folder when the block ends.

    Parameters
    ----------
    n_bytes : int, optional
        What the job may write there, if that is known.

    Raises
    ------
    ProgramError
        If the folder cannot be made, or Python is ending.
    """
    with _lock:
        if _closing:
            raise ProgramError(STOPPED)
        job = Job(_new_folder(n_bytes))
        _jobs.add(job)
    try:
        yield job
    finally:
        with _lock:  # whoever ends Python meanwhile waits for this, or does it
            job.remove_folder()
            _jobs.discard(job)


def _new_folder(n_bytes: int | None) -> Path:
    try:
        return _exchange.new_folder(n_bytes)
    except OSError as error:
        raise ProgramError(
            f"cannot make a temporary folder ({error.strerror or error}); "
            "free some space or set TMPDIR"
        ) from error


def stop_all() -> None:
    """End everything that programs of this process are doing, in any thread.

    For whoever runs chunks in threads and is interrupted: the interrupt reaches
    the main thread only. The chunks end with a ProgramError.
    """
    with _lock:
        for job in list(_jobs):
            job.stop()


@atexit.register
def close() -> None:
    """End everything, and let no thread that outlives the main one start anything more."""
    global _closing
    _closing = True
    stop_all()
    _exchange.close()


def _forget() -> None:
    """Leave to the parent, after a fork, what is the parent's."""
    global _lock
    _lock = threading.RLock()
    _jobs.clear()
    _exchange.forget()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget)
