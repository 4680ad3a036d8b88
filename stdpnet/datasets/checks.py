"""Rules that images and labels from any source must keep."""

import numpy as np

MIN_SIZE = 8
"""Smallest height and width of an image, that of the embedded digits."""


def check_images(where: str, images: np.ndarray) -> np.ndarray:
    """Return `images` in the machine's byte order, if they are usable.

    Parameters
    ----------
    where : str
        Subject of the error messages, such as ``"data.npz: X_train"``.
    images : ndarray, shape (n, height, width[, channels])
        Unscaled images.

    Returns
    -------
    ndarray, shape (n, height, width[, channels])
        uint8 or float, C-contiguous.

    Raises
    ------
    ValueError
        For a wrong type, number of axes or size, no images, NaN or infinity.
    """
    _check_type(where, images)
    _check_shape(where, images)
    if images.dtype.kind == "f":
        _check_finite(where, images)
    return np.ascontiguousarray(images, dtype=images.dtype.newbyteorder("="))


def _check_type(where: str, images: np.ndarray) -> None:
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise ValueError(
            f"{where} must be uint8 or float, got {images.dtype}; "
            "convert it with .astype('uint8') or .astype('float32')"
        )


def _check_shape(where: str, images: np.ndarray) -> None:
    if images.ndim not in (3, 4):
        raise ValueError(
            f"{where} must have shape (n, height, width[, channels]), "
            f"got {images.shape}; reshape it"
        )
    if len(images) == 0:
        raise ValueError(f"{where} must hold at least one image, got {images.shape}")
    if min(images.shape[1:3]) < MIN_SIZE or images.size == 0:
        raise ValueError(
            f"{where} must hold images of at least {MIN_SIZE}x{MIN_SIZE} pixels, "
            f"channels last, got {images.shape}; enlarge them or move the channels"
        )


def _check_finite(where: str, images: np.ndarray) -> None:
    n_nan = int(np.isnan(images).sum())
    n_infinite = int(np.isinf(images).sum())
    if n_nan or n_infinite:
        raise ValueError(
            f"{where} must be finite, got {n_nan} NaN and {n_infinite} infinite "
            "values; replace them or leave those images out"
        )


def check_label_type(where: str, labels: np.ndarray) -> None:
    """Raise if `labels` are not one integer an image.

    Raises
    ------
    ValueError
        If `labels` has more than one axis or is not of an integer type.
    """
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"{where} must hold integers, got {labels.dtype}; number the classes"
        )
    if labels.ndim != 1:
        raise ValueError(
            f"{where} must have shape (n,), got {labels.shape}; flatten it"
        )


def check_labels(where: str, labels: np.ndarray, n_classes: int) -> None:
    """Raise if a label is not one of ``0 .. n_classes - 1``.

    Raises
    ------
    ValueError
        Naming the first label out of range and its record.
    """
    check_label_type(where, labels)
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if wrong.size:
        raise ValueError(
            f"{where} must lie in 0..{n_classes - 1}, "
            f"got {labels[wrong[0]]} at record {wrong[0]}"
        )


def check_pair(
    where: str, part: str, images: np.ndarray, labels: np.ndarray | None
) -> None:
    """Raise if `labels` are given and not as many as `images`.

    Raises
    ------
    ValueError
        Naming both numbers.
    """
    if labels is not None and len(images) != len(labels):
        raise ValueError(
            f"{where}: {part} part must have one label an image, "
            f"got {len(images)} images and {len(labels)} labels"
        )


def check_same_kind(where: str, train: np.ndarray, test: np.ndarray) -> None:
    """Raise if training and test images differ in size, channels or type.

    Raises
    ------
    ValueError
        Naming both kinds.
    """
    kinds = [f"{array.shape[1:]} {array.dtype}" for array in (train, test)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"{where}: training and test images must be alike, "
            f"got {kinds[0]} and {kinds[1]}"
        )


def full_scale(*arrays: np.ndarray) -> float:
    """Return the pixel value that stands for full brightness.

    Parameters
    ----------
    *arrays : ndarray, shape (n, height, width[, channels])
        Images, uint8 or float.

    Returns
    -------
    float
        255 for uint8; for floats 1, or the largest value if that is larger.
    """
    if arrays[0].dtype == np.uint8:
        return 255.0
    return max(1.0, *(float(array.max()) for array in arrays))
