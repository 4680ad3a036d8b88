"""Every geometry against plain loops and NumPy."""

import itertools
from math import prod

import numpy as np
import pytest

from stdpnet.config import from_dict
from stdpnet.models.projections import (
    Convolution,
    Geometry,
    OneToOne,
    SumPooling,
    WinnerTakeAll,
)

SOURCES = [(5, 7, 1), (6, 4, 3), (8, 8, 2)]
CONVOLUTIONS = [
    Convolution(height=height, width=width, stride=stride, padding=padding)
    for height, width in [(3, 3), (2, 4), (1, 1), (4, 3)]
    for stride in (1, 2, 3)
    for padding in (0, 1, 2)
]


def flat(shape, y, x, m):
    return (y * shape[1] + x) * shape[2] + m


def window_starts(side: int, kernel: int, stride: int, padding: int) -> list[int]:
    """Slide a window over the padded side, as long as it fits."""
    starts, start = [], -padding
    while start + kernel <= side + padding:
        starts.append(start)
        start += stride
    return starts


def looped_edges(geometry, source, n_maps):
    """List the synapses of a convolution the slow way."""
    ys = window_starts(source[0], geometry.height, geometry.stride, geometry.padding)
    xs = window_starts(source[1], geometry.width, geometry.stride, geometry.padding)
    target, kernel = (len(ys), len(xs), n_maps), (*source[2:], n_maps)
    for (ty, top), (tx, left), m in itertools.product(
        enumerate(ys), enumerate(xs), range(n_maps)
    ):
        for ky, kx, c in np.ndindex(geometry.height, geometry.width, source[2]):
            y, x = top + ky, left + kx
            if 0 <= y < source[0] and 0 <= x < source[1]:
                tap = (ky * geometry.width + kx) * kernel[0] + c
                yield flat(source, y, x, c), flat(target, ty, tx, m), tap * n_maps + m


@pytest.mark.parametrize("source", SOURCES, ids=str)
@pytest.mark.parametrize("geometry", CONVOLUTIONS, ids=repr)
def test_a_convolution_joins_what_a_loop_joins(geometry, source):
    target = geometry.target_shape(source, 2)
    ys = window_starts(source[0], geometry.height, geometry.stride, geometry.padding)
    xs = window_starts(source[1], geometry.width, geometry.stride, geometry.padding)
    assert target == (len(ys), len(xs), 2)
    edges = sorted(zip(*geometry.edges(source, target), strict=True))
    assert edges == sorted(looped_edges(geometry, source, 2))


def test_a_dense_projection_joins_all_with_all():
    source, n_maps = (4, 3, 2), 5
    dense = Convolution.dense(source)
    assert dense.target_shape(source, n_maps) == (1, 1, n_maps)
    pre, post, weight = dense.edges(source, (1, 1, n_maps))
    matrix = np.full((prod(source), n_maps), -1)
    matrix[pre, post] = weight
    assert np.array_equal(matrix.ravel(), np.arange(prod(source) * n_maps))
    assert dense.kernel_shape(source, (1, 1, n_maps)) == (4, 3, 2, n_maps)


@pytest.mark.parametrize("geometry", CONVOLUTIONS[:9], ids=repr)
def test_the_synapses_compute_a_cross_correlation(geometry, rng):
    source, n_maps = (6, 5, 2), 3
    target = geometry.target_shape(source, n_maps)
    image, kernels = rng.random(source), rng.random((3, 3, 2, n_maps))
    pre, post, weight = geometry.edges(source, target)
    drive = np.bincount(
        post, image.ravel()[pre] * kernels.ravel()[weight], prod(target)
    )
    pad = geometry.padding
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    windows = windows[:: geometry.stride, :: geometry.stride]
    expected = np.einsum("yxckl,klcm->yxm", windows, kernels)
    assert drive.reshape(target) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("geometry", "source"),
    [
        (Convolution(height=5, width=3), (4, 4, 1)),
        (Convolution(height=3, width=7, padding=1), (9, 4, 1)),
    ],
    ids=repr,
)
def test_a_kernel_that_does_not_fit_is_refused(geometry, source):
    message = (
        f"^a kernel of {geometry.height} x {geometry.width} does not fit into "
        f"{source[0]} x {source[1]} with padding {geometry.padding}; "
        "use a smaller kernel or more padding$"
    )
    with pytest.raises(ValueError, match=message):
        geometry.target_shape(source, 1)


IMAGES = [(7, 7, 2), (6, 9, 1), (2, 2, 3), (10, 11, 1), (5, 4, 1)]
#: Window, stride and padding: apart, side by side, overlapping, with a margin.
WINDOWS = [
    (1, 1, 0),
    (2, 2, 0),
    (3, 2, 0),
    (4, 3, 0),
    (2, 5, 0),
    (2, 2, 1),
    (3, 1, 1),
    (4, 3, 2),
    (2, 5, 1),
    (8, 4, 2),
]


@pytest.mark.parametrize("source", IMAGES, ids=str)
@pytest.mark.parametrize(("size", "stride", "padding"), WINDOWS)
def test_pooling_adds_up_windows(size, stride, padding, source, rng):
    pooling = SumPooling(size=size, stride=stride, padding=padding)
    target = pooling.target_shape(source)
    counts = rng.integers(1, 9, source)
    pre, post, weight = pooling.edges(source, target)
    assert not weight.any()  # there is one
    pooled = np.bincount(post, counts.ravel()[pre], prod(target)).reshape(target)
    for y, x in np.ndindex(target[:2]):
        top, left = y * stride - padding, x * stride - padding
        window = counts[
            max(0, top) : max(0, top + size), max(0, left) : max(0, left + size)
        ]
        assert window.size > 0, "none lies outside"
        assert np.array_equal(pooled[y, x], window.sum((0, 1)))


@pytest.mark.parametrize("source", IMAGES, ids=str)
@pytest.mark.parametrize(
    ("size", "stride", "padding"), [w for w in WINDOWS if w[0] >= w[1]]
)
def test_pooling_drops_nothing_where_windows_meet(size, stride, padding, source):
    pooling = SumPooling(size=size, stride=stride, padding=padding)
    pre, _, _ = pooling.edges(source, pooling.target_shape(source))
    assert np.array_equal(np.unique(pre), np.arange(prod(source)))


def test_windows_do_not_overlap_unless_a_stride_is_given():
    source = (7, 9, 2)
    pooling, apart = SumPooling(size=4), SumPooling(size=4, stride=4)
    target = pooling.target_shape(source)
    assert target == apart.target_shape(source) == (2, 3, 2)
    for one, other in zip(
        pooling.edges(source, target), apart.edges(source, target), strict=True
    ):
        assert np.array_equal(one, other)
    assert pooling == apart
    assert SumPooling(size=4, stride=2).stride == 2


def test_the_stride_of_windows_is_written_as_a_number():
    written = {"type": "SumPooling", "size": 4, "stride": 4, "padding": 0}
    assert SumPooling(size=4).to_dict() == written
    assert from_dict(Geometry, written) == SumPooling(size=4, stride=4)
    assert from_dict(Geometry, {"type": "SumPooling"}).to_dict()["stride"] == 2


@pytest.mark.parametrize(
    ("stride", "message"),
    [
        (0, "SumPooling.stride must be >= 1, got 0"),
        (1.5, "SumPooling.stride must be an integer, got 1.5"),
        ("none", "SumPooling.stride must be an integer, got 'none'"),
    ],
)
def test_a_stride_that_is_no_distance_is_refused(stride, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SumPooling(size=4, stride=stride)


@pytest.mark.parametrize("value", [1, 0, "no", None, np.True_])
def test_a_map_wins_once_or_not_but_not_something_else(value):
    with pytest.raises(
        ValueError, match=r"^WinnerTakeAll.within_map must be true or false, got "
    ):
        WinnerTakeAll(within_map=value)
    assert WinnerTakeAll(within_map=True).to_dict()["within_map"] is True


def test_a_margin_as_wide_as_the_window_is_refused():
    with pytest.raises(
        ValueError, match=r"^SumPooling.padding must be < size 2, got 2$"
    ):
        SumPooling(size=2, padding=2)


def test_one_to_one_joins_equal_indices():
    source = (3, 4, 2)
    geometry = OneToOne()
    assert (
        geometry.target_shape(source) == geometry.kernel_shape(source, source) == source
    )
    for indices in geometry.edges(source, source):
        assert np.array_equal(indices, np.arange(24))


@pytest.mark.parametrize("radius", [0, 1, 2, 9])
def test_a_winner_silences_the_positions_around_it(radius):
    source = (4, 5, 2)
    pre, post, _ = WinnerTakeAll(radius=radius).edges(source, source)
    expected = {
        (flat(source, y, x, m), v * 5 + u)
        for y, x, m in np.ndindex(source)
        for v, u in np.ndindex(4, 5)
        if max(abs(y - v), abs(x - u)) <= radius
    }
    pairs = list(zip(pre.tolist(), post.tolist(), strict=True))
    assert len(pairs) == len(expected)
    assert set(pairs) == expected
