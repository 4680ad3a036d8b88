"""The dense ensemble: learned arrays, normalization, thresholds, files, spikes."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from stdpnet import Again, FullyConnectedSTDP, load_network
from stdpnet.compression import PruningSchedule, QuantizationSchedule
from stdpnet.encoding import Encoding, Intensity, Poisson, RankOrder
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.learning import encode
from stdpnet.models.custom import EquationRule
from stdpnet.models.lateral import DirectInhibition, ExplicitInhibition
from stdpnet.models.neurons import ConductanceLIF
from stdpnet.models.plasticity import (
    StochasticSTDP,
    TraceSTDP,
    TripletSTDP,
)
from stdpnet.units import Hz, mV

PLAIN = Path(__file__).parents[1] / "benchmarks" / "plain_diehl_cook.py"


@pytest.fixture
def images(digits) -> np.ndarray:
    return digits[0][:120]


def test_learned_arrays_have_the_documented_shapes(dense, images):
    network = dense().fit(images)
    assert network.weights_.shape == (64, 10)
    assert network.thresholds_.shape == (10,)
    assert network.kernels_.shape == (10, 8, 8, 1)
    assert np.array_equal(network.kernels_[3].ravel(), network.weights_[:, 3])
    assert network.transform(images[:7]).shape == (7, 10)
    assert list(network.get_feature_names_out()[:2]) == ["neuron0", "neuron1"]
    assert network.n_images_shown_ == 120
    assert network.n_shown_ >= 120
    assert network.history_["kernels"].shape[1:] == (10, 8, 8, 1)
    assert network.history_["thresholds"].shape == (3, 10)


def replayed(tmp_path, **arrays) -> dict[str, np.ndarray]:
    """Run the network on plain Brian2, in a process of its own, on given input spikes."""
    np.savez(tmp_path / "in.npz", **arrays)
    files = ["replay", str(tmp_path / "in.npz"), "--out", str(tmp_path / "out.npz")]
    subprocess.run(
        [sys.executable, str(PLAIN), *files], check=True, capture_output=True
    )
    with np.load(tmp_path / "out.npz") as file:
        return dict(file)


@pytest.mark.parametrize("inhibition", ["explicit", "direct"])
def test_it_does_what_an_independent_implementation_does(
    dense, images, inhibition, tmp_path, monkeypatch
):
    """Fed the input spikes that were drawn here: same spikes, same weights."""
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    network = dense(
        inhibition=inhibition,
        dtype="float64",
        mean_weight=0.2,
        again=None,
        neuron=ConductanceLIF(theta_start=15 * mV),
        presentation="60 ms",
        rest="40 ms",
    )
    record = {"inputs.spikes": True, "features.spikes": True}
    network.fit(images[:4], record=record)
    start = network._starting_state()
    inputs, mine = (network.recordings_[name] for name in record)
    found = replayed(
        tmp_path,
        times_step=inputs[:, 0] * 200 + inputs[:, 1],
        indices=inputs[:, 2],
        weights=start["afferents.w"].reshape(64, 10),
        theta=start["features.theta"],
        n_steps=800,
        inhibition=inhibition,
        total=0.2 * 64,
        presentation_steps=200,
    )
    assert len(mine) > 20
    assert np.array_equal(mine[:, 0] * 200 + mine[:, 1], found["times_step"])
    assert np.array_equal(mine[:, 2], found["indices"])
    assert network.weights_ == pytest.approx(found["weights"], rel=1e-9, abs=1e-15)
    assert network.thresholds_ == pytest.approx(1000 * found["theta"] - 72, rel=1e-9)


def test_weights_of_a_neuron_have_their_mean_before_every_presentation(dense, images):
    frozen = TripletSTDP(learning_rate=0.0)
    network = dense(rule=frozen, mean_weight=0.25).fit(images[:5])
    assert network.weights_.mean(axis=0) == pytest.approx(np.full(10, 0.25), rel=1e-6)
    free = dense(rule=frozen, mean_weight=None).fit(images[:5])
    assert np.array_equal(free.weights_, free.initial_weights_)
    assert free.weights_.min() >= 0.3 * 0.01


def test_thresholds_are_frozen_when_features_are_computed(dense, images):
    network = dense().fit(images)
    before = network.thresholds_.copy(), network.weights_.copy()
    assert network.transform(images[:20]).sum() > 0
    assert np.array_equal(network.thresholds_, before[0])
    assert np.array_equal(network.weights_, before[1])


def test_learning_goes_on_where_it_was_interrupted(dense, images, tmp_path):
    whole, interrupted = dense().fit(images), dense()
    next(interrupted.fit_steps(images))
    loaded = FullyConnectedSTDP.load(interrupted.save(tmp_path / "part.h5"))
    for _ in loaded.fit_steps(images, resume=True):
        pass
    assert np.array_equal(loaded.weights_, whole.weights_)
    assert np.array_equal(loaded.thresholds_, whole.thresholds_)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"inhibition": "indirect"},
            "inhibition must be a LateralInhibition, 'explicit'",
        ),
        ({"mean_weight": 0}, "mean_weight must be None or a number > 0, got 0"),
        ({"start_weight": -1}, "start_weight must be a number > 0, got -1"),
        ({"rest": "1 mV"}, "rest must be a time > 0"),
        ({"again": 5}, "again must be an Again or None, got 5"),
        (
            {"encoding": Encoding(code=RankOrder())},
            "where the code of the encoding has",
        ),
        ({"pruning": 0.9}, "pruning must be a PruningSchedule or None, got 0.9"),
        ({"n_neurons": 0}, "FullyConnectedSTDP.n_neurons must be an integer >= 1"),
        (
            {"rule": StochasticSTDP(), "quantization": QuantizationSchedule()},
            "quantization is for continuous weights; those of StochasticSTDP have",
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused(dense, changed, message):
    with pytest.raises(ValueError, match=message):
        dense(**changed).check_parameters()


def test_a_mean_above_the_bound_is_refused(dense, images):
    with pytest.raises(ValueError, match="mean_weight must be at most w_max 1, got 2"):
        dense(mean_weight=2.0).fit(images[:3])


def test_images_that_are_never_answered_are_counted(dense, images):
    deaf = dense(neuron=ConductanceLIF(theta_start=90 * mV), again=Again(limit=2))
    with pytest.warns(
        UserWarning, match="6 of 6 images had fewer than 5 spikes even"
    ) as w:
        deaf.fit(images[:6])
    assert len(w) == 1
    assert deaf.n_shown_ == 18
    with pytest.warns(UserWarning, match="even when shown 3 times; raise the rates"):
        deaf.transform(images[:2])


@pytest.mark.parametrize(
    "inhibition", [None, "direct", ExplicitInhibition(weight=5), DirectInhibition()]
)
def test_inhibition_keeps_others_silent(dense, images, inhibition):
    network = dense(inhibition=inhibition).fit(images[:30])
    assert network.network_.describe()
    spikes = network.transform(images[:30]).sum(axis=1).mean()
    alone = dense(inhibition=None).fit(images[:30]).transform(images[:30])
    if inhibition is not None:
        assert spikes < 0.7 * alone.sum(axis=1).mean()


def test_the_specification_is_the_estimator(tmp_path):
    network = load_network(
        "diehl-cook-100",
        ["network.again=none", "encoding.code.max_rate=50 Hz", "network.rest=100 ms"],
    )
    assert network.n_neurons == 100
    assert network.again is None
    assert network.encoding.code == Poisson(max_rate=50 * Hz, normalize="fixed")
    assert network.encoding.filter == Intensity()
    plain = json.loads(json.dumps(network._plain_params()))
    assert FullyConnectedSTDP._from_plain(plain).get_params(deep=False).keys()


# -- compression ----------------------------------------------------------------------


@pytest.fixture
def compressed(dense, images) -> FullyConnectedSTDP:
    pruning = PruningSchedule(
        criterion="quantile", threshold=0.7, start=50, every=50, end=100, scope="target"
    )
    levels = QuantizationSchedule(levels=4, start=100, every=50, end=200)
    return dense(pruning=pruning, quantization=levels).fit(images)


def test_what_is_left_is_on_the_levels_and_the_rest_is_zero(compressed):
    weights = compressed.weights_
    assert np.mean(weights == 0) == pytest.approx(0.7, abs=0.01)
    assert np.isin(weights[weights > 0], compressed.levels_).all()
    assert len(compressed.levels_) == 4
    assert 0 < compressed.total_scale_ < 1


def test_a_pruned_synapse_stays_zero_while_learning_goes_on(compressed, images):
    gone = compressed.weights_ == 0
    compressed.partial_fit(images)
    assert (compressed.weights_[gone] == 0).all()
    assert not np.isin(compressed.weights_[~gone], compressed.levels_).all()


def test_files_hold_bits(compressed, images, tmp_path):
    path = compressed.save(tmp_path / "bits.h5")
    with h5py.File(path) as file:
        assert set(file["learned/weights_"]) == {"indices", "mask", "shape", "table"}
        stored = sum(part.size for part in file["learned/weights_"].values())
    assert stored < compressed.weights_.nbytes / 8
    loaded = FullyConnectedSTDP.load(path)
    assert np.array_equal(loaded.weights_, compressed.weights_)
    assert np.array_equal(
        loaded.partial_fit(images).weights_, compressed.partial_fit(images).weights_
    )


def test_files_hold_only_the_weights_that_are_left(dense, images, tmp_path):
    pruning = PruningSchedule(
        criterion="quantile", threshold=0.9, start=50, end=50, scope="target"
    )
    network = dense(pruning=pruning).fit(images)
    path = network.save(tmp_path / "left.h5")
    with h5py.File(path) as file:
        assert file["learned/weights_/values"].size == np.count_nonzero(
            network.weights_
        )
        assert "afferents.kept" not in file["learned/other_state_"]
    loaded = FullyConnectedSTDP.load(path)
    assert np.array_equal(loaded.weights_, network.weights_)
    # A synapse that is zero may come back, so a file has to tell it from one that is gone.
    network.weights_[tuple(np.argwhere(network.weights_)[0])] = 0
    loaded = FullyConnectedSTDP.load(network.save(path))
    kept = loaded.other_state_["afferents.kept"]
    assert kept.sum() == np.count_nonzero(network.weights_) + 1
    with h5py.File(network.compact().save(path)) as file:
        assert not [name for name in file["learned/other_state_"] if "affer" in name]


def test_a_compact_network_of_arrays_holds_only_what_is_left(tmp_path):
    w = np.zeros((16, 4))
    w[3, 1] = w[7, 2] = 0.5
    made = FullyConnectedSTDP.from_arrays(w, np.full(4, -60.0))
    path = made.compact().save(tmp_path / "a.h5")
    with h5py.File(path) as file:
        assert list(file["learned/weights_/values"]) == [0.5, 0.5]
    assert np.array_equal(FullyConnectedSTDP.load(path).weights_, w.astype("f4"))


def test_pruned_synapses_do_not_count_as_converged(conv, images):
    """The mean of w (1 - w) over what is left, by hand."""
    pruning = PruningSchedule(
        criterion="quantile", threshold=0.8, start=40, every=40, end=80
    )
    network = conv(pruning=pruning, tol=0.0).fit(images)
    left = network.kernels_[network.kept_of(vars(network))]
    assert len(left) == round(0.2 * network.kernels_.size)
    convergence = network.history_["convergence"][-1]
    assert convergence == pytest.approx(np.mean(left * (1 - left)), rel=1e-5)
    assert network.history_["connectivity"][-1] == pytest.approx(0.2, abs=0.01)


def test_a_schedule_that_learning_does_not_reach_is_told(conv, images):
    late = PruningSchedule(start=1000, every=100, end=1990)
    with pytest.warns(UserWarning, match="after 6 images, before the last .* at 1900"):
        conv(pruning=late).fit(images[:6])


def test_weights_are_on_their_levels_when_learning_ends_early(conv, images):
    levels = QuantizationSchedule(levels=4, start=10**6, end=10**6)
    network = conv(quantization=levels, tol=1.0).fit(images)
    assert network.converged_
    assert np.isin(network.kernels_, network.levels_).all()


def test_the_compact_network_spikes_as_the_masked_one(compressed, images, tmp_path):
    small = compressed.compact()
    assert np.array_equal(small.transform(images), compressed.transform(images))
    counts = []
    for network in (small, compressed):
        spikes = network.transform(images[:5], record={"features.spikes": True})
        counts.append((spikes, network.recordings_["features.spikes"]))
    assert np.array_equal(counts[0][1], counts[1][1])
    assert small.network_.describe()["projections"]["afferents"]["weights"] == [
        np.count_nonzero(compressed.weights_)
    ]
    loaded = FullyConnectedSTDP.load(small.save(tmp_path / "small.h5"))
    assert loaded.compact_
    assert np.array_equal(loaded.transform(images[:5]), counts[0][0])
    with pytest.raises(ValueError, match="is compact and does not learn; fit the netw"):
        loaded.fit(images)
    with pytest.raises(ValueError, match="is compact and does not learn"):
        small.partial_fit(images)


@pytest.mark.parametrize("backend", ["cpp", "numpy"])
def test_the_compact_program_equals_plain_synapses(compressed, images, backend):
    small = compressed.compact().set_params(backend=backend, again=None)
    layer, stimulus = small.layer(), encode(small, images[:3])
    certain = np.where(stimulus > 300, 2000, 0).astype(np.float32)
    results = [
        run_chunk(
            made.program(made.layer()),
            {"inputs": certain},
            made.state(),
            made.feature_parameters(),
            n_steps=120,
            seed=0,
        )
        for made in (small, compressed.set_params(again=None))
    ]
    assert layer.n_synapses == np.count_nonzero(compressed.weights_)
    assert results[0].counts["counts"].sum() > 0
    assert np.array_equal(results[0].counts["counts"], results[1].counts["counts"])
    n_events = results[0].events["afferents.events"]
    assert n_events == results[1].events["afferents.events"]
    assert n_events < 0.5 * 10 * results[0].events["inputs.spikes"]


def test_convolution_kernels_are_compressed_too(conv, images):
    pruning = PruningSchedule(
        criterion="quantile", threshold=0.5, start=40, every=40, end=80
    )
    levels = QuantizationSchedule(levels=[0.5, 1.0], start=40, every=40, end=200)
    network = conv(pruning=pruning, quantization=levels, tol=0.0).fit(images)
    kernels = network.kernels_
    assert np.mean(kernels == 0) == pytest.approx(0.5, abs=0.01)
    assert set(np.unique(kernels)) == {0, 0.5, 1.0}
    assert np.array_equal(
        network.compact().transform(images[:20]), network.transform(images[:20])
    )


def test_pruning_by_correlation_needs_a_trace(dense, images):
    schedule = PruningSchedule(
        criterion="correlation",
        threshold=0.5,
        scope="target",
        start=50,
        every=50,
        end=50,
    )
    network = dense(rule=TraceSTDP(), pruning=schedule, mean_weight=None).fit(images)
    assert np.mean(network.weights_ == 0) >= 0.5
    silent = EquationRule(
        on_post="w = clip(w + learning_rate, 0, w_max)", pre_equations="", pre_reset=""
    )
    with pytest.raises(
        ValueError, match="correlation needs a rule with a trace of the"
    ):
        dense(rule=silent, pruning=schedule).fit(images)
