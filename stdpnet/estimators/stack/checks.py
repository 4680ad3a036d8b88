"""What a stack refuses: layers that do not fit each other, layers that stay silent."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stdpnet.catalog import unknown_name
from stdpnet.encoding import Encoding
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.parts import is_count
from stdpnet.estimators.stack.layer import Lower
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.projections import Shape, SumPooling

#: What all layers have in common, as they run in one program.
SHARED = ("dt", "presentation", "dtype")
#: Names of parts that every network of ours has.
RESERVED = ("inputs", "features", "afferents", "counts", "totals")
FEATURES = ("last", "all")


def check_layers(layers: Any) -> None:
    """Raise ValueError for layers that cannot be a stack."""
    if not isinstance(layers, list) or not layers:
        raise ValueError(
            f"ConvStack.layers must be a list of (name, ConvSTDP), got {layers!r}"
        )
    for pair in layers:
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise ValueError(
                f"ConvStack.layers must hold pairs (name, ConvSTDP), got {pair!r}"
            )
        _check_layer(*pair)
    names = [name for name, _ in layers]
    if len(set(names)) < len(names):
        raise ValueError(f"ConvStack.layers must have different names, got {names}")
    _check_shared(layers)
    for name, layer in layers[1:]:
        if layer.fit_on != "images":
            raise ValueError(
                f"ConvStack: only the first layer can learn on patches; leave out "
                f"fit_on of {name!r}"
            )
        if layer.encoding not in (None, Encoding()):
            raise ValueError(
                f"ConvStack: {name!r} sees spikes of the layer below; give its encoding "
                f"to the first layer, {layers[0][0]!r}"
            )


def _check_layer(name: Any, layer: Any) -> None:
    if not (isinstance(name, str) and name.isidentifier()) or "__" in name:
        raise ValueError(
            f"ConvStack: the name of a layer must be letters, digits and _, got {name!r}"
        )
    if name in RESERVED:
        raise ValueError(
            f"ConvStack: a layer cannot have the name {name!r}, which every network has; "
            "rename it"
        )
    if type(layer) is not ConvSTDP:
        raise ValueError(f"ConvStack: {name!r} must be a ConvSTDP, got {layer!r}")
    try:
        layer.check_parameters()
    except ValueError as error:
        raise ValueError(f"layer {name!r}: {error}") from error


def _check_shared(layers: Sequence[tuple[str, Any]]) -> None:
    first_name, first = layers[0]
    for name, layer in layers[1:]:
        for shared in SHARED:
            one, other = getattr(first, shared), getattr(layer, shared)
            if str(one) != str(other):
                raise ValueError(
                    f"ConvStack: all layers must have the same {shared}, but {first_name!r} "
                    f"has {one} and {name!r} {other}"
                )


def poolings(pooling: Any, names: Sequence[str]) -> dict[str, SumPooling]:
    """Return the pooling after each layer that has one; raise ValueError if it cannot be."""
    found = {}
    for name, value in _table("pooling", pooling).items():
        _check_known("pooling", name, names)
        if name == names[-1]:
            raise ValueError(
                f"ConvStack.pooling is between layers, but {name!r} is the last one; set "
                "its 'pool'"
            )
        if not (isinstance(value, SumPooling) or is_count(value, 1)):
            raise ValueError(
                f"ConvStack.pooling of {name!r} must be an integer >= 1 or a SumPooling, "
                f"got {value!r}"
            )
        found[name] = value if isinstance(value, SumPooling) else SumPooling(size=value)
    return found


def residuals(residual: Any, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the earlier layers that each layer also sees; raise ValueError if it cannot."""
    found = {}
    for name, sources in _table("residual", residual).items():
        sources = (sources,) if isinstance(sources, str) else tuple(sources)
        for one in (name, *sources):
            _check_known("residual", one, names)
        earlier = names[: max(names.index(name) - 1, 0)]
        for one in sources:
            if one not in earlier:
                raise ValueError(
                    f"ConvStack.residual of {name!r} must be layers before the one it "
                    f"sees anyway ({', '.join(earlier) or 'it has none'}), got {one!r}"
                )
        found[name] = sources
    return found


def _table(name: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(
            f"ConvStack.{name} must be a dict by names of layers, got {value!r}"
        )
    return value


def _check_known(name: str, layer: Any, names: Sequence[str]) -> None:
    if layer not in names:
        raise ValueError(unknown_name(f"layer in ConvStack.{name}", str(layer), names))


def read_layers(features: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Return the layers whose counts are features, in their order."""
    if features == "last":
        return (names[-1],)
    if features == "all":
        return tuple(names)
    if isinstance(features, str) or not isinstance(features, (list, tuple)):
        raise ValueError(
            f"ConvStack.features must be 'last', 'all' or a list of layers, got "
            f"{features!r}"
        )
    for name in features:
        _check_known("features", name, names)
    if not features:
        raise ValueError("ConvStack.features must name a layer, got none")
    return tuple(name for name in names if name in features)


def check_sizes(lowers: Sequence[Lower]) -> None:
    """Raise ValueError if spikes are to be added up that are not of one size."""
    by_name = {lower.name: lower for lower in lowers}
    before: dict[str, Lower] = dict(zip(list(by_name)[1:], lowers[:-1], strict=True))
    for lower in lowers:
        for name in lower.added:
            _check_size(lower, before[lower.name], by_name[name])


def _check_size(lower: Lower, direct: Lower, earlier: Lower) -> None:
    if earlier.passed_on != direct.passed_on:
        raise ValueError(
            f"the residual input of {lower.name!r} must have one size, but "
            f"{earlier.name!r} gives {_text(earlier.passed_on)} and {direct.name!r} "
            f"{_text(direct.passed_on)} (height x width x maps); "
            f"{_what_fits(direct, earlier.passed_on)}"
        )


def _what_fits(direct: Lower, wanted: Shape) -> str:
    """Say what would give a layer the size that is wanted."""
    changes = []
    if direct.passed_on[2] != wanted[2]:
        changes.append(f"n_maps = {wanted[2]}")
    if direct.passed_on[:2] != wanted[:2]:
        changes.append('padding "same", an odd kernel_size, stride 1')
        changes.append("no pooling between them")
    return f"give {direct.name!r} {', '.join(changes)}"


def _text(shape: Shape) -> str:
    return " x ".join(map(str, shape))


def placed(name: str, error: ValueError) -> ValueError:
    """Return an error of a layer with its name."""
    return ValueError(f"layer {name!r}: {error}")


def why_silent(name: str, member: Any, below: str | None) -> str:
    """Return what to say of a layer that has learned but does not spike."""
    layer, counts = member.layer(), member.counts_
    n_shown = max(member.n_images_shown_, 1)
    source = "inputs" if below is None else below
    n_inputs = counts.get(f"{source}.spikes", 0) / n_shown
    windows = math.prod(layer.inputs[:2]) / (layer.convolution.height**2)
    threshold = _threshold(member)
    return (
        f"layer {name!r} does not spike after learning: {source} had {n_inputs:.1f} "
        f"spikes an image, some {n_inputs / max(windows, 1):.1f} under a kernel, and "
        f"{threshold}, its mean weight is {member.kernels_.mean():.2g}; lower the "
        "threshold or what makes weights fall (offset, anti_hebbian), or let more spikes "
        "through below (feature_scale, feature_winners)"
    )


def _threshold(member: Any) -> str:
    neuron = member._part("neuron", NeuronModel)
    start = getattr(neuron, "theta_start", 0.0)
    v_th = getattr(neuron, "v_th", None)
    if isinstance(v_th, (int, float)):
        return f"its threshold began at {v_th + start:g}"
    return f"its {neuron.title} has not crossed its threshold"
