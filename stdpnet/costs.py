"""What a network takes: bytes of its synapses, events, and an estimate of energy.

Bytes are those of arrays that can be written and read back, events are counted, and
energy is events times an assumed cost of each. Only the last is not a measurement.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.config import Parameters, choice, number, quantity, text
from stdpnet.units import UNITS, Quantity

MOST_LEVELS = 256
COUNTS = ("spikes", "synaptic_events", "weight_updates")
INDICES = {
    "mask": "a mask, one bit a synapse",
    "csr": "sparse rows, one a target: the source of every synapse, an offset a row",
}
_PACKED = ("mask", "indices", "shape", "table")


def bits_per_synapse(n_levels: int) -> int:
    """Return the bits of an index to one of so many levels; one level needs none."""
    if n_levels < 1:
        raise ValueError(f"n_levels must be >= 1, got {n_levels}")
    return (n_levels - 1).bit_length()


def pack(w: np.ndarray, kept: np.ndarray, table: np.ndarray) -> dict[str, np.ndarray]:
    """Pack quantized weights to as few bits as their levels need.

    Parameters
    ----------
    w : ndarray, any shape
        Weights, each equal to one of the levels, zero where a synapse is gone.
    kept : ndarray of bool, shape of `w`
        Synapses that are left.
    table : ndarray, shape (n_levels,)
        Levels, ascending, at most 256.

    Returns
    -------
    dict of ndarray
        ``mask``, one bit a synapse; ``indices`` of the levels of those that are left,
        `bits_per_synapse` bits each; ``shape``; ``table`` of the type of `w`. All can
        go to ``numpy.savez``.

    Raises
    ------
    ValueError
        If a weight is not on its level, or arrays disagree.
    """
    w, kept = np.asarray(w), np.asarray(kept)
    table = np.asarray(table, dtype=w.dtype)
    _check_table(table)
    if kept.dtype != bool or kept.shape != w.shape:
        raise ValueError(
            f"kept must be bool of shape {w.shape}, got {kept.dtype} of {kept.shape}"
        )
    survivors = w[kept]
    index = np.searchsorted(table[:-1], survivors)
    off = np.concatenate([survivors[table[index] != survivors], w[~kept & (w != 0)]])
    if off.size:
        raise ValueError(
            "weights to pack must be on the levels, and 0 where a synapse is gone; got "
            f"{off[0]:g} and {off.size - 1} others; quantize them first"
        )
    bits = np.unpackbits(index.astype(np.uint8)[:, None], axis=1)
    return {
        "mask": np.packbits(kept),
        "indices": np.packbits(bits[:, 8 - bits_per_synapse(len(table)) :]),
        "shape": np.array(w.shape, dtype=np.int64),
        "table": table.copy(),
    }


def unpack(packed: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights and the mask of synapses that `pack` was given.

    Raises
    ------
    ValueError
        If arrays are missing or do not belong together.
    """
    for name in _PACKED:
        if name not in packed:
            raise ValueError(f"packed weights lack {name!r}; they hold {list(packed)}")
    mask, indices, shape, table = (np.asarray(packed[name]) for name in _PACKED)
    _check_table(table)
    n_synapses, n_bits = math.prod(shape.tolist()), bits_per_synapse(len(table))
    _check_size("mask", mask, n_synapses)
    kept = np.unpackbits(mask, count=n_synapses).astype(bool).reshape(shape)
    n_kept = int(kept.sum())
    _check_size("indices", indices, n_kept * n_bits)
    bits = np.zeros((n_kept, 8), dtype=np.uint8)
    bits[:, 8 - n_bits :] = np.unpackbits(indices, count=n_kept * n_bits).reshape(
        n_kept, n_bits
    )
    index = np.packbits(bits, axis=1)[:, 0]
    if index.max(initial=0) >= len(table):
        raise ValueError(
            f"packed weights are damaged: level {index.max()} of {len(table)}"
        )
    w = np.zeros(kept.shape, dtype=table.dtype)
    w[kept] = table[index]
    return w, kept


def packed_bytes(packed: Mapping[str, np.ndarray]) -> int:
    """Return the bytes of all packed arrays."""
    return sum(packed[name].nbytes for name in _PACKED)


def _check_table(table: np.ndarray) -> None:
    if table.ndim != 1 or not 1 <= len(table) <= MOST_LEVELS:
        raise ValueError(
            f"table must be 1 to {MOST_LEVELS} levels, got shape {table.shape}"
        )
    if not (np.isfinite(table).all() and (np.diff(table) > 0).all()):
        raise ValueError("table must ascend and be finite, each level once")


def _check_size(name: str, packed: np.ndarray, n_bits: int) -> None:
    if packed.dtype != np.uint8 or packed.shape != (_bytes(n_bits),):
        raise ValueError(
            f"packed weights are damaged: {name} must be {_bytes(n_bits)} bytes, got "
            f"{packed.dtype} of shape {packed.shape}"
        )


def _bytes(n_bits: int) -> int:
    return -(-n_bits // 8)


@dataclass(frozen=True, kw_only=True)
class EnergyPerEvent(Parameters):
    """Energy that a synaptic event and a weight update are assumed to take.

    Everything else is left out: neurons, routing of spikes, leakage, and whatever
    reads the input. An estimate compares networks, it does not predict a chip.

    Parameters
    ----------
    synaptic_event : Quantity, energy
        Of one spike arriving at one synapse.
    weight_update : Quantity, energy
        Of one change of one weight.
    source : str
        Where both come from.

    References
    ----------
    Davies et al. (2018), doi:10.1109/MM.2018.112130359, Table 2.
    """

    synaptic_event: Quantity = quantity("23.6 pJ", low=0, doc="energy of an event")
    weight_update: Quantity = quantity("120 pJ", low=0, doc="energy of an update")
    source: str = text(
        "Loihi, simulated minimum of a synaptic spike operation, and of a pairwise STDP "
        "update: Davies et al. (2018), doi:10.1109/MM.2018.112130359, Table 2",
        doc="where the numbers come from",
    )


LOIHI = EnergyPerEvent()
TRUENORTH = EnergyPerEvent(
    synaptic_event=26 * UNITS["pJ"],
    weight_update=0 * UNITS["pJ"],
    source="TrueNorth, whole chip at its typical load, without learning, so updates are "
    "free here: Merolla et al. (2014), doi:10.1126/science.1254642",
)


@dataclass(frozen=True, kw_only=True)
class Cost(Parameters):
    """Bytes and events of a network, and the energy that the events stand for.

    Parameters
    ----------
    spikes, synaptic_events, weight_updates : int
        Counted in all `n_examples`.
    n_examples : int
        Examples that were shown meanwhile.
    n_synapses, n_surviving : int
        Synapses before pruning and after it.
    bits_before, bits_after : int
        Bits of a weight before quantization and after it.
    n_levels : int
        Levels in a table of `bits_before` bits each; 0 without a table.
    index : {"mask", "csr"}
        How it is stored which synapses are left; nothing is, where all of them are.
    n_targets : int
        Targets of the synapses, for "csr".
    energy : EnergyPerEvent
        Assumed energy of an event.
    """

    spikes: int = number(low=0, integer=True)
    synaptic_events: int = number(low=0, integer=True)
    weight_updates: int = number(low=0, integer=True)
    n_examples: int = number(low=1, integer=True)
    n_synapses: int = number(low=1, integer=True)
    n_surviving: int = number(low=0, integer=True)
    bits_before: int = number(32, low=1, integer=True)
    bits_after: int = number(32, low=0, integer=True)
    n_levels: int = number(0, low=0, integer=True)
    index: str = choice("mask", of=tuple(INDICES))
    n_targets: int = number(0, low=0, integer=True)
    energy: EnergyPerEvent = LOIHI

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_surviving > self.n_synapses:
            raise ValueError(
                f"Cost.n_surviving must be <= n_synapses {self.n_synapses}, got "
                f"{self.n_surviving}"
            )
        n_targets = self.n_targets or self.n_synapses + 1
        if self.index == "csr" and self.n_synapses % n_targets:
            raise ValueError(
                f"Cost.n_targets must divide n_synapses {self.n_synapses} for index "
                f"'csr', got {self.n_targets}"
            )

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], **others: Any) -> Self:
        """Return the cost of counted events.

        Parameters
        ----------
        counts : mapping of str to int
            ``spikes``, ``synaptic_events`` and ``weight_updates``, nothing else.
        **others
            Every other parameter.

        Raises
        ------
        ValueError
            If a count is missing or not known.
        """
        for name in counts:
            if name not in COUNTS:
                raise ValueError(unknown_name("count", name, COUNTS))
        missing = [name for name in COUNTS if name not in counts]
        if missing:
            raise ValueError(f"counts lack {', '.join(missing)}; give 0 for none")
        return cls(**{**counts, **others})

    @property
    def connectivity(self) -> float:
        """Share of the synapses that is left."""
        return self.n_surviving / self.n_synapses

    @property
    def bytes_before(self) -> int:
        """Bytes of all weights, before."""
        return _bytes(self.n_synapses * self.bits_before)

    @property
    def index_bytes(self) -> int:
        """Bytes that say which synapses are left."""
        if self.n_surviving == self.n_synapses:
            return 0
        if self.index == "mask":
            return _bytes(self.n_synapses)
        source = bits_per_synapse(self.n_synapses // self.n_targets)
        offset = bits_per_synapse(self.n_surviving + 1)
        return _bytes(self.n_surviving * source) + _bytes((self.n_targets + 1) * offset)

    @property
    def bytes_after(self) -> int:
        """Bytes of the weights that are left, their levels and their index."""
        weights = _bytes(self.n_surviving * self.bits_after)
        return weights + _bytes(self.n_levels * self.bits_before) + self.index_bytes

    @property
    def energy_estimate(self) -> Quantity:
        """Energy of an example, estimated from counts."""
        events = self.synaptic_events * self.energy.synaptic_event.value
        updates = self.weight_updates * self.energy.weight_update.value
        return Quantity((events + updates) / self.n_examples, UNITS["J"].dimension)

    def per_example(self) -> dict[str, float]:
        """Return the mean counts of an example by name."""
        return {name: getattr(self, name) / self.n_examples for name in COUNTS}

    def rows(self, baseline: Self | None = None) -> list[tuple[str, Any, Any]]:
        """Return what a table shows: names, and values before and after.

        Parameters
        ----------
        baseline : Cost, optional
            The same network without compression; its events are those before, which
            are None without it.

        Raises
        ------
        ValueError
            If the baseline has another number of synapses.
        """
        if baseline is not None and baseline.n_synapses != self.n_synapses:
            raise ValueError(
                f"baseline must have {self.n_synapses} synapses before pruning, got "
                f"{baseline.n_synapses}; compare runs of one network"
            )
        before = {} if baseline is None else baseline._events()
        return [
            ("synapses", self.n_synapses, self.n_surviving),
            ("connectivity", 1.0, self.connectivity),
            ("bits a weight", self.bits_before, self.bits_after),
            ("bytes of the index", 0, self.index_bytes),
            ("bytes in all", self.bytes_before, self.bytes_after),
            *(
                (name, before.get(name), value)
                for name, value in self._events().items()
            ),
        ]

    def _events(self) -> dict[str, Any]:
        named = {
            f"{name.replace('_', ' ')} an example": value
            for name, value in self.per_example().items()
        }
        return {**named, "energy an example, estimated": self.energy_estimate}

    def table(self, baseline: Self | None = None) -> str:
        """Return the rows as text, with what is assumed below them.

        Parameters
        ----------
        baseline : Cost, optional
            As for `rows`.
        """
        cells = [("", "before", "after", "before / after")]
        for name, before, after in self.rows(baseline):
            ratio = _ratio(before, after)
            cells.append((name, _shown(before), _shown(after), ratio))
        widths = [
            max(len(cell) for cell in column) for column in zip(*cells, strict=True)
        ]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in cells
        ]
        return "\n".join([line.rstrip() for line in lines] + self.notes())

    def notes(self) -> list[str]:
        """Return what the numbers rest on, a line each."""
        index = (
            "none, all synapses are left"
            if not self.index_bytes
            else INDICES[self.index]
        )
        return [
            f"index: {index}",
            f"energy: an estimate, {self.energy.synaptic_event} a synaptic event and "
            f"{self.energy.weight_update} a weight update, nothing else",
            f"source: {self.energy.source}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return parameters and results as plain values for JSON."""
        return {
            **super().to_dict(),
            "connectivity": self.connectivity,
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
            "index_bytes": self.index_bytes,
            "per_example": self.per_example(),
            "energy_estimate_joule": self.energy_estimate.value,
            "notes": self.notes(),
        }


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Quantity):
        return f"{_shown(float(value / UNITS['uJ']))} uJ"
    whole = isinstance(value, int) or value >= 1000
    return f"{value:,.0f}" if whole else f"{value:.4g}"


def _ratio(before: Any, after: Any) -> str:
    if isinstance(after, Quantity) and before is not None:
        before, after = before.value, after.value
    return f"{before / after:.3g}" if before and after else ""
