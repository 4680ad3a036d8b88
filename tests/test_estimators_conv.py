"""`ConvSTDP` from outside: what decides its kernels and features, and what does not."""

import numpy as np
import pytest

from stdpnet.encoding import Encoding, Poisson
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.images import as_images
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.units import ms


def conv(**changes) -> ConvSTDP:
    """An estimator of the one program that these tests share."""
    settings = {
        "n_maps": 8,
        "kernel_size": 5,
        "pool": 4,
        "neuron": AdaptiveIF(v_th=0, theta_start=5),
        "tol": 0,
        "chunk_size": 30,
        "random_state": 0,
    }
    return ConvSTDP(**settings | changes)


def poisson(**changes) -> ConvSTDP:
    return conv(encoding=Encoding(code=Poisson(max_rate="500 Hz")), **changes)


@pytest.fixture(scope="module")
def images(digits) -> np.ndarray:
    return digits[0][:100]


@pytest.fixture(scope="module")
def fitted(images) -> ConvSTDP:
    return conv().fit(images)


def same_weights(one: ConvSTDP, other: ConvSTDP) -> bool:
    return np.array_equal(one.kernels_, other.kernels_) and np.array_equal(
        one.thresholds_, other.thresholds_
    )


def test_learned_arrays_have_the_documented_shapes(fitted, images):
    assert fitted.kernels_.shape == fitted.initial_kernels_.shape == (8, 5, 5, 2)
    assert fitted.thresholds_.shape == (8,)
    assert fitted.image_shape_ == (8, 8, 1)
    assert fitted.n_features_in_ == 64
    assert fitted.n_shown_ == fitted.n_images_shown_ == len(images)
    assert list(fitted.history_["n_shown"]) == [30, 60, 90, 100]
    assert fitted.history_["spikes"].shape == fitted.history_["thresholds"].shape
    assert not np.array_equal(fitted.kernels_, fitted.initial_kernels_)
    assert fitted.kernels_.min() >= 0
    assert fitted.kernels_.max() <= 1


def test_labels_play_no_part(fitted, images, digits, rng):
    labels = digits[1][:100]
    assert same_weights(conv().fit(images, labels), fitted)
    assert same_weights(conv().fit(images, rng.permutation(labels)), fitted)


def test_the_same_seed_gives_the_same_kernels_bit_for_bit(fitted, images):
    assert same_weights(conv().fit(images), fitted)
    seeded = np.random.RandomState(3)
    again = np.random.RandomState(3)
    assert same_weights(
        conv(random_state=seeded).fit(images), conv(random_state=again).fit(images)
    )


def test_another_seed_gives_other_kernels(fitted, images):
    assert not same_weights(conv(random_state=1).fit(images), fitted)
    assert not same_weights(conv(random_state=None).fit(images), fitted)


def test_fitting_again_starts_anew(images, fitted):
    estimator = conv().fit(images[50:])
    assert same_weights(estimator.fit(images), fitted)
    assert estimator.n_shown_ == len(images)


def test_transform_changes_nothing_that_was_learned(fitted, images):
    before = fitted.kernels_.copy(), fitted.thresholds_.copy(), fitted.n_chunks_
    features = fitted.transform(images)
    assert np.array_equal(fitted.kernels_, before[0])
    assert np.array_equal(fitted.thresholds_, before[1])
    assert fitted.n_chunks_ == before[2]
    assert np.array_equal(fitted.transform(images), features)


def test_transform_leaves_the_images_alone(images):
    writable = images.astype(np.float64)
    estimator = conv().fit(writable)
    estimator.transform(writable * 2)
    assert np.array_equal(writable, images)


@pytest.mark.parametrize("make", [conv, poisson])
def test_the_number_of_shards_changes_nothing(make, images):
    estimator = make(chunk_size=7).fit(images[:30])
    features = estimator.transform(images)
    assert features.any()
    for n_jobs in (1, 2, 3, -1):
        estimator.set_params(n_jobs=n_jobs)
        assert np.array_equal(estimator.transform(images), features)


def test_features_of_one_spike_codes_depend_on_their_image_alone(fitted, images, rng):
    features = fitted.transform(images)
    order = rng.permutation(len(images))
    assert np.array_equal(fitted.transform(images[order]), features[order])
    assert np.array_equal(fitted.transform(images[41:43]), features[41:43])


def test_poisson_features_differ_between_seeds_only(images):
    one, same, other = (poisson(random_state=seed).fit(images) for seed in (0, 0, 1))
    assert same_weights(one, same)
    assert np.array_equal(one.transform(images), same.transform(images))
    assert not np.array_equal(one.transform(images), other.transform(images))


def test_flat_images_of_a_given_shape_are_the_same_images(fitted, images):
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
def test_flat_images_are_square_unless_they_cannot_be(n_features, given, expected):
    estimator = conv()
    rows = np.arange(3 * n_features).reshape(3, n_features)
    images = as_images(estimator, rows, given, reset=True)
    assert images.shape[1:] == estimator.image_shape_ == expected
    assert np.array_equal(images.reshape(3, -1), rows)


@pytest.mark.parametrize("scale", [1 / 16, 1 / 255, 1e6])
def test_the_scale_of_pixels_does_not_matter(fitted, images, scale):
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


def test_partial_fit_goes_on_in_the_given_order(images):
    """Two halves in a row are one batch, if chunks end where the first half does."""
    in_two = conv().partial_fit(images[:30]).partial_fit(images[30:90])
    at_once = conv().partial_fit(images[:90])
    assert same_weights(in_two, at_once)
    assert in_two.n_shown_ == 90
    reverse = conv().partial_fit(images[30:90]).partial_fit(images[:30])
    assert not same_weights(reverse, at_once)


def test_partial_fit_goes_on_after_fit(fitted, images):
    estimator = conv().fit(images).partial_fit(images[:10])
    assert estimator.n_shown_ == fitted.n_shown_ + 10
    assert not same_weights(estimator, fitted)


def test_times_can_be_text_or_quantities(fitted, images):
    assert same_weights(conv(dt=1 * ms, presentation=16 * ms).fit(images), fitted)


def test_progress_comes_after_every_chunk(images):
    shown = [(p.n_shown, p.n_total) for p in conv(n_epochs=2).fit_steps(images[:70])]
    assert shown == [(n, 140) for n in (30, 60, 70, 100, 130, 140)]


def test_progress_is_on_standard_error_and_only_when_asked_for(images, capsys):
    conv().fit(images[:30]).transform(images[:30])
    assert capsys.readouterr() == ("", "")
    conv(verbose=True).fit(images[:30]).transform(images[:30])
    out, err = capsys.readouterr()
    assert out == ""
    assert "learning" in err
    assert "features" in err


def test_votes_follow_the_labels(digits):
    images, labels = digits[0][:300], np.array([f"digit {n}" for n in digits[1][:300]])
    estimator = conv().fit(images).label(images, labels)
    predicted = estimator.predict(images)
    assert set(predicted) <= set(labels)
    assert estimator.neuron_labels_.shape == (32,)
    assert estimator.score(images, labels) == np.mean(predicted == labels)
    assert estimator.score(images, labels) > 0.2  # ten classes
