"""Features of `ConvSTDP`: against a plain simulation, with names, types and progress."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from stdpnet.encoding import DifferenceOfGaussians, RankOrder
from stdpnet.encoding.codes import NEVER
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.example import spikes_of_example
from stdpnet.estimators.features import compute_features, feature_dtype
from stdpnet.estimators.images import as_images
from stdpnet.models.neurons import AdaptiveIF, SoftResetIF
from stdpnet.models.projections import SumPooling

N_STEPS = 16


def spike_steps(images: np.ndarray) -> np.ndarray:
    contrast = DifferenceOfGaussians().apply(images / np.float32(images.max()))
    return RankOrder().encode(contrast, N_STEPS, "1 ms")


def simulate(steps, kernels, thresholds, *, stride=1, padding=0, winners=1):
    """Spikes of every image, position and map, step by step.

    As in Brian2, a step is threshold, synapses, reset: inputs count from the next
    step on, those of the last step not at all.
    """
    margins = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    steps = np.pad(steps, margins, constant_values=NEVER)
    windows = sliding_window_view(steps, kernels.shape[1:3], axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    v = np.zeros((*windows.shape[:3], len(kernels)))
    counts = np.zeros(v.shape, int)
    for step in range(N_STEPS):
        fired = v > thresholds
        if winners is not None:
            spent = counts.sum(axis=3, keepdims=True) >= winners
            fired &= (counts == 0) & ~spent
        v += np.tensordot(windows == step, kernels, axes=((3, 4, 5), (3, 1, 2)))
        v[fired] = 0
        counts += fired
    return counts


def pooled(counts: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Sums over windows; the last of a row is cut off, none is empty."""
    starts = [
        range(0, max(side - max(size, stride), 0) + stride, stride)
        for side in counts.shape[1:3]
    ]
    windows = [
        [counts[:, y : y + size, x : x + size].sum(axis=(1, 2)) for x in starts[1]]
        for y in starts[0]
    ]
    return np.moveaxis(windows, 2, 0)


def with_exact_sums(estimator: ConvSTDP, rng) -> ConvSTDP:
    """Random weights and thresholds that are sums of powers of two: no rounding."""
    estimator.kernels_ = rng.integers(257, size=estimator.kernels_.shape) / 256
    estimator.thresholds_ = 1 + rng.integers(512, size=estimator.n_maps) / 128
    return estimator


@pytest.mark.parametrize("scale", [1, 0.5])
@pytest.mark.parametrize("winners", [None, 3])
def test_features_are_those_of_a_plain_simulation(fitted, images, rng, scale, winners):
    estimator = with_exact_sums(fitted, rng)
    estimator.set_params(feature_scale=scale, feature_winners=winners)
    counts = simulate(
        spike_steps(images),
        estimator.kernels_,
        scale * estimator.thresholds_,
        padding=2,
        winners=winners or 1,
    )
    features = estimator.transform(images)
    assert features.sum() > 1000
    assert np.array_equal(features, pooled(counts, 4, 4).reshape(100, -1))


def test_graded_features_add_up_the_steps_left_after_each_spike(fitted, images, rng):
    estimator = with_exact_sums(fitted, rng)
    estimator.set_params(feature_winners=3, feature_code="latency")
    chunk = images[:20]
    estimator.transform(chunk, record={"features.spikes": True})
    expected = np.zeros((20, *estimator.layer().positions), int)
    example, step, neuron = estimator.recordings_["features.spikes"].T
    np.add.at(expected.reshape(20, -1), (example, neuron), 16 - step)
    assert len(np.unique(step)) > 5
    features = estimator.transform(chunk)
    assert np.array_equal(features, pooled(expected, 4, 4).reshape(20, -1))


@pytest.mark.parametrize(
    ("settings", "geometry", "pool"),
    [
        ({"padding": 0, "stride": 2}, {"stride": 2}, (2, 2)),
        ({"padding": 1, "inhibition": None}, {"padding": 1, "winners": None}, (3, 2)),
        ({"padding": "same"}, {"padding": 1}, (9, 9)),
    ],
)
def test_oblong_colour_images_are_seen_the_right_way(
    conv, rng, settings, geometry, pool
):
    images = rng.integers(256, size=(5, 7, 10, 3))
    size, stride = pool
    settings = settings | {"pool": SumPooling(size=size, stride=stride)}
    estimator = conv(n_maps=3, kernel_size=3, backend="numpy", **settings)
    estimator = with_exact_sums(estimator.partial_fit(images), rng)
    thresholds = estimator.thresholds_
    counts = simulate(spike_steps(images), estimator.kernels_, thresholds, **geometry)
    expected = pooled(counts, size, stride)
    names = [f"map{m}_y{y}_x{x}" for y, x, m in np.ndindex(expected.shape[1:])]
    features = np.empty((5, len(names)), np.uint8)
    (progress,) = compute_features(estimator, images, features)
    assert features.any()
    assert np.array_equal(features, expected.reshape(5, -1))
    assert np.array_equal(progress.spikes, counts.sum(axis=(1, 2)))
    assert list(estimator.get_feature_names_out()) == names


@pytest.mark.parametrize(
    ("inhibition", "side", "expected"),
    [
        ("winner-take-all", 15, np.uint8),
        ("winner-take-all", 16, np.uint16),
        (None, 3, np.uint8),
        (None, 4, np.uint16),
    ],
)
def test_counts_have_the_smallest_type_that_holds_them(
    conv, images, inhibition, side, expected
):
    """At most 16 spikes of a neuron without inhibition, one with it."""
    estimator = conv(pool=side, inhibition=inhibition)
    as_images(estimator, images, None, reset=True)
    assert feature_dtype(estimator.layer(), estimator.n_steps()) is expected


def test_progress_tells_the_spikes_of_the_images_that_were_added(fitted, images):
    estimator = fitted.set_params(chunk_size=5, n_jobs=1)
    features = np.empty((100, 32), np.uint8)
    steps = list(compute_features(estimator, images, features))
    assert [step.n_shown for step in steps] == [20, 40, 60, 80, 100]
    spikes = np.concatenate([step.spikes for step in steps])
    assert np.array_equal(features, estimator.transform(images))
    assert np.array_equal(spikes, features.reshape(100, 4, 8).sum(axis=1))
    events = [step.events["features.spikes"] for step in steps]
    assert events == spikes.reshape(5, 20 * 8).sum(axis=1).tolist()


def test_spikes_of_an_example_are_those_that_its_features_count(fitted, images):
    spikes = spikes_of_example(fitted, images[7])
    steps = spike_steps(images)[7].ravel()
    inputs = {(step, neuron) for neuron, step in enumerate(steps) if step != NEVER}
    assert set(map(tuple, spikes["inputs"].tolist())) == inputs
    counts = np.bincount(spikes["features"][:, 1], minlength=8 * 8 * 8)
    assert counts.max() == 1
    features = fitted.transform(images[7:8])
    assert np.array_equal(pooled(counts.reshape(1, 8, 8, 8), 4, 4).ravel(), features[0])


@pytest.mark.parametrize("code", ["count", "latency"])
def test_features_through_pooling_neurons(images, code):
    """Of each window one spike for three, by hand; latency counts the steps left."""
    options = {"n_maps": 4, "kernel_size": 3, "pool": 4, "feature_code": code}
    neuron = AdaptiveIF(theta_start=1.0)
    plain = ConvSTDP(**options, neuron=neuron, random_state=0).fit(images)
    plain.set_params(feature_scale=0.6)
    plain.transform(images[:10], record={"features.spikes": True})
    shown, step, neuron = plain.recordings_["features.spikes"].T
    plain.set_params(feature_neuron=SoftResetIF(v_th=3.0))
    found = plain.transform(images[:10]).reshape(10, 2, 2, 4)
    n_steps = plain.n_steps()
    expected = np.zeros((10, 2, 2, 4), int)
    for n, y, x, m in np.ndindex(expected.shape):
        row, column = neuron // 4 // 8, neuron // 4 % 8
        here = (shown == n) & (row // 4 == y) & (column // 4 == x) & (neuron % 4 == m)
        v, arrived = 0.0, np.bincount(step[here], minlength=n_steps)
        for t in range(1, n_steps):  # a spike is seen one step after it came
            v += arrived[t - 1]
            if v >= 3:
                v -= 3
                expected[n, y, x, m] += 1 if code == "count" else n_steps - t
    assert expected.sum() > 10
    assert np.array_equal(found, expected)
    assert type(plain)._from_plain(plain._plain_params()).feature_neuron.v_th == 3.0
