"""Numbers about kernels: pictures of them, how far they got, how many differ."""

import math

import numpy as np

ON_OFF = "on-off"
RAW = "raw"


def kernel_images(kernels: np.ndarray, channels: str | None = None) -> np.ndarray:
    """Turn kernels into pictures of what they prefer.

    Parameters
    ----------
    kernels : ndarray, shape (n_maps, height, width, n_channels)
        Weights, dimensionless.
    channels : {"on-off", "raw"}, optional
        ``"on-off"``: the first half of the channels are the ON parts of the
        image channels, the second half their OFF parts, in the same order; the
        picture is ON minus OFF. ``"raw"``: the channels are those of the image.
        Default is ``"on-off"`` if `n_channels` is even.

    Returns
    -------
    ndarray of float, shape (n_maps, height, width) or (n_maps, height, width, 3)
        Signed weights for one image channel, the mean over channels for any
        number but one and three. For three, colours in [0, 1]: each kernel is
        scaled to its largest deviation, zero (``"raw"``: its mean) is mid grey.

    Raises
    ------
    ValueError
        If the shape or `channels` is wrong.
    """
    kernels = as_kernels(kernels)
    channels = channel_kind(kernels, channels)
    signed = _on_minus_off(kernels) if channels == ON_OFF else kernels
    if signed.shape[-1] == 3:
        return _colours(signed, centre=channels == RAW)
    return signed.mean(axis=-1)


def as_kernels(kernels: np.ndarray) -> np.ndarray:
    """Return kernels as floats, shape (n_maps, height, width, n_channels).

    Raises
    ------
    ValueError
        If there are not four axes, or one of them is empty.
    """
    kernels = np.asarray(kernels, dtype=float)
    if kernels.ndim != 4 or kernels.size == 0:
        raise ValueError(
            "kernels must have shape (n_maps, height, width, n_channels) "
            f"without an empty axis, got {kernels.shape}"
        )
    return kernels


def channel_kind(kernels: np.ndarray, channels: str | None) -> str:
    """Return ``"on-off"`` or ``"raw"``, see `kernel_images`.

    Raises
    ------
    ValueError
        If `channels` is something else, or does not fit the kernels.
    """
    n_channels = kernels.shape[-1]
    if channels is None:
        return RAW if n_channels % 2 else ON_OFF
    if channels not in (ON_OFF, RAW):
        raise ValueError(f"channels must be one of 'on-off', 'raw', got {channels!r}")
    if channels == ON_OFF and n_channels % 2:
        raise ValueError(
            "kernels with ON and OFF parts must have an even number of channels, "
            f"got {n_channels}; pass channels='raw'"
        )
    return channels


def _on_minus_off(kernels: np.ndarray) -> np.ndarray:
    half = kernels.shape[-1] // 2
    return kernels[..., :half] - kernels[..., half:]


def _colours(signed: np.ndarray, centre: bool) -> np.ndarray:
    pixels = (1, 2, 3)
    if centre:
        signed = signed - signed.mean(axis=pixels, keepdims=True)
    largest = np.abs(signed).max(axis=pixels, keepdims=True)
    return 0.5 + 0.5 * signed / np.where(largest > 0, largest, 1)


def mosaic_columns(n_images: int) -> int:
    """Return how many tiles a row of a mosaic about twice as wide as high has.

    A divisor of `n_images` is preferred, so that the last row is full.
    """
    low, high = math.sqrt(1.2 * n_images), math.sqrt(4 * n_images)
    even = [c for c in range(math.ceil(low), int(high) + 1) if n_images % c == 0]
    return even[0] if even else min(n_images, math.ceil(math.sqrt(2 * n_images)))


def tile(
    images: np.ndarray, columns: int | None = None, gap: int = 1, fill: float = np.nan
) -> np.ndarray:
    """Lay pictures side by side, row by row.

    Parameters
    ----------
    images : ndarray, shape (n_images, height, width[, 3])
        Pictures of one size.
    columns : int, optional
        Pictures in a row; default makes the mosaic about twice as wide as high.
    gap : int
        Pixels between pictures.
    fill : float
        Value of the gaps and of the empty places of the last row.

    Returns
    -------
    ndarray of float, shape (rows * (height + gap) - gap, columns * (width + gap) - gap[, 3])

    Raises
    ------
    ValueError
        If there is no picture, or `columns` or `gap` is out of range.
    """
    images = np.asarray(images, dtype=float)
    if images.ndim not in (3, 4) or images.size == 0:
        raise ValueError(
            "images must have shape (n_images, height, width[, 3]) "
            f"without an empty axis, got {images.shape}"
        )
    columns = mosaic_columns(len(images)) if columns is None else columns
    _check_at_least("columns", columns, 1)
    _check_at_least("gap", gap, 0)
    rows = -(-len(images) // columns)
    height, width = images.shape[1:3]
    padded = np.full(
        (rows * columns, height + gap, width + gap, *images.shape[3:]), fill
    )
    padded[: len(images), :height, :width] = images
    padded = padded.reshape(rows, columns, *padded.shape[1:]).swapaxes(1, 2)
    mosaic = padded.reshape(
        rows * (height + gap), columns * (width + gap), *images.shape[3:]
    )
    return mosaic[: mosaic.shape[0] - gap, : mosaic.shape[1] - gap]


def _check_at_least(name: str, value: int, low: int) -> None:
    if value < low:
        raise ValueError(f"{name} must be >= {low}, got {value}")


def convergence_index(weights: np.ndarray) -> float:
    r"""Return the mean of :math:`w (1 - w)`: 0.25 undecided, 0 when all is decided.

    Parameters
    ----------
    weights : ndarray, any shape
        Weights between 0 and 1.

    Raises
    ------
    ValueError
        If there is no weight, or one lies outside [0, 1].

    References
    ----------
    Kheradpisheh et al. (2018), doi:10.1016/j.neunet.2017.12.005: a layer counts
    as trained when the index falls below 0.01, as read in the network's SpykeTorch
    version (`KheradpishehDeep.py`).
    """
    weights = np.asarray(weights, dtype=float)
    if weights.size == 0:
        raise ValueError(f"weights must not be empty, got shape {weights.shape}")
    low, high = weights.min(), weights.max()
    # Single precision lets a saturated weight end a rounding error too far.
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        raise ValueError(f"weights must be between 0 and 1, got {low:g} to {high:g}")
    return float(np.mean(weights * (1 - weights)))


def distinct_kernels(kernels: np.ndarray, threshold: float = 0.95) -> int:
    """Count the kernels that are left when similar ones are merged.

    Two kernels belong together if their cosine similarity exceeds `threshold`,
    or if a chain of such pairs links them. Kernels without any weight are one.

    Parameters
    ----------
    kernels : ndarray, shape (n_maps, height, width, n_channels)
        Weights, dimensionless.
    threshold : float
        Cosine similarity, at most 1.

    Returns
    -------
    int
        Between 1 and `n_maps`.

    Raises
    ------
    ValueError
        If the shape or `threshold` is wrong.
    """
    if not -1 <= threshold <= 1:
        raise ValueError(f"threshold must be between -1 and 1, got {threshold}")
    similar = cosine_similarity(kernels) > threshold
    group = np.arange(len(similar))
    for i, row in enumerate(similar):
        joined = np.isin(group, group[row | (np.arange(len(row)) == i)])
        group[joined] = group[joined].min()
    return len(np.unique(group))


def cosine_similarity(kernels: np.ndarray) -> np.ndarray:
    """Return the cosine between all pairs of kernels, shape (n_maps, n_maps).

    Parameters
    ----------
    kernels : ndarray, shape (n_maps, height, width, n_channels)
        Weights. Kernels of zeros are alike, and orthogonal to all others.
    """
    kernels = as_kernels(kernels)
    flat = kernels.reshape(len(kernels), -1)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    empty = norms == 0
    unit = np.hstack([flat / np.where(empty, 1, norms), empty])
    return unit @ unit.T


def order_kernels(
    kernels: np.ndarray, activity: np.ndarray | None = None
) -> np.ndarray:
    """Return the order in which kernels read best: the busiest or alike together.

    Parameters
    ----------
    kernels : ndarray, shape (n_maps, height, width, n_channels)
        Weights, dimensionless.
    activity : ndarray, shape (n_maps,), optional
        Spikes of each map. Default is an order by similarity: from the first
        kernel on, each is followed by the most similar one that is left.

    Returns
    -------
    ndarray of int, shape (n_maps,)
        Permutation of the maps.

    Raises
    ------
    ValueError
        If `activity` does not have one value a map.
    """
    kernels = as_kernels(kernels)
    if activity is not None:
        if np.shape(activity) != (len(kernels),):
            raise ValueError(
                f"activity must have shape ({len(kernels)},), one value a map, "
                f"got {np.shape(activity)}"
            )
        return np.argsort(-np.asarray(activity, dtype=float), kind="stable")
    similarity = cosine_similarity(kernels)
    order = [0]
    while len(order) < len(kernels):
        similarity[:, order[-1]] = -np.inf
        order.append(int(similarity[order[-1]].argmax()))
    return np.array(order)


def weight_histogram(
    weights: np.ndarray, bins: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """Return how the weights are distributed.

    Parameters
    ----------
    weights : ndarray, any shape
        Weights. Bins cover [0, 1], and more if weights lie outside.
    bins : int
        Number of bins.

    Returns
    -------
    share : ndarray, shape (bins,)
        Fraction of all weights in each bin; the sum is 1.
    edges : ndarray, shape (bins + 1,)
        Borders of the bins.

    Raises
    ------
    ValueError
        If there is no weight, or `bins` is not positive.
    """
    weights = np.asarray(weights, dtype=float).ravel()
    if weights.size == 0:
        raise ValueError(f"weights must not be empty, got shape {weights.shape}")
    _check_at_least("bins", bins, 1)
    limits = (min(0.0, weights.min()), max(1.0, weights.max()))
    counts, edges = np.histogram(weights, bins=bins, range=limits)
    return counts / weights.size, edges
