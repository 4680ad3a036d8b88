"""How the loops of our templates run over the synapses of a projection."""

import re
from math import prod
from typing import Any

from stdpnet.models.equations import lines, read_statement

#: What takes long in a statement.
_SLOW = re.compile(r"\*\*|\b(rand|exp)\(")
#: Synapses that a vector instruction does at a time, at most.
LANES = 8


def is_gated(description: dict[str, Any], name: str) -> bool:
    """Say whether learning on source spikes looks only at targets that have spiked."""
    projection = description["projections"][name]
    plain = projection["delay"] is not None
    learns = projection["gated"] and projection["learn_pre"]
    # Neurons that have spiked are listed by the positions of their population.
    seen = as_convolution(description, name)
    positions = description["groups"][projection["target"]]["shape"][:2]
    listed = seen is not None and seen[2][:2] == positions
    return bool(learns and listed and not plain)


def as_convolution(
    description: dict[str, Any], name: str
) -> tuple[dict[str, int], list[int], list[int]] | None:
    """Return the geometry and the shapes of source and target as the loops see them.

    All to all is a kernel of one pixel between two populations of one position each,
    whose maps are all neurons. None if a projection is no convolution.
    """
    projection = description["projections"][name]
    source, target = (
        description["groups"][projection[end]]["shape"] for end in ("source", "target")
    )
    kind = projection["geometry"]["type"]
    if kind == "AllToAll":
        pixel = {"height": 1, "width": 1, "stride": 1, "padding": 0}
        return pixel, [1, 1, prod(source)], [1, 1, prod(target)]
    if kind in ("Convolution", "SparseConvolution"):
        return projection["geometry"], source, target
    return None


def listed_traces(description: dict[str, Any]) -> dict[str, list[str]]:
    """Return populations whose spikes must be listed, and the traces that tell of them."""
    listed: dict[str, list[str]] = {}
    for name, projection in description["projections"].items():
        if is_gated(description, name):
            traces = listed.setdefault(projection["target"], [])
            traces += [f"{name}_{trace}" for trace in projection["traces"]["post"]]
    return listed


def pathway(
    description: dict[str, Any], name: str, code: str
) -> tuple[str, dict[str, Any]]:
    """Return the template of one code of a projection, and what it is to be given.

    Parameters
    ----------
    description : dict
        Of the network.
    name : str
        The projection.
    code : {"transmit", "learn_pre", "learn_post"}
        Which of its statements.
    """
    projection = description["projections"][name]
    source = description["groups"][projection["source"]]["shape"]
    target = description["groups"][projection["target"]]["shape"]
    side = "post" if code == "learn_post" else "pre"
    layout: dict[str, Any] = {
        "tally": f"{name}.{'events' if code == 'transmit' else 'updates'}",
        "n_source": prod(source),
        "n_target": prod(target),
    }
    kind = projection["geometry"]["type"]
    if kind == "AllToOthers":
        return "stdpnet_all_to_others", layout
    if kind == "OneToOne":
        end = "source" if side == "pre" else "target"
        spikes = {"spikes_of": f"_{end}_spikes", "n_spikes_of": layout[f"n_{end}"]}
        return "stdpnet_one_to_one", layout | spikes
    if kind == "SumPooling":
        windows = window(source, target, projection["geometry"])
        return "stdpnet_window", layout | windows | {"per_map": True}
    seen = as_convolution(description, name)
    assert seen is not None  # there is no other geometry
    gated = code == "learn_pre" and is_gated(description, name)
    return f"stdpnet_convolution_{side}", (
        layout
        | _convolution(*seen)
        | _statements(projection, code, side, seen, gaps=side == "post" or gated)
        | {"listed_name": projection["target"] if gated else "", "competes": None}
        | {"sparse": None, "masked": ""}
    )


def window(source: Any, target: Any, geometry: dict[str, Any]) -> dict[str, Any]:
    """Return how the windows of a pooling lie over a population of shape `source`."""
    return {
        "n_source": prod(source),
        "n_maps": source[2],
        "source_width": source[1],
        "target_height": target[0],
        "target_width": target[1],
        "size": geometry["size"],
        "stride": geometry["stride"],
        "padding": geometry["padding"],
    }


def _convolution(geometry: dict[str, Any], source: Any, target: Any) -> dict[str, Any]:
    return {
        "kernel_height": geometry["height"],
        "kernel_width": geometry["width"],
        "stride": geometry["stride"],
        "padding": geometry["padding"],
        "source_height": source[0],
        "source_width": source[1],
        "channels": source[2],
        "target_height": target[0],
        "target_width": target[1],
        "n_maps": target[2],
    }


def _statements(
    projection: dict[str, Any],
    code: str,
    side: str,
    seen: tuple[dict[str, int], list[int], list[int]],
    *,
    gaps: bool,
) -> dict[str, Any]:
    """Return how to carry out statements at the synapses of one spike.

    Those synapses have the neuron that spiked in common, all else differs. Where what
    they use has gaps, statements that take long are worth a copy: it vectorizes.
    """
    geometry, source, target = seen
    n_other = source[2] if side == "post" else target[2]
    indices = dict.fromkeys(("w", *projection["variables"]), "kernel")
    for end, traces in projection["traces"].items():
        indices |= dict.fromkeys(traces, end)
    indices |= {v: v.rpartition("_")[2] for v in projection["neuron_variables"]}
    written = [read_statement(line)[0] for line in lines(projection[code])]
    independent = not any(indices.get(variable) == side for variable in written)
    collected = [
        {"name": variable, "index": f"_{index}", "written": variable in written}
        for variable, index in indices.items()
        if index != side
    ]
    worth_it = gaps and independent and _SLOW.search(projection[code])
    return {
        "independent": independent,
        "collected": collected if worth_it else [],
        "same_for_all": f"_{side}",
        "differs": "_pre" if side == "post" else "_post",
        "lanes": LANES,
        "n_most": geometry["height"] * geometry["width"] * n_other,
    }


def competition(description: dict[str, Any], name: str) -> str | None:
    """Return the potential that silent target positions need no input to any more.

    Those are silent until the end of the presentation; their potentials are
    seen by nobody if they are set when the next one starts. None if there are none
    such, or the projection does not see positions.
    """
    projection = description["projections"][name]
    target = projection["target"]
    if projection["geometry"]["type"] == "AllToAll":
        return None
    group = description["groups"][target]
    variable = str(projection["transmit"].split("_post")[0])
    started = [read_statement(line)[0] for line in group["start"]["neuron"]]
    if not group["competition"] or variable not in started:
        return None
    return None if variable in _seen_by_rules(description, target) else variable


def _seen_by_rules(description: dict[str, Any], target: str) -> set[str]:
    """Return the variables of a group that statements of some rule use."""
    seen = set()
    for projection in description["projections"].values():
        for side, end in (("pre", "source"), ("post", "target")):
            if projection[end] == target:
                seen |= {
                    name.removesuffix(f"_{side}")
                    for name in projection["neuron_variables"]
                    if name.endswith(f"_{side}")
                }
    return seen
