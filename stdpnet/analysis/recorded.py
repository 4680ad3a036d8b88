"""A finished run, as figures and reports read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.runs import RunError, RunFolder


class MissingArraysError(ValueError):
    """A run did not record what a figure shows."""


@dataclass(frozen=True)
class Run:
    """Record of a finished run; arrays are read when they are asked for.

    Parameters
    ----------
    folder : RunFolder
        Where the run is.
    layer : int, optional
        Number of the only layer, or bank, to look at (`only`).
    """

    folder: RunFolder
    #: Number of the only layer to look at, from one on.
    layer: int | None = None

    def only(self, layer: int) -> "Run":
        """Return the run with one layer, or bank, alone.

        Parameters
        ----------
        layer : int
            Its number, from one on.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        if not 1 <= layer <= len(self.banks):
            raise ValueError(
                f"the layer must be from 1 to {len(self.banks)} ({', '.join(self.banks)}), "
                f"got {layer}"
            )
        return replace(self, layer=layer)

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def record(self) -> dict[str, Any]:
        """Spec, metrics, versions, command and so on, by name."""
        return self.folder.metadata

    @property
    def metrics(self) -> dict[str, Any]:
        """Numbers that the run ended with, by name."""
        return dict(self.record.get("metrics") or {})

    @property
    def dataset(self) -> dict[str, Any]:
        """Name, classes and notes of the data."""
        return dict(self.record.get("dataset") or {})

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, empty if the data have no labels."""
        return tuple(str(name) for name in self.dataset.get("classes") or ())

    @property
    def title(self) -> str:
        """What was trained on what, for headings."""
        spec = str(self.record.get("spec_name") or self.path.name)
        data = self.dataset.get("name")
        return f"{spec} on {data}" if data else spec

    @property
    def banks(self) -> tuple[str, ...]:
        """Names of the kernel banks; empty if the run has only ``/kernels``."""
        with self.arrays() as file:
            found = tuple(file["banks"]) if "banks" in file else ()
        return found if self.layer is None else found[self.layer - 1 : self.layer]

    def array(self, name: str) -> np.ndarray | None:
        """Return an array of the run, None if it was not recorded.

        Parameters
        ----------
        name : str
            Path in ``run.h5``, such as ``"test/y_true"``.

        Raises
        ------
        RunError
            If the file cannot be read.
        """
        with self.arrays() as file:
            return np.asarray(file[name][()]) if name in file else None

    def attributes(self, name: str) -> dict[str, Any]:
        """Return the attributes of a group of ``run.h5``, none if it has no such group.

        Raises
        ------
        RunError
            If the file cannot be read.
        """
        with self.arrays() as file:
            return dict(file[name].attrs) if name in file else {}

    def need(self, name: str, what: str) -> np.ndarray:
        """Return an array of the run that a figure cannot do without.

        Raises
        ------
        MissingArraysError
            If it was not recorded; the message says that `what` is not shown.
        """
        array = self.array(name)
        if array is None:
            raise MissingArraysError(
                f"{self.path / 'run.h5'} must have /{name} to show {what}, got none; "
                "train again to record it"
            )
        return array

    def bank_array(self, bank: str, name: str) -> np.ndarray | None:
        """Return an array of one bank (see `array`); ``""`` is the only bank."""
        if bank:
            return self.array(f"banks/{bank}/{name}")
        return self.array(name) if name == "kernels" else None

    def channels(self, bank: str = "") -> str | None:
        """Return what the channels of a bank's kernels mean, None if not recorded."""
        with self.arrays() as file:
            names = (f"banks/{bank}/preferred", f"banks/{bank}/kernels", "kernels")
            for name in names:
                if name in file and "channels" in file[name].attrs:
                    meaning = file[name].attrs["channels"]
                    return meaning.decode() if isinstance(meaning, bytes) else meaning
        return None

    @contextmanager
    def arrays(self) -> Iterator[Any]:
        """Open ``run.h5`` for reading.

        Raises
        ------
        RunError
            If there is none, or it is damaged; some damage is found only when
            an array is read.
        """
        try:
            with self.folder.arrays() as file:
                yield file
        except (OSError, RuntimeError, KeyError) as error:
            reason = str(error).partition("\n")[0]
            file_name = self.path / "run.h5"
            raise RunError(f"{file_name} is damaged: {reason}; train again") from error


def load_run(path: Path | str) -> Run:
    """Read the record of a finished run.

    Parameters
    ----------
    path : path
        Run folder, as ``stdpnet train`` writes it.

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError
        If there is no such run.
    RunError
        If it is damaged, of a newer version, or not finished.
    """
    run = Run(RunFolder.open(path))
    status = run.record.get("status")
    if status != "finished":
        raise RunError(
            f"{run.path}: status must be 'finished', got {status!r}; go on with "
            f"'stdpnet train ... --resume --out {run.path}'"
        )
    with run.folder.arrays():
        return run
