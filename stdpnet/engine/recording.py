"""What a run records besides its results: spikes, state of neurons, weights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.engine.program import Program
from stdpnet.models.equations import variables


@dataclass(frozen=True)
class Request:
    """One thing to record.

    Attributes
    ----------
    name : str
        "group.spikes", "group.variable" or "projection.variable".
    kind : {"spikes", "state", "weights"}
        What it is.
    ids : tuple of int
        Neurons (or maps) whose state to record.
    every : int
        Presentations from one record of the weights to the next.
    shape : tuple of int
        Of the weights.
    dtype : str
        Of what is recorded.
    """

    name: str
    kind: str
    ids: tuple[int, ...] = ()
    every: int = 1
    shape: tuple[int, ...] = ()
    dtype: str = "int32"

    def __str__(self) -> str:
        return f"{self.name}:{self.every}"

    def write(self, folder: Path) -> None:
        """Write what the program needs to know of it."""
        if self.kind == "state":
            np.asarray(self.ids, np.int32).tofile(folder / f"ids_{self.name}")

    def read(self, folder: Path, n_steps: int) -> np.ndarray:
        """Return the recorded rows, in the shape that `ChunkResult` states."""
        file = folder / f"record_{self.name}"
        if self.kind == "spikes":
            return np.fromfile(file, np.int32).reshape(-1, 3)
        rows = np.fromfile(file, self.dtype)
        if self.kind == "state":
            return rows.reshape(-1, n_steps, len(self.ids))
        return rows.reshape(-1, *self.shape)


def requests(
    program: Program, record: Mapping[str, Any] | Iterable[str]
) -> list[Request]:
    """Return what is asked for, checked against a program.

    Parameters
    ----------
    program : Program
        Of the network.
    record : dict, or iterable of str
        "group.spikes": True, "group.variable": neurons (ints) or True for all,
        "projection.variable": number of presentations between two records. The part
        before the dot may be left out where only one part has the rest. An
        iterable names groups whose spikes are recorded.

    Raises
    ------
    ValueError
        If something asked for does not exist, or a neuron is out of range.
    """
    if not isinstance(record, Mapping):
        record = {f"{name}.spikes": True for name in record}
    recordable = _recordable(program.description)
    return [
        _request(recordable[full], full, value, program.dtype(full))
        for name, value in record.items()
        if value is not False
        for full in [_full_name(name, recordable)]
    ]


def _recordable(description: Mapping[str, Any]) -> dict[str, tuple[str, tuple]]:
    """Return kind and shape of everything that can be recorded, by name."""
    found: dict[str, tuple[str, tuple]] = {}
    for name, group in description["groups"].items():
        found[f"{name}.spikes"] = ("spikes", ())
        sizes = {"neuron": prod(group["shape"]), "map": group["shape"][2]}
        for level, n in sizes.items():
            for variable in variables("\n".join(group["equations"][level])):
                found[f"{name}.{variable}"] = ("state", (n,))
    for name, projection in description["projections"].items():
        for variable in ("w", *projection["variables"]):
            found[f"{name}.{variable}"] = ("weights", tuple(projection["weights"]))
    return found


def _full_name(name: str, recordable: Iterable[str]) -> str:
    if name in recordable:
        return name
    fitting = [full for full in recordable if full.partition(".")[2] == name]
    if len(fitting) > 1:
        raise ValueError(f"cannot record {name!r}: say which of {', '.join(fitting)}")
    if not fitting:
        raise ValueError(unknown_name("recording", name, recordable))
    return fitting[0]


def _request(known: tuple[str, tuple], name: str, value: Any, dtype: str) -> Request:
    kind, shape = known
    if kind == "spikes":
        return Request(name, kind)
    if kind == "weights":
        every = 1 if value is True else value
        if not isinstance(every, (int, np.integer)) or every < 1:
            raise ValueError(
                f"to record {name!r}, give the number of presentations between two "
                f"records, an integer >= 1; got {value!r}"
            )
        return Request(name, kind, every=int(every), shape=shape, dtype=dtype)
    ids = np.arange(shape[0]) if value is True else np.atleast_1d(np.asarray(value))
    if (
        ids.dtype.kind not in "iu"
        or not ids.size
        or ids.min() < 0
        or ids.max() >= shape[0]
    ):
        raise ValueError(
            f"to record {name!r}, give neurons from 0 to {shape[0] - 1}, got {value!r}"
        )
    return Request(name, kind, ids=tuple(map(int, ids)), dtype=dtype)
