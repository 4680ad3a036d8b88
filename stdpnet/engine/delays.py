"""Projections with a delay at every synapse: Brian2's own `Synapses`, in every target.

The trace of the source is the synapse's there, as it sees spikes when they arrive.
"""

from typing import Any

import numpy as np

from stdpnet.engine.brian2_api import brian2
from stdpnet.engine.synapses import shared_synapses
from stdpnet.models.equations import lines, read_statement


def delays(projection: dict[str, Any]) -> np.ndarray:
    """Return the delay of every weight in time steps: a draw that is part of the network."""
    drawn = np.random.default_rng(projection["delay"]["seed"])
    shape = projection["weights"]
    found: np.ndarray = drawn.integers(0, projection["delay"]["steps"] + 1, shape)
    return found.ravel()


def delayed_synapses(assembly: Any, name: str) -> Any:
    """Return the synapses of a projection with delays, as `shared_synapses` does."""
    projection = assembly.description["projections"][name]
    names = assembly.shared_variables(name)
    for trace in projection["traces"]["pre"]:
        del names[trace]
    learn = {code: projection[code] for code in ("learn_pre", "learn_post")}
    if any(learn.values()):
        names["learning"] = (assembly.groups[name], "learning", "0")
    stored = ("w", *projection["variables"])
    code = {key: _switched(text, stored) for key, text in learn.items() if text}
    on_pre = {
        "arrive": "\n".join(projection["delayed"]["reset"]),
        "transmit": projection["transmit"],
        "learn_pre": code.get("learn_pre", ""),
    }
    on_pre = {key: text for key, text in on_pre.items() if text}
    synapses = shared_synapses(
        assembly,
        name,
        names,
        on_pre,
        {key: text for key, text in code.items() if key == "learn_post"},
        equations=projection["delayed"]["equations"],
        own=projection["traces"]["pre"],
    )
    weight = assembly.edges(name).weight
    late = delays(projection)[weight] * assembly.description["dt"]
    for pathway in on_pre:
        getattr(synapses, pathway).delay = late * brian2.second
    return synapses


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
