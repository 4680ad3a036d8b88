"""Switching probabilities over voltage and pulse length, and their file."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdpnet import __version__
from stdpnet.devices.fitting import LogisticCurve, fit_logistic, wilson_interval
from stdpnet.devices.macrospin import Array, Macrospin
from stdpnet.units import Quantity, QuantityLike, as_quantity, second

#: Version of the files; older ones still open.
TABLE_FORMAT = 1

ABOUT = (
    "How many of n_samples magnets a pulse switched, one row a pulse length: made by "
    "stdpnet.devices.tabulate with the values below, which are in SI units unless their "
    "name says otherwise"
)
#: What a file holds besides the device, under the names of the fields.
_COLUMNS = ("voltages_v", "pulses_ns", "counts", "n_samples", "seed")


def check_rising(name: str, values: ArrayLike) -> Array:
    """Return a copy of numbers as an array, shape (n,), if there are any and they rise."""
    array = np.array(values, dtype=float)
    rising = array.ndim == 1 and array.size and np.all(np.diff(array) > 0)
    if not (rising and np.all(np.isfinite(array))):
        raise ValueError(
            f"{name} must be one or more rising numbers, got {array.tolist()}"
        )
    return array


@dataclass(frozen=True, kw_only=True, eq=False)
class SwitchingTable:
    """Counts of switched magnets over voltage and pulse length.

    Parameters
    ----------
    magnet : Macrospin
        The device.
    voltages_v : ndarray, shape (n_voltages,)
        Voltages, rising, in volt.
    pulses_ns : ndarray, shape (n_pulses,)
        Pulse lengths, rising, in nanoseconds.
    counts : ndarray of int, shape (n_pulses, n_voltages)
        Magnets that switched.
    n_samples : int
        Magnets for each entry.
    seed : int
        Seed it was made with.

    Raises
    ------
    ValueError
        If voltages or pulses do not rise, or the counts do not fit them.
    """

    magnet: Macrospin
    voltages_v: Array
    pulses_ns: Array
    counts: NDArray[np.int64]
    n_samples: int
    seed: int

    def __post_init__(self) -> None:
        arrays = {
            "voltages_v": check_rising("voltages_v", self.voltages_v),
            "pulses_ns": check_rising("pulses_ns", self.pulses_ns),
            "counts": np.array(self.counts, dtype=np.int64),
        }
        for name, array in arrays.items():
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.pulses_ns[0] <= 0:
            raise ValueError(f"pulses_ns must be > 0, got {self.pulses_ns[0]:g}")
        shape = (len(self.pulses_ns), len(self.voltages_v))
        if self.counts.shape != shape:
            raise ValueError(
                f"counts must have one row a pulse and one column a voltage, {shape}, "
                f"got {self.counts.shape}"
            )
        if self.n_samples < 1:
            raise ValueError(f"n_samples must be at least 1, got {self.n_samples!r}")
        if self.counts.min() < 0 or self.counts.max() > self.n_samples:
            raise ValueError(
                f"counts must be between 0 and {self.n_samples}, "
                f"got {self.counts.min()} to {self.counts.max()}"
            )

    @property
    def probabilities(self) -> Array:
        """Switching probabilities, shape (n_pulses, n_voltages)."""
        return self.counts / self.n_samples

    def intervals(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Return the bounds of the probabilities; see `wilson_interval`."""
        return wilson_interval(self.counts, self.n_samples, confidence=confidence)

    def probability(self, voltage_v: ArrayLike, pulse: QuantityLike) -> Array:
        """Return switching probabilities between those of the table.

        Parameters
        ----------
        voltage_v : float or array
            Voltages, in volt. Beyond the table the nearest probability holds.
        pulse : Quantity, time
            Pulse length, within the table.

        Returns
        -------
        ndarray
            Of the shape of `voltage_v`; linear in the voltage and in the
            logarithm of the pulse length.

        Raises
        ------
        ValueError
            If the pulse is shorter or longer than those of the table.
        """
        return np.interp(
            np.asarray(voltage_v, float), self.voltages_v, self._row(pulse)
        )

    def fit(self, pulse: QuantityLike) -> LogisticCurve:
        """Fit a logistic curve to the probabilities for a pulse length of the table's range."""
        return fit_logistic(self.voltages_v, self._row(pulse))

    def _row(self, pulse: QuantityLike) -> Array:
        asked = as_quantity(pulse)
        shortest, longest = self.pulses_ns[[0, -1]]
        length_ns = asked.value * 1e9
        within = shortest * (1 - 1e-9) <= length_ns <= longest * (1 + 1e-9)
        if asked.dimension != second.dimension or not within:
            raise ValueError(
                f"a pulse must be within the table, {shortest:g} ns to {longest:g} ns, got "
                f"{asked}; tabulate others"
            )
        logs = np.log(self.pulses_ns)
        columns = self.probabilities.T
        return np.array([np.interp(np.log(length_ns), logs, p) for p in columns])

    def save(self, path: Path | str) -> None:
        """Write the table as JSON, with the device and how it was made."""
        from stdpnet.runs import write_atomically

        content = {
            "about": ABOUT,
            "format": TABLE_FORMAT,
            "stdpnet": __version__,
            "device": _to_si(self.magnet),
            "n_samples": int(self.n_samples),
            "seed": int(self.seed),
            "pulses_ns": self.pulses_ns.tolist(),
            "voltages_v": self.voltages_v.tolist(),
            "counts": self.counts.tolist(),
        }
        write_atomically(Path(path), (json.dumps(content, indent=1) + "\n").encode())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a table that `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is damaged, no table, or of a newer version.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f"no such file: {path}; SwitchingTable.save writes one"
            )
        try:
            content = json.loads(path.read_text())
            version = int(content["format"])
            if version <= TABLE_FORMAT:  # what a newer one holds, we cannot know
                return cls(
                    magnet=_from_si(content["device"]),
                    **{name: content[name] for name in _COLUMNS},
                )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else error
            raise ValueError(
                f"{path} is not a switching table: {reason}; make it again with tabulate"
            ) from error
        raise ValueError(
            f"{path} has format {version}, this version of stdpnet ({__version__}) reads "
            f"up to {TABLE_FORMAT}; upgrade stdpnet"
        )


@cache
def load_default_table() -> SwitchingTable:
    """Return the table of the default magnet, which comes with stdpnet.

    ``tabulate(Macrospin(), seed=0)`` makes it again, in less than a minute.
    """
    file = resources.files("stdpnet.devices") / "magnetoelectric.json"
    with resources.as_file(file) as path:
        return SwitchingTable.load(path)


def _to_si(magnet: Macrospin) -> dict[str, float]:
    return {
        name: value.value if isinstance(value, Quantity) else value
        for name, value in magnet.get_params().items()
    }


def _from_si(values: dict[str, float]) -> Macrospin:
    Macrospin.check_names(values)
    given: dict[str, Any] = dict(values)
    for name, like in Macrospin().get_params().items():
        if name in given and isinstance(like, Quantity):
            given[name] = Quantity(given[name], like.dimension)
    return Macrospin(**given)
