"""What `ConvSTDP` learns: against closed forms, invariances and clear structure."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from stdpnet.encoding import Encoding, Intensity, Latency, Poisson, RankOrder
from stdpnet.encoding.codes import NEVER
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.learning import is_snapshot
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import WinnerTakeAll

NEURON = AdaptiveIF(v_th=0, theta_start=5)


@pytest.fixture(scope="module")
def many(digits) -> np.ndarray:
    return digits[0][:400]


@pytest.fixture(scope="module")
def learned(conv, many) -> ConvSTDP:
    return conv(chunk_size=50).fit(many)


def test_one_image_changes_thresholds_by_its_spikes(conv, images):
    neuron = replace(NEURON, theta_plus=0.25, theta_decay=0.125)
    estimator = conv(neuron=neuron).partial_fit(images[:1])
    spikes = estimator.history_["spikes"][0]
    assert spikes.any()
    assert estimator.thresholds_ == pytest.approx((5 + 0.25 * spikes) * 0.875)


def test_without_a_learning_rate_kernels_stay(conv, images):
    estimator = conv(rule=TraceSTDP(learning_rate=0)).fit(images[:50])
    assert np.array_equal(estimator.kernels_, estimator.initial_kernels_)
    assert not np.array_equal(estimator.thresholds_, np.full(8, 5))


def test_kernels_become_selective(learned):
    convergence = learned.history_["convergence"]
    assert (np.diff(convergence) < 0).all()
    assert convergence[-1] < 0.5 * convergence[0]


def test_kernels_are_kept_at_ever_longer_intervals(learned):
    history = learned.history_
    kept, chunks = history["kernels"], np.array([1, 2, 3, 4, 6, 8])
    assert np.array_equal(history["kernels_shown"], 50 * chunks)
    assert np.array_equal(kept[-1], learned.kernels_)
    convergence = np.mean(kept * (1 - kept), axis=(1, 2, 3, 4))
    assert history["convergence"][chunks - 1] == pytest.approx(convergence, rel=1e-5)
    assert sum(map(is_snapshot, range(1, 30_000))) <= 30


def bars(rng, n_images: int) -> np.ndarray:
    """Bars one pixel wide through the middle of the image, or near it."""
    y, x = np.mgrid[:8, :8]
    distance = [y - 3, x - 3, y - x, y + x - 7]
    drawn = zip(
        rng.integers(4, size=n_images), rng.integers(-2, 3, n_images), strict=True
    )
    return np.array([255 * (distance[o] == shift) for o, shift in drawn], np.uint8)


def best_match(kernels: np.ndarray) -> np.ndarray:
    """Largest cosine similarity of any kernel to a bar of each orientation."""
    y, x = np.mgrid[:5, :5] - 2
    orientations = [
        [(distance == shift).ravel() for shift in (-1, 0, 1)]
        for distance in (y, x, y - x, y + x)
    ]
    return np.array(
        [similarity(np.array(o), kernels).max() for o in np.array(orientations, float)]
    )


def similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Cosine similarity of every pair of kernels, around their means."""
    flat = [k.reshape(len(k), -1).astype(float) for k in (one, other)]
    flat = [k - k.mean(axis=1, keepdims=True) for k in flat]
    flat = [k / np.linalg.norm(k, axis=1, keepdims=True) for k in flat]
    return flat[0] @ flat[1].T


def test_kernels_find_the_bars_in_images_of_bars(conv, rng):
    estimator = conv(
        n_maps=16,
        encoding=Encoding(filter=Intensity()),
        neuron=AdaptiveIF(v_th=0, theta_start=3, theta_plus=0.2, theta_decay=0.05),
        rule=TraceSTDP(learning_rate=0.01, tau_pre="16 ms"),
        inhibition=WinnerTakeAll(ties="highest"),
        chunk_size=50,
        n_epochs=3,
    )
    before, after = [], []
    for seed in range(4):
        estimator.set_params(random_state=seed).fit(bars(rng, 600))
        before.append(best_match(estimator.initial_kernels_))
        after.append(best_match(estimator.kernels_))
    assert np.max(before) < 0.8
    # Four orientations, four seeds: a seed may miss one.
    found = np.array(after) > 0.8
    assert found.mean() >= 0.8
    assert found.any(axis=0).all()


# -- when learning ends ------------------------------------------------------------


def test_learning_stops_by_itself_when_kernels_have_converged(conv, many):
    settings = {"rule": TraceSTDP(learning_rate=0.05), "chunk_size": 50, "n_epochs": 2}
    never = conv(**settings).fit(many[:200])
    convergence = never.history_["convergence"]
    assert not never.converged_
    tol = float(convergence[4:6].mean())
    estimator = conv(**settings, tol=tol).fit(many[:200])
    assert estimator.converged_
    assert estimator.n_shown_ == estimator.n_images_shown_ == 6 * 50
    assert np.array_equal(estimator.history_["convergence"], convergence[:6])


def test_without_tolerance_learning_never_stops(conv, images):
    estimator = conv(rule=TraceSTDP(learning_rate=1e6), n_epochs=2).fit(images)
    assert estimator.history_["convergence"][-2] == 0
    assert not estimator.converged_
    assert estimator.n_shown_ == 200


# -- patches -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_patches(conv, many) -> ConvSTDP:
    return conv(fit_on="patches", patches_per_image=32, chunk_size=50).fit(many)


def test_patches_are_counted_apart_from_images(on_patches, many):
    assert on_patches.n_images_shown_ == len(many)
    assert on_patches.n_shown_ == 32 * len(many)
    assert on_patches.kernels_.shape == (8, 5, 5, 2)


def test_patches_are_drawn_anew_for_every_chunk(conv, images):
    neuron = replace(NEURON, theta_plus=0, theta_decay=0)
    settings = {"fit_on": "patches", "rule": TraceSTDP(learning_rate=0)}
    estimator = conv(neuron=neuron, **settings).partial_fit(images[:30])
    first, second = estimator.partial_fit(images[:30]).history_["spikes"]
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("code", "backend"), [(RankOrder(), "auto"), (Poisson(max_rate="500 Hz"), "numpy")]
)
def test_images_as_small_as_a_kernel_are_their_own_patches(conv, images, code, backend):
    small = images[:20, 2:7, 2:7]
    settings = {"padding": 0, "pool": 1, "backend": backend}
    settings["encoding"] = Encoding(code=code)
    whole = conv(**settings).fit(small)
    patches = conv(**settings, fit_on="patches", patches_per_image=1).fit(small)
    assert whole.history_["spikes"].any()
    assert np.array_equal(patches.kernels_, whole.kernels_)
    assert np.array_equal(patches.thresholds_, whole.thresholds_)
    np.testing.assert_equal(patches.history_, whole.history_)


@pytest.mark.parametrize(("fit_on", "spikes"), [("images", False), ("patches", True)])
def test_a_patch_begins_with_its_first_spike(conv, images, fit_on, spikes):
    """Input in the last step has no effect, unless a patch starts with it."""
    late = Encoding(code=Latency(normalize="fixed", full_contrast=1000))
    estimator = conv(encoding=late, fit_on=fit_on).partial_fit(images[:30])
    assert estimator.history_["spikes"].any() == spikes


def test_the_patches_of_an_image_let_thresholds_decay_like_one_image(conv, images):
    """As many patches as an image has windows with contrast: one decay."""
    neuron = replace(NEURON, theta_plus=0, theta_decay=0.1)
    settings = {"fit_on": "patches", "patches_per_image": 7}
    estimator = conv(neuron=neuron, **settings).partial_fit(images[:10])
    steps = Encoding().encode(images[:10], {}, 16, "1 ms", 16)
    active = sliding_window_view(steps, (5, 5), axis=(1, 2)) != NEVER
    n_windows = active.any(axis=(3, 4, 5)).sum(axis=(1, 2)).mean()
    expected = 5 * 0.9 ** (10 * 7 / n_windows)
    assert estimator.thresholds_ == pytest.approx(expected, rel=1e-5)


def test_patches_teach_kernels_like_those_of_whole_images(learned, on_patches, rng):
    def best(kernels):
        return similarity(kernels, learned.kernels_).max(axis=1).mean()

    flat = on_patches.kernels_.reshape(8, -1)
    shuffled = [best(rng.permuted(flat, axis=1)) for _ in range(20)]
    assert best(on_patches.kernels_) > 0.6
    assert best(on_patches.kernels_) > max(shuffled) + 0.2


def test_thresholds_of_patches_serve_whole_images(learned, on_patches, many):
    features = [estimator.transform(many) for estimator in (learned, on_patches)]
    spikes = [counts.sum(axis=1).mean() for counts in features]
    # Windows lie inside the image; positions of the image reach over its border.
    assert 2 / 3 < spikes[1] / spikes[0] < 3 / 2
    assert features[1].any(axis=0).mean() > 0.5


# -- the control -------------------------------------------------------------------


@pytest.mark.parametrize("source", ["learned", "on_patches"])
def test_the_control_differs_in_structure_alone(request, source, many):
    estimator = request.getfixturevalue(source)
    control = shuffled_control(estimator, many)
    flat, kernels = (e.kernels_.reshape(8, -1) for e in (control, estimator))
    assert np.array_equal(np.sort(flat), np.sort(kernels))
    assert not np.array_equal(flat, kernels)
    assert similarity(flat, kernels).diagonal().mean() < 0.5
    spikes = [e.transform(many).sum(axis=1).mean() for e in (estimator, control)]
    assert spikes[1] == pytest.approx(spikes[0], rel=0.1)
    assert control.control_spikes_ == pytest.approx(spikes)


@pytest.mark.parametrize("n_shown", [150, 400])
def test_thresholds_of_the_control_settle_as_in_learning(learned, many, n_shown):
    """On as many images as kernels were learned from, up to one common factor."""
    estimator = deepcopy(learned)
    estimator.n_images_shown_ = n_shown
    control = shuffled_control(estimator, many)
    settled = deepcopy(control).set_params(rule__learning_rate=0)
    settled.thresholds_ = learned.thresholds_
    settled.partial_fit(many[:n_shown])
    factors = control.thresholds_ / settled.thresholds_
    assert factors == pytest.approx(np.full(8, factors[0]), rel=1e-4)
    assert np.ptp(control.thresholds_ / learned.thresholds_) > 0.01


def test_the_control_is_the_same_every_time_and_leaves_the_network_alone(learned, many):
    before = deepcopy(learned)
    one, two = (shuffled_control(learned, many) for _ in range(2))
    for name in ("kernels_", "thresholds_"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
        assert np.array_equal(getattr(learned, name), getattr(before, name))
    assert np.array_equal(one.transform(many), two.transform(many))
