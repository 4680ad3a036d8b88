"""What a program can write to files when a run asks for it: names and arrays."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from stdpnet.engine import brian2_api as api
from stdpnet.engine.assemble import level_name
from stdpnet.models.equations import variables

#: Returns the name in the generated code of an array, given group and variable.
ArrayOf = Callable[[str, str], str]


def spikes(description: Mapping[str, Any], array: ArrayOf) -> list[dict[str, Any]]:
    """Return name, array and number of the neurons of every group."""
    return [
        {
            "name": name,
            "array": array(name, api.SPIKES),
            "n": prod(group["shape"]),
        }
        for name, group in description["groups"].items()
    ]


def state(description: Mapping[str, Any], array: ArrayOf) -> list[dict[str, Any]]:
    """Return name and array of every variable of neurons and maps."""
    return [
        {"name": f"{name}.{stored}", "array": array(level_name(name, level), stored)}
        for name, group in description["groups"].items()
        for level in ("neuron", "map")
        for stored in variables("\n".join(group["equations"][level]))
    ]


def weights(description: Mapping[str, Any], array: ArrayOf) -> list[dict[str, Any]]:
    """Return name, array and number of the weights of every projection."""
    return [
        {
            "name": f"{name}.{stored}",
            "array": array(name, stored),
            "n": prod(projection["weights"]),
        }
        for name, projection in description["projections"].items()
        for stored in ("w", *projection["variables"])
    ]
