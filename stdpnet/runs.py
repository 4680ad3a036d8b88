"""Run folders: everything a run was and found, in files that explain themselves.

``run.json`` holds settings and numbers, ``run.h5`` the arrays. Both are
replaced as a whole, so a reader never sees half of one; a folder is never
overwritten unless asked to.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import h5py

from stdpnet import __version__

#: Version of the layout; folders of older versions still open.
RUN_FORMAT = 1


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
            If the folder exists; with `force` a run in it is replaced, anything
            else is still refused.
        """
        check_replaceable(path, force=force)
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path, {"format": RUN_FORMAT, "status": "running", **metadata})
        run.write_metadata()
        return run

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
        file = path / "run.json"
        if not file.is_file():
            raise FileNotFoundError(
                f"{path} is not a run folder (it has no run.json); "
                "'stdpnet train' makes one"
            )
        try:
            metadata = json.loads(file.read_text())
            version = int(metadata["format"])
            if version <= RUN_FORMAT:  # what a newer one holds, we cannot know
                metadata["status"]
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{file} is damaged: {error}; train again") from error
        if version > RUN_FORMAT:
            raise RunError(
                f"{path} has format {version}, this version of stdpnet ({__version__}) "
                f"reads up to {RUN_FORMAT}; upgrade stdpnet"
            )
        return cls(path, metadata)

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
        partial = self.path / f".{name}.partial"
        try:
            with h5py.File(partial, "w") as file:
                yield file
            partial.replace(self.path / name)
        finally:
            partial.unlink(missing_ok=True)


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


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file as a whole: readers see the old content or the new."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def next_free(name: str, parent: Path = Path("runs")) -> Path:
    """Return ``runs/NAME-N`` with the next free N."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"
