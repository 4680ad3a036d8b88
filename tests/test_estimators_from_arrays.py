"""Dense ensembles made of weights and thresholds that were learned elsewhere."""

import numpy as np
import pytest

from stdpnet import FullyConnectedSTDP
from stdpnet.compression import PruningSchedule
from stdpnet.encoding import Encoding, Intensity, Poisson, Whitening
from stdpnet.models.neurons import LIF
from stdpnet.units import Hz

BRIGHT = Encoding(
    filter=Intensity(), code=Poisson(max_rate=600 * Hz, normalize="fixed")
)
TIMES = {"presentation": "100 ms", "rest": "50 ms", "chunk_size": 50}


def test_arrays_of_somebody_else_are_scored(digits, tmp_path):
    images, labels = digits[0][:200], digits[1][:200]
    learned = FullyConnectedSTDP(10, encoding=BRIGHT, random_state=0, **TIMES)
    learned.fit(images)
    made = FullyConnectedSTDP.from_arrays(
        learned.weights_,
        learned.thresholds_,
        max_value=16,
        encoding=BRIGHT,
        random_state=0,
        **TIMES,
    )
    made.seed_ = learned.seed_
    assert made.thresholds_ == pytest.approx(learned.thresholds_, rel=1e-12)
    assert np.array_equal(made.transform(images), learned.transform(images))
    made.label(images, labels)
    learned.label(images, labels)
    assert np.array_equal(made.predict(images), learned.predict(images))
    assert made.score(images, labels) == learned.score(images, labels)
    loaded = FullyConnectedSTDP.load(made.save(tmp_path / "made.h5"))
    assert np.array_equal(loaded.predict(images), made.predict(images))


@pytest.mark.parametrize(
    ("weights", "thresholds", "message"),
    [
        (np.ones((64, 3)), np.ones(2), r"thresholds \(n_neurons,\), got \(64, 3\) and"),
        (np.ones(64), np.ones(64), r"must have shape \(n_inputs, n_neurons\)"),
        (
            np.full((64, 3), np.nan),
            np.ones(3),
            r"weights must be finite, got nan at \(0, 0",
        ),
        (
            np.ones((64, 3)),
            np.full(3, np.inf),
            r"thresholds must .*, got inf at \(0,\)",
        ),
        (np.full((64, 3), "1"), np.ones(3), "weights must be numbers, got <U1"),
        (np.full((64, 3), 1.5), np.ones(3), "between 0 and w_max 1, got 1.5"),
    ],
)
def test_arrays_that_cannot_be_are_refused(weights, thresholds, message):
    with pytest.raises(ValueError, match=message):
        FullyConnectedSTDP.from_arrays(weights, thresholds)


@pytest.mark.parametrize("white", [0, -1.0, np.nan, "255"])
def test_white_is_above_zero(white):
    with pytest.raises(ValueError, match="max_value must be a number > 0, got"):
        FullyConnectedSTDP.from_arrays(np.ones((64, 3)), np.ones(3), max_value=white)


def test_arrays_fit_the_shape_of_images():
    with pytest.raises(
        ValueError, match=r"must have 60 rows for images of shape \(6, 1"
    ):
        FullyConnectedSTDP.from_arrays(
            np.ones((64, 3)), np.ones(3), image_shape=(6, 10)
        )


def test_arrays_fit_the_channels_of_the_encoding(digits):
    """Signs in channels of their own: two inputs a pixel."""
    w = np.random.default_rng(0).uniform(size=(128, 3))
    made = FullyConnectedSTDP.from_arrays(
        w,
        np.full(3, -60.0),
        encoding=Encoding(code=BRIGHT.code),
        max_value=16,
        backend="numpy",
        **TIMES,
    )
    assert made.kernels_.shape == (3, 8, 8, 2)
    assert made.weights_ == pytest.approx(w)
    assert made.transform(digits[0][:3]).shape == (3, 3)


def test_arrays_of_a_pruned_network_learn_on(digits):
    """With a schedule that ranks correlations, which start anew."""
    w = np.random.default_rng(0).uniform(size=(64, 3)) / 4
    w[:32] = 0
    made = FullyConnectedSTDP.from_arrays(
        w,
        np.full(3, -60.0),
        max_value=16,
        encoding=BRIGHT,
        pruning=PruningSchedule(criterion="correlation", start=10**6, end=10**6),
        presentation="50 ms",
        rest=None,
        backend="numpy",
    )
    made.partial_fit(digits[0][:5])
    assert (made.weights_[:32] == 0).all()
    assert (made.weights_[32:] > 0).any(axis=1).all()
    assert made.other_state_["afferents.correlation"].max() > 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"neuron": LIF(), "inhibition": None},
            "thresholds must all be .*, as those of LIF do not adapt, got",
        ),
        (
            {"encoding": Encoding(filter=Whitening(), code=BRIGHT.code)},
            "encoding must be one whose filter learns nothing from images",
        ),
    ],
)
def test_networks_that_arrays_are_not_enough_for_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        FullyConnectedSTDP.from_arrays(np.ones((64, 3)), np.zeros(3), **changed)
