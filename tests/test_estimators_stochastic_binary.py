"""The stochastic binary network: bits, chance only while it learns, files, memory."""

from collections.abc import Callable
from functools import partial

import h5py
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from stdpnet import (
    Again,
    FullyConnectedSTDP,
    MultimodalSTDP,
    StochasticBinarySTDP,
    load_network,
)
from stdpnet.encoding import Encoding, Intensity, Poisson, RankOrder
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.learning import encode
from stdpnet.estimators.memory import memory_of
from stdpnet.models.lateral import DirectInhibition
from stdpnet.models.neurons import LIF, AdaptiveSigmoid
from stdpnet.models.plasticity import (
    HybridSTDP,
    LongShortTermSTDP,
    StochasticSTDP,
    TraceSTDP,
)
from stdpnet.units import Hz, ms


@pytest.fixture(scope="module")
def binary() -> Callable[..., StochasticBinarySTDP]:
    """Make a small network that learns digits in seconds."""
    return partial(
        StochasticBinarySTDP,
        n_neurons=10,
        encoding=Encoding(
            filter=Intensity(), code=Poisson(max_rate=600 * Hz, normalize="fixed")
        ),
        neuron=AdaptiveSigmoid(
            tau_m=50 * ms,
            tau_gi=50 * ms,
            v_half=0.0,
            v_width=3.0,
            theta_start=150.0,
            theta_plus=2.0,
        ),
        inhibition=DirectInhibition(weight=100.0),
        again=Again(spikes=2),
        dt="1 ms",
        presentation="100 ms",
        rest="50 ms",
        random_state=0,
        chunk_size=50,
    )


@pytest.fixture(scope="module")
def images(digits) -> np.ndarray:
    return digits[0][:150]


@pytest.fixture(scope="module")
def fitted(binary, images) -> StochasticBinarySTDP:
    return binary(n_settle=50).fit(images)


@pytest.mark.parametrize("rule", [None, StochasticSTDP(w_max=0.7)])
def test_weights_are_zero_or_w_max_at_every_snapshot(binary, images, rule):
    network = binary(rule=rule).fit(images)
    w_max = 1.0 if rule is None else np.float32(0.7)
    assert set(np.unique(network.weights_)) == {0, w_max}
    assert np.isin(network.history_["kernels"], [0, w_max]).all()
    assert network.levels_ == pytest.approx([0, w_max])
    changed = network.weights_ != network.initial_weights_
    assert 0.02 < changed.mean() < 0.98


def test_nothing_but_the_input_is_random_when_features_are_computed(binary, images):
    """The same input spikes with other seeds: the same spikes."""
    network = binary(encoding=Encoding(code=RankOrder()), again=None)
    network.set_params(neuron__theta_start=5.0, neuron__theta_plus=0.01).fit(images)
    layer = network.layer()
    still, learning = (
        {**network.feature_parameters(), "features.noise": noise}
        for noise in (network.feature_parameters()["features.noise"], 1.0)
    )

    def counts(parameters: dict[str, float], seed: int) -> np.ndarray:
        result = run_chunk(
            network.program(layer),
            {"inputs": encode(network, images)},
            network.state(),
            parameters,
            **network.run_options(),
            seed=seed,
        )
        return result.counts["counts"]

    assert counts(still, 1).sum() > 100
    assert np.array_equal(counts(still, 1), counts(still, 2))
    assert not np.array_equal(counts(learning, 1), counts(learning, 2))


def test_half_points_settle_without_chance(binary, images):
    network = binary(n_settle=50)
    steps = network.fit_steps(images)
    next(steps), next(steps)
    before = network.weights_, network.thresholds_
    for _ in steps:
        pass
    assert np.array_equal(network.weights_, before[0])
    assert not np.array_equal(network.thresholds_, before[1])
    assert network.learning().parameters["features.noise"] == 1
    assert network.learning().settling()["features.noise"] == 0


def test_labels_play_no_part(binary, images, digits):
    labels = digits[1][:150]
    networks = [binary().fit(images, y) for y in (None, labels, labels[::-1])]
    for one in networks[1:]:
        assert np.array_equal(one.weights_, networks[0].weights_)
        assert np.array_equal(one.thresholds_, networks[0].thresholds_)


def test_neurons_named_by_labels_tell_digits_apart(binary, digits):
    images, labels = digits[0][:600], digits[1][:600]
    network = binary(n_neurons=30, n_epochs=2, n_settle=100).fit(images[:500])
    network.label(images[:500], labels[:500])
    assert network.score(images[500:], labels[500:]) > 0.4  # ten classes


def test_a_file_has_one_bit_a_synapse(fitted, images, tmp_path):
    path = fitted.save(tmp_path / "bits.h5")
    with h5py.File(path) as file:
        for name in ("weights_", "initial_weights_"):
            stored = file["learned"][name]
            assert stored["mask"].shape == (64 * 10 // 8,)
            assert stored["indices"].shape == (0,)
            assert stored["table"].shape == (1,)
    loaded = StochasticBinarySTDP.load(path)
    for name in ("weights_", "initial_weights_", "levels_", "thresholds_"):
        assert np.array_equal(getattr(loaded, name), getattr(fitted, name)), name
    assert loaded.weights_.dtype == fitted.weights_.dtype
    assert np.array_equal(loaded.transform(images), fitted.transform(images))


def test_learning_goes_on_from_a_file(binary, images, tmp_path):
    whole, part = binary().fit(images), binary()
    next(part.fit_steps(images))
    loaded = StochasticBinarySTDP.load(part.save(tmp_path / "part.h5"))
    for _ in loaded.fit_steps(images, resume=True):
        pass
    assert np.array_equal(loaded.weights_, whole.weights_)
    assert np.array_equal(loaded.thresholds_, whole.thresholds_)


def test_a_compact_network_spikes_alike(fitted, images):
    assert np.array_equal(fitted.compact().transform(images), fitted.transform(images))


def test_two_of_them_join_as_two_senses(binary, images, tmp_path):
    members = [("image", binary(again=None)), ("audio", binary(again=None))]
    joint = MultimodalSTDP(members, chunk_size=50, random_state=0)
    joint.fit({"image": images, "audio": images[:, ::-1]})
    assert joint.feature_parameters()["image_features.noise"] == 0
    for one in joint.members_.values():
        assert set(np.unique(one.weights_)) == {0, 1}
    loaded = MultimodalSTDP.load(joint.save(tmp_path / "joint.h5"))
    both = {"image": images[:20], "audio": images[:20, ::-1]}
    assert np.array_equal(loaded.transform(both), joint.transform(both))


def test_memory_is_computed_from_stored_bytes():
    rng = np.random.default_rng(0)
    weights = (rng.random((784, 400)) < 0.2).astype("f4")
    network = StochasticBinarySTDP.from_arrays(weights, np.full(400, 300.0))
    memory = network.memory()
    assert memory.weight_bytes == 784 * 400 / 8 + 4  # and the level
    assert memory.threshold_bytes == 400 * 8
    assert memory.synaptic_factor == 4 * 784 * 400 / (39204 + 3200)
    assert memory.synaptic_factor > 25
    assert memory.output_factor == 32
    assert memory.state_bytes == 400 * (4 + 4 + 8)  # v, g_i, awake
    assert "42,404 stored (39,204 of weights, 3,200 of thresholds)" in memory.table()
    with pytest.raises(NotFittedError):
        StochasticBinarySTDP().memory()


def test_graded_weights_save_nothing():
    network = FullyConnectedSTDP.from_arrays(np.full((64, 4), 0.3), np.full(4, -52.0))
    memory = memory_of(network)
    assert memory.weight_bytes == 4 * 64 * 4
    assert memory.synaptic_factor == pytest.approx(1024 / (1024 + 32))


def test_parameters_reach_into_parts_and_survive_cloning(fitted):
    cloned = clone(fitted).set_params(rule__learning_rate=0.05, neuron__noise=0.5)
    assert cloned.rule == HybridSTDP(
        learning_rate=0.05, anti_hebbian=1.0, depression=0.0, tau_plus=50 * ms
    )
    assert cloned.neuron.noise == 0.5
    assert clone(cloned).get_params() == cloned.get_params()
    left_out = {"mean_weight", "start_weight", "max_delay", "pruning", "quantization"}
    both = set(FullyConnectedSTDP().get_params()) - set(cloned.get_params())
    assert both == left_out


def test_a_specification_changes_the_defaults_of_the_network_not_of_its_parts():
    named = load_network("sbsnn-400", ["network.n_settle=0"])
    usual = StochasticBinarySTDP()
    for part in ("encoding", "neuron", "rule", "inhibition"):
        assert getattr(named, part) == usual._resolved_part(part), part
    for name in ("dt", "presentation", "rest", "n_neurons", "n_epochs", "again"):
        assert getattr(named, name) == getattr(usual, name), name


def test_the_control_has_as_many_synapses_that_are_on(fitted, images):
    control = shuffled_control(fitted, images)
    assert np.array_equal(control.weights_.sum(axis=0), fitted.weights_.sum(axis=0))
    assert not np.array_equal(control.weights_, fitted.weights_)
    learned, settled = control.control_spikes_
    assert settled == pytest.approx(learned, rel=0.1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"neuron": LIF()},
            r"StochasticBinarySTDP\.neuron must be stochastic, with a parameter 'noise', "
            r"got LIF\(",
        ),
        (
            {"rule": TraceSTDP()},
            r"StochasticBinarySTDP\.rule must be one whose weights have two levels, got "
            r"TraceSTDP\(",
        ),
        (
            {"rule": LongShortTermSTDP()},
            r"StochasticBinarySTDP\.rule must be one whose weights have two levels",
        ),
        ({"n_neurons": 0}, r"StochasticBinarySTDP\.n_neurons must be an integer >= 1"),
        ({"neuron": 3}, r"StochasticBinarySTDP\.neuron must be a NeuronModel or None"),
    ],
    ids=["neuron", "rule", "two bits", "size", "no neuron"],
)
def test_what_cannot_be_used_is_refused(changed, message):
    with pytest.raises(ValueError, match=message) as caught:
        StochasticBinarySTDP(**changed).fit(np.ones((2, 4, 4)))
    assert "\n" not in str(caught.value)


def test_weights_between_the_levels_are_refused():
    with pytest.raises(ValueError, match=r"must be one of its levels 0, 1, got 0\.5"):
        StochasticBinarySTDP.from_arrays(np.full((784, 2), 0.5), np.zeros(2))
