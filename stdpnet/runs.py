"""Run folders: everything a run was and found, in files that explain themselves.

``run.json`` holds settings and numbers, ``run.h5`` the arrays. Both are
replaced as a whole, so a reader never sees half of one; a folder is never
overwritten unless asked to.
"""

import contextlib
import errno
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Self

import h5py

from stdpnet import __version__

#: Version of the layout; folders of older versions still open.
RUN_FORMAT = 1
#: What a disk says that has no room.
_FULL = (errno.ENOSPC, errno.EDQUOT)


class RunError(ValueError):
    """A run folder that cannot be opened."""


class RunFolder:
    """A folder of one run.

    Parameters
    ----------
    path : Path
        The folder.
    metadata : dict
        What ``run.json`` holds.
    """

    def __init__(self, path: Path, metadata: dict[str, Any]) -> None:
        self.path = path
        self.metadata = metadata

    @classmethod
    def create(
        cls, path: Path, metadata: dict[str, Any], *, force: bool = False
    ) -> Self:
        """Make a new folder and write its settings.

        Raises
        ------
        FileExistsError
            If the folder exists and is not empty, or another process takes it at
            the same time; with `force` a run in it is replaced, anything else is
            still refused.
        """
        check_replaceable(path, force=force)
        if force and path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)
        _claim(path)
        run = cls(path, {"format": RUN_FORMAT, "status": "running", **metadata})
        run.write_metadata()
        return run

    @classmethod
    def create_next(
        cls, name: str, metadata: dict[str, Any], parent: Path = Path("runs")
    ) -> Self:
        """Make the folder ``runs/NAME-N`` with the next N that no other run takes."""
        while True:
            with contextlib.suppress(FileExistsError):
                return cls.create(next_free(name, parent), metadata)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a folder that a run was written to.

        Raises
        ------
        FileNotFoundError
            If there is no such run.
        RunError
            If it is damaged, or of a newer version.
        """
        path = Path(path)
        file, made_by = path / "run.json", ("a run folder", "stdpnet train")
        return cls(path, read_record(file, RUN_FORMAT, "status", made_by))

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return bool(self.metadata["status"] == "finished")

    def write_metadata(self) -> None:
        """Write ``run.json`` as a whole."""
        write_atomically(
            self.path / "run.json", json.dumps(self.metadata, indent=2).encode()
        )

    @contextlib.contextmanager
    def arrays(self) -> Iterator[h5py.File]:
        """Open ``run.h5`` for reading.

        Raises
        ------
        RunError
            If the run has no arrays yet, or the file is damaged.
        """
        file = self.path / "run.h5"
        if not file.is_file():
            raise RunError(
                f"{self.path} has no run.h5: the run has not finished; "
                f"go on with 'stdpnet train ... --resume --out {self.path}'"
            )
        with open_hdf5(file) as arrays:
            yield arrays

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[h5py.File]:
        """Write an HDF5 file of the folder; it appears when it is complete."""
        with writing_hdf5(self.path / name) as file:
            yield file


def read_record(
    file: Path, newest: int, needed: str, made_by: tuple[str, str]
) -> dict[str, Any]:
    """Return what the JSON file that describes a folder holds.

    Parameters
    ----------
    file : Path
        The file.
    newest : int
        Version of the layout that can be read.
    needed : str
        What it must hold besides its version.
    made_by : tuple of str
        What such a folder is called, and the command that writes it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RunError
        If it is damaged, or of a newer version.
    """
    folder, (kind, command) = file.parent, made_by
    if not file.is_file():
        raise FileNotFoundError(
            f"{folder} is not {kind} (it has no {file.name}); '{command}' makes one"
        )
    try:
        record: dict[str, Any] = json.loads(file.read_text())
        version = int(record["format"])
        if version <= newest:  # what a newer one holds, we cannot know
            record[needed]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file} is damaged: {error}; run '{command}' again") from error
    if version > newest:
        raise RunError(
            f"{folder} has format {version}, this version of stdpnet ({__version__}) "
            f"reads up to {newest}; upgrade stdpnet"
        )
    return record


@contextlib.contextmanager
def writing_hdf5(path: Path) -> Iterator[h5py.File]:
    """Write an HDF5 file as a whole, when the block has ended without an error.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is kept.
    """
    # In memory: on a full disk the HDF5 library would end Python, not raise an error.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        yield file
    write_atomically(path, content.getbuffer())


@contextlib.contextmanager
def open_hdf5(file: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, or say that it is damaged."""
    try:
        opened = h5py.File(file, "r")
    except OSError as error:
        raise RunError(f"{file} is damaged or not HDF5; train again") from error
    with opened:
        yield opened


def check_replaceable(path: Path, *, force: bool = False) -> None:
    """Raise FileExistsError unless a run may be written to a folder (see `create`)."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not (path / "run.json").is_file():
        raise FileExistsError(
            f"{path} exists and is not a run; give --out a new folder"
        )
    if not force:
        raise FileExistsError(
            f"{path} exists; give --out a new folder, --resume to go on with it, "
            "or --force to replace it"
        )


def _claim(path: Path) -> None:
    """Make an empty ``run.json``, which only one of several processes can."""
    try:
        (path / "run.json").touch(exist_ok=False)
    except FileExistsError as error:
        raise FileExistsError(
            f"{path} has just been taken by another run; give --out a new folder"
        ) from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the kernel releases it when the process ends, however it ends.

    Raises
    ------
    OSError
        If the file cannot be made or locked.
    """
    import fcntl  # not on Windows

    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Write a file as a whole: readers see the old content or the new.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is kept.
    """
    try:
        _replace(path, content)
    except OSError as error:
        advice = "; free some space" if error.errno in _FULL else ""
        reason = f"cannot be written: {error.strerror}{advice}"
        raise OSError(error.errno, reason, str(path)) from error


def _replace(path: Path, content: bytes | memoryview) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_new_folder(path: Path | None, name: str) -> None:
    """Raise OSError for a folder that `write_folder` could not make, before the work."""
    if path is not None and path.exists():
        if not path.is_dir() or any(path.iterdir()):
            raise FileExistsError(f"{path} exists; give --out a new folder")
    place = Path(name if path is None else path).absolute()
    existing = next(parent for parent in place.parents if parent.exists())
    code = errno.EACCES if existing.is_dir() else errno.ENOTDIR
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        raise OSError(code, os.strerror(code), str(existing))


def write_folder(fill: Callable[[Path], Any], path: Path | None, name: str) -> Path:
    """Make a folder that appears when it is complete, and return it.

    Parameters
    ----------
    fill : callable
        Is given the folder under a temporary name, and writes what belongs there.
    path : Path or None
        The folder; None for the next free ``runs/NAME-N``.
    name : str
        Kind of folder.

    Raises
    ------
    FileExistsError
        If something else took the path meanwhile.
    """
    parent = Path("runs") if path is None else path.parent
    parent.mkdir(parents=True, exist_ok=True)
    partial = parent / f".{name}-{os.getpid()}.partial"
    try:
        partial.mkdir()
        fill(partial)
        return _put(partial, path, name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put(partial: Path, path: Path | None, name: str) -> Path:
    while True:
        place = next_free(name) if path is None else path
        try:
            return partial.rename(place)
        except OSError as error:
            if not place.exists():
                raise
            if path is not None:
                raise FileExistsError(
                    f"{place} has just been taken; give --out a new folder"
                ) from error


def next_free(name: str, parent: Path = Path("runs")) -> Path:
    """Return ``runs/NAME-N`` with the next free N."""
    taken = {path.name for path in parent.iterdir()} if parent.is_dir() else set()
    number = next(n for n in count(1) if f"{name}-{n}" not in taken)
    return parent / f"{name}-{number}"
