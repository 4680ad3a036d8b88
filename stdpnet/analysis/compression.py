"""Numbers about pruning and quantization: what is left of a network, what it costs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from stdpnet.analysis.numbers import Row, energy, percent, readable, whole
from stdpnet.analysis.recorded import MissingArraysError, Run
from stdpnet.costs import Cost, bits_per_synapse

DENSE = {"FullyConnectedSTDP", "StochasticBinarySTDP"}


@dataclass(frozen=True)
class BankCost:
    """What the plastic synapses of a bank cost, all of them and those that are left.

    Parameters
    ----------
    weights : ndarray, shape (n_left,)
        Weights that are left.
    levels : ndarray, shape (n_levels,), or None
        What they were rounded to, if they were.
    n_shown : ndarray of int, shape (n_chunks,), or None
        Images shown until each chunk's end.
    connectivity : ndarray, shape (n_chunks,), or None
        Share of the synapses that was left then; None without pruning.
    learning, tested : (Cost, Cost)
        With all synapses and dense weights, and with those that are left, packed.
        Events are those of learning and of the test images, none if they were not
        recorded: at all synapses, and at those that were left at the time.
    """

    weights: np.ndarray
    levels: np.ndarray | None
    n_shown: np.ndarray | None
    connectivity: np.ndarray | None
    learning: tuple[Cost, Cost]
    tested: tuple[Cost, Cost]

    @property
    def compressed(self) -> bool:
        """Whether synapses were pruned or weights quantized."""
        return self.connectivity is not None or self.levels is not None

    @property
    def on_levels(self) -> bool:
        """Whether all weights that are left are on the levels."""
        return _on_levels(self.weights, self.levels)


def is_dense(run: Run) -> bool:
    """Say whether neurons of a bank of a run see whole images."""
    groups = (
        f"{kind}/{bank}" for kind in ("banks", "estimators") for bank in run.banks
    )
    return any(run.attributes(group).get("class") in DENSE for group in groups)


def is_compressed(run: Run) -> bool:
    """Say whether synapses of a run were pruned, or weights quantized."""
    return any(
        run.bank_array(bank, name) is not None
        for bank in run.banks
        for name in ("history/connectivity", "levels")
    )


def bank_costs(run: Run) -> dict[str, BankCost]:
    """Return the cost of every bank of a run that recorded its kernels, by name."""
    found = {}
    for bank in run.banks:
        kernels = run.bank_array(bank, "kernels")
        if kernels is not None and kernels.ndim == 4 and kernels.size:
            found[bank] = _bank_cost(run, bank, kernels)
    return found


def compressed_banks(run: Run) -> dict[str, BankCost]:
    """Return the cost of the banks that were compressed.

    Raises
    ------
    MissingArraysError
        If there is none.
    """
    found = {name: cost for name, cost in bank_costs(run).items() if cost.compressed}
    if not found:
        raise MissingArraysError(
            f"{run.path} was trained without pruning or quantization; set "
            "network.pruning or network.quantization"
        )
    return found


def _bank_cost(run: Run, bank: str, kernels: np.ndarray) -> BankCost:
    levels = run.bank_array(bank, "levels")
    n_shown = run.bank_array(bank, "history/n_images_shown")
    n_presented = run.bank_array(bank, "history/n_shown")
    connectivity = run.bank_array(bank, "history/connectivity")
    # Weights of unpruned networks may be zero.
    left = np.ones(kernels.shape, bool) if connectivity is None else kernels != 0
    weights = kernels[left]
    bits = 8 * kernels.dtype.itemsize
    n_levels = len(levels) if levels is not None and _on_levels(weights, levels) else 0
    every = {"n_synapses": left.size, "n_surviving": left.size, "bits_before": bits}
    those_left = every | {
        "n_surviving": left.size
        if connectivity is None
        else round(connectivity[-1] * left.size),
        "bits_after": bits_per_synapse(n_levels) if n_levels else bits,
        "n_levels": n_levels,
    }

    def costs(events: dict[str, Any], n_images: int) -> tuple[Cost, Cost]:
        counts = _Counts.of(events, n_images)
        return counts.cost(every, spared=True), counts.cost(those_left)

    index = run.array("test/index")
    return BankCost(
        weights,
        levels,
        n_shown,
        connectivity,
        costs(run.attributes(f"banks/{bank}/events"), _last(n_presented)),
        costs(
            run.attributes(f"test/events/{bank}"), 0 if index is None else len(index)
        ),
    )


def _last(n_shown: np.ndarray | None) -> int:
    return 0 if n_shown is None or not len(n_shown) else int(n_shown[-1])


def _on_levels(weights: np.ndarray, levels: np.ndarray | None) -> bool:
    return levels is not None and bool(np.isin(weights, levels).all())


@dataclass(frozen=True)
class _Counts:
    """Events of some images: those that happened, and those that pruning spared."""

    n_images: int
    spikes: int
    events: tuple[int, int]
    updates: tuple[int, int]

    @classmethod
    def of(cls, counts: dict[str, Any], n_images: int) -> "_Counts":
        if not counts or not n_images:
            return cls(1, 0, (0, 0), (0, 0))

        def both(kind: str) -> tuple[int, int]:
            happened = [int(n) for name, n in counts.items() if name.endswith(kind)]
            spared = counts.get(f"afferents{kind}_passed_over", 0)
            return sum(happened), int(spared)

        spikes = int(counts.get("features.spikes", 0))
        return cls(n_images, spikes, both(".events"), both(".updates"))

    def cost(self, synapses: dict[str, Any], *, spared: bool = False) -> Cost:
        """Return the cost of what happened, or of what would have without pruning."""
        events, updates = (n if spared else n[:1] for n in (self.events, self.updates))
        return Cost(
            spikes=self.spikes,
            synaptic_events=sum(events),
            weight_updates=sum(updates),
            n_examples=self.n_images,
            **synapses,
        )


# -- what is shown --------------------------------------------------------------------


@dataclass(frozen=True)
class Saving:
    """One quantity before and after.

    Parameters
    ----------
    name : str
        What it is.
    before, after : float
        Its values.
    shown : callable
        Writes one of them.
    """

    name: str
    before: float
    after: float
    shown: Callable[[float], str]

    @property
    def ratio(self) -> str:
        """How much less there is afterwards, as "24.6 times less", or nothing."""
        if self.before == self.after or not self.after:
            return ""
        return f"{self.before / self.after:.3g} times less"

    @property
    def text(self) -> str:
        """Both values, or the one that there is."""
        before, after = self.shown(self.before), self.shown(self.after)
        return before if before == after else f"{before} before, {after} after"


def savings(cost: BankCost) -> list[Saving]:
    """Return bytes; and events, updates and energy, where they were recorded."""
    before, after = cost.learning
    n_bytes = before.bytes_before, after.bytes_after
    found = [Saving("Bytes of weights", *n_bytes, whole)]
    for costs, of in ((cost.learning, "a presentation"), (cost.tested, "a test image")):
        found += _events_saved(*costs, of)
    return found


def _events_saved(before: Cost, after: Cost, of: str) -> list[Saving]:
    if not before.synaptic_events:
        return []
    events, fewer = before.per_example(), after.per_example()
    joules = [one.energy_estimate.value for one in (before, after)]
    found = [
        Saving(f"{readable(name)}, {of}", events[name], fewer[name], whole)
        for name in ("synaptic_events", "weight_updates")
        if events[name]
    ]
    name = f"Estimated energy, {of}"
    return [*found, Saving(name, joules[0], joules[1], energy)]


def cost_rows(run: Run) -> list[Row]:
    """Return what the synapses of each bank cost, before and after compression."""
    costs = bank_costs(run)
    return [
        (f"{bank}: {name}" if len(costs) > 1 else name, value)
        for bank, cost in costs.items()
        for name, value in _rows(cost)
    ]


def _rows(cost: BankCost) -> list[Row]:
    (_, after), rows = cost.learning, []
    n_all, n_left = after.n_synapses, after.n_surviving
    if cost.connectivity is None:
        rows.append(("Plastic synapses", whole(n_all)))
    else:
        left = f"{whole(n_left)} of {whole(n_all)}"
        rows += [
            ("Synapses left", left),
            ("Connectivity", percent(after.connectivity, 2)),
        ]
    if cost.levels is not None:
        rows.append(("Levels of the weights", _levels_text(cost)))
    for saving in savings(cost):
        ratio = f"; {saving.ratio}" if saving.ratio else ""
        rows.append((saving.name, f"{saving.text}{ratio}"))
    return rows


def _levels_text(cost: BankCost) -> str:
    assert cost.levels is not None
    bits = bits_per_synapse(len(cost.levels))
    text = f"{len(cost.levels)} ({bits} bit{'' if bits == 1 else 's'})"
    return text if cost.on_levels else f"{text}, but weights are not on them"


def cost_notes(run: Run) -> list[str]:
    """Return what the rows of `cost_rows` rest on."""
    costs = bank_costs(run)
    notes = []
    for bank, cost in costs.items():
        if cost.compressed:
            whose = f"{bank}: " if len(costs) > 1 else ""
            bits = cost.learning[0].bits_before
            notes.append(
                f"{whose}Before: all synapses and {bits} bits a weight, at the same "
                "spikes. After: the synapses that are left, packed; while learning, "
                "those that were left at the time."
            )
    pairs = [pair for cost in costs.values() for pair in (cost.learning, cost.tested)]
    counted = [after for _, after in pairs if after.synaptic_events]
    if counted:
        assumed = counted[0].energy
        notes.append(
            "Events are counted: of a presentation while learning, of a test image with all of "
            "its presentations. "
            f"Energy is an estimate from them: {assumed.synaptic_event} a synaptic event "
            f"and {assumed.weight_update} a weight update, nothing else. Source: "
            f"{assumed.source}."
        )
    return notes
