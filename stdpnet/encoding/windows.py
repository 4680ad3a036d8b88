"""Windows of filtered images: what a kernel sees at one position."""

import numpy as np

from stdpnet.encoding.codes import NEVER
from stdpnet.encoding.images import all_windows, blocks


def sample_windows(
    contrast: np.ndarray,
    size: int,
    n_per_image: int,
    rng: np.random.Generator,
    min_active: int = 1,
    *,
    rebase: bool = False,
) -> np.ndarray:
    """Draw windows at random positions of every image.

    Positions are uniform among those whose window has at least `min_active`
    active inputs, with replacement; in an image that has none, among all.

    Parameters
    ----------
    contrast : ndarray, shape (n, height, width, channels)
        Contrasts (float), active where positive, or steps (uint16), active where
        not `NEVER`. To rank the inputs of a window among themselves, draw from
        contrasts and encode the windows; to keep the times they have in the
        whole image, draw from steps.
    size : int
        Side of the windows, pixels.
    n_per_image : int
        Windows drawn from each image.
    rng : numpy.random.Generator
        Source of the positions.
    min_active : int
        Active inputs a window must have, where the image has such windows.
    rebase : bool
        Steps only: shift each window in time so that its first spike is in step 0.

    Returns
    -------
    ndarray, shape (n * n_per_image, size, size, channels)
        Windows of the first image, then of the second, and so on; a copy.

    Raises
    ------
    ValueError
        If the array has not four axes, `size` does not fit into the images,
        `n_per_image` is not positive, or `rebase` is asked for contrasts.
    """
    contrast = np.asarray(contrast)
    _check(contrast, size, n_per_image, rebase)
    positions = _positions(contrast, size, n_per_image, rng, min_active)
    drawn = np.ascontiguousarray(all_windows(contrast, size)[positions])
    return _rebased(drawn) if rebase else drawn


def count_windows(contrast: np.ndarray, size: int, min_active: int = 1) -> np.ndarray:
    """Count the windows of each image that have at least `min_active` active inputs.

    Parameters
    ----------
    contrast : ndarray, shape (n, height, width, channels)
        Contrasts, or steps (uint16) where `NEVER` is inactive.
    size : int
        Side of the windows.
    min_active : int
        Fewest active inputs.

    Returns
    -------
    ndarray of int, shape (n,)
        Number of windows that `sample_windows` draws from.
    """
    contrast = np.asarray(contrast)
    _check(contrast, size, 1, rebase=False)
    return np.count_nonzero(_allowed(contrast, size, min_active), axis=(1, 2))


def _check(contrast: np.ndarray, size: int, n_per_image: int, rebase: bool) -> None:
    if contrast.ndim != 4:
        raise ValueError(
            "contrast must have shape (n, height, width, channels), got "
            f"{contrast.shape}; give a single image a first axis"
        )
    if not 1 <= size <= min(contrast.shape[1:3]):
        raise ValueError(
            f"size must be from 1 to the image's side, got {size} for images of "
            f"{contrast.shape[1]} x {contrast.shape[2]}"
        )
    if n_per_image < 1:
        raise ValueError(f"n_per_image must be >= 1, got {n_per_image}")
    if rebase and contrast.dtype != np.uint16:
        raise ValueError(
            f"rebase must be False for contrasts, got {rebase} with "
            f"{contrast.dtype}; encode them to steps first"
        )


def _positions(
    contrast: np.ndarray,
    size: int,
    n_per_image: int,
    rng: np.random.Generator,
    min_active: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return image, row and column of the windows' first pixels."""
    n = len(contrast)
    allowed = _allowed(contrast, size, min_active)
    allowed[~allowed.any(axis=(1, 2))] = True
    n_allowed = np.count_nonzero(allowed, axis=(1, 2))[:, np.newaxis]
    before = np.cumsum(n_allowed)[:, np.newaxis] - n_allowed
    drawn = rng.integers(n_allowed, size=(n, n_per_image))
    flat = np.flatnonzero(allowed)[(before + drawn).reshape(-1)]
    image, y, x = np.unravel_index(flat, allowed.shape)
    return image, y, x


def _allowed(contrast: np.ndarray, size: int, min_active: int) -> np.ndarray:
    """Say which windows have enough active inputs, shape (n, rows, columns)."""
    n, height, width, channels = contrast.shape
    allowed = np.empty((n, height - size + 1, width - size + 1), dtype=bool)
    for block in blocks(n, height * width * channels):
        allowed[block] = _count_active(contrast[block], size) >= min_active
    return allowed


def _count_active(contrast: np.ndarray, size: int) -> np.ndarray:
    """Count the active inputs of every window, shape (n, rows, columns)."""
    steps = contrast.dtype == np.uint16
    active = contrast != NEVER if steps else contrast > 0
    small = size * size * active.shape[3] < 2**15
    pixels = active[..., 0].astype(np.int16 if small else np.int32)
    for channel in range(1, active.shape[3]):
        pixels += active[..., channel]
    return _running_sum(_running_sum(pixels, size).swapaxes(1, 2), size).swapaxes(1, 2)


def _running_sum(values: np.ndarray, size: int) -> np.ndarray:
    """Add `size` neighbours along the second axis."""
    n = values.shape[1] - size + 1
    total = values[:, :n].copy()
    for shift in range(1, size):
        total += values[:, shift : shift + n]
    return total


def _rebased(steps: np.ndarray) -> np.ndarray:
    first = steps.min(axis=(1, 2, 3), keepdims=True)
    return np.where(steps == NEVER, steps, steps - first)
