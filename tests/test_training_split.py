"""Which images learn, teach and are scored: apart, in proportion, repeatable."""

from dataclasses import replace

import numpy as np
import pytest

from stdpnet.datasets import Dataset, load_dataset
from stdpnet.training.split import choose, stratified


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits")


@pytest.mark.parametrize("n", [10, 37, 100, 500])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_class_has_its_share_to_within_one(rng, n, seed):
    labels = rng.choice(5, size=1000, p=[0.5, 0.3, 0.1, 0.06, 0.04])
    drawn = stratified(labels, n, np.random.default_rng(seed))
    assert len(set(drawn)) == len(drawn) == n
    share = np.bincount(labels) * n / len(labels)
    counts = np.bincount(labels[drawn], minlength=5)
    assert (abs(counts - share) <= 1).all()


def test_draws_differ_between_seeds_and_not_for_one(rng):
    labels = rng.integers(3, size=100)
    one, same, other = (
        stratified(labels, 20, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(np.sort(one), np.sort(other))


def test_all_of_the_images_are_a_permutation(rng):
    labels = rng.integers(3, size=50)
    drawn = stratified(labels, 50, rng)
    assert np.array_equal(np.sort(drawn), np.arange(50))


def test_everything_is_used_unless_less_is_asked_for(data):
    split = choose(data, 0, None, None, None)
    assert np.array_equal(np.sort(split.fit), np.arange(len(data.X_train)))
    assert np.array_equal(split.train, np.arange(len(data.X_train)))
    assert np.array_equal(split.test, np.arange(len(data.X_test)))


def test_each_number_decides_its_own_choice(data):
    one = choose(data, 0, 50, 100, 30)
    other = choose(data, 0, 60, 100, 40)
    assert [len(part) for part in (one.fit, one.train, one.test)] == [50, 100, 30]
    assert np.array_equal(one.fit, other.fit[:50])
    assert np.array_equal(one.train, other.train)
    assert set(one.test) < set(other.test)
    assert not np.array_equal(one.fit, choose(data, 1, 50, 100, 30).fit)


def test_images_to_learn_from_are_drawn_without_labels(data, rng):
    permuted = replace(data, y_train=rng.permutation(data.y_train))
    one, other = (choose(d, 0, 50, 100, 30) for d in (data, permuted))
    assert np.array_equal(one.fit, other.fit)
    assert np.array_equal(one.test, other.test)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((10**6, None, None), "--n-fit 1000000 is more than the .* images of digits"),
        ((None, 10**6, None), "--n-train 1000000 is more than the .* images of digits"),
        ((None, None, 10**6), "--n-test 1000000 is more than the .* images of digits"),
    ],
)
def test_more_images_than_there_are_is_an_error(data, numbers, message):
    with pytest.raises(ValueError, match=message):
        choose(data, 0, *numbers)


def test_labelled_images_of_one_class_are_refused(data):
    same = replace(data, y_train=np.zeros_like(data.y_train))
    with pytest.raises(ValueError, match="at least two classes, got one class; raise"):
        choose(same, 0, None, 100, None)
    unlabelled = replace(same, y_train=None, y_test=None, class_names=())
    assert len(choose(unlabelled, 0, None, 100, None).train) == 100
