"""The control is fair whatever the neuron, or says that it is not."""

from copy import deepcopy

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from stdpnet.compression import PruningSchedule
from stdpnet.config import concrete_subclasses
from stdpnet.estimators import control
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.models.neurons import (
    IF,
    AdaptiveIF,
    ConductanceLIF,
    NeuronModel,
    StochasticBit,
)

FIXED = AdaptiveIF(v_th=5, theta_start=0, theta_plus=0)


def n_spikes(estimator: ConvSTDP, images: np.ndarray) -> float:
    return estimator.transform(images).sum(axis=1).mean()


@pytest.mark.parametrize("neuron", [FIXED, IF(v_th=5)], ids=lambda n: type(n).__name__)
def test_the_control_of_fixed_thresholds_spikes_as_often(
    conv, digits, neuron, tmp_path
):
    images = digits[0][:200]
    estimator = conv(neuron=neuron, feature_scale=0.9).fit(images)
    fair = shuffled_control(estimator, images)
    unscaled = deepcopy(fair).set_params(feature_scale=0.9)
    wanted = n_spikes(estimator, images)
    assert n_spikes(unscaled, images) < 0.8 * wanted
    assert n_spikes(fair, images) == pytest.approx(wanted, rel=0.1)
    assert fair.control_spikes_ == pytest.approx((wanted, n_spikes(fair, images)))
    assert fair.get_params() == {
        **estimator.get_params(),
        "feature_scale": fair.feature_scale,
        "random_state": estimator.seed_,
    }
    loaded = ConvSTDP.load(fair.save(tmp_path / "control.h5"))
    assert np.array_equal(loaded.transform(images), fair.transform(images))


def test_the_mask_of_a_pruned_network_is_shuffled_with_its_weights(conv, digits):
    images = digits[0][:120]
    half = PruningSchedule(criterion="quantile", threshold=0.5, start=50, end=50)
    network = conv(pruning=half, tol=0.0).fit(images)
    fair = shuffled_control(network, images)
    learned, shuffled = (one.kernels_.reshape(8, -1) for one in (network, fair))
    assert np.array_equal(np.sort(learned, axis=1), np.sort(shuffled, axis=1))
    # On the same images as many synapses are met, give or take which inputs spike.
    met = fair.state()["afferents.kept"] > 0
    assert np.array_equal(met, fair.state()["afferents.w"] != 0)
    assert n_spikes(fair, images) == pytest.approx(n_spikes(network, images), rel=0.15)


def test_thresholds_that_adapted_are_scaled_and_nothing_else(fitted, images):
    assert shuffled_control(fitted, images).feature_scale == fitted.feature_scale


@pytest.mark.parametrize(
    "neuron", [AdaptiveIF(), StochasticBit(), IF()], ids=lambda n: type(n).__name__
)
def test_a_control_that_cannot_be_made_fair_warns_once(conv, neuron, monkeypatch):
    monkeypatch.setattr(control, "_mean_spikes", lambda *_: 3.0)
    estimator = conv(neuron=neuron)
    estimator.thresholds_ = np.full(8, 1.0 if isinstance(neuron, AdaptiveIF) else 0.0)
    message = "the control spikes 3 times an image, the learned network 12.5 times, and"
    with pytest.warns(UserWarning, match=message) as caught:
        assert control._match(estimator, np.zeros(1), 12.5) == 3
    assert len(caught) == 1


def test_the_best_factor_is_kept_if_none_is_good(conv, monkeypatch):
    """A threshold that all spikes of an image reach together: four or none."""
    found = {}

    def mean_spikes(estimator, _):
        found[estimator.feature_scale] = 4.0 if estimator.feature_scale < 0.7 else 0.0
        return found[estimator.feature_scale]

    monkeypatch.setattr(control, "_mean_spikes", mean_spikes)
    estimator = conv(neuron=IF())
    estimator.thresholds_ = np.zeros(8)
    with pytest.warns(UserWarning, match="the control spikes 4 times an image"):
        assert control._match(estimator, np.zeros(1), 3.0) == 4
    assert found[estimator.feature_scale] == 4


@pytest.mark.parametrize(
    "cls", concrete_subclasses(NeuronModel).values(), ids=lambda c: c.__name__
)
def test_feature_scale_applies_to_a_threshold_or_is_refused(conv, cls):
    estimator = conv(neuron=cls(), feature_scale=0.5)
    estimator.image_shape_ = (8, 8, 1)
    name = estimator.threshold_name()
    if name is None:
        with pytest.raises(ValueError, match=r"must be 1, as .* has no threshold to "):
            estimator.check_parameters()
        return
    values = estimator.feature_parameters()
    before = estimator.set_params(feature_scale=1.0).feature_parameters()
    scaled = {key for key, value in values.items() if value != before[key]}
    assert scaled == {f"features.{name}"}
    assert values[f"features.{name}"] == before[f"features.{name}"] / 2 > 0


def test_a_threshold_that_is_a_negative_voltage_is_not_scaled(conv):
    assert conv(neuron=ConductanceLIF()).threshold_name() is None


def test_the_control_shares_no_array_with_the_network(fitted, images):
    before = deepcopy(fitted)
    made = shuffled_control(fitted, images)
    made.partial_fit(images[:30])
    for name in ConvSTDP._saved:
        if hasattr(before, name):
            np.testing.assert_equal(getattr(fitted, name), getattr(before, name))
    assert made.history_ is not fitted.history_
    assert not np.shares_memory(made.initial_kernels_, fitted.initial_kernels_)


def test_labels_of_the_learned_features_are_not_those_of_the_control(fitted, digits):
    fitted.label(digits[0][:100], digits[1][:100])
    made = shuffled_control(fitted, digits[0][:100])
    with pytest.raises(NotFittedError, match="no labels yet; call 'label'"):
        made.predict(digits[0][:3])


def test_the_control_settles_on_new_patches_in_every_chunk(conv, images, monkeypatch):
    twice = np.concatenate([images[:30], images[:30]])
    estimator = conv(fit_on="patches", tol=0).fit(twice)
    seen, run = [], control.run_chunk

    def run_chunk(program, stimuli, *args, **options):
        seen.append(stimuli["inputs"])
        return run(program, stimuli, *args, **options)

    monkeypatch.setattr(control, "run_chunk", run_chunk)
    shuffled_control(estimator, twice)
    first, second = seen[:2]
    assert first.shape == second.shape == (480, 5, 5, 2)
    assert not np.array_equal(first, second)


def test_a_control_has_shuffled_or_random_kernels(fitted, images):
    message = "unknown kernels of a control 'learned'; known: shuffled, random"
    with pytest.raises(ValueError, match=message):
        shuffled_control(fitted, images, kernels="learned")
    control = shuffled_control(fitted, images, kernels="random")
    assert np.array_equal(control.kernels_, fitted.initial_kernels_)
