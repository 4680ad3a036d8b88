"""What the maps of a stack's layers prefer, in the space of the images."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stdpnet.estimators.stack.layer import Lower
from stdpnet.models.projections import Convolution, SumPooling

#: Images searched for the patches that drive a map most.
SEARCHED = 500
PATCHES = 8


@dataclass(frozen=True)
class Field:
    """Values over units of a layer, or over pixels: the first unit is at `start`.

    Attributes
    ----------
    values : ndarray, shape (n, height, width, channels)
    start : int
        Row and column of the first value.
    stride : int
        How far the field moves when the unit that it belongs to moves by one.
    """

    values: np.ndarray
    start: int
    stride: int

    def through_windows(self, windows: SumPooling) -> "Field":
        """Return the field over the units that windows pool."""
        spread = _spread(self.values, windows.stride, windows.size)
        values = sum(
            np.roll(spread, (dy, dx), axis=(1, 2))
            for dy in range(windows.size)
            for dx in range(windows.size)
        )
        start = self.start * windows.stride - windows.padding
        return Field(np.asarray(values), start, self.stride * windows.stride)

    def through_kernels(self, kernels: np.ndarray, geometry: Convolution) -> "Field":
        """Return the field over what kernels see, (n_maps, height, width, channels)."""
        side, step = geometry.height, geometry.stride
        spread = _spread(self.values, step, side)
        values = sum(
            np.roll(spread, (dy, dx), axis=(1, 2)) @ kernels[:, dy, dx, :]
            for dy in range(side)
            for dx in range(side)
        )
        start = self.start * step - geometry.padding
        return Field(np.asarray(values), start, self.stride * step)

    def plus(self, other: "Field") -> "Field":
        """Return the sum of two fields over the same pixels."""
        first = min(self.start, other.start)
        end = max(one.start + one.values.shape[1] for one in (self, other))
        values = np.zeros(
            (len(self.values), end - first, end - first, self.values.shape[3])
        )
        for one in (self, other):
            rows = slice(one.start - first, one.start - first + one.values.shape[1])
            values[:, rows, rows] += one.values
        return Field(values, first, self.stride)


def _spread(values: np.ndarray, stride: int, size: int) -> np.ndarray:
    """Return values `stride` apart, with room for windows of a size after the last."""
    n, height, width, channels = values.shape
    sides = ((side - 1) * stride + size for side in (height, width))
    made = np.zeros((n, *sides, channels))
    made[
        :, : (height - 1) * stride + 1 : stride, : (width - 1) * stride + 1 : stride
    ] = values
    return made


def preferred_field(one: Any) -> Field:
    """Return what the maps of a layer prefer, projected through the kernels below.

    The kernel of a map is replaced by the weighted sum of the kernels that its weights
    belong to, down to the channels of the encoded images. Of each kernel its mean over
    weights is taken off, of those below also the mean over maps, as only differences
    tell.

    Parameters
    ----------
    one : ConvSTDP or StackedConv
        A fitted layer.

    Returns
    -------
    Field
        Of the encoded images; shape (n_maps, height, width, channels).
    """
    kernels = one.kernels_.astype(float)
    kernels = kernels - kernels.mean(axis=(1, 2, 3), keepdims=True)
    geometry = one._convolution()
    own = Field(kernels, -geometry.padding, geometry.stride)
    if not hasattr(one, "below_"):
        return own
    layer = one.layer()
    learned = [stage.estimator.kernels_ for stage in one.below_]
    return _down(own, layer.below, learned, layer.added)


def _down(
    field: Field,
    below: tuple[Lower, ...],
    learned: list[np.ndarray],
    added: tuple[str, ...],
) -> Field:
    """Return a field over what the last of some layers passes on, over the images."""
    names = [lower.name for lower in below]
    found = None
    for index in (len(below) - 1, *(names.index(name) for name in added)):
        lower = below[index]
        one = field.through_windows(lower.windows) if lower.windows else field
        kernels = learned[index].astype(float)
        kernels = kernels - kernels.mean(axis=0)
        kernels -= kernels.mean(axis=(1, 2, 3), keepdims=True)
        one = one.through_kernels(kernels, lower.convolution)
        if index:
            one = _down(one, below[:index], learned[:index], lower.added)
        found = one if found is None else found.plus(one)
    assert found is not None
    return found


def driving_patches(
    one: Any, images: np.ndarray, n_patches: int = PATCHES
) -> np.ndarray:
    """Return the patches of images that drive each map of a layer most.

    Those where it spikes first: of each image the earliest spike, then the earliest of all
    images. Of spikes in the same step, the one whose contrasts have the highest
    cosine with what the map prefers.

    Parameters
    ----------
    one : ConvSTDP or StackedConv
        A fitted layer.
    images : ndarray, shape (n, height, width[, channels])
        Where to search.
    n_patches : int
        Patches of a map.

    Returns
    -------
    ndarray, shape (n_maps, n_patches, height, width, channels)
        Of the type of the images; what lies beyond them, and patches of maps that
        spiked in too few images, are zero.
    """
    images = images if images.ndim == 4 else images[..., np.newaxis]
    field = preferred_field(one)
    shown, step, neuron = _spikes(one, images).T
    _, width, n_maps = one.layer().positions
    side = field.values.shape[1]
    contrasts = _framed(
        one._encoding().contrast(
            images, one.encoding_arrays_, max_value=one.max_value_
        ),
        side,
    )
    made = np.zeros((n_maps, n_patches, side, side, images.shape[3]), images.dtype)
    corners = np.stack(np.divmod(neuron // n_maps, width), axis=1)
    corners = corners * field.stride + field.start
    images = _framed(images, side)
    for number in range(n_maps):
        of_map = np.flatnonzero(neuron % n_maps == number)
        of_map = of_map[_is_early(shown[of_map], step[of_map], n_patches)]
        seen = _crops(contrasts, shown[of_map], corners[of_map], side)
        match = _cosine(seen, field.values[number])
        of_map = of_map[np.lexsort((-match, step[of_map]))]
        _, first = np.unique(shown[of_map], return_index=True)
        best = of_map[np.sort(first)][:n_patches]
        made[number, : len(best)] = _crops(images, shown[best], corners[best], side)
    return made


def _is_early(shown: np.ndarray, step: np.ndarray, n_images: int) -> np.ndarray:
    """Say which spikes come no later than the first ones of some images."""
    order = np.lexsort((step, shown))
    _, first = np.unique(shown[order], return_index=True)
    steps = np.sort(step[order[first]])[:n_images]
    return step <= steps[-1] if len(steps) else step < 0


def _spikes(one: Any, images: np.ndarray) -> np.ndarray:
    """Return presentation, step and neuron of each spike of a layer."""
    kept = getattr(one, "recordings_", None)
    visible, one.verbose = one.verbose, False
    one.transform(images, record={"features.spikes": True})
    found: np.ndarray = one.recordings_["features.spikes"]
    one.verbose = visible
    if kept is None:
        del one.recordings_
    else:
        one.recordings_ = kept
    return found


def _cosine(rows: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return cosines of arrays, if any, with another one, up to the length of that."""
    rows = rows.reshape(len(rows), other.size)
    return (rows @ other.ravel()) / np.maximum(np.linalg.norm(rows, axis=1), 1e-12)


def _framed(images: np.ndarray, side: int) -> np.ndarray:
    """Return images with zeros around them."""
    return np.pad(images, ((0, 0), (side, side), (side, side), (0, 0)))


def _crops(
    framed: np.ndarray, index: np.ndarray, corners: np.ndarray, side: int
) -> np.ndarray:
    """Return squares of images in a frame, of shape (n, side, side, channels)."""
    across = np.arange(side) + side
    rows, columns = (corners[:, axis, np.newaxis] + across for axis in (0, 1))
    found: np.ndarray = framed[
        index[:, np.newaxis, np.newaxis], rows[:, :, np.newaxis], columns[:, np.newaxis]
    ]
    return found
