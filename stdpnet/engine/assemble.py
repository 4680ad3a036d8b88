"""What every target shares when a description becomes Brian2 objects.

`Assembly` makes the groups, their parameters and the order of statements.
Its two subclasses differ in how an index is found and a loop is run:
`stdpnet.engine.native` computes indices in templates of its own,
`stdpnet.engine.reference` is plain Brian2 with stored indices.
"""

from math import prod
from typing import Any

import numpy as np

from stdpnet.config import from_dict
from stdpnet.engine import brian2_api as api
from stdpnet.engine.brian2_api import brian2
from stdpnet.models.projections import Edges, Geometry

#: Exact where the equations are linear; never plain Euler, which can blow up silently.
METHODS = ("exact", "exponential_euler")


def learns(projection: dict[str, Any]) -> bool:
    """Say whether anything changes the weights of a described projection."""
    return any(projection[code] for code in ("learn_pre", "learn_post", "learn_end"))


def level_name(name: str, level: str) -> str:
    """Return the group that holds the variables of a level: neuron, map or site."""
    return name if level == "neuron" else f"{name}_{level}"


def precisions(group: dict[str, Any]) -> dict[str, Any]:
    """Return the types of the variables whose precision is not the network's."""
    return dict.fromkeys(group["precise"], np.float64)


def overridden(when: str) -> list[str]:
    """Return what must not hold back statements that run in a slot.

    Brian2 leaves variables marked "unless refractory" alone while a neuron
    rests; its reset and the start of a presentation set them all the same.
    """
    return [] if "synapses" in when else ["not_refractory"]


class Assembly:
    """Brian2 objects of a description.

    Parameters
    ----------
    description : dict
        What `stdpnet.models.network.Network.describe` returned.
    presentation : float
        Duration of a presentation in seconds.
    """

    #: Index of the weights inside the group that holds them.
    weight_index = "_idx"

    def __init__(self, description: dict[str, Any], presentation: float) -> None:
        self.description = description
        self.dtype = description["dtype"]
        self.groups: dict[str, Any] = {}
        self.others: list[Any] = []
        duration = presentation * brian2.second
        self.clock = brian2.Clock(dt=duration, name="presentation_clock")

    def assemble(self) -> Any:
        """Make all objects and return the Brian2 network of them."""
        for name, group in self.description["groups"].items():
            self._add_group(name, group)
        for name, projection in self.description["projections"].items():
            self._add_parts(name, projection)
            self._add_projection(name, projection)
        for name, group in self.description["groups"].items():
            self._add_statements(name, group)
        for name, counter in self.description["counters"].items():
            self._add_counter(name, counter)
        return self.network()

    def network(self) -> Any:
        """Return the Brian2 network of all objects made so far."""
        neurons = [g for g in self.groups.values() if isinstance(g, brian2.NeuronGroup)]
        return brian2.Network(*neurons, *self.others)

    # -- what a target decides --------------------------------------------------

    def _make_neurons(self, name: str, group: dict[str, Any], n: int) -> Any:
        raise NotImplementedError

    def _index(self, group: Any, name: str, values: np.ndarray) -> None:
        raise NotImplementedError

    def _on_spike(self, name: str, statements: list[str], when: str) -> None:
        raise NotImplementedError

    def _at_presentation(self, group: str, statements: list[str], when: str) -> None:
        """Run statements for every member of a group.

        When a run begins, or at the start or the end of a presentation.
        """
        raise NotImplementedError

    def _add_projection(self, name: str, projection: dict[str, Any]) -> None:
        raise NotImplementedError

    def _add_silence(self, name: str, group: dict[str, Any]) -> None:
        raise NotImplementedError

    def _add_counter(self, name: str, counter: dict[str, Any]) -> None:
        raise NotImplementedError

    # -- groups -------------------------------------------------------------------

    def shape(self, name: str) -> list[int]:
        """Return (height, width, n_maps) of a group."""
        return list(self.description["groups"][name]["shape"])

    def _add_group(self, name: str, group: dict[str, Any]) -> None:
        height, width, n_maps = group["shape"]
        neurons = self._make_neurons(name, group, height * width * n_maps)
        self.groups[name] = neurons
        for parameter, unit in group["parameters"].items():
            api.add_scalar(neurons, parameter, unit, self.dtype)
        index = np.arange(height * width * n_maps, dtype=np.int32)
        self._add_level(name, group, "map", n_maps, index % n_maps)
        self._add_level(name, group, "site", height * width, index // n_maps)

    def _add_level(
        self, name: str, group: dict[str, Any], level: str, n: int, index: np.ndarray
    ) -> None:
        """Make the group of the variables that a map or a position shares."""
        equations = group["equations"][level]
        if not equations:
            return
        neurons = self.groups[name]
        shared = brian2.NeuronGroup(
            n,
            "\n".join(equations),
            method=METHODS,
            name=f"{name}_{level}",
            dtype=precisions(group),
        )
        self.groups[f"{name}_{level}"] = shared
        for parameter in group["parameters"]:
            api.refer(shared, parameter, neurons)
        self._index(neurons, f"_{level}", index)
        for variable in shared.equations.names:
            api.refer(neurons, variable, shared, index=f"_{level}")

    def _add_statements(self, name: str, group: dict[str, Any]) -> None:
        for statements, when in (
            (group["source_reset"], "before_synapses"),
            (group["target_reset"], "after_synapses"),
            (group["reset"], "resets"),
        ):
            if statements:
                self._on_spike(name, statements, when)
        for when in ("begin", "start", "end"):
            for level, statements in group[when].items():
                if statements:
                    self._at_presentation(level_name(name, level), statements, when)
        if group["competition"]:
            self._add_silence(name, group)

    def neuron_options(self, group: dict[str, Any]) -> dict[str, Any]:
        """Return what every kind of group of neurons is made with."""
        tables = {
            name: brian2.TimedArray(values, dt=1 * brian2.second)
            for name, values in group["tables"].items()
        }
        options: dict[str, Any] = {"method": METHODS, "namespace": tables}
        options["dtype"] = precisions(group)
        if group.get("refractory"):
            options["refractory"] = group["refractory"]
        return options

    # -- projections ----------------------------------------------------------------

    def _add_parts(self, name: str, projection: dict[str, Any]) -> None:
        """Make the group that holds weights and parameters of a projection."""
        size = prod(projection["weights"])
        parts = api.Parts(name, size)
        index = "_idx" if projection["delay"] else self.weight_index
        self.groups[name] = parts
        for variable in ("w", *projection["variables"]):
            dtype = api.FLOATS[self.dtype]
            api.add_array(parts, variable, size, dtype, index)
        for variable, n in projection["structure"].items():
            api.add_array(parts, variable, n, np.int32, index)
        for parameter, unit in projection["parameters"].items():
            api.add_scalar(parts, parameter, unit, self.dtype)
        if learns(projection):
            api.add_scalar(parts, "learning", "1", self.dtype)
        for side, end in (("pre", "source"), ("post", "target")):
            if projection["traces"][side]:
                group = self.groups[projection[end]]
                for parameter in projection["parameters"]:
                    api.refer(group, f"{name}_{parameter}", parts, parameter)

    def edges(self, name: str) -> Edges:
        """Return the connections of a projection."""
        projection = self.description["projections"][name]
        geometry = from_dict(Geometry, projection["geometry"])
        edges: Edges = geometry.edges(
            *(self.shape(projection[end]) for end in ("source", "target"))
        )
        return edges

    def shared_variables(self, name: str) -> dict[str, tuple[Any, str, str]]:
        """Return what the statements of a projection see: name to (group, name, index)."""
        projection = self.description["projections"][name]
        parts = self.groups[name]
        shared = {
            name: (parts, name, "_kernel") for name in ("w", *projection["variables"])
        }
        for parameter in projection["parameters"]:
            shared[parameter] = (parts, parameter, "0")
        for side, end in (("pre", "source"), ("post", "target")):
            for trace in projection["traces"][side]:
                shared[trace] = (self.groups[projection[end]], f"{name}_{trace}", side)
        return shared
