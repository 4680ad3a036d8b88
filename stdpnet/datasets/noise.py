"""Images that are harder to see."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from stdpnet.catalog import unknown_name


def _gaussian(
    images: np.ndarray, level: float, white: float, rng: np.random.Generator
) -> np.ndarray:
    noisy = images + rng.normal(0, level * white, images.shape)
    return np.clip(noisy, 0, white)


def _salt_and_pepper(
    images: np.ndarray, level: float, white: float, rng: np.random.Generator
) -> np.ndarray:
    drawn = rng.random(images.shape[:3])
    while drawn.ndim < images.ndim:  # all channels of a pixel alike
        drawn = drawn[..., np.newaxis]
    salted = np.where(drawn < level / 2, white, images)
    return np.where(drawn >= 1 - level / 2, 0, salted)


def _occlusion(
    images: np.ndarray, level: float, white: float, rng: np.random.Generator
) -> np.ndarray:
    height, width = images.shape[1:3]
    tall, wide = (round(np.sqrt(level) * side) for side in (height, width))
    covered = images.copy()
    for image in covered:
        y, x = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
        image[y : y + tall, x : x + wide] = 0
    return covered


NOISES: dict[str, Callable[..., np.ndarray]] = {
    "gaussian": _gaussian,
    "salt-and-pepper": _salt_and_pepper,
    "occlusion": _occlusion,
}


def add_image_noise(
    images: ArrayLike,
    level: float,
    *,
    kind: str = "gaussian",
    max_value: float = 255.0,
    seed: int = 0,
) -> np.ndarray:
    """Return images with noise, of the same shape and type.

    Parameters
    ----------
    images : array-like, shape (n, height, width[, channels])
        Pixels from zero to `max_value`.
    level : float
        "gaussian": standard deviation relative to `max_value`; results are clipped.
        "salt-and-pepper": fraction of the pixels that become white or black, as many of
        each. "occlusion": fraction of the area that a black rectangle covers, of the
        proportions of the image and at a random place.
    kind : {"gaussian", "salt-and-pepper", "occlusion"}
        Of the noise.
    max_value : float
        Pixel value that counts as white.
    seed : int
        Seed of the noise.

    Raises
    ------
    ValueError
        If the kind is unknown, the level negative (or above one, where it is a
        fraction), or images have another shape.
    """
    if kind not in NOISES:
        raise ValueError(unknown_name("kind of noise", str(kind), NOISES))
    most = np.inf if kind == "gaussian" else 1.0
    if not 0 <= level <= most:
        rule = ">= 0" if kind == "gaussian" else "from 0 to 1"
        raise ValueError(f"level of {kind} noise must be {rule}, got {level}")
    given = np.asarray(images)
    if given.ndim not in (3, 4):
        raise ValueError(
            f"images must have shape (n, height, width[, channels]), got {given.shape}"
        )
    rng = np.random.default_rng(seed)
    noisy = NOISES[kind](given, level, max_value, rng)
    if given.dtype.kind in "iu":
        noisy = np.rint(noisy)
    return noisy.astype(given.dtype)
