"""The same network on plain Brian2: the reference in tests, and the fallback.

Every projection is an ordinary `Synapses` object with stored indices whose
weights are references into one shared array. Runs on Brian2's NumPy and Cython
targets, and (for comparison) in its C++ standalone mode.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stdpnet.config import from_dict
from stdpnet.engine import brian2_api as api
from stdpnet.engine.assemble import METHODS, Assembly, overridden
from stdpnet.engine.brian2_api import brian2
from stdpnet.engine.delays import delayed_synapses
from stdpnet.engine.synapses import shared_synapses
from stdpnet.models.network import NEVER
from stdpnet.models.projections import Edges, Geometry

#: When an input spikes, as Brian2 conditions; `stimulus` has a row every time step.
INPUT_CONDITIONS = {
    "steps": "stimulus({example}*dt, i) == timestep(t, dt) % n_steps",
    "rates": "rand() < {gain}*stimulus(({example}*n_frames + {frame})*dt, i)*dt"
    "*int(timestep(t, dt) % n_steps < n_input_steps)",
}
_FRAME = "timestep(t, dt) % n_steps * n_frames // n_input_steps"
#: What they need besides: by time where each example is shown once, else by `show`.
_FIXED = {"example": "timestep(t, dt) // n_steps", "gain": "1", "frame": _FRAME}
_SHOWN = {"example": "example", "gain": "gain", "frame": _FRAME}
_SHOWN_EQUATIONS = ["example : integer (shared)", "gain : 1 (shared)"]


class BeginningOfRun(api.CodeRunner):  # type: ignore[misc]
    """Statements before the first presentation."""

    def run(self) -> None:
        """Run the statements at t = 0 only."""
        if self.clock.timestep == 0:
            super().run()


class EndOfPresentation(api.CodeRunner):  # type: ignore[misc]
    """Statements after a presentation: at the start of each but the first."""

    def run(self) -> None:
        """Run the statements, except at t = 0."""
        if self.clock.timestep > 0:
            super().run()


class ReferenceAssembly(Assembly):
    """Plain Brian2 objects, with stimuli and parameters built in.

    Parameters
    ----------
    description, presentation
        As for `Assembly`.
    stimuli : dict of ndarray, shape (n_examples[, frames], height, width, channels)
        Steps or rates for each input.
    parameters : dict of float
        "part.name" to value in SI units.
    n_steps : int
        Time steps of a presentation.
    n_input_steps : int, optional
        Those of them with input; default: all.
    fixed : bool
        Whether each example is shown once, in order. Else `show` chooses it.
    state : dict of ndarray, optional
        Has which weights are left, where not all are.
    """

    def __init__(
        self,
        description: dict[str, Any],
        stimuli: dict[str, np.ndarray],
        parameters: dict[str, float],
        n_steps: int,
        n_input_steps: int | None = None,
        *,
        fixed: bool = True,
        state: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        super().__init__(description, presentation=n_steps * description["dt"])
        self.stimuli, self.parameters, self.n_steps = stimuli, parameters, n_steps
        self.n_input_steps, self.fixed = n_input_steps or n_steps, fixed
        self.state = state or {}
        self.counts: dict[str, Any] = {}

    def assemble(self) -> Any:
        """Make all objects, set the parameters, and return the network."""
        network = super().assemble()
        for name, value in self.parameters.items():
            group, variable = name.split(".")
            api.set_values(self.groups[group], variable, value)
        return network

    # -- groups -----------------------------------------------------------------

    def _make_neurons(self, name: str, group: dict[str, Any], n: int) -> Any:
        if group["stimulus"]:
            return self._make_input(name, group, n)
        competition = group["competition"]
        if competition and competition["ties"] != "all":
            return self._make_rivals(name, group, n)
        return brian2.NeuronGroup(
            n,
            "\n".join(group["equations"]["neuron"]),
            threshold=group["threshold"],
            name=name,
            **self.neuron_options(group),
        )

    def _make_input(self, name: str, group: dict[str, Any], n: int) -> Any:
        kind, sizes = group["stimulus"], ("n_steps", "n_input_steps")
        namespace: dict[str, Any] = {size: getattr(self, size) for size in sizes}
        namespace["n_frames"] = group["frames"] or 1
        namespace["stimulus"] = self._timed(name, n, kind)
        equations = list(group["equations"]["neuron"])
        return brian2.NeuronGroup(
            n,
            "\n".join(equations if self.fixed else equations + _SHOWN_EQUATIONS),
            threshold=INPUT_CONDITIONS[kind].format(
                **(_FIXED if self.fixed else _SHOWN)
            ),
            method=METHODS,
            name=name,
            namespace=namespace,
        )

    def _timed(self, name: str, n: int, kind: str) -> Any:
        """Return the stimulus, a row for each time step: a frame, or an example."""
        rows = self.stimuli[name].reshape(-1, n).astype(float)
        # One more row: the step that records the last presentation has no input.
        blank = np.full((1, n), NEVER if kind == "steps" else 0.0)
        unit = 1 if kind == "steps" else brian2.Hz
        return brian2.TimedArray(
            np.concatenate([rows, blank]) * unit,
            dt=self.description["dt"] * brian2.second,
            name=f"stimulus_{name}",
        )

    def show(self, example: int, gain: float) -> None:
        """Set what the inputs do in the next presentation."""
        for name in self.stimuli:
            api.set_values(self.groups[name], "example", np.array([example]))
            api.set_values(self.groups[name], "gain", np.array([gain]))

    def _make_rivals(self, name: str, group: dict[str, Any], n: int) -> Any:
        """Neurons of which only the best that cross in a step spike."""
        neurons = brian2.NeuronGroup(
            n,
            "\n".join(
                [
                    *group["equations"]["neuron"],
                    f"strength = {group['strength']} : 1",
                    "wins : boolean",
                ]
            ),
            threshold="wins",
            events={"cross": group["threshold"]},
            name=name,
            **self.neuron_options(group),
        )
        neurons.thresholder["cross"].when = "before_thresholds"

        def choose() -> None:
            crossed = api.crossed(neurons, "cross")
            strength = np.asarray(neurons.strength[:])
            wins = np.zeros(n, bool)
            if group["competition"]["ties"] == "ranked":
                sites = self.groups[f"{name}_site"]
                left = api.get_values(neurons, "winners") - np.asarray(sites.site_wins)
                wins[_ranked(crossed, strength, left, n // len(left))] = True
            else:
                wins[_winners(crossed, strength, group)] = True
            api.set_values(neurons, "wins", wins)

        self.others.append(
            brian2.NetworkOperation(choose, when="before_thresholds", order=1)
        )
        return neurons

    def _index(self, group: Any, name: str, values: np.ndarray) -> None:
        api.add_stored_index(group, name, values)

    def _on_spike(self, name: str, statements: list[str], when: str) -> None:
        group = self.groups[name]
        runner = api.on_spike(
            group,
            "\n".join(statements),
            when=when,
            name=f"{name}_on_spike*",
            override_conditional_write=overridden(when),
        )
        self.others.append(runner)

    def _at_presentation(self, group: str, statements: list[str], when: str) -> None:
        runner = _RUNNERS[when](
            self.groups[group],
            "stateupdate",
            code="\n".join(statements),
            clock=self.clock,
            when="start",
            order=-2 if when == "end" else 0,
            override_conditional_write=overridden(when),
            name=f"{group}_{when}*",
        )
        self.others.append(runner)

    # -- connections ----------------------------------------------------------------

    def _add_projection(self, name: str, projection: dict[str, Any]) -> None:
        learning = self.parameters.get(f"{name}.learning", 0.0) > 0
        if projection["delay"]:
            self.others.append(delayed_synapses(self, name))
        else:
            self._add_synapses(name, projection, learning)
        if learning and projection["normalized"]:
            self._normalize(name, projection)
        if learning and projection["learn_end"]:
            self._at_presentation(name, [projection["learn_end"]], "end")

    def _add_synapses(
        self, name: str, projection: dict[str, Any], learning: bool
    ) -> None:
        codes = ["transmit", "learn_pre"] if learning else ["transmit"]
        returns = ["learn_post"] if learning else []
        on_pre, on_post = (
            {code: projection[code] for code in some if projection[code]}
            for some in (codes, returns)
        )
        names = self.shared_variables(name)
        self.others.append(shared_synapses(self, name, names, on_pre, on_post))

    def edges(self, name: str) -> Edges:
        """Return the connections of a projection, those that are left."""
        projection = self.description["projections"][name]
        edges = super().edges(name)
        if not projection["structure"]:
            return edges
        place = self._places(name, projection)[edges.weight]
        left = place >= 0
        return Edges(edges.pre[left], edges.post[left], place[left])

    def _places(self, name: str, projection: dict[str, Any]) -> np.ndarray:
        """Return where each weight of whole kernels is stored, -1 if it is not left."""
        n_maps = self.shape(projection["target"])[2]
        offsets, maps = (self.state[f"{name}.{part}"] for part in ("offsets", "maps"))
        rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        places = np.full((len(offsets) - 1) * n_maps, -1, np.int32)
        places[rows * n_maps + maps] = np.arange(len(maps))
        return places

    def _normalize(self, name: str, projection: dict[str, Any]) -> None:
        """Scale the weights of every map before every presentation, up to their bound."""
        parts, n_maps = self.groups[name], projection["weights"][-1]
        total, bound = (self.parameters[f"{name}.{p}"] for p in ("total", "w_max"))

        def scale() -> None:
            w = api.get_values(parts, "w").reshape(-1, n_maps)
            sums = w.sum(axis=0, dtype=float)
            factors = np.where(sums > 0, total / np.where(sums > 0, sums, 1), 1)
            api.set_values(parts, "w", np.minimum(w * factors, bound).ravel())

        self.others.append(
            brian2.NetworkOperation(scale, clock=self.clock, when="start", order=1)
        )

    def _add_silence(self, name: str, group: dict[str, Any]) -> None:
        geometry = from_dict(Geometry, group["competition"])
        pre, post, _ = geometry.edges(group["shape"], group["shape"])
        rivals = brian2.Synapses(
            self.groups[name],
            self.groups[f"{name}_site"],
            on_pre="site_wins_post += 1",
            name=f"{name}_rivals",
        )
        rivals.connect(i=pre, j=post)
        self.others.append(rivals)

    def _add_counter(self, name: str, counter: dict[str, Any]) -> None:
        geometry = from_dict(Geometry, counter["geometry"])
        source = counter["source"]
        pre, post, _ = geometry.edges(self.shape(source), counter["shape"])
        counted = ["count", "so_far"] if counter["by_latency"] else ["count"]
        group = brian2.NeuronGroup(
            int(np.prod(counter["shape"])),
            "\n".join(f"{variable} : integer" for variable in counted),
            name=name,
        )
        self.groups[name] = group
        pooling = brian2.Synapses(
            self.groups[source],
            group,
            on_pre=f"{counted[-1]}_post += 1",
            name=f"{name}_pooling",
        )
        pooling.connect(i=pre, j=post)
        if counter["by_latency"]:
            group.run_regularly("count += so_far", when="after_synapses")
        self._at_presentation(name, [f"{variable} = 0" for variable in counted], "end")
        self.counts[name] = brian2.StateMonitor(
            group,
            "count",
            record=True,
            clock=self.clock,
            when="start",
            order=-3,
            name=f"{name}_record",
        )
        self.others += [pooling, self.counts[name]]


_RUNNERS = {
    "begin": BeginningOfRun,
    "start": api.CodeRunner,
    "end": EndOfPresentation,
}


def brian2_network(
    description: dict[str, Any],
    stimuli: Mapping[str, np.ndarray],
    state: Mapping[str, np.ndarray],
    parameters: Mapping[str, float],
    n_steps: int,
) -> Any:
    """Return the reference network with everything set, in the current process."""
    brian2.defaultclock.dt = description["dt"] * brian2.second
    assembly = ReferenceAssembly(
        description, dict(stimuli), dict(parameters), n_steps, state=state
    )
    network = assembly.assemble()
    for name, values in state.items():
        group, _, variable = name.partition(".")
        if group in description["groups"]:
            group = f"{group}_map"
        if variable in description["projections"].get(group, {}).get("structure", ()):
            continue
        array = np.asarray(values, float).ravel()
        api.set_values(assembly.groups[group], variable, array)
    return network


def _ranked(
    crossed: np.ndarray, strength: np.ndarray, left: np.ndarray, n_maps: int
) -> list[int]:
    """Return the strongest neurons of each position, as many as it has winners left."""
    ordered = sorted(crossed, key=lambda neuron: (-strength[neuron], neuron))
    kept: list[int] = []
    for neuron in map(int, ordered):
        if left[neuron // n_maps] > 0:
            left[neuron // n_maps] -= 1
            kept.append(neuron)
    return kept


def _winners(
    crossed: np.ndarray, strength: np.ndarray, group: dict[str, Any]
) -> list[int]:
    """Return the neurons that no rival beats, by comparing every pair."""
    _, width, n_maps = group["shape"]
    competition = group["competition"]
    keys = [(-strength[n], n % n_maps, n) for n in crossed]

    def rivals(a: int, b: int) -> bool:
        (ya, xa), (yb, xb) = divmod(a // n_maps, width), divmod(b // n_maps, width)
        near = max(abs(ya - yb), abs(xa - xb)) <= competition["radius"]
        return near or (competition["within_map"] and a % n_maps == b % n_maps)

    return [
        int(a)
        for a, key in zip(crossed, keys, strict=True)
        if not any(
            other < key and rivals(a, b) for b, other in zip(crossed, keys, strict=True)
        )
    ]
