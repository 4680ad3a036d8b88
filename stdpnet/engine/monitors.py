"""Recordings and event counts of the reference network, in the program's files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.engine import brian2_api as api
from stdpnet.engine.brian2_api import brian2


class Monitors:
    """Brian2 monitors for what a run asks for, and for counting events.

    Parameters
    ----------
    assembly : ReferenceAssembly
        Assembled.
    folder : Path
        Where the run's files are.
    wanted : dict of int
        Name of each recording to the number of presentations between two records.
    dtype_of : callable
        Returns the type of a recorded variable.
    """

    def __init__(
        self,
        assembly: Any,
        folder: Path,
        wanted: dict[str, int],
        dtype_of: Callable[[str], str],
    ) -> None:
        self.assembly, self.dtype_of = assembly, dtype_of
        self.spikes = {
            name: brian2.SpikeMonitor(assembly.groups[name])
            for name in assembly.description["groups"]
        }
        self.wanted = [name for name in wanted if name.endswith(".spikes")]
        self.states: dict[str, Any] = {}
        self.weights: dict[str, list[np.ndarray]] = {}
        self.objects: list[Any] = list(self.spikes.values())
        for name, every in wanted.items():
            if name.partition(".")[0] in assembly.description["projections"]:
                self._watch_weights(name, every)
            elif name not in self.wanted:
                self._watch_state(name, folder)

    def _watch_state(self, name: str, folder: Path) -> None:
        group_name, _, variable = name.partition(".")
        per_map = self.assembly.groups.get(f"{group_name}_map")
        group = self.assembly.groups[group_name]
        if per_map is not None and variable in per_map.equations.names:
            group = per_map
        ids = np.fromfile(folder / f"ids_{name}", np.int32)
        monitor = brian2.StateMonitor(group, variable, record=ids, when="end")
        self.states[name] = monitor
        self.objects.append(monitor)

    def _watch_weights(self, name: str, every: int) -> None:
        part, _, variable = name.partition(".")
        group = self.assembly.groups[part]
        clock, rows = self.assembly.clock, self.weights.setdefault(name, [])

        def look() -> None:
            if clock.timestep > 0 and clock.timestep % every == 0:
                rows.append(api.get_values(group, variable).copy())

        self.objects.append(
            brian2.NetworkOperation(look, clock=clock, when="start", order=-1)
        )

    def write(self, folder: Path) -> None:
        """Write the recordings and the numbers of events."""
        events = {name: self._events(name) for name in self.spikes}
        for name in self.wanted:
            events[name.removesuffix(".spikes")].tofile(folder / f"record_{name}")
        for name, monitor in self.states.items():
            variable = name.partition(".")[2]
            values = np.asarray(getattr(monitor, variable)).T
            values.astype(self.dtype_of(name)).tofile(folder / f"record_{name}")
        for name, rows in self.weights.items():
            np.asarray(rows, self.dtype_of(name)).tofile(folder / f"record_{name}")
        tally = self._tally({name: rows[:, 2] for name, rows in events.items()})
        lines = "".join(f"{name} {n}\n" for name, n in tally.items())
        (folder / "tally").write_text(lines)

    def _events(self, name: str) -> np.ndarray:
        """Return (presentation, step, neuron) of every spike."""
        monitor, n_steps = self.spikes[name], self.assembly.n_steps
        steps = np.round(monitor.t / brian2.defaultclock.dt).astype(np.int32)
        rows = np.stack([steps // n_steps, steps % n_steps, monitor.i[:]], axis=1)
        return rows.astype(np.int32)

    def _tally(self, spikes: dict[str, np.ndarray]) -> dict[str, int]:
        tally = {f"{name}.spikes": len(neurons) for name, neurons in spikes.items()}
        for name, projection in self.assembly.description["projections"].items():
            if projection["delay"]:
                continue
            met = self._met(name, spikes)
            learning = self.assembly.parameters.get(f"{name}.learning", 0) > 0
            rules = [side for side in ("pre", "post") if projection[f"learn_{side}"]]
            for kind, sides in (("events", ["pre"]), ("updates", rules)):
                happens = projection["transmit"] if kind == "events" else rules
                if not happens:
                    continue
                counts = np.sum([met[side] for side in sides], axis=0)
                counts *= learning or kind == "events"
                tally[f"{name}.{kind}"], passed_over = (int(n) for n in counts)
                if "kept" in projection["variables"]:
                    tally[f"{name}.{kind}_passed_over"] = passed_over
        return tally

    def _met(self, name: str, spikes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return how many synapses spikes of each side met: left, and pruned."""
        projection = self.assembly.description["projections"][name]
        pre, post, weight = self.assembly.edges(name)
        left = np.ones(len(pre), bool)
        if "kept" in projection["variables"]:  # the others change nothing
            left = api.get_values(self.assembly.groups[name], "kept")[weight] > 0
        met = {}
        for side, end, at in (("pre", "source", pre), ("post", "target", post)):
            group = projection[end]
            n = int(np.prod(self.assembly.shape(group)))
            of_neuron = [np.bincount(at[mask], minlength=n) for mask in (left, ~left)]
            met[side] = np.array([some[spikes[group]].sum() for some in of_neuron])
        return met
