"""Filters: images to non-negative contrasts, one channel for each sign."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from stdpnet.config import Parameters, number
from stdpnet.encoding.images import blocks, check_range, with_channels

# A grey level of an 8-bit image changes a contrast by some 1e-4; float32 pixels
# and sums leave some 1e-7 where the image is flat, which must not become spikes.
ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Filter(Parameters, ABC, abstract=True):
    """Base of the filters: what a pixel's surroundings make of it.

    A filter is a description; what it learned from images is an own dictionary
    of arrays, which `fit` returns and `apply` takes.
    """

    kind: ClassVar[str] = "filter"

    def fit(
        self, images: np.ndarray, *, max_value: float = 1.0
    ) -> dict[str, np.ndarray]:
        """Learn what the filter needs to know about the images.

        Parameters
        ----------
        images : ndarray, shape (n, height, width[, channels])
            Pixels between 0 and `max_value`.
        max_value : float
            Pixel value that counts as 1.

        Returns
        -------
        dict of str to ndarray
            Learned arrays; empty where nothing is learned.

        Raises
        ------
        ValueError
            If the images have the wrong shape or type.
        """
        with_channels(images)
        return {}

    @abstractmethod
    def n_channels(self, image_channels: int) -> int:
        """Return the number of contrasts a pixel of `image_channels` values has."""

    def apply(
        self, images: np.ndarray, learned: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """Filter images, a block at a time.

        An image's contrasts depend on that image and on `learned` only, to the
        last bit, whatever the other images are.

        Parameters
        ----------
        images : ndarray of float, shape (n, height, width[, channels])
            Pixels in [0, 1] (see `to_unit_range`).
        learned : mapping of str to ndarray, optional
            What `fit` returned.

        Returns
        -------
        ndarray of float32, shape (n, height, width, n_channels)
            Contrasts, zero or positive.

        Raises
        ------
        ValueError
            If shape, type or range of the images is wrong, or `learned` does
            not fit them.
        """
        images = with_channels(images)
        scale_first = "scale them with to_unit_range"
        if images.dtype.kind != "f":
            raise ValueError(
                f"images must be floats in [0, 1], got {images.dtype}; {scale_first}"
            )
        check_range(images, 1, scale_first)
        learned = learned or {}
        self._check_learned(images, learned)
        n, height, width, channels = images.shape
        contrast = np.empty(
            (n, height, width, self.n_channels(channels)), dtype=np.float32
        )
        for block in blocks(n, height * width * channels):
            contrast[block] = self._contrast(images[block], learned)
        return contrast

    def _check_learned(
        self, images: np.ndarray, learned: Mapping[str, np.ndarray]
    ) -> None:
        """Raise ValueError if `learned` cannot be applied to the images."""

    @abstractmethod
    def _contrast(
        self, images: np.ndarray, learned: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Return the contrasts of a block of images of four axes."""


@dataclass(frozen=True, kw_only=True)
class Intensity(Filter):
    """The pixels themselves: bright is strong, black is nothing.

    Gives as many channels as the image has.
    """

    def n_channels(self, image_channels: int) -> int:
        """Return `image_channels`."""
        return image_channels

    def _contrast(
        self, images: np.ndarray, learned: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        return images


@dataclass(frozen=True, kw_only=True)
class DifferenceOfGaussians(Filter):
    r"""Contrast of a small centre with its wider surround (retinal ganglion cells).

    .. math::
        d = (G_{\sigma_c} - G_{\sigma_s}) * I, \qquad
        c_{ON} = \max(d, 0), \quad c_{OFF} = \max(-d, 0)

    with Gaussians :math:`G` of sum one, so a flat region has no contrast and
    a constant added to the image changes nothing.

    Parameters
    ----------
    sigma_center, sigma_surround : float
        Widths of the two Gaussians, pixels; the surround is the wider.
    cutoff : float
        Contrasts below it are zero; unit: full range of a pixel. A tenth of the
        contrast of a single white pixel (0.12) is about 0.01.
    truncate : float
        Where the Gaussians end, in their own widths.
    normalization_radius : int
        If positive, each contrast left by `cutoff` is divided by the mean of
        its channel in the square of this radius (pixels) around it: faint and
        strong edges count alike.

    Notes
    -----
    Channels: ON of every image channel first, then OFF of every image channel.

    At the border the image is reflected (``c b a | a b c``). A border of zeros
    would be an edge that is not in the image; repeating the outermost pixel
    would count it many times. Reflection also conserves the sum of the pixels
    under both Gaussians, so without a cutoff ON and OFF add up to the same.

    Contrasts below 1e-6, which rounding leaves, are zero in any case.

    References
    ----------
    Kheradpisheh et al. (2018), doi:10.1016/j.neunet.2017.12.005; values from the
    implementation in SpykeTorch (Mozafari et al., 2019,
    doi:10.3389/fnins.2019.00625): widths 1 and 2, local normalization of radius
    8 (off here by default), and a threshold of 50 of 255 for a kernel scaled to
    a peak of 1, which is about 0.02 for a kernel that is not. There both
    Gaussians end at the same 7 x 7 window, with zeros around the image.
    """

    sigma_center: float = number(1.0, above=0, doc="width of the centre, pixels")
    sigma_surround: float = number(2.0, above=0, doc="width of the surround, pixels")
    cutoff: float = number(0.02, low=0, doc="smallest contrast kept")
    truncate: float = number(3.0, above=0, doc="end of the Gaussians, widths")
    normalization_radius: int = number(
        0, low=0, integer=True, doc="radius of local normalization, pixels; 0 is off"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_surround <= self.sigma_center:
            raise ValueError(
                "DifferenceOfGaussians.sigma_surround must be > sigma_center "
                f"({self.sigma_center:g}), got {self.sigma_surround:g}"
            )

    def n_channels(self, image_channels: int) -> int:
        """Return ``2 * image_channels``: ON and OFF of each."""
        return 2 * image_channels

    def _contrast(
        self, images: np.ndarray, learned: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        # Doubles keep the order of float32 contrasts free of how BLAS sums.
        planes = np.moveaxis(images, 3, 1).astype(np.float64, order="C")
        difference = self._blur(planes, self.sigma_center)
        difference -= self._blur(planes, self.sigma_surround)
        contrast = np.concatenate((difference, -difference), axis=1)
        contrast = np.where(contrast >= max(self.cutoff, ROUNDING), contrast, 0)
        if self.normalization_radius > 0:
            contrast = _locally_normalized(contrast, self.normalization_radius)
        return np.moveaxis(contrast, 1, 3)

    def _blur(self, planes: np.ndarray, sigma: float) -> np.ndarray:
        radius = max(1, round(self.truncate * sigma))
        weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        return _smooth(planes, tuple(weights / weights.sum()))


def _locally_normalized(contrast: np.ndarray, radius: int) -> np.ndarray:
    width = 2 * radius + 1
    mean = _smooth(contrast, (1 / width,) * width)
    return np.divide(contrast, mean, out=np.zeros_like(contrast), where=contrast > 0)


def _smooth(planes: np.ndarray, weights: tuple[float, ...]) -> np.ndarray:
    """Average over both last axes with weights that sum to one."""
    height, width = planes.shape[-2:]
    smooth: np.ndarray = _smoothing(height, weights) @ planes
    smooth = smooth @ _smoothing(width, weights).T
    return smooth


@lru_cache(maxsize=32)
def _smoothing(size: int, weights: tuple[float, ...]) -> np.ndarray:
    """Return the matrix of a 1-D convolution with reflected borders, (size, size)."""
    radius = len(weights) // 2
    matrix = np.zeros((size, size))
    rows = np.arange(size)
    for offset, weight in zip(range(-radius, radius + 1), weights, strict=True):
        columns = (rows + offset) % (2 * size)
        columns = np.minimum(columns, 2 * size - 1 - columns)
        matrix[rows, columns] += weight
    matrix.flags.writeable = False
    return matrix
