"""Receptive fields in a square: order, names, borders, how many."""

import numpy as np
import pytest

from stdpnet.analysis import plot_receptive_fields
from stdpnet.analysis.receptive_fields import labels_of_banks, order_by_class


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_neurons_without_a_class_come_last():
    labels = np.array([2, -1, 0, 2, -1, 0])
    np.testing.assert_array_equal(order_by_class(labels), [2, 5, 0, 3, 1, 4])
    ax = plot_receptive_fields(
        np.ones((6, 2, 2, 1)), labels=labels, class_names=["a", "b", "c"]
    )
    assert words(ax) == ["a", "a", "c", "c"]
    assert ax.get_xlabel().endswith("; the last 2 spiked for no labelled image")
    long = plot_receptive_fields(
        np.ones((2, 2, 2, 1)), labels=np.array([1, 0]), class_names=["cat", "dog"]
    )
    assert words(long) == ["0", "1"]


def test_classes_have_borders():
    """Tiles of three by three pixels with gaps of one, two and two classes in rows."""
    ax = plot_receptive_fields(np.ones((4, 3, 3, 1)), labels=np.array([0, 0, 0, 1]))
    _, borders = ax.collections
    lines = {tuple(map(tuple, line)) for line in borders.get_segments()}
    assert lines == {((3, 3), (3, 7)), ((3, 3), (7, 3))}


def test_of_many_neurons_the_first_are_shown(rng):
    kernels, labels = rng.random((1601, 2, 2, 1)), rng.integers(0, 3, 1601)
    kernels[1600] = 9
    ax = plot_receptive_fields(kernels, labels=labels)
    assert ax.get_title() == "The first 1,600 of 1,601 neurons"
    assert ax.images[0].get_array().shape == (40 * 3 - 1, 40 * 3 - 1)
    assert ax.images[0].get_clim()[1] < 1
    assert words(ax) == ["0", "1", "2"]
    with pytest.raises(ValueError, match=r"^labels must have shape \(1601,\), one a"):
        plot_receptive_fields(kernels, labels=labels[:9])


def test_labels_of_other_features_are_left_alone():
    banks = [np.zeros((2, 1, 1, 1)), np.zeros((3, 1, 1, 1))]
    first, second = labels_of_banks(np.arange(5), banks)
    assert (list(first), list(second)) == ([0, 1], [2, 3, 4])
    assert labels_of_banks(np.arange(20), banks) == [None, None]
    assert labels_of_banks(None, banks) == [None, None]
