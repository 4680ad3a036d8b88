"""A split keeps every class in proportion, loses nothing and is repeatable."""

import numpy as np
import pytest

from stdpnet.datasets.splitting import split_indices

LABELS = np.random.default_rng(1).choice(4, size=1000, p=[0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.333, 0.9])
def test_every_class_is_divided_alike(fraction):
    train, test = split_indices(1000, LABELS, test_fraction=fraction, seed=3)
    exact = np.bincount(LABELS) * fraction
    assert np.all(np.abs(np.bincount(LABELS[test]) - exact) < 1)
    assert len(test) == round(1000 * fraction)
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(1000))


@pytest.mark.parametrize("labels", [None, LABELS])
def test_seed_decides(labels):
    first, again, other = (
        split_indices(1000, labels, test_fraction=0.2, seed=seed) for seed in (5, 5, 6)
    )
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert set(first[1]) != set(other[1])


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("window", [slice(20), slice(-20, None)])
def test_sorted_labels_come_out_mixed(part, window):
    labels = np.repeat(np.arange(5), 200)
    n_classes = [
        len(
            set(
                labels[split_indices(1000, labels, test_fraction=0.2, seed=s)[part]][
                    window
                ]
            )
        )
        for s in range(100)
    ]
    # Twenty random images show 5 * (1 - 0.8**20) = 4.94 of five classes on average.
    assert np.mean(n_classes) == pytest.approx(4.94, abs=0.1)


def test_without_labels_the_share_is_right():
    train, test = split_indices(10, None, test_fraction=0.25, seed=0)
    assert (len(train), len(test)) == (8, 2)
    assert set(train) | set(test) == set(range(10))


def test_a_class_never_loses_its_last_training_image():
    labels = np.array([0, 0, 0, 0, 1])
    train, _ = split_indices(5, labels, test_fraction=0.7, seed=0)
    assert set(labels[train]) == {0, 1}


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_fraction_out_of_range(fraction):
    with pytest.raises(ValueError, match=r"^test_fraction must lie between 0 and 1"):
        split_indices(10, None, test_fraction=fraction, seed=0)


def test_negative_seed():
    with pytest.raises(ValueError, match=r"^seed must be >= 0, got -1"):
        split_indices(10, None, test_fraction=0.2, seed=-1)


def test_one_image_cannot_be_split():
    with pytest.raises(ValueError, match="needs 2 images, got 1"):
        split_indices(1, None, test_fraction=0.2, seed=0)


def test_classes_of_one_image_cannot_be_split():
    with pytest.raises(ValueError, match="needs a class with at least 2 images"):
        split_indices(4, np.arange(4), test_fraction=0.5, seed=0)
