"""Numbers about pruning and quantization: what is left of a network, what it costs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import stdpnet.models.custom  # noqa: F401 (rules written as text are known then)
from stdpnet.analysis.numbers import Row, energy, percent, readable, whole
from stdpnet.analysis.recorded import MissingArraysError, Run
from stdpnet.config import from_dict
from stdpnet.costs import Cost, bits_per_synapse
from stdpnet.models.plasticity import PlasticityRule

DENSE = "FullyConnectedSTDP"
_ARRIVALS, _UPDATES = "afferents.events", "afferents.updates"

#: How events that were not counted are estimated.
FROM_IMAGE = "one test image"
FROM_CONNECTIVITY = "connectivity"
_BASIS = {
    FROM_IMAGE: "Events and updates after pruning are estimated from the input spikes of "
    "one test image and the synapses that these still meet.",
    FROM_CONNECTIVITY: "Events and updates are estimated from connectivity, as if every "
    "input had kept the same share of its synapses.",
}
#: What events are counted for.
PER_IMAGE = " an image"


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
    before, after : Cost
        With all synapses and dense weights, and with those that are left, packed.
        Events are those of learning, an example is a presentation; there are none
        if they were not recorded.
    basis : str
        What the events of `after` are estimated from; empty if they are those
        of `before`.
    """

    weights: np.ndarray
    levels: np.ndarray | None
    n_shown: np.ndarray | None
    connectivity: np.ndarray | None
    before: Cost
    after: Cost
    basis: str

    @property
    def compressed(self) -> bool:
        """Whether synapses were pruned or weights quantized."""
        return self.connectivity is not None or self.levels is not None

    @property
    def on_levels(self) -> bool:
        """Whether all weights that are left are on the levels."""
        return _on_levels(self.weights, self.levels)


def is_dense(run: Run) -> bool:
    """Say whether a bank of a run is a `FullyConnectedSTDP`."""
    return any(_kind(run, bank) == DENSE for bank in run.banks)


def _kind(run: Run, bank: str) -> str:
    return str(run.attributes(f"estimators/{bank}").get("class", ""))


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
    n_shown = run.bank_array(bank, "history/n_shown")
    connectivity = run.bank_array(bank, "history/connectivity")
    # Weights of unpruned networks may be zero.
    left = np.ones(kernels.shape, bool) if connectivity is None else kernels != 0
    weights = kernels[left]
    counts = _Counts.of(run, bank)
    every, those_left, basis = counts, counts, ""
    if connectivity is not None and counts.arrivals:
        every, those_left, basis = _pruned(run, bank, counts, left)
    bits = 8 * kernels.dtype.itemsize
    before = every.cost(n_synapses=left.size, n_surviving=left.size, bits_before=bits)
    n_levels = len(levels) if levels is not None and _on_levels(weights, levels) else 0
    after = those_left.cost(
        n_synapses=left.size,
        n_surviving=int(left.sum()),
        bits_before=bits,
        bits_after=bits_per_synapse(n_levels) if n_levels else bits,
        n_levels=n_levels,
    )
    return BankCost(weights, levels, n_shown, connectivity, before, after, basis)


def _on_levels(weights: np.ndarray, levels: np.ndarray | None) -> bool:
    return levels is not None and bool(np.isin(weights, levels).all())


# -- events ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Counts:
    """Events of a bank while it learned, in all presentations."""

    n_shown: int
    spikes: int
    arrivals: float
    elsewhere: int
    updates: float

    @classmethod
    def of(cls, run: Run, bank: str) -> "_Counts":
        events = _events(run, bank)
        shown = run.bank_array(bank, "history/n_shown")
        if shown is None or not len(shown):
            return cls(1, 0, 0, 0, 0)
        arrivals = events.get(_ARRIVALS, 0)
        all_events = sum(n for name, n in events.items() if name.endswith(".events"))
        spikes, updates = events.get("features.spikes", 0), events.get(_UPDATES, 0)
        elsewhere = all_events - arrivals
        return cls(max(int(shown[-1]), 1), spikes, arrivals, elsewhere, updates)

    def but(self, arrivals: float, updates: float) -> "_Counts":
        return _Counts(self.n_shown, self.spikes, arrivals, self.elsewhere, updates)

    def cost(self, **synapses: Any) -> Cost:
        return Cost(
            spikes=self.spikes,
            synaptic_events=round(self.arrivals) + self.elsewhere,
            weight_updates=round(self.updates),
            n_examples=self.n_shown,
            **synapses,
        )


def _events(run: Run, bank: str) -> dict[str, int]:
    return {name: int(n) for name, n in run.attributes(f"banks/{bank}/events").items()}


def _pruned(
    run: Run, bank: str, counts: _Counts, left: np.ndarray
) -> tuple[_Counts, _Counts, str]:
    """Return the events at all synapses, at those that are left, and how they are known.

    Counted were, from chunk to chunk, those at the synapses that were left by then.
    """
    if _kind(run, bank) == DENSE:
        return _pruned_dense(run, bank, counts, left)
    share = _mean_connectivity(run, bank)
    every = counts.but(counts.arrivals / share, counts.updates / share)
    remain = left.mean()
    after = every.but(every.arrivals * remain, every.updates * remain)
    return every, after, FROM_CONNECTIVITY


def _mean_connectivity(run: Run, bank: str) -> float:
    """Return the share of synapses that an average presentation met."""
    until = run.need(f"banks/{bank}/history/n_shown", "events")
    after = run.need(f"banks/{bank}/history/connectivity", "events")
    # A chunk is over before anything is pruned.
    during = np.concatenate([[1.0], after[:-1]])
    return float(np.average(during, weights=np.diff(until, prepend=0)))


def _pruned_dense(
    run: Run, bank: str, counts: _Counts, left: np.ndarray
) -> tuple[_Counts, _Counts, str]:
    """Every input reaches every neuron, so spikes tell the events at all synapses."""
    n_neurons, n_inputs = len(left), left[0].size
    arrivals = _events(run, bank).get("inputs.spikes", 0) * n_neurons
    returns = counts.spikes * n_inputs
    on_pre, on_post = _learns(run, bank)
    every = counts.but(arrivals, on_pre * arrivals + on_post * returns)
    met, basis = _share_met(run, bank, left)
    after = every.but(
        met * arrivals, on_pre * met * arrivals + on_post * left.mean() * returns
    )
    return every, after, basis


def _learns(run: Run, bank: str) -> tuple[bool, bool]:
    """Return whether weights change with spikes of the source, and of the target."""
    params = json.loads(run.attributes(f"estimators/{bank}").get("params", "{}"))
    rule = from_dict(PlasticityRule, params.get("rule") or {}, default="TripletSTDP")
    return bool(rule.on_pre), bool(rule.on_post)


def _share_met(run: Run, bank: str, left: np.ndarray) -> tuple[float, str]:
    """Return which share of the synapses of its input an input spike still meets.

    Inputs that spike much keep more synapses than others, so that connectivity would
    promise too much; one image with its input spikes is recorded.
    """
    spikes = run.array("raster/inputs")
    is_its_own = run.banks[:1] == (bank,)
    if spikes is None or not len(spikes) or not is_its_own:
        return float(left.mean()), FROM_CONNECTIVITY
    of_input = left.reshape(len(left), -1).mean(axis=0)
    return float(of_input[spikes[:, 1]].mean()), FROM_IMAGE


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
    per : str
        What it is counted for.
    """

    name: str
    before: float
    after: float
    shown: Callable[[float], str]
    per: str = PER_IMAGE

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
    """Return bytes, events, updates and energy; only bytes if no events were recorded.

    Events, updates and energy are those of an image shown while learning.
    """
    before, after = cost.before, cost.after
    n_bytes = before.bytes_before, after.bytes_after
    found = [Saving("Bytes of weights", *n_bytes, whole, per="")]
    if not before.synaptic_events:
        return found
    events, fewer = before.per_example(), after.per_example()
    for name in ("synaptic_events", "weight_updates"):
        found.append(Saving(readable(name), events[name], fewer[name], whole))
    energies = [one.energy_estimate.value for one in (before, after)]
    return [*found, Saving("Estimated energy", energies[0], energies[1], energy)]


def cost_rows(run: Run) -> list[Row]:
    """Return what the synapses of each bank cost, before and after compression."""
    costs = bank_costs(run)
    return [
        (f"{bank}: {name}" if len(costs) > 1 else name, value)
        for bank, cost in costs.items()
        for name, value in _rows(cost)
    ]


def _rows(cost: BankCost) -> list[Row]:
    after, rows = cost.after, []
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
        rows.append((f"{saving.name}{saving.per}", f"{saving.text}{ratio}"))
    return rows


def _levels_text(cost: BankCost) -> str:
    assert cost.levels is not None
    text = f"{len(cost.levels)} ({bits_per_synapse(len(cost.levels))} bits)"
    return text if cost.on_levels else f"{text}, but weights are not on them"


def cost_notes(run: Run) -> list[str]:
    """Return what the rows of `cost_rows` rest on."""
    costs = bank_costs(run)
    notes = []
    for bank, cost in costs.items():
        whose = f"{bank}: " if len(costs) > 1 else ""
        if cost.compressed:
            notes.append(
                f"{whose}Before: all synapses and {cost.before.bits_before} bits a "
                "weight, at the same spikes. After: the synapses that are left at the "
                "end, packed."
            )
        if cost.basis:
            notes.append(f"{whose}{_BASIS[cost.basis]}")
    counted = [cost.after for cost in costs.values() if cost.after.synaptic_events]
    if counted:
        assumed = counted[0].energy
        notes.append(
            "Events are those of learning; an image that is shown again counts again. "
            f"Energy is an estimate from them: {assumed.synaptic_event} a synaptic event "
            f"and {assumed.weight_update} a weight update, nothing else. Source: "
            f"{assumed.source}."
        )
    return notes
