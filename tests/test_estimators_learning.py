"""What `ConvSTDP` computes and learns, against short references and clear structure."""

import numpy as np
import pytest

from stdpnet.encoding import DifferenceOfGaussians, Encoding, Intensity, RankOrder
from stdpnet.encoding.codes import NEVER
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import SumPooling, WinnerTakeAll

N_STEPS = 16


def conv(**changes) -> ConvSTDP:
    settings = {
        "n_maps": 8,
        "kernel_size": 5,
        "pool": 4,
        "neuron": AdaptiveIF(v_th=0, theta_start=5),
        "tol": 0,
        "chunk_size": 50,
        "random_state": 0,
    }
    return ConvSTDP(**settings | changes)


@pytest.fixture(scope="module")
def images(digits) -> np.ndarray:
    return digits[0][:400]


@pytest.fixture(scope="module")
def fitted(images) -> ConvSTDP:
    return conv().fit(images)


# -- transform against a plain simulation ------------------------------------------


def spike_steps(images: np.ndarray) -> np.ndarray:
    contrast = DifferenceOfGaussians().apply(images / np.float32(images.max()))
    return RankOrder().encode(contrast, N_STEPS, "1 ms")


def simulate(steps, kernels, thresholds, *, stride=1, padding=0, competing=True):
    """Spikes of every position and map for one image, step by step.

    As in Brian2, a step is threshold, synapses, reset: inputs count from the next
    step on, those of the last step not at all.
    """
    margins = ((padding, padding), (padding, padding), (0, 0))
    steps = np.pad(steps, margins, constant_values=NEVER)
    n_maps, size = kernels.shape[:2]
    rows, columns = ((side - size) // stride + 1 for side in steps.shape[:2])
    counts = np.zeros((rows, columns, n_maps), int)
    for y, x in np.ndindex(rows, columns):
        top, left = y * stride, x * stride
        window = steps[top : top + size, left : left + size]
        v = np.zeros(n_maps)
        for step in range(N_STEPS):
            fired = v > thresholds
            v += kernels[:, window == step].sum(axis=1)
            counts[y, x] += fired
            v[fired] = 0
            if competing and fired.any():
                break
    return counts


def pooled(counts, size: int, stride: int) -> np.ndarray:
    """Sums over windows; the last of a row is cut off, none is empty."""
    starts = [
        range(0, max(side - max(size, stride), 0) + stride, stride)
        for side in counts.shape[:2]
    ]
    windows = [
        [counts[y : y + size, x : x + size].sum(axis=(0, 1)) for x in starts[1]]
        for y in starts[0]
    ]
    return np.array(windows).ravel()


def with_exact_sums(estimator: ConvSTDP, rng) -> ConvSTDP:
    """Random weights and thresholds that are sums of powers of two: no rounding."""
    estimator.kernels_ = rng.integers(257, size=estimator.kernels_.shape) / 256
    estimator.thresholds_ = 1 + rng.integers(512, size=estimator.n_maps) / 128
    return estimator


@pytest.mark.parametrize("scale", [1, 0.5])
def test_features_are_those_of_a_plain_simulation(images, rng, scale):
    estimator = with_exact_sums(conv().fit(images[:50]), rng)
    estimator.set_params(feature_scale=scale)
    thresholds = scale * estimator.thresholds_
    expected = [
        pooled(simulate(steps, estimator.kernels_, thresholds, padding=2), 4, 4)
        for steps in spike_steps(images[:50])
    ]
    features = estimator.transform(images[:50])
    assert features.sum() > 100
    assert np.array_equal(features, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "geometry"),
    [
        ({"padding": 0, "stride": 2, "pool": 1}, {"padding": 0, "stride": 2}),
        ({"padding": 1, "inhibition": None}, {"padding": 1, "competing": False}),
    ],
)
@pytest.mark.parametrize("pool", [(3, 2), (2, 2), (8, 8)])
def test_other_geometries_are_those_of_a_plain_simulation(
    images, rng, settings, geometry, pool
):
    size, stride = pool
    settings = settings | {"pool": SumPooling(size=size, stride=stride)}
    estimator = conv(n_maps=3, kernel_size=3, backend="numpy", **settings)
    estimator = with_exact_sums(estimator.fit(images[:10]), rng)
    expected = [
        pooled(
            simulate(steps, estimator.kernels_, estimator.thresholds_, **geometry),
            size,
            stride,
        )
        for steps in spike_steps(images[:10])
    ]
    features = estimator.transform(images[:10])
    assert features.any()
    assert np.array_equal(features, expected)


# -- learning ----------------------------------------------------------------------


def test_one_image_changes_thresholds_by_its_spikes(images):
    neuron = AdaptiveIF(v_th=0, theta_start=5, theta_plus=0.25, theta_decay=0.125)
    estimator = conv(neuron=neuron).partial_fit(images[:1])
    spikes = estimator.history_["spikes"][0]
    assert spikes.any()
    assert estimator.thresholds_ == pytest.approx((5 + 0.25 * spikes) * 0.875)


def test_without_a_learning_rate_kernels_stay(images):
    estimator = conv(rule=TraceSTDP(learning_rate=0)).fit(images[:50])
    assert np.array_equal(estimator.kernels_, estimator.initial_kernels_)
    assert not np.array_equal(estimator.thresholds_, np.full(8, 5))


def test_kernels_become_selective(fitted):
    convergence = fitted.history_["convergence"]
    assert (np.diff(convergence) < 0).all()
    assert convergence[-1] < 0.5 * convergence[0]
    w = fitted.kernels_
    assert convergence[-1] == pytest.approx(np.mean(w * (1 - w)), rel=1e-5)


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


def learned_from_bars(images: np.ndarray, seed: int) -> ConvSTDP:
    return conv(
        n_maps=16,
        encoding=Encoding(filter=Intensity()),
        neuron=AdaptiveIF(v_th=0, theta_start=3, theta_plus=0.2, theta_decay=0.05),
        rule=TraceSTDP(learning_rate=0.01, tau_pre="16 ms"),
        inhibition=WinnerTakeAll(ties="highest"),
        n_epochs=3,
        random_state=seed,
    ).fit(images)


def test_kernels_find_the_bars_in_images_of_bars(rng):
    estimators = [learned_from_bars(bars(rng, 600), seed) for seed in range(4)]
    before = np.array([best_match(e.initial_kernels_) for e in estimators])
    after = np.array([best_match(e.kernels_) for e in estimators])
    assert (before < 0.8).all()
    # Four orientations, four seeds: a seed may miss one.
    assert (after > 0.8).mean() >= 0.8
    assert (after > 0.8).any(axis=0).all()


# -- when learning ends ------------------------------------------------------------


def test_learning_stops_by_itself_when_kernels_have_converged(images):
    rule = TraceSTDP(learning_rate=0.05)
    never = conv(rule=rule, n_epochs=2).fit(images)
    convergence = never.history_["convergence"]
    tol = float(convergence[4:6].mean())
    estimator = conv(rule=rule, n_epochs=2, tol=tol).fit(images)
    assert estimator.converged_
    assert estimator.n_shown_ == estimator.n_images_shown_ == 6 * 50
    assert np.array_equal(estimator.history_["convergence"], convergence[:6])


def test_without_tolerance_learning_never_stops(images):
    rule = TraceSTDP(learning_rate=1, bounds="hard")
    estimator = conv(rule=rule, n_epochs=3, tol=0).fit(images[:100])
    assert not estimator.converged_
    assert estimator.n_shown_ == 300


# -- patches -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_patches(images) -> ConvSTDP:
    return conv(fit_on="patches", patches_per_image=32).fit(images)


def test_patches_are_counted_apart_from_images(on_patches, images):
    assert on_patches.n_images_shown_ == len(images)
    assert on_patches.n_shown_ == 32 * len(images)
    assert on_patches.kernels_.shape == (8, 5, 5, 2)


def test_patches_teach_kernels_like_those_of_whole_images(fitted, on_patches, rng):
    def best(kernels):
        return similarity(kernels, fitted.kernels_).max(axis=1).mean()

    flat = on_patches.kernels_.reshape(8, -1)
    shuffled = [best(rng.permuted(flat, axis=1)) for _ in range(20)]
    assert best(on_patches.kernels_) > 0.6
    assert best(on_patches.kernels_) > max(shuffled) + 0.2


def test_thresholds_of_patches_serve_whole_images(fitted, on_patches, images):
    spikes = [e.transform(images).sum(axis=1).mean() for e in (fitted, on_patches)]
    # Windows lie inside the image; positions of the image reach over its border.
    assert 2 / 3 < spikes[1] / spikes[0] < 3 / 2
    assert on_patches.transform(images).any(axis=0).mean() > 0.5


# -- the control -------------------------------------------------------------------


@pytest.mark.parametrize("source", ["fitted", "on_patches"])
def test_the_control_differs_in_structure_alone(request, source, images):
    estimator = request.getfixturevalue(source)
    before = {
        name: np.copy(getattr(estimator, name)) for name in ("kernels_", "thresholds_")
    }
    control = shuffled_control(estimator, images)
    for name, value in before.items():
        assert np.array_equal(getattr(estimator, name), value)
    flat, learned = (e.kernels_.reshape(8, -1) for e in (control, estimator))
    assert np.array_equal(np.sort(flat), np.sort(learned))
    assert not np.array_equal(flat, learned)
    assert similarity(flat, learned).diagonal().mean() < 0.5
    spikes = [e.transform(images).sum(axis=1).mean() for e in (estimator, control)]
    assert spikes[1] == pytest.approx(spikes[0], rel=0.1)
    assert control.control_spikes_ == pytest.approx(spikes)


def test_the_control_is_the_same_every_time(fitted, images):
    one, two = (shuffled_control(fitted, images) for _ in range(2))
    assert np.array_equal(one.kernels_, two.kernels_)
    assert np.array_equal(one.thresholds_, two.thresholds_)
    assert np.array_equal(one.transform(images), two.transform(images))
