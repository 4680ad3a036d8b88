"""Recordings of an estimator: gathered over chunks, with units in their names."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stdpnet.models.equations import dimensions
from stdpnet.units import UNITS, Dimension

#: How recorded quantities are stored: what is added to the name, and the factor.
_SHOWN_AS: dict[Dimension, tuple[str, float]] = {
    tuple(UNITS["V"].dimension): ("_mV", 1e3),
    tuple(UNITS["s"].dimension): ("_ms", 1e3),
    tuple(UNITS["Hz"].dimension): ("_Hz", 1.0),
}


class Recorder:
    """What the chunks of one call recorded.

    Parameters
    ----------
    record : dict or None
        What to record, as `stdpnet.network.Simulation.run` takes it.
    """

    def __init__(self, record: Mapping[str, Any] | None) -> None:
        self.record = dict(record or {})
        self._parts: dict[str, list[np.ndarray]] = {}
        self._n_examples = 0

    def add(self, recordings: Mapping[str, np.ndarray], n_examples: int) -> None:
        """Add the recordings of the next chunk."""
        for name, rows in recordings.items():
            if name.endswith(".spikes"):
                rows = rows + np.array([self._n_examples, 0, 0], rows.dtype)
            self._parts.setdefault(name, []).append(rows)
        self._n_examples += n_examples

    def arrays(self, description: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return everything recorded, by name and unit."""
        found = {}
        for name, parts in self._parts.items():
            suffix, factor = _SHOWN_AS.get(_dimension(name, description), ("", 1.0))
            rows = np.concatenate(parts)
            found[name + suffix] = rows * rows.dtype.type(factor) if suffix else rows
        return found


def _dimension(name: str, description: Mapping[str, Any]) -> Dimension:
    group, _, variable = name.partition(".")
    levels = description["groups"].get(group, {"equations": {}})["equations"]
    lines = [line for level in levels.values() for line in level]
    known = dimensions("\n".join(lines))
    return tuple(known.get(variable, ()))
