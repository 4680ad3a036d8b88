"""The last images, at which weights are fixed and thresholds settle."""

from itertools import pairwise

import numpy as np
import pytest

from stdpnet import FullyConnectedSTDP
from stdpnet.compression import PruningSchedule, QuantizationSchedule
from stdpnet.models.neurons import LIF, ConductanceLIF
from stdpnet.units import Hz, mV


@pytest.fixture
def images(digits) -> np.ndarray:
    return digits[0][:150]


def test_weights_are_fixed_while_thresholds_rise_by_a_fifth_of_their_steps(
    dense, images
):
    neuron = ConductanceLIF(theta_plus=0.5 * mV, theta_rate=0 * Hz)
    network = dense(neuron=neuron, again=None, n_settle=50)
    weights = []
    for _ in network.fit_steps(images):
        weights.append(network.weights_.copy())
    assert not np.array_equal(weights[0], weights[1])
    assert np.array_equal(weights[1], weights[2])
    spikes = 50 * network.history_["spikes"][1:]
    rises = np.diff(network.history_["thresholds"], axis=0)
    assert spikes.sum(axis=1).min() > 50
    assert rises[0] == pytest.approx(0.5 * spikes[0], rel=1e-4, abs=1e-3)
    assert rises[1] == pytest.approx(0.1 * spikes[1], rel=1e-4, abs=1e-3)


def test_thresholds_decay_at_a_fifth_of_their_rate(dense, images):
    neuron = ConductanceLIF(theta_plus=0 * mV, theta_rate=0.1 * Hz)
    network = dense(neuron=neuron, again=None, n_settle=50).fit(images)
    # 50 images of 0.15 s each; 72 mV below zero is where the adaptive part is zero.
    adapted = network.history_["thresholds"] + 72
    assert adapted[1] == pytest.approx(adapted[0] * np.exp(-0.75), rel=1e-4)
    assert adapted[2] == pytest.approx(adapted[1] * np.exp(-0.15), rel=1e-4)


def test_weights_are_rounded_before_thresholds_settle(dense, images):
    levels = QuantizationSchedule(levels=4, start=10**6, end=10**6)
    network = dense(quantization=levels, n_settle=50)
    on_levels = []
    for _ in network.fit_steps(images):
        on_levels.append(len(np.unique(network.weights_)) <= 4)
    assert on_levels == [False, True, True]


def test_settling_goes_on_where_it_was_interrupted(dense, images, tmp_path):
    whole, interrupted = dense(n_settle=100).fit(images), dense(n_settle=100)
    steps = interrupted.fit_steps(images)
    next(steps), next(steps)
    loaded = FullyConnectedSTDP.load(interrupted.save(tmp_path / "part.h5"))
    for _ in loaded.fit_steps(images, resume=True):
        pass
    assert np.array_equal(loaded.weights_, whole.weights_)
    assert np.array_equal(loaded.thresholds_, whole.thresholds_)


def test_weights_are_learned_from_half_of_few_images(dense, images):
    network, moved = dense(n_settle=10_000, chunk_size=10), []
    for _ in network.fit_steps(images[:60]):
        moved.append(network.weights_.copy())
    changes = [not np.array_equal(a, b) for a, b in pairwise(moved)]
    assert changes == [True, True, False, False, False]


def test_another_batch_is_learned(dense, images):
    network = dense(n_settle=100).fit(images)
    before = network.weights_.copy()
    network.partial_fit(images[:20])
    assert not np.array_equal(network.weights_, before)


def test_pruning_that_comes_after_weights_are_final_is_told(dense, images):
    late = PruningSchedule(criterion="quantile", start=50, every=50, end=150)
    with pytest.warns(UserWarning, match="after 100 images, before the last .* at 150"):
        dense(pruning=late, n_settle=50).fit(images)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_settle": -1}, "FullyConnectedSTDP.n_settle must be an integer >= 0, got"),
        ({"n_settle": 0.5}, "n_settle must be an integer >= 0, got 0.5"),
        (
            {"n_settle": 5, "neuron": LIF()},
            "n_settle must be 0: thresholds of LIF do not adapt, got 5",
        ),
    ],
)
def test_numbers_that_cannot_be_are_refused(dense, images, params, message):
    with pytest.raises(ValueError, match=message):
        dense(**params).fit(images)
