"""Controls of a stack, and what its maps prefer in the space of the images."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from stdpnet import ConvStack, ConvSTDP
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.stack.preferred import driving_patches, preferred_field
from stdpnet.models.network import NEVER
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.models.projections import SumPooling

IMAGES = load_digits().images[:120]
THREE = ("conv1", "conv2", "conv3")


def stack(depth: int, **options) -> ConvStack:
    neuron = AdaptiveIF(theta_start=1.0)
    layers = [(name, ConvSTDP(6, 3, neuron=neuron, pool=2, tol=0.0)) for name in THREE]
    return ConvStack(layers[:depth], chunk_size=40, random_state=3, **options)


@pytest.fixture(scope="module")
def residual() -> ConvStack:
    return stack(3, residual={"conv3": "conv1"}, features="all").fit(IMAGES)


@pytest.fixture(scope="module")
def pooled() -> ConvStack:
    return stack(2, pooling={"conv1": SumPooling(size=2)}).fit(IMAGES)


def first_spikes(one) -> np.ndarray:
    """Return the step of each neuron's first spike, (n, height, width, maps)."""
    one.transform(IMAGES, record={"features.spikes": True})
    shown, step, neuron = one.recordings_["features.spikes"].T
    found = np.full((len(IMAGES), np.prod(one.layer().positions)), NEVER, np.uint16)
    np.minimum.at(found, (shown, neuron), step.astype(np.uint16))
    return found.reshape(len(IMAGES), *one.layer().positions)


@pytest.mark.parametrize("kernels", ["shuffled", "random"])
def test_the_control_has_other_kernels_in_every_layer(residual, kernels):
    control = shuffled_control(residual, IMAGES, kernels=kernels)
    for name, one in control.members_.items():
        learned = residual.members_[name]
        assert not np.array_equal(one.kernels_, learned.kernels_)
        same = np.array_equal(
            np.sort(one.kernels_.reshape(6, -1)),
            np.sort(learned.kernels_.reshape(6, -1)),
        )
        assert same == (kernels == "shuffled")
        start = np.array_equal(one.kernels_, learned.initial_kernels_)
        assert start == (kernels == "random")
        wanted, found = one.control_spikes_
        assert found == pytest.approx(wanted, rel=0.1)
    assert control.members_["conv3"].below_[0].estimator is control.members_["conv1"]
    assert control.control_spikes_ == control.members_["conv3"].control_spikes_


@pytest.mark.parametrize(
    ("fixture", "name", "side", "start", "stride"),
    [
        ("residual", "conv1", 3, -1, 1),
        ("residual", "conv3", 7, -3, 1),  # 3 + 2 + 2 pixels, padded by 1 + 1 + 1
        ("pooled", "conv2", 8, -3, 2),  # 3 kernels of 2 windows: 6 + 2, from -1 * 2 - 1
    ],
)
def test_where_the_input_of_a_map_comes_from(
    fixture, name, side, start, stride, request
):
    field = preferred_field(request.getfixturevalue(fixture).members_[name])
    assert field.values.shape[1:] == (side, side, 2)
    assert (field.start, field.stride) == (start, stride)


def test_a_projection_by_hand(residual):
    """Of the second layer: its weights times the kernels below, each less their mean."""
    one, first = residual.members_["conv2"], residual.members_["conv1"]
    upper = one.kernels_.astype(float)
    upper -= upper.mean(axis=(1, 2, 3), keepdims=True)
    lower = first.kernels_.astype(float)
    lower -= lower.mean(axis=0)
    lower -= lower.mean(axis=(1, 2, 3), keepdims=True)
    expected = np.zeros((6, 5, 5, 2))
    for y, x, dy, dx in np.ndindex(3, 3, 3, 3):
        expected[:, y + dy, x + dx] += upper[:, y, x] @ lower[:, dy, dx]
    assert preferred_field(one).values == pytest.approx(expected)


def test_patches_are_where_maps_spike_first(residual):
    one = residual.members_["conv2"]
    steps = first_spikes(one)
    patches = driving_patches(one, IMAGES, n_patches=4)
    assert patches.shape == (6, 4, 5, 5, 1)
    padded = np.pad(IMAGES, ((0, 0), (2, 2), (2, 2)))
    for number in range(6):
        earliest = np.sort(steps[..., number].min(axis=(1, 2)))[:4]
        for patch, step in zip(patches[number], earliest, strict=True):
            at = np.argwhere(steps[..., number] == step)
            assert any(
                np.array_equal(padded[n, y : y + 5, x : x + 5], patch[..., 0])
                for n, y, x in at
            )
    assert not hasattr(one, "recordings_") or "features.spikes" in one.recordings_


def test_of_patches_in_the_same_step_the_one_that_fits_best_is_taken(residual):
    one = residual.members_["conv2"]
    steps, field = first_spikes(one), preferred_field(one)
    first = residual.members_["conv1"]
    seen = first._encoding().contrast(
        IMAGES[..., None], first.encoding_arrays_, max_value=first.max_value_
    )
    seen = np.pad(seen, ((0, 0), (2, 2), (2, 2), (0, 0)))
    padded = np.pad(IMAGES, ((0, 0), (2, 2), (2, 2)))
    patches = driving_patches(one, IMAGES, n_patches=1)
    for number in range(6):
        of_map = steps[..., number]
        places = np.argwhere(of_map == of_map.min())
        inputs = [seen[n, y : y + 5, x : x + 5] for n, y, x in places]
        match = [
            np.vdot(one, field.values[number]) / np.linalg.norm(one) for one in inputs
        ]
        n, y, x = places[int(np.argmax(match))]
        assert np.array_equal(
            patches[number, 0, ..., 0], padded[n, y : y + 5, x : x + 5]
        )


def test_patches_of_maps_that_do_not_spike_are_zero():
    learner = stack(2)
    silent = AdaptiveIF(theta_start=500.0)
    learner.layers[1] = ("conv2", ConvSTDP(6, 3, neuron=silent, tol=0.0))
    with pytest.warns(UserWarning, match="'conv2' does not spike"):
        one = learner.fit(IMAGES).members_["conv2"]
    patches = driving_patches(one, IMAGES, n_patches=2)
    assert patches.shape == (6, 2, 5, 5, 1)
    assert not patches.any()


# -- parameters and errors ------------------------------------------------------------
