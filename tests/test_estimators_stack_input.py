"""What a stack of layers refuses, one line each."""

import pytest
from sklearn.datasets import load_digits

from stdpnet import ConvStack, ConvSTDP
from stdpnet.models.neurons import AdaptiveIF

IMAGES = load_digits().images[:120]
THREE = ("conv1", "conv2", "conv3")


def layer(n_maps: int = 6, size: int = 3, **changed) -> ConvSTDP:
    options = {"neuron": AdaptiveIF(theta_start=1.0), "pool": 2, "tol": 0.0}
    return ConvSTDP(n_maps, size, **options | changed)


def stack(**changed) -> ConvStack:
    layers = [(name, layer()) for name in THREE]
    options = {"layers": layers, "chunk_size": 40, "random_state": 3}
    return ConvStack(**options | changed)


BAD = {
    "a list": (
        {"layers": {}},
        r"layers must be a list of \(name, ConvSTDP\), got \{\}",
    ),
    "none": ({"layers": []}, "layers must be a list"),
    "pairs": ({"layers": [layer()]}, r"layers must hold pairs \(name, ConvSTDP\)"),
    "name": ({"layers": [("a b", layer())]}, "letters, digits and _, got 'a b'"),
    "dunder": ({"layers": [("a__b", layer())]}, "letters, digits and _, got 'a__b'"),
    "taken": ({"layers": [("features", layer())]}, "cannot have the name 'features'"),
    "kind": ({"layers": [("a", 3)]}, "'a' must be a ConvSTDP, got 3"),
    "part": (
        {"layers": [("a", layer(0))]},
        "layer 'a': ConvSTDP.n_maps must be an int",
    ),
    "twice": (
        {"layers": [("a", layer()), ("a", layer())]},
        "must have different names",
    ),
    "dt": (
        {"layers": [("a", layer()), ("b", layer(dt="2 ms"))]},
        "all layers must have the same dt, but 'a' has 1 ms and 'b' 2 ms",
    ),
    "patches": (
        {"layers": [("a", layer()), ("b", layer(fit_on="patches"))]},
        "only the first layer can learn on patches; leave out fit_on of 'b'",
    ),
    "pooling": ({"pooling": 2}, "pooling must be a dict by names of layers, got 2"),
    "pooling of none": ({"pooling": {"conv": 2}}, "layer in ConvStack.pooling.*'conv'"),
    "pooling of the last": (
        {"pooling": {"conv3": 2}},
        "pooling is between layers, but 'conv3' is the last one; set its 'pool'",
    ),
    "pooling size": ({"pooling": {"conv1": 0}}, "of 'conv1' must be an integer >= 1"),
    "residual": ({"residual": "conv1"}, "residual must be a dict by names of layers"),
    "residual of none": ({"residual": {"conv3": "a"}}, "layer in ConvStack.residual"),
    "residual of the one below": (
        {"residual": {"conv3": "conv2"}},
        r"of 'conv3' must be layers before the one it sees anyway \(conv1\), got 'conv2'",
    ),
    "residual too early": ({"residual": {"conv1": "conv2"}}, r"\(it has none\), got"),
    "features": ({"features": "first"}, "must be 'last', 'all' or a list of layers"),
    "no features": ({"features": []}, "features must name a layer, got none"),
    "features of none": ({"features": ["a"]}, "layer in ConvStack.features"),
    "pooler": ({"pool_neuron": 3}, "pool_neuron must be a NeuronModel or None, got 3"),
    "chunks": ({"chunk_size": 0}, "chunk_size must be an integer >= 1, got 0"),
    "jobs": ({"n_jobs": 0}, "n_jobs must be None or an integer other than 0, got 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_parameters(name):
    changed, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        stack(**changed).fit(IMAGES)


def test_an_encoding_is_for_the_first_layer():
    from stdpnet.encoding import Encoding, RankOrder

    own = layer(encoding=Encoding(code=RankOrder(fill=0.5)))
    stack(layers=[("a", own)]).check_parameters()
    with pytest.raises(
        ValueError, match="'b' sees spikes of the layer below; give its"
    ):
        stack(layers=[("a", own), ("b", own)]).fit(IMAGES)


def test_residual_inputs_of_different_sizes():
    layers = [("conv1", layer(4)), ("conv2", layer(6, padding=0)), ("conv3", layer())]
    message = (
        r"the residual input of 'conv3' must have one size, but 'conv1' gives 8 x 8 x 4 "
        r"and 'conv2' 6 x 6 x 6 \(height x width x maps\); give 'conv2' n_maps = 4, "
        r'padding "same", an odd kernel_size, stride 1, no pooling between them'
    )
    with pytest.raises(ValueError, match=message):
        stack(layers=layers, residual={"conv3": "conv1"}).fit(IMAGES)


def test_maps_that_shrink_to_nothing():
    layers = [(name, layer(size=5, padding=0)) for name in THREE]
    with pytest.raises(
        ValueError, match="layer 'conv2': a kernel of 5 x 5 does not fit"
    ):
        stack(layers=layers).fit(IMAGES)


def silent(n: int, **changed) -> ConvStack:
    """A stack whose layer of this number never spikes."""
    layers = [(name, layer()) for name in THREE]
    layers[n] = (THREE[n], layer(neuron=AdaptiveIF(theta_start=500.0)))
    return stack(layers=layers, **changed)


def test_a_layer_that_never_spikes():
    message = (
        r"layer 'conv2' does not spike after learning: conv1 had [\d.]+ spikes an image, "
        r"some [\d.]+ under a kernel, and its threshold began at 501, "
        r"its mean weight is 0\.\d+; lower the threshold or what makes weights fall"
    )
    with pytest.raises(ValueError, match=message):
        silent(1).fit(IMAGES)
    with pytest.warns(UserWarning, match="layer 'conv3' does not spike after learning"):
        silent(2).fit(IMAGES)
    with pytest.raises(ValueError, match=r"layer 'conv1' does not spike.*: inputs had"):
        silent(0).fit(IMAGES)
