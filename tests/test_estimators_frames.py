"""Networks that see images column after column, and sounds in time."""

import numpy as np
import pytest
from scipy.stats import binom

from stdpnet import Again, ConvSTDP, FullyConnectedSTDP, load_network
from stdpnet.analysis import load_run
from stdpnet.analysis.figures import draw_figure
from stdpnet.audio import synthetic_digits
from stdpnet.cli import main
from stdpnet.config import SpecError
from stdpnet.datasets import from_recordings
from stdpnet.encoding import (
    DifferenceOfGaussians,
    Encoding,
    Intensity,
    Latency,
    PoissonFrames,
)
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.models.neurons import ConductanceLIF
from stdpnet.models.plasticity import PowerLawSTDP
from stdpnet.units import Hz, mV

#: Eight columns in 200 steps of 0.5 ms, then rest for 100.
STEPS, REST = 200, 100


def frames(rate: float = 2000.0, **changed) -> Encoding:
    """Return an encoding whose brightest inputs spike in every step by default."""
    code = PoissonFrames(max_rate=rate * Hz, normalize="fixed")
    return Encoding(**{"filter": Intensity(), "code": code, **changed})


@pytest.fixture
def in_time(dense):
    def make(**changed) -> FullyConnectedSTDP:
        settings = {
            "encoding": frames(1500.0),
            "mean_weight": 0.2,
            "neuron": ConductanceLIF(theta_start=11 * mV),
        }
        return dense(**{**settings, **changed})

    return make


@pytest.fixture
def images(digits) -> np.ndarray:
    return digits[0][:60]


def test_inputs_are_rows_and_time_is_columns(in_time, images):
    """Black and white leave nothing to chance: each row spikes as its columns say."""
    binary = 16 * (images[:5] > 8).astype(np.uint8)
    network = in_time(encoding=frames(), again=None).fit(binary)
    network.set_params(again=Again(spikes=10**5, limit=2))
    with pytest.warns(UserWarning, match="5 of 5 images had fewer than 100000 spikes"):
        network.transform(binary, record={"inputs.spikes": True})
    found = np.zeros((5 * 3, STEPS + REST, 8), bool)
    found[tuple(network.recordings_["inputs.spikes"].T)] = True
    columns = np.repeat(binary.swapaxes(1, 2) > 0, STEPS // 8, axis=1)
    assert np.array_equal(found[:, :STEPS], np.repeat(columns, 3, axis=0))
    assert not found[:, STEPS:].any()


def test_learned_arrays_have_the_documented_shapes(in_time, images):
    network = in_time().fit(images)
    assert network.weights_.shape == (8, 10)
    assert network.kernels_.shape == (10, 8, 1, 1)
    assert network.history_["kernels"].shape[1:] == (10, 8, 1, 1)
    assert network.network_.inputs[0].frames == 8
    assert network.layer().title.startswith("10 neurons on 8x1x1 in 8 frames, ")
    assert network.weights_.mean(axis=0) == pytest.approx(np.full(10, 0.2), rel=0.5)
    assert not np.array_equal(network.weights_, network.initial_weights_)
    assert network.transform(images[:7]).shape == (7, 10)
    assert network.transform(images[:7]).sum() > 0


def test_the_order_of_columns_matters(in_time, images):
    """An image and its mirror image have the same spikes, but at other times."""
    network = in_time(encoding=frames(), again=None).fit(images)
    binary = 16 * (images[:20] > 8).astype(np.uint8)
    one, other = (network.transform(some) for some in (binary, binary[:, :, ::-1]))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("backend", ["numpy", "cython"])
def test_every_backend_learns_the_same(in_time, images, backend, monkeypatch):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    binary = 16 * (images[:4] > 8).astype(np.uint8)
    settings = {"encoding": frames(), "dtype": "float64", "again": Again(limit=2)}
    ours, plain = (
        in_time(backend=name, **settings).fit(binary, record={"features.spikes": True})
        for name in ("cpp", backend)
    )
    spikes = [made.recordings_["features.spikes"] for made in (ours, plain)]
    assert len(spikes[0]) > 10
    assert np.array_equal(*spikes)
    assert ours.weights_ == pytest.approx(plain.weights_, rel=1e-9, abs=1e-15)
    assert ours.thresholds_ == pytest.approx(plain.thresholds_, rel=1e-12)
    assert ours.n_shown_ == plain.n_shown_


def test_files_chunks_and_jobs(in_time, images, tmp_path):
    whole, interrupted = in_time(chunk_size=20).fit(images), in_time(chunk_size=20)
    next(interrupted.fit_steps(images))
    loaded = FullyConnectedSTDP.load(interrupted.save(tmp_path / "part.h5"))
    for _ in loaded.fit_steps(images, resume=True):
        pass
    assert loaded.encoding == whole.encoding
    assert np.array_equal(loaded.weights_, whole.weights_)
    features = whole.transform(images)
    assert features.sum() > 0
    assert np.array_equal(features, loaded.set_params(n_jobs=2).transform(images))


def test_a_compact_network_spikes_as_before(in_time, images):
    network = in_time().fit(images)
    network.weights_[:, ::2] = 0
    features = network.transform(images[:10])
    assert features.sum() > 0
    assert np.array_equal(network.compact().transform(images[:10]), features)


def test_channels_are_inputs_of_their_own(in_time, images):
    encoding = frames(filter=DifferenceOfGaussians())
    network = in_time(encoding=encoding).fit(images[:20])
    assert network.kernels_.shape == (10, 8, 1, 2)
    colours = np.stack([images[:20], images[20:40], images[40:]], axis=-1)
    assert in_time().fit(colours).kernels_.shape == (10, 8, 1, 3)


def test_a_network_of_arrays(in_time, images):
    network = in_time().fit(images)
    settings = {"image_shape": (8, 8), "max_value": 16.0, "again": None}
    settings |= {"encoding": network.encoding, "presentation": "100 ms"}
    made = FullyConnectedSTDP.from_arrays(
        network.weights_, network.thresholds_, **settings
    )
    assert made.transform(images[:10]).sum() > 0
    with pytest.raises(
        ValueError, match="weights must have 8 rows for images of shape"
    ):
        FullyConnectedSTDP.from_arrays(np.ones((9, 2)), np.full(2, -60.0), **settings)
    with pytest.raises(
        ValueError,
        match=r"FullyConnectedSTDP\.image_shape must be given where columns are frames, "
        "got None",
    ):
        FullyConnectedSTDP.from_arrays(
            network.weights_, network.thresholds_, encoding=network.encoding
        )


def test_what_cannot_be_shown_in_frames_is_refused(in_time, images):
    with pytest.raises(
        ValueError,
        match=r"ConvSTDP\.encoding must be one that shows whole images, as kernels have a "
        "width; use another code, or FullyConnectedSTDP, got ",
    ):
        ConvSTDP(encoding=frames()).fit(images)
    with pytest.raises(
        ValueError, match="got 8 columns and 4 steps; use a longer pres"
    ):
        in_time(presentation="2 ms").fit(images)


def test_a_specification_has_frames():
    overrides = ["encoding.code.type=PoissonFrames", "encoding.code.max_rate=500 Hz"]
    network = load_network("diehl-cook-100", overrides)
    assert network.encoding.code == PoissonFrames(max_rate=500 * Hz)
    assert network.encoding.filter == Intensity()
    with pytest.raises(ValueError, match="one that shows whole images"):
        load_network("conv-stdp", overrides)
    with pytest.raises(SpecError, match="Did you mean 'PoissonFrames'"):
        load_network("diehl-cook-100", ["encoding.code.type=PoisonFrames"])


def test_a_run_has_all_its_figures_and_a_report(tmp_path):
    run = tmp_path / "run"
    words = ["diehl-cook-100", "--dataset", "digits", "--out", str(run)]
    words += ["--n-fit", "60", "--n-train", "80", "--n-test", "40"]
    for changed in (
        "network.n_neurons=12",
        "encoding.code.type=PoissonFrames",
        "encoding.code.max_rate=1500 Hz",
        "neuron.theta_start=12 mV",
        "network.mean_weight=0.2",
    ):
        words += ["--set", changed]
    assert main(["train", *words]) == 0
    found = load_run(run)
    for name in ("receptive-fields", "history", "weights", "curves", "example"):
        width, height = draw_figure(found, name).get_size_inches()
        assert 0.2 < height / width < 2, name
    assert main(["report", str(run)]) == 0
    assert main(["evaluate", str(run)]) == 0


def test_one_of_several_senses_is_in_time(two_senses, pairs):
    both = two_senses(
        audio={
            "encoding": frames(1500.0),
            "mean_weight": 0.2,
            "neuron": ConductanceLIF(theta_start=11 * mV),
        }
    )
    both.fit(pairs)
    image = {"image": pairs["image"][:10]}
    assert both.counts(pairs)["audio"].sum() > 0
    assert both.counts(image)["audio"].shape == (10, 8)
    assert both.recall(image, "audio").shape == (10, 8, 1, 1)


# -- sounds -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sounds():
    pytest.importorskip("soundfile")
    return from_recordings(synthetic_digits(260, seed=0))


def test_sounds_are_latencies(dense, sounds):
    """Each active pixel spikes once, at the time that its value says."""
    network = dense(
        n_neurons=30,
        encoding=Encoding(filter=Intensity(), code=Latency()),
        rule=PowerLawSTDP(learning_rate=0.02, offset=0.2),
        again=None,
        mean_weight=0.2,
        presentation="50 ms",
        n_epochs=10,
    )
    network.fit(sounds.X_train)
    image = sounds.X_train[:1]
    network.transform(image, record={"inputs.spikes": True})
    _, step, pixel = network.recordings_["inputs.spikes"].T
    active = np.flatnonzero(image)
    relative = image.ravel()[active].astype(float) / image.max()
    expected = np.minimum(np.floor((1 - relative) * 100), 99)
    order = np.argsort(pixel, kind="stable")
    assert np.array_equal(pixel[order], active)
    assert np.array_equal(step[order], expected)
    assert_better_than_chance(network, sounds)


def test_sounds_are_rates_over_time(dense, sounds):
    network = dense(
        n_neurons=20,
        encoding=frames(1000.0),
        presentation="320 ms",
        rest="100 ms",
    )
    network.fit(sounds.X_train)
    assert network.kernels_.shape == (20, 40, 1, 1)
    assert network.network_.inputs[0].frames == 16
    assert_better_than_chance(network, sounds)


def assert_better_than_chance(network: FullyConnectedSTDP, sounds) -> None:
    """More right answers than guesses of ten digits give once in a thousand times."""
    network.label(sounds.X_train, sounds.y_train)
    n = len(sounds.X_test)
    right = round(n * network.score(sounds.X_test, sounds.y_test))
    assert right > binom.isf(0.001, n, 0.1)
