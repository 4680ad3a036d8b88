"""Projections with a delay at every synapse: Brian2's own `Synapses`, in every target.

The trace of the source is the synapse's there, as it sees spikes when they arrive.
"""

import re
from typing import Any

import numpy as np

from stdpnet.engine import brian2_api as api
from stdpnet.engine.brian2_api import brian2
from stdpnet.models.equations import lines, read_statement

_INDEX = {"pre": "_presynaptic_idx", "post": "_postsynaptic_idx", "_kernel": "kernel"}


def delays(projection: dict[str, Any]) -> np.ndarray:
    """Return the delay of every weight in time steps: a draw that is part of the network."""
    drawn = np.random.default_rng(projection["delay"]["seed"])
    shape = projection["weights"]
    found: np.ndarray = drawn.integers(0, projection["delay"]["steps"] + 1, shape)
    return found.ravel()


def delayed_synapses(assembly: Any, name: str) -> Any:
    """Return the synapses of a projection with delays.

    Parameters
    ----------
    assembly : Assembly
        Has the groups that they join.
    name : str
        The projection.
    """
    projection = assembly.description["projections"][name]
    names = assembly.shared_variables(name)
    for trace in projection["traces"]["pre"]:
        del names[trace]
    learn = {code: projection[code] for code in ("learn_pre", "learn_post")}
    if any(learn.values()):
        names["learning"] = (assembly.groups[name], "learning", "0")
    own = [*names, *projection["traces"]["pre"]]
    stored = ("w", *projection["variables"])
    code = {key: _switched(text, stored) for key, text in learn.items() if text}
    arrive = "\n".join(projection["delayed"]["reset"])
    on_pre = {"arrive": arrive, "transmit": projection["transmit"]} | {
        key: text for key, text in code.items() if key == "learn_pre"
    }
    on_pre = {key: _renamed(text, own) for key, text in on_pre.items() if text}
    on_post = {
        key: _renamed(text, own) for key, text in code.items() if key == "learn_post"
    }
    traces = [f"{_renamed(e, own)} (clock-driven)" for e in _equations(projection)]
    synapses = api.SharedSynapses(
        assembly.groups[projection["source"]],
        assembly.groups[projection["target"]],
        "\n".join(["kernel : integer (constant)", *traces]),
        shared={
            f"syn_{variable}": (group, there, _INDEX.get(index, index))
            for variable, (group, there, index) in names.items()
        },
        on_pre=on_pre,
        on_post=on_post or None,
        method="exact",
        name=f"{name}_synapses",
    )
    for order, pathway in enumerate([*on_pre, *on_post]):
        getattr(synapses, pathway).order = order
    pre, post, weight = assembly.edges(name)
    synapses.connect(i=pre, j=post)
    synapses.kernel = weight
    late = delays(projection)[weight] * assembly.description["dt"]
    for pathway in on_pre:
        getattr(synapses, pathway).delay = late * brian2.second
    return synapses


def _equations(projection: dict[str, Any]) -> list[str]:
    found: list[str] = projection["delayed"]["equations"]
    return found


def _switched(text: str, stored: tuple[str, ...]) -> str:
    """Return statements that leave what is stored as it is where `learning` is zero."""
    switched = []
    for line in lines(text):
        name, operator, right = read_statement(line)
        if name not in stored:
            switched.append(line)
            continue
        new = f"{name} {operator} ({right})" if operator else right
        switched.append(f"{name} = ({new})*learning + {name}*(1 - learning)")
    return "\n".join(switched)


def _renamed(text: str, names: list[str]) -> str:
    """Return a text with names of their own: a bare one is of the target neuron."""
    return re.sub(rf"\b(d?)({'|'.join(names)})\b", r"\1syn_\2", text)
