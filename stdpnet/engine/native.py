"""Generate the C++ of a description: Brian2 writes the statements, our templates the loops.

Runs in a process of its own (`stdpnet.engine.build`), because Brian2's
standalone device is global.
"""

from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.engine import brian2_api as api
from stdpnet.engine import logs
from stdpnet.engine.assemble import Assembly, overridden
from stdpnet.engine.brian2_api import brian2
from stdpnet.engine.delays import delayed_synapses
from stdpnet.engine.layouts import competition, listed_traces, pathway, window

#: Besides the clocks of time steps and of the ends of presentations.
CLOCKS = ("begin_clock", "start_clock")
TEMPLATES = Path(__file__).parent / "templates"

_LOOP = """
stdpnet::run({network}.objects, brian::defaultclock, brian::%s, brian::%s,
             Network::_last_run_completed_fraction);
"""


def generate(description: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write the C++ sources of a description into a folder; return the array files."""
    device = api.start_standalone()
    api.use_templates(TEMPLATES)
    brian2.prefs.core.default_float_dtype = api.FLOATS[description["dtype"]]
    brian2.prefs.core.stop_on_keyboard_interrupt = False
    brian2.prefs.codegen.cpp.headers = [
        '"stdpnet_run.h"',
        '"stdpnet_input.h"',
        '"stdpnet_math.h"',
    ]
    brian2.defaultclock.dt = description["dt"] * brian2.second
    device.insert_code(
        "before_network_run", "brian::_random_generators[0].seed(stdpnet::seed());"
    )
    # The duration is not used: the program's own loop counts presentations.
    assembly = NativeAssembly(description, presentation=1.0)
    assembly.assemble().run(1 * brian2.second, namespace={})
    # Brian2 declares only clocks that are used.
    used = {part.clock.name for part in assembly.others}
    clocks = (clock if clock in used else "defaultclock" for clock in CLOCKS)
    api.replace_run_loop(device, _LOOP % tuple(clocks))
    device.build(directory=str(folder), compile=False, run=False)
    return api.array_files(device, assembly.groups)


class NativeAssembly(Assembly):
    """Objects for the C++ standalone device, with templates that compute indices."""

    weight_index = "_kernel"

    def __init__(self, description: dict[str, Any], presentation: float) -> None:
        super().__init__(description, presentation)
        #: Of what runs when a run begins, and at the start of a presentation.
        self.clocks = {
            name.removesuffix("_clock"): brian2.Clock(dt=self.clock.dt, name=name)
            for name in CLOCKS
        }
        #: Groups whose spiking neurons a projection wants listed, with its traces.
        self.listed = listed_traces(description)

    def _make_neurons(self, name: str, group: dict[str, Any], n: int) -> Any:
        neurons = brian2.NeuronGroup(
            n,
            "\n".join(group["equations"]["neuron"]),
            threshold=group.get("threshold", "False"),
            name=name,
            **self.neuron_options(group),
        )
        layout = self._layout(name)
        real = api.C_TYPES[self.dtype]
        updater = neurons.state_updater
        api.use_template(updater, "stdpnet_neurons", real=real, precise=False, **layout)
        thresholder = neurons.thresholder["spike"]
        if group["stimulus"]:
            api.use_template(
                thresholder,
                "stdpnet_input",
                input_name=name,
                stimulus=group["stimulus"],
                n_frames=group["frames"] or 1,
                dt_seconds=repr(self.description["dt"]),
            )
            return neurons
        ties = self._tie_rule(group)
        random = group["random"]
        api.use_template(
            thresholder,
            "stdpnet_threshold",
            random=random,
            real=real,
            **layout,
            **ties,
        )
        if not random:
            api.compute_besides(thresholder, "_crosses", group["crossing"], bool)
        if ties["ties"] != "all":
            strength = group["strength"]
            api.compute_besides(thresholder, "_strength", strength, np.float64)
        return neurons

    @staticmethod
    def _tie_rule(group: dict[str, Any]) -> dict[str, Any]:
        competition = group["competition"] or {}
        return {
            "ties": competition.get("ties", "all"),
            "radius": competition.get("radius", 0),
            "within_map": int(competition.get("within_map", False)),
        }

    def _layout(self, name: str) -> dict[str, Any]:
        height, width, n_maps = self.shape(name)
        return {
            "height": height,
            "width": width,
            "n_maps": n_maps,
            "n_sites": height * width,
        }

    def _index(self, group: Any, name: str, values: np.ndarray) -> None:
        api.add_index(group, name)

    def _add_statements(self, name: str, group: dict[str, Any]) -> None:
        super()._add_statements(name, group)
        neurons, layout = self.groups[name], self._layout(name)
        if name in self.listed:
            layout |= {"listed_name": name, "traces": self._traces(name)}
            self._run(neurons, "stdpnet_spiked", "", "after_synapses", **layout)

    def _traces(self, name: str) -> list[str]:
        return [self._array(name, trace) for trace in self.listed.get(name, ())]

    def _add_level(
        self, name: str, group: dict[str, Any], level: str, n: int, index: np.ndarray
    ) -> None:
        super()._add_level(name, group, level, n, index)
        if group["equations"][level] and group["precise"]:
            api.use_template(
                self.groups[f"{name}_{level}"].state_updater,
                "stdpnet_neurons",
                real="double",
                precise=True,
                n_sites=1,
                n_maps=n,
            )

    def assemble(self) -> Any:
        """Make all objects and the recorder, and return the network of them."""
        super().assemble()
        recorder = api.Parts("stdpnet_recorder")
        self.groups[recorder.name] = recorder
        for log, listed, when, clock in (
            ("stdpnet_spike_log", logs.spikes, "before_resets", None),
            ("stdpnet_state_log", logs.state, "end", None),
            ("stdpnet_weight_log", logs.weights, "end", self.clock),
        ):
            logged = listed(self.description, self._array)
            self._run(recorder, log, "", when, order=1, clock=clock, logged=logged)
        return self.network()

    def _array(self, group: str, variable: str) -> str:
        """Return the name of a variable's array in the generated code."""
        return api.c_name(self.groups[group], variable)

    def _on_spike(self, name: str, statements: list[str], when: str) -> None:
        group, layout = self.groups[name], self._layout(name)
        self._run(group, "stdpnet_spikes", statements, when, **layout)

    def _at_presentation(self, group: str, statements: list[str], when: str) -> None:
        is_population = group in self.description["groups"]
        members = self.groups[group]
        layout: dict[str, Any] = {"n_sites": 1, "n_maps": int(members.N)}
        if is_population:
            layout = self._layout(group)
        clock = self.clocks.get(when, self.clock)
        self._run(
            members,
            "stdpnet_neurons",
            statements,
            "end" if when == "end" else "start",
            clock=clock,
            precise=False,
            **layout,
        )

    def _add_silence(self, name: str, group: dict[str, Any]) -> None:
        radius = group["competition"]["radius"]
        reach = {"size": 2 * radius + 1, "stride": 1, "padding": radius}
        rivals = api.Parts(f"{name}_rivals")
        self.groups[rivals.name] = rivals
        api.add_index(rivals, "_post")
        sites = self.groups[f"{name}_site"]
        api.refer(rivals, "site_wins_post", sites, "site_wins", "_post")
        windows = window(group["shape"], group["shape"], reach) | {"tally": None}
        self._spikes_of(rivals, "_source_spikes", name)
        code = "site_wins_post += 1"
        self._run(rivals, "stdpnet_window", code, "synapses", per_map=False, **windows)

    # -- projections ------------------------------------------------------------

    def _add_projection(self, name: str, projection: dict[str, Any]) -> None:
        parts = self.groups[name]
        if projection["delay"]:
            self.others.append(delayed_synapses(self, name))
        else:
            self._add_pathways(parts, projection)
        if projection["learn_end"]:
            self._at_end(parts, projection)
        if projection["normalized"]:
            self._normalize(parts, projection)

    def _add_pathways(self, parts: Any, projection: dict[str, Any]) -> None:
        name = parts.name
        for index in ("_pre", "_post", "_kernel"):
            api.add_index(parts, index)
        for variable, (group, there, index) in self.shared_variables(name).items():
            if group is not parts:
                api.refer(parts, variable, group, there, f"_{index}")
        self._refer_to_neurons(parts, projection)
        self._spikes_of(parts, "_source_spikes", projection["source"])
        self._spikes_of(parts, "_target_spikes", projection["target"])
        codes = ("transmit", "learn_pre", "learn_post")
        for order, code in enumerate(codes):
            if projection[code]:
                self._pathway(parts, projection, code, order)

    def _refer_to_neurons(self, parts: Any, projection: dict[str, Any]) -> None:
        """Let statements see variables of the neurons, as v_pre or v_post."""
        used = set(projection["neuron_variables"])
        if projection["transmit"]:
            used.add(projection["transmit"].split()[0])
        for name in sorted(used):
            variable, _, side = name.rpartition("_")
            end = self.groups[projection["source" if side == "pre" else "target"]]
            api.refer(parts, name, end, variable, f"_{side}")

    def _at_end(self, parts: Any, projection: dict[str, Any]) -> None:
        """Run statements over all weights after every presentation."""
        self._run(
            parts,
            "stdpnet_weights",
            projection["learn_end"],
            "end",
            clock=self.clock,
            learning_array=self._learning(parts),
            n_weights=prod(projection["weights"]),
        )

    def _normalize(self, parts: Any, projection: dict[str, Any]) -> None:
        *rows, n_maps = projection["weights"]
        self._run(
            parts,
            "stdpnet_normalize",
            "",
            "start",
            clock=self.clocks["start"],
            learning_array=self._learning(parts),
            w_array=self._array(parts.name, "w"),
            total_array=self._array(parts.name, "total"),
            bound_array=self._array(parts.name, "w_max"),
            n_rows=prod(rows),
            n_maps=n_maps,
        )

    def _learning(self, parts: Any) -> str:
        return self._array(parts.name, "learning")

    def _pathway(
        self, parts: Any, projection: dict[str, Any], code: str, order: int
    ) -> None:
        template, layout = pathway(self.description, parts.name, code)
        if projection["structure"]:
            layout["sparse"] = {
                name: self._array(parts.name, name) for name in projection["structure"]
            }
        if "kept" in projection["variables"]:
            layout["masked"] = self._array(parts.name, "kept")
        if layout.get("listed_name"):
            layout["traces"] = self._traces(projection["target"])
        layout["learning_array"] = "" if code == "transmit" else self._learning(parts)
        for one in layout.get("collected", ()):
            one["type"] = api.c_type(parts, one["name"])
        name = parts.name
        seen = competition(self.description, name) if code == "transmit" else None
        if seen is not None:
            target = projection["target"]
            layout["competes"] = {
                "site_wins": self._array(f"{target}_site", "site_wins"),
                "winners": self._array(target, "winners"),
                "recorded": f"{target}.{seen}",
            }
        self._run(parts, template, projection[code], "synapses", order=order, **layout)

    # -- counters -----------------------------------------------------------------

    def _add_counter(self, name: str, counter: dict[str, Any]) -> None:
        n_counts = prod(counter["shape"])
        parts = api.Parts(name)
        self.groups[name] = parts
        api.add_index(parts, "_post")
        counted = ["count", "so_far"] if counter["by_latency"] else ["count"]
        for variable in counted:
            api.add_array(parts, variable, n_counts, np.int32, "_post")
        self._spikes_of(parts, "_source_spikes", counter["source"])
        geometry = {"size": 1, "stride": 1, "padding": 0, **counter["geometry"]}
        windows = window(self.shape(counter["source"]), counter["shape"], geometry)
        windows |= {"tally": None, "per_map": True}
        code = f"{counted[-1]} += 1"
        self._run(parts, "stdpnet_window", code, "synapses", **windows)
        sizes = {"needed": counted, "n_counts": n_counts}
        if counter["by_latency"]:
            self._run(parts, "stdpnet_add_up", "", "after_synapses", **sizes)
        self._run(
            parts,
            "stdpnet_record",
            "",
            "end",
            order=-1,
            clock=self.clock,
            counter_name=name,
            **sizes,
        )

    # -- pieces -------------------------------------------------------------------

    def _spikes_of(self, parts: Any, name: str, group: str) -> None:
        api.see_spikes(parts, name, self.groups[group])

    def _run(
        self,
        group: Any,
        template: str,
        code: str | list[str],
        when: str,
        *,
        clock: Any = None,
        order: int = 0,
        needed: list[str] | None = None,
        **template_kwds: Any,
    ) -> None:
        spikes = ("_source_spikes", "_target_spikes")
        needed = [*(needed or []), *(n for n in spikes if api.has_variable(group, n))]
        template_kwds["real"] = api.C_TYPES[self.dtype]
        runner = api.CodeRunner(
            group,
            template,
            code=code if isinstance(code, str) else "\n".join(code),
            when=when,
            order=order,
            clock=clock or brian2.defaultclock,
            name=f"{group.name}_{template.removeprefix('stdpnet_')}*",
            needed_variables=needed,
            template_kwds=template_kwds,
            override_conditional_write=overridden(when),
        )
        self.others.append(runner)
