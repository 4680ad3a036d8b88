"""What estimators accept as X, turned into images."""

import math
import operator
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, validate_data


def as_images(
    estimator: Any, X: Any, image_shape: tuple[int, ...] | None, *, reset: bool
) -> np.ndarray:
    """Check X and return it as images of shape (n, height, width, channels).

    Parameters
    ----------
    estimator : estimator
        Named in errors; `n_features_in_` is set or checked.
    X : array-like, shape (n, height, width[, channels]) or (n, n_features)
        Pixels, at least zero.
    image_shape : tuple, optional
        (height, width[, channels]) of 2-D X. Default: square and grey, or a
        single row if the number of features is not a square.
    reset : bool
        Whether this is the data that the estimator is fitted on.

    Raises
    ------
    ValueError
        If X is empty, not finite, negative, or does not have the shape of the
        images that the estimator was fitted on.
    """
    name = type(estimator).__name__
    if (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) <= 2:
        X = validate_data(estimator, X, reset=reset, dtype="numeric")
        shape = checked_shape(name, image_shape) or default_shape(X.shape[1])
        if math.prod(shape) != X.shape[1]:
            raise ValueError(
                f"{name}.image_shape {shape} holds {math.prod(shape)} pixels, "
                f"but X has {X.shape[1]} features"
            )
        images = X.reshape(len(X), *shape)
    else:
        images = check_array(X, allow_nd=True, dtype="numeric", estimator=estimator)
        if images.ndim > 4:
            raise ValueError(
                f"X must have shape (n, height, width[, channels]), got {images.shape}"
            )
    if images.ndim == 3:
        images = images[..., np.newaxis]
    _check_pixels(name, images)
    _check_shape(estimator, name, images.shape[1:], reset)
    return images


def checked_shape(name: str, image_shape: Any) -> tuple[int, ...] | None:
    """Return a given shape of images, or None; raise ValueError if it is none."""
    if image_shape is None:
        return None
    try:
        shape = tuple(operator.index(side) for side in image_shape)
    except TypeError:
        shape = ()
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ValueError(
            f"{name}.image_shape must be (height, width[, channels]) or None, "
            f"got {image_shape!r}"
        )
    return shape


def default_shape(n_features: int) -> tuple[int, int]:
    """Return the shape of images of so many pixels: square if that is possible."""
    side = math.isqrt(n_features)
    return (side, side) if side * side == n_features else (1, n_features)


def _check_pixels(name: str, images: np.ndarray) -> None:
    if images.dtype.kind in "iub":
        lowest = images.min() if images.dtype.kind == "i" else 0
    else:
        lowest = images.min()
    if lowest < 0:
        raise ValueError(
            f"Negative values in data passed to {name}: pixels must be >= 0, got "
            f"{lowest:g}; shift or scale the images"
        )


def _check_shape(estimator: Any, name: str, shape: Any, reset: bool) -> None:
    shape = tuple(int(side) for side in shape)
    if reset:
        estimator.image_shape_ = shape
        estimator.n_features_in_ = math.prod(shape)
    elif shape != estimator.image_shape_:
        raise ValueError(
            f"X has images of shape {shape}, but {name} was fitted on "
            f"{estimator.image_shape_}"
        )
