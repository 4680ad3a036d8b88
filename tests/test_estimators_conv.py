"""`ConvSTDP` from outside: what decides its kernels and features, and what does not."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest

from stdpnet.encoding import DifferenceOfGaussians, Encoding, Poisson, RankOrder
from stdpnet.estimators.base import derived_seed
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.images import as_images
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.units import ms

NEURON = AdaptiveIF(v_th=0, theta_start=5)
#: With these nothing is learned, so spikes depend on the image alone.
STILL = {
    "rule": TraceSTDP(learning_rate=0),
    "neuron": replace(NEURON, theta_plus=0, theta_decay=0),
}


@pytest.fixture(scope="session")
def poisson(conv) -> Callable[..., ConvSTDP]:
    return partial(conv, encoding=Encoding(code=Poisson(max_rate="500 Hz")))


def same_weights(one: ConvSTDP, other: ConvSTDP) -> bool:
    return np.array_equal(one.kernels_, other.kernels_) and np.array_equal(
        one.thresholds_, other.thresholds_
    )


def spikes_of_maps(estimator: ConvSTDP, images: np.ndarray) -> np.ndarray:
    """Return the spikes of each map for each image, shape (n, n_maps)."""
    features = estimator.transform(images)
    return features.reshape(len(images), -1, estimator.n_maps).sum(axis=1)


def test_learned_arrays_have_the_documented_shapes(fitted, images):
    assert fitted.kernels_.shape == fitted.initial_kernels_.shape == (8, 5, 5, 2)
    assert fitted.thresholds_.shape == (8,)
    assert fitted.image_shape_ == (8, 8, 1)
    assert fitted.n_features_in_ == 64
    assert fitted.n_shown_ == fitted.n_images_shown_ == len(images)
    assert list(fitted.history_["n_shown"]) == [30, 60, 90, 100]
    assert fitted.history_["spikes"].shape == (4, 8)
    assert np.array_equal(fitted.history_["thresholds"][-1], fitted.thresholds_)
    assert not np.array_equal(fitted.kernels_, fitted.initial_kernels_)
    assert fitted.kernels_.min() >= 0
    assert fitted.kernels_.max() <= 1


# -- seeds and labels --------------------------------------------------------------


def test_labels_play_no_part(conv, fitted, images, digits, rng):
    labels = digits[1][:100]
    assert same_weights(conv().fit(images, labels), fitted)
    assert same_weights(conv().fit(images, rng.permutation(labels)), fitted)
    in_order = conv().partial_fit(images, labels)
    assert same_weights(conv().partial_fit(images), in_order)


def test_the_same_seed_gives_the_same_kernels_bit_for_bit(conv, fitted, images):
    assert same_weights(conv().fit(images), fitted)
    one, two = (
        conv(random_state=np.random.RandomState(3)).fit(images) for _ in range(2)
    )
    assert same_weights(one, two)


@pytest.mark.parametrize("seed", [1, None])
def test_another_seed_gives_other_kernels(conv, fitted, images, seed):
    other = conv(random_state=seed).fit(images)
    assert not np.array_equal(other.initial_kernels_, fitted.initial_kernels_)
    assert not same_weights(other, fitted)


def test_seeds_that_are_derived_do_not_meet():
    uses = list(product(range(8), repeat=3))
    assert len({derived_seed(*use) for use in uses}) == len(uses)


def test_fitting_again_starts_anew(conv, images, fitted):
    estimator = conv().fit(images[50:])
    assert same_weights(estimator.fit(images), fitted)
    assert estimator.n_shown_ == len(images)


def test_poisson_features_differ_between_seeds_only(poisson, images):
    one, same, other = (poisson(random_state=seed).fit(images) for seed in (0, 0, 1))
    assert same_weights(one, same)
    assert np.array_equal(one.transform(images), same.transform(images))
    assert not np.array_equal(one.transform(images), other.transform(images))


def test_poisson_spikes_are_drawn_anew_for_every_chunk(poisson, images):
    twice = np.concatenate([images[:10], images[:10]])
    estimator = poisson(chunk_size=10, **STILL).partial_fit(twice)
    features = estimator.transform(twice)
    assert not np.array_equal(features[:10], features[10:])
    first, second = estimator.history_["spikes"]
    assert not np.array_equal(first, second)


# -- the order of images -----------------------------------------------------------


def test_every_epoch_shows_every_image_once_in_an_order_of_its_own(conv, images):
    estimator = conv(chunk_size=1, n_epochs=2, **STILL).fit(images[:8])
    shown = estimator.history_["spikes"].reshape(2, 8, 1, 8)
    orders = (shown == spikes_of_maps(estimator, images[:8])).all(axis=3)
    first, second = orders.argmax(axis=2).tolist()
    assert sorted(first) == sorted(second) == list(range(8))
    assert first != second
    assert list(range(8)) not in (first, second)


@pytest.mark.parametrize("chunk_size", [1, 5])
def test_partial_fit_shows_the_images_in_their_order(conv, images, chunk_size):
    estimator = conv(chunk_size=chunk_size, **STILL).partial_fit(images[:10])
    spikes = spikes_of_maps(estimator, images[:10])
    means = spikes.reshape(-1, chunk_size, 8).mean(axis=1)
    assert estimator.history_["spikes"] == pytest.approx(means)


def test_two_batches_are_one_if_chunks_end_where_the_first_does(conv, images):
    in_two = conv().partial_fit(images[:30]).partial_fit(images[30:90])
    at_once = conv().partial_fit(images[:90])
    assert same_weights(in_two, at_once)
    assert in_two.n_shown_ == 90


def test_partial_fit_goes_on_after_fit(conv, fitted, images):
    estimator = conv().fit(images).partial_fit(images[:10])
    assert estimator.n_shown_ == fitted.n_shown_ + 10
    assert not same_weights(estimator, fitted)


def test_progress_comes_after_every_chunk(conv, images):
    estimator = conv(n_epochs=2)
    steps = list(estimator.fit_steps(images[:70]))
    history = estimator.history_
    assert [p.n_shown for p in steps] == [30, 60, 70, 100, 130, 140]
    assert {p.n_total for p in steps} == {140}
    assert [p.convergence for p in steps] == list(history["convergence"])
    assert [p.spikes for p in steps] == pytest.approx(history["spikes"].sum(axis=1))


def test_progress_is_on_standard_error_and_only_when_asked_for(conv, images, capsys):
    conv().fit(images[:30]).transform(images[:20])
    assert capsys.readouterr() == ("", "")
    conv(verbose=True).fit(images[:30]).transform(images[:20])
    out, err = capsys.readouterr()
    assert out == ""
    learning, features = err.strip().splitlines()[-2:]
    assert learning.startswith("learning")
    assert "30/30" in learning
    assert features.startswith("features")
    assert "20/20" in features


# -- transform ---------------------------------------------------------------------


def test_transform_changes_nothing_that_was_learned(fitted, images):
    before = fitted.kernels_.copy(), fitted.thresholds_.copy(), fitted.n_chunks_
    features = fitted.transform(images)
    assert np.array_equal(fitted.kernels_, before[0])
    assert np.array_equal(fitted.thresholds_, before[1])
    assert fitted.n_chunks_ == before[2]
    assert np.array_equal(fitted.transform(images), features)


def test_the_images_are_left_alone(conv, images):
    writable = images.astype(np.float64)
    estimator = conv().fit(writable)
    assert np.array_equal(writable, images)
    writable *= 2
    estimator.transform(writable)
    assert np.array_equal(writable, 2.0 * images)


@pytest.mark.parametrize("maker", ["conv", "poisson"])
def test_the_number_of_shards_changes_nothing(request, maker, images):
    make = request.getfixturevalue(maker)
    estimator = make(chunk_size=5).fit(images[:5])
    features = estimator.transform(images[:48])
    assert features.any()
    for n_jobs in (2, -1):
        estimator.set_params(n_jobs=n_jobs)
        assert np.array_equal(estimator.transform(images[:48]), features)


def test_features_of_one_spike_codes_depend_on_their_image_alone(fitted, images, rng):
    features = fitted.transform(images)
    order = rng.permutation(len(images))
    assert np.array_equal(fitted.transform(images[order]), features[order])
    assert np.array_equal(fitted.transform(images[41:43]), features[41:43])


def test_fit_transform_is_fit_then_transform(conv, fitted, images):
    features = conv().fit_transform(images, np.zeros(len(images)))
    assert np.array_equal(features, fitted.transform(images))


# -- the form of images ------------------------------------------------------------


def test_flat_images_of_a_given_shape_are_the_same_images(conv, fitted, images):
    flat = images.reshape(len(images), 64)
    for shape in (None, (8, 8), (8, 8, 1)):
        estimator = conv(image_shape=shape).fit(flat)
        assert same_weights(estimator, fitted)
        assert np.array_equal(estimator.transform(flat), fitted.transform(images))
    with_channel = images[..., np.newaxis]
    assert same_weights(conv().fit(with_channel), fitted)


@pytest.mark.parametrize(
    ("n_features", "given", "expected"),
    [
        (64, None, (8, 8, 1)),
        (63, None, (1, 63, 1)),
        (64, (4, 16), (4, 16, 1)),
        (64, [2, 8, 4], (2, 8, 4)),
    ],
)
def test_flat_images_are_square_unless_they_cannot_be(
    conv, n_features, given, expected
):
    estimator = conv()
    rows = np.arange(3 * n_features).reshape(3, n_features)
    images = as_images(estimator, rows, given, reset=True)
    assert images.shape[1:] == estimator.image_shape_ == expected
    assert np.array_equal(images.reshape(3, -1), rows)


@pytest.mark.parametrize("scale", [1 / 16, 1 / 255, 1e6])
def test_the_scale_of_pixels_does_not_matter(conv, fitted, images, scale):
    estimator = conv().fit(images * scale)
    assert same_weights(estimator, fitted)
    features = estimator.transform(images * scale)
    assert np.array_equal(features, fitted.transform(images))


def test_lists_are_images_too(fitted, images):
    assert np.array_equal(
        fitted.transform(images[:3].tolist()), fitted.transform(images[:3])
    )


def test_pixels_brighter_than_white_count_as_white(fitted, images):
    brighter = images[:10].astype(int)
    brighter[brighter == 16] = 1000
    assert np.array_equal(fitted.transform(brighter), fitted.transform(images[:10]))


# -- parameters --------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"presentation": "12 ms"},
        {"n_epochs": 2},
        {"rule": TraceSTDP(learning_rate=0.02)},
        {"rule": TraceSTDP(offset=0.5)},
        {"rule": TraceSTDP(tau_pre="5 ms")},
        {"neuron": replace(NEURON, v_th=1)},
        {"neuron": replace(NEURON, theta_start=4)},
        {"neuron": replace(NEURON, theta_plus=0.02)},
        {"neuron": replace(NEURON, theta_decay=0.01)},
        {"neuron": replace(NEURON, theta_scale=0.5)},
        {"encoding": Encoding(filter=DifferenceOfGaussians(cutoff=0.1))},
        {"encoding": Encoding(code=RankOrder(fill=0.5))},
    ],
    ids=str,
)
def test_parameters_of_learning_are_used(conv, fitted, images, changes):
    assert not same_weights(conv(**changes).fit(images), fitted)


def test_times_can_be_text_or_quantities(conv, fitted, images):
    assert same_weights(conv(dt=1 * ms, presentation=16 * ms).fit(images), fitted)


def test_only_the_ratios_of_times_count(conv, images):
    small = partial(conv, n_maps=2, backend="numpy")
    once = small().fit(images[:5])
    twice = small(dt="2 ms", presentation="32 ms", rule=TraceSTDP(tau_pre="20 ms"))
    assert same_weights(twice.fit(images[:5]), once)


def test_the_unit_of_weights_does_not_matter(conv, fitted, images):
    """Twice the weights and thresholds are the same network, exactly in binary."""
    rule = TraceSTDP(w_max=2, learning_rate=TraceSTDP().learning_rate / 2)
    neuron = replace(NEURON, theta_start=10, theta_plus=2 * NEURON.theta_plus)
    estimator = conv(rule=rule, neuron=neuron).fit(images)
    assert np.array_equal(estimator.initial_kernels_, 2 * fitted.initial_kernels_)
    assert np.array_equal(estimator.kernels_, 2 * fitted.kernels_)
    assert np.array_equal(estimator.thresholds_, 2 * fitted.thresholds_)
    for name in ("convergence", "spikes"):
        assert np.array_equal(estimator.history_[name], fitted.history_[name])
    assert np.array_equal(estimator.transform(images), fitted.transform(images))


def test_the_precision_is_that_of_the_simulation(conv, images):
    double, single = (
        conv(n_maps=2, backend="numpy", dtype=dtype).fit(images[:5])
        for dtype in ("float64", "float32")
    )
    assert (double.kernels_.dtype, single.kernels_.dtype) == (np.float64, np.float32)
    assert double.kernels_ == pytest.approx(single.kernels_, rel=1e-4)
    assert not np.array_equal(double.kernels_, single.kernels_)


# -- voting ------------------------------------------------------------------------


def test_votes_follow_the_labels(fitted, digits, rng):
    images, labels = digits[0][:100], digits[1][:100]
    names = np.array([f"digit {label}" for label in labels])
    predicted = fitted.label(images, names).predict(images)
    assert set(predicted) <= set(names)
    assert fitted.neuron_labels_.shape == (32,)
    score = fitted.score(images, names)
    assert score == np.mean(predicted == names) > 0.3  # ten classes
    assert fitted.label(images, labels).score(images, labels) == score
    shuffled = fitted.label(images, rng.permutation(labels))
    assert shuffled.score(images, labels) < score / 2
