"""Whitening of colour patches, applied to whole images as a convolution."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stdpnet.config import choice, number
from stdpnet.encoding.filters import ROUNDING, Filter
from stdpnet.encoding.images import all_windows, check_range, with_channels


@dataclass(frozen=True, kw_only=True)
class Whitening(Filter):
    r"""Contrast after zero-phase (ZCA) whitening of small patches.

    With the mean :math:`\mu` and the covariance :math:`U \Lambda U^T` of patches,

    .. math::
        y = W (x - \mu), \qquad W = U (\Lambda + \epsilon)^{-1/2} U^T

    has no correlations between pixels and colours. The rows of :math:`W` that
    belong to the central pixel, moved over the image, are one kernel for each
    colour; positive and negative results become separate channels.

    Parameters
    ----------
    patch_size : int
        Side of the patches, pixels; odd, so that there is a central pixel.
    epsilon : float
        Added to the variances (pixels in [0, 1]); damps noise in the directions
        of little variance.
    n_patches : int
        Number of patches drawn, with replacement, to learn from.
    centering : {"patches", "kernels"}
        "patches" subtracts the mean patch, as above. "kernels" instead subtracts
        from every kernel its mean, so that grey regions have no contrast, and
        subtracts nothing from the image.
    random_state : int
        Seed of the draw of patches.

    Notes
    -----
    Channels: positive part of every image channel first, then the negative ones.
    Learned arrays: `mean`, shape (patch_size, patch_size, channels), and
    `kernels`, shape (channels, patch_size, patch_size, channels), whose first
    axis is the channel they compute.

    At the border the image is reflected (``c b a | a b c``). An image of one
    colour has no contrast: its result is zero, not the uniform value of the
    equation.

    References
    ----------
    Bell and Sejnowski (1997), doi:10.1016/S0042-6989(97)00121-1, for ZCA.
    Patch size, epsilon, number of patches and separate signs as for CIFAR-10 in
    csnn-simulator (Falez et al., 2020, doi:10.1109/IJCNN48605.2020.9207373),
    which centres kernels, takes patches on a grid and repeats the outermost pixel.
    """

    patch_size: int = number(5, low=1, integer=True, doc="side of a patch, pixels")
    epsilon: float = number(0.01, above=0, doc="added to the variances")
    n_patches: int = number(100_000, low=2, integer=True, doc="patches learned from")
    centering: str = choice("patches", of=("patches", "kernels"), doc="what is centred")
    random_state: int = number(0, low=0, integer=True, doc="seed of the patches")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patch_size % 2 == 0:
            raise ValueError(f"Whitening.patch_size must be odd, got {self.patch_size}")

    def n_channels(self, image_channels: int) -> int:
        """Return ``2 * image_channels``: both signs of each."""
        return 2 * image_channels

    def fit(
        self, images: np.ndarray, *, max_value: float = 1.0
    ) -> dict[str, np.ndarray]:
        """Learn mean and kernels from patches of the images (see `Filter.fit`).

        Only the drawn patches are scaled and copied, so `images` may be large.

        Returns
        -------
        dict of str to ndarray
            `mean`, shape (k, k, channels), and `kernels`, shape (channels, k, k,
            channels), with k = `patch_size`.

        Raises
        ------
        ValueError
            If there is no image, or images have the wrong shape or type, are
            smaller than a patch, or have drawn pixels out of range.
        """
        images = with_channels(images)
        if len(images) == 0:
            raise ValueError("Whitening.fit must get at least one image, got 0")
        self._check_size(images)
        patches = self._draw(images)
        check_range(patches, max_value, "pass the largest possible pixel as max_value")
        shape = patches.shape[1:]
        flat = patches.reshape(len(patches), -1).astype(np.float64) / max_value
        mean, matrix = fit_zca(flat, self.epsilon)
        kernels = self._central_rows(matrix, shape)
        if self.centering == "kernels":
            kernels -= kernels.mean(axis=(1, 2, 3), keepdims=True)
            mean = np.zeros_like(mean)
        return {"mean": mean.reshape(shape), "kernels": kernels}

    def _draw(self, images: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(self.random_state)
        k = self.patch_size
        n, height, width, _ = images.shape
        image = rng.integers(n, size=self.n_patches)
        y = rng.integers(height - k + 1, size=self.n_patches)
        x = rng.integers(width - k + 1, size=self.n_patches)
        return np.ascontiguousarray(all_windows(images, k)[image, y, x])

    def _central_rows(self, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        channels = shape[-1]
        first = (self.patch_size**2 // 2) * channels
        return matrix[first : first + channels].reshape(channels, *shape).copy()

    def _check_size(self, images: np.ndarray) -> None:
        if min(images.shape[1:3]) < self.patch_size:
            raise ValueError(
                f"Whitening.patch_size must be at most the image's side, got "
                f"{self.patch_size} for images of {images.shape[1]} x {images.shape[2]}"
            )

    def _check_learned(
        self, images: np.ndarray, learned: Mapping[str, np.ndarray]
    ) -> None:
        self._check_size(images)
        k, channels = self.patch_size, images.shape[3]
        for name, shape in {
            "mean": (k, k, channels),
            "kernels": (channels, k, k, channels),
        }.items():
            if name not in learned:
                raise ValueError(
                    f"Whitening.apply needs the learned array {name!r}, got "
                    f"{sorted(learned)}; call fit first"
                )
            if learned[name].shape != shape:
                raise ValueError(
                    f"Whitening.{name} must have shape {shape} for these images, got "
                    f"{learned[name].shape}; fit on images with {channels} channels"
                )

    def _contrast(
        self, images: np.ndarray, learned: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        kernels, mean = learned["kernels"], learned["mean"]
        white = _correlate(images, kernels.astype(np.float32))
        white -= np.tensordot(kernels, mean, axes=3).astype(np.float32)
        contrast = np.concatenate((white, -white), axis=3)
        contrast = np.where(contrast >= ROUNDING, contrast, 0)
        flat = (images == images[:, :1, :1]).all(axis=(1, 2, 3))
        contrast[flat] = 0
        return contrast


def fit_zca(patches: np.ndarray, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Find the symmetric matrix that whitens patches.

    Parameters
    ----------
    patches : ndarray, shape (n_patches, n_values)
        One flat patch a row.
    epsilon : float
        Added to the variances.

    Returns
    -------
    mean : ndarray, shape (n_values,)
        Mean patch.
    matrix : ndarray, shape (n_values, n_values)
        ``matrix @ (patch - mean)`` is the whitened patch.
    """
    mean = patches.mean(axis=0)
    centred = patches - mean
    variances, axes = np.linalg.eigh(centred.T @ centred / len(patches))
    # Rounding may leave a variance just below zero.
    gains = 1 / np.sqrt(np.maximum(variances, 0) + epsilon)
    return mean, (axes * gains) @ axes.T


def _correlate(images: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Correlate with (channels, k, k, channels) kernels and reflected borders.

    Rows of the kernel are added one by one: k times less memory than all
    patches at once, and faster.
    """
    n, height, width, channels = images.shape
    n_out, k = kernels.shape[:2]
    pad = (k // 2, k // 2)
    padded = np.pad(
        images.astype(np.float32), ((0, 0), pad, pad, (0, 0)), mode="symmetric"
    )
    rows = np.moveaxis(sliding_window_view(padded, k, axis=2), 4, 3)
    rows = np.ascontiguousarray(rows).reshape(n, -1, k * channels)
    result = np.zeros((n, height * width, n_out), dtype=np.float32)
    for dy in range(k):
        part = rows[:, dy * width : (dy + height) * width]
        result += part @ kernels[:, dy].reshape(n_out, -1).T
    return result.reshape(n, height, width, n_out)
