"""Numbers about kernels against loops, closed forms and invariances."""

import numpy as np
import pytest

from stdpnet.analysis import (
    convergence_index,
    distinct_kernels,
    kernel_images,
    order_kernels,
    tile,
    weight_histogram,
)
from stdpnet.analysis.kernels import mosaic_columns


def test_grey_kernels_are_on_minus_off(rng):
    kernels = rng.random((3, 4, 5, 2))
    expected = np.empty((3, 4, 5))
    for index in np.ndindex(3, 4, 5):
        expected[index] = kernels[(*index, 0)] - kernels[(*index, 1)]
    np.testing.assert_allclose(kernel_images(kernels), expected)


def test_all_on_channels_come_before_all_off_channels():
    kernels = np.zeros((1, 1, 3, 6))
    for x in range(3):
        kernels[0, 0, x, x] = 1.0  # pixel 0 red, pixel 1 green, pixel 2 blue
    colours = kernel_images(kernels)
    np.testing.assert_allclose(colours[0, 0], 0.5 + 0.5 * np.eye(3))
    np.testing.assert_allclose(
        kernel_images(np.roll(kernels, 3, axis=-1)), 1 - colours, atol=1e-15
    )


def test_colours_fill_the_range_around_mid_grey(rng):
    colours = kernel_images(rng.random((5, 3, 3, 6)))
    assert colours.shape == (5, 3, 3, 3)
    furthest = np.abs(colours - 0.5).max(axis=(1, 2, 3))
    np.testing.assert_allclose(furthest, 0.5)
    assert (kernel_images(np.zeros((1, 2, 2, 6))) == 0.5).all()


def test_raw_colours_ignore_the_offset_of_a_kernel(rng):
    kernels = rng.random((4, 3, 3, 3))
    shifted = kernel_images(2 * kernels + 7)
    np.testing.assert_allclose(shifted, kernel_images(kernels), atol=1e-12)


def test_raw_channels_are_shown_as_they_are_or_as_their_mean(rng):
    one, four = rng.random((2, 3, 3, 1)), rng.random((2, 3, 3, 4))
    np.testing.assert_array_equal(kernel_images(one), one[..., 0])
    np.testing.assert_allclose(kernel_images(four, "raw"), four.mean(axis=-1))


@pytest.mark.parametrize(
    ("shape", "channels", "message"),
    [
        ((3, 4, 5), None, r"^kernels must have shape .*, got \(3, 4, 5\)$"),
        ((0, 4, 5, 2), None, r"without an empty axis, got \(0, 4, 5, 2\)$"),
        ((1, 2, 2, 2), "off-on", r"^channels must be one of .*, got 'off-on'$"),
        (
            (1, 2, 2, 3),
            "on-off",
            r"even number of channels, got 3; pass channels='raw'",
        ),
    ],
)
def test_wrong_kernels_are_refused(shape, channels, message):
    with pytest.raises(ValueError, match=message):
        kernel_images(np.zeros(shape), channels)


@pytest.mark.parametrize("extra", [(), (3,)])
def test_tiles_lie_row_by_row(rng, extra):
    images = rng.random((5, 2, 3, *extra))
    mosaic = tile(images, columns=2, gap=1)
    assert mosaic.shape == (3 * 3 - 1, 2 * 4 - 1, *extra)
    for i, image in enumerate(images):
        row, column = 3 * (i // 2), 4 * (i % 2)
        np.testing.assert_array_equal(mosaic[row : row + 2, column : column + 3], image)
    assert np.isfinite(mosaic).sum() == images.size


def test_tiles_without_gap_hold_nothing_else(rng):
    images = rng.random((6, 2, 2))
    mosaic = tile(images, columns=3, gap=0)
    assert mosaic.shape == (4, 6)
    np.testing.assert_array_equal(np.sort(mosaic.ravel()), np.sort(images.ravel()))


@pytest.mark.parametrize("n", [1, 2, 7, 32, 36, 64, 97, 400])
def test_mosaic_is_wide_and_leaves_less_than_a_row_empty(n):
    columns = mosaic_columns(n)
    rows = -(-n // columns)
    assert 1 <= columns <= n
    assert rows * columns - n < columns
    assert rows <= columns


def test_wrong_tiles_are_refused():
    with pytest.raises(ValueError, match=r"^images must have shape .*, got \(3, 4\)$"):
        tile(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"^columns must be >= 1, got 0$"):
        tile(np.zeros((3, 4, 4)), columns=0)
    with pytest.raises(ValueError, match=r"^gap must be >= 0, got -1$"):
        tile(np.zeros((3, 4, 4)), gap=-1)


@pytest.mark.parametrize(
    ("weight", "index"), [(0, 0), (1, 0), (0.5, 0.25), (0.1, 0.09)]
)
def test_convergence_of_equal_weights_is_known(weight, index):
    assert convergence_index(np.full((2, 3), weight)) == pytest.approx(index)


def test_convergence_of_uniform_weights_is_a_sixth():
    assert convergence_index(np.linspace(0, 1, 20001)) == pytest.approx(1 / 6, rel=1e-3)


def test_convergence_allows_rounding_but_not_more():
    assert convergence_index(np.float32([1 + 1e-7])) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match=r"between 0 and 1, got 0 to 2$"):
        convergence_index(np.array([0.0, 2.0]))
    with pytest.raises(ValueError, match=r"between 0 and 1, got nan to nan$"):
        convergence_index(np.array([np.nan]))
    with pytest.raises(
        ValueError, match=r"^weights must not be empty, got shape \(0,\)"
    ):
        convergence_index(np.array([]))


def test_copies_do_not_count_as_distinct(rng):
    kernels = (rng.random((6, 5, 5, 2)) > 0.7).astype(float)
    assert distinct_kernels(kernels, 0.99) == 6
    noisy = kernels + 1e-3 * rng.random(kernels.shape)
    several = np.concatenate([kernels, 2 * kernels, noisy])
    assert distinct_kernels(rng.permutation(several), 0.99) == 6


def test_chains_of_similar_kernels_are_one():
    angles = np.arange(0, 91, 10)  # neighbours: cos 10 degrees = 0.985
    fan = np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=-1)
    kernels = fan.reshape(-1, 1, 1, 2)
    assert distinct_kernels(kernels[[0, 9, 4, 2, 6, 8, 1, 3, 5, 7]], 0.98) == 1
    assert distinct_kernels(kernels[::2], 0.98) == 5


def test_kernels_without_weights_are_one_kind():
    kernels = np.zeros((4, 2, 2, 2))
    kernels[3] = 1
    assert distinct_kernels(kernels) == 2


def test_threshold_must_be_a_cosine():
    with pytest.raises(ValueError, match=r"between -1 and 1, got 95$"):
        distinct_kernels(np.ones((2, 2, 2, 2)), 95)


def test_similar_kernels_become_neighbours(rng):
    kinds = np.eye(4).reshape(4, 2, 2, 1)
    kernels = kinds[[0, 1, 2, 3, 1, 0, 3, 2]] + 0.01 * rng.random((8, 2, 2, 1))
    order = order_kernels(kernels)
    assert sorted(order) == list(range(8))
    kind = np.array([0, 1, 2, 3, 1, 0, 3, 2])[order]
    assert (kind[::2] == kind[1::2]).all()


def test_busiest_kernels_come_first():
    kernels = np.ones((4, 2, 2, 2))
    assert list(order_kernels(kernels, [1, 5, 5, 0])) == [1, 2, 0, 3]
    with pytest.raises(ValueError, match=r"shape \(4,\), one value a map, got \(2,\)$"):
        order_kernels(kernels, [1, 2])


def test_histogram_covers_all_weights(rng):
    weights = rng.random((4, 5, 5, 2))
    share, edges = weight_histogram(weights, bins=10)
    np.testing.assert_allclose(edges, np.linspace(0, 1, 11))
    inside = [
        np.mean((weights >= i / 10) & (weights < (i + 1) / 10)) for i in range(10)
    ]
    np.testing.assert_allclose(share, inside)

    share, edges = weight_histogram(np.array([-0.5, 0.2, 1.0, 2.0]), bins=5)
    assert (edges[0], edges[-1]) == (-0.5, 2.0)
    assert share.sum() == pytest.approx(1)


def test_histogram_refuses_nothing():
    with pytest.raises(ValueError, match=r"^weights must not be empty"):
        weight_histogram(np.array([]))
    with pytest.raises(ValueError, match=r"^bins must be >= 1, got 0$"):
        weight_histogram(np.ones(3), bins=0)
