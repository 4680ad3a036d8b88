"""From the sections of a specification to a `ConvStack`."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from stdpnet.catalog import unknown_name
from stdpnet.config import SpecError, from_dict
from stdpnet.estimators.stack.stack import ConvStack
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.projections import Geometry

KIND = "ConvStack"
#: Sections that a layer may have of its own, besides parameters of `ConvSTDP`.
_PARTS = ("neuron", "rule")
#: Constructor arguments that belong to a run.
_ELSEWHERE = ("layers", "image_shape", "random_state", "n_jobs", "verbose")


def is_stack(spec: Mapping[str, Any]) -> bool:
    """Say whether a specification is of layers on top of each other."""
    return bool(spec.get("network", {}).get("type") == KIND)


def make_stack(
    spec: Mapping[str, Any], make: Callable[..., Any], *, seed: int
) -> ConvStack:
    """Make the stack of a specification; `make` makes a layer of its sections.

    ``[network.layers.NAME]`` has what is the layer's own, ``neuron`` and ``rule`` tables
    included; what else ``[network]``, ``[neuron]`` and ``[rule]`` say is of all layers.

    Raises
    ------
    SpecError
        If a section has a key that its type does not know.
    ValueError
        If a value cannot be used.
    """
    network = {k: v for k, v in spec["network"].items() if k != "type"}
    layers = network.pop("layers", {})
    if not isinstance(layers, Mapping) or not layers:
        raise SpecError(
            f"network.type {KIND!r} needs tables [network.layers.NAME], one for each "
            f"layer, got {layers!r}"
        )
    known = [n for n in inspect.signature(ConvStack).parameters if n not in _ELSEWHERE]
    own = {name: network.pop(name) for name in known if name in network}
    made = ConvStack(
        [
            (name, _layer(spec, network, name, table, make, first=not number))
            for number, (name, table) in enumerate(layers.items())
        ],
        **_read(own),
        random_state=seed,
    )
    made.check_parameters()
    return made


def _layer(
    spec: Mapping[str, Any],
    common: dict[str, Any],
    name: str,
    table: Any,
    make: Callable[..., Any],
    *,
    first: bool,
) -> Any:
    if not isinstance(table, Mapping):
        raise SpecError(f"network.layers.{name} must be a table, got {table!r}")
    own = dict(table)
    if own.get("type", "ConvSTDP") != "ConvSTDP":
        raise SpecError(
            unknown_name(f"network.layers.{name}.type", own["type"], ["ConvSTDP"])
        )
    sections = {}
    for part in _PARTS:
        changed = own.pop(part, {})
        if not isinstance(changed, Mapping):
            raise SpecError(
                f"network.layers.{name}.{part} must be a table, got {changed!r}"
            )
        sections[part] = _merged(spec.get(part, {}), changed)
    layer = make({**common, **own}, sections, spec.get("encoding", {}), 0)
    return layer if first else layer.set_params(encoding=None)


def _merged(common: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with changes; another type starts from its own defaults."""
    if changed.get("type", common.get("type")) != common.get("type"):
        return dict(changed)
    return {**common, **changed}


def _read(own: dict[str, Any]) -> dict[str, Any]:
    """Return parameters of a stack with parts made of their tables."""
    made = dict(own)
    if isinstance(made.get("pooling"), Mapping):
        made["pooling"] = {
            name: from_dict(Geometry, dict(value), default="SumPooling")
            if isinstance(value, Mapping)
            else value
            for name, value in made["pooling"].items()
        }
    if isinstance(made.get("pool_neuron"), Mapping):
        made["pool_neuron"] = from_dict(NeuronModel, dict(made["pool_neuron"]))
    return made
