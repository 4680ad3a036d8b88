"""What every filter relies on: four axes, finite pixels, a known range."""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# Values a block of images may hold, so that temporaries stay near the cache.
_BLOCK_VALUES = 2**18


def to_unit_range(images: np.ndarray, max_value: float) -> np.ndarray:
    """Scale images to [0, 1] and give them a channel axis.

    Parameters
    ----------
    images : ndarray, shape (n, height, width) or (n, height, width, channels)
        Pixels of any real type, between 0 and `max_value`.
    max_value : float
        Pixel value that becomes 1: 255 for 8-bit images.

    Returns
    -------
    ndarray of float32, shape (n, height, width, channels)
        ``images / max_value``; one channel if there was no channel axis.

    Raises
    ------
    ValueError
        If the shape or type is wrong, a pixel is not finite or out of range,
        or `max_value` is not a positive number.
    """
    if not (np.isfinite(max_value) and max_value > 0):
        raise ValueError(f"max_value must be > 0 and finite, got {max_value!r}")
    images = with_channels(images)
    check_range(images, max_value, "pass the largest possible pixel as max_value")
    scale: np.ndarray = np.divide(images, np.float32(max_value), dtype=np.float32)
    # A float64 pixel just below `max_value` may round up to just above 1.
    return np.minimum(scale, np.float32(1), out=scale)


def with_channels(images: np.ndarray) -> np.ndarray:
    """Return images as (n, height, width, channels), or say why that cannot be.

    Raises
    ------
    ValueError
        If the number of axes or the type is wrong, or an image has no pixel.
    """
    images = np.asarray(images)
    if images.dtype.kind not in "biuf":
        raise ValueError(f"images must be real numbers, got dtype {images.dtype}")
    if images.ndim not in (3, 4):
        raise ValueError(
            "images must have shape (n, height, width[, channels]), got "
            f"{images.shape}; give a single image a first axis"
        )
    if 0 in images.shape[1:]:
        raise ValueError(f"images must have pixels, got shape {images.shape}")
    return images if images.ndim == 4 else images[..., np.newaxis]


def check_range(images: np.ndarray, high: float, way_out: str) -> None:
    """Raise ValueError unless all pixels are finite and between 0 and `high`."""
    if images.size == 0:
        return
    smallest, largest = images.min(), images.max()
    if not (np.isfinite(smallest) and np.isfinite(largest)):
        raise ValueError(
            "images must be finite, got NaN or infinity; remove or repair them"
        )
    if smallest < 0 or largest > high:
        raise ValueError(
            f"images must lie in [0, {high:g}], got {smallest:g} to {largest:g}; {way_out}"
        )


def blocks(n_images: int, values_per_image: int) -> Iterator[slice]:
    """Split images into slices of a bounded number of values, at least one image each."""
    size = max(1, _BLOCK_VALUES // values_per_image)
    for start in range(0, n_images, size):
        yield slice(start, min(start + size, n_images))


def all_windows(images: np.ndarray, size: int) -> np.ndarray:
    """Return a view of all square windows, (n, rows, columns, size, size, channels)."""
    strips = sliding_window_view(images, size, axis=1)
    return np.moveaxis(sliding_window_view(strips, size, axis=2), 3, 5)
