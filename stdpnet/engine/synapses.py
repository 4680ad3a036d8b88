"""Projections as Brian2's own `Synapses`, whose weights are references to shared ones."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stdpnet.engine import brian2_api as api

_INDEX = {"pre": "_presynaptic_idx", "post": "_postsynaptic_idx", "_kernel": "kernel"}


def shared_synapses(
    assembly: Any,
    name: str,
    names: Mapping[str, tuple[Any, str, str]],
    on_pre: Mapping[str, str],
    on_post: Mapping[str, str],
    *,
    equations: Sequence[str] = (),
    own: Iterable[str] = (),
) -> Any:
    """Return the connected synapses of a projection.

    Parameters
    ----------
    assembly : Assembly
        Has the groups that they join.
    name : str
        Of the projection.
    names : mapping
        What is shared: name to the group that has it, its name there, and its index.
    on_pre, on_post : mapping of str to str
        Statements of each pathway, in their order.
    equations : sequence of str
        Differential equations of what every synapse has for itself.
    own : iterable of str
        Their variables.
    """
    projection = assembly.description["projections"][name]
    known = [*names, *own]
    synapses = api.SharedSynapses(
        assembly.groups[projection["source"]],
        assembly.groups[projection["target"]],
        "\n".join(
            [
                "kernel : integer (constant)",
                *(_own_equation(line, known) for line in equations),
            ]
        ),
        shared={
            f"syn_{variable}": (group, there, _INDEX.get(index, index))
            for variable, (group, there, index) in names.items()
        },
        on_pre={key: _renamed(text, known) for key, text in on_pre.items()} or None,
        on_post={key: _renamed(text, known) for key, text in on_post.items()} or None,
        name=f"{name}_synapses",
        **({"method": "exact"} if equations else {}),
    )
    for order, pathway in enumerate([*on_pre, *on_post]):
        getattr(synapses, pathway).order = order
    pre, post, weight = assembly.edges(name)
    synapses.connect(i=pre, j=post)
    synapses.kernel = weight
    return synapses


def _renamed(text: str, names: Iterable[str]) -> str:
    """Return a text with names of their own: a bare one is of the target neuron."""
    return re.sub(rf"\b({'|'.join(names)})\b", r"syn_\1", text)


def _own_equation(line: str, names: Iterable[str]) -> str:
    left, right = line.split("/dt", 1)
    return f"dsyn_{left.strip()[1:]}/dt{_renamed(right, names)} (clock-driven)"
