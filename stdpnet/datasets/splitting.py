"""Divide data that come without a test set of their own."""

import numpy as np


def split_indices(
    n: int, labels: np.ndarray | None, *, test_fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the indices of a training and a test set.

    With labels every class is divided in the same ratio. Both parts come in
    random order, because files are often sorted by class.

    Parameters
    ----------
    n : int
        Number of images.
    labels : ndarray of int, shape (n,), or None
        Classes to keep in proportion.
    test_fraction : float
        Share of the test set, between 0 and 1.
    seed : int
        Seed of the draw.

    Returns
    -------
    train, test : ndarray of int64, shape (n_train,) and (n_test,)
        Disjoint indices, together ``0 .. n - 1``.

    Raises
    ------
    ValueError
        If a parameter is out of range, or there are too few images to divide.
    """
    check_split(test_fraction, seed)
    if n < 2:
        raise ValueError(f"a split into training and test needs 2 images, got {n}")
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    if labels is None:
        n_test = _test_size(n, test_fraction)
        return order[n_test:], order[:n_test]
    shuffled = labels[order]
    chosen = _ranks(shuffled) < _quotas(labels, test_fraction)[shuffled]
    # The test set took the first of each class, so the rest is no longer mixed.
    return rng.permutation(order[~chosen]), rng.permutation(order[chosen])


def check_split(test_fraction: float, seed: int) -> None:
    """Raise if the parameters of a split are out of range.

    Raises
    ------
    ValueError
        Naming the parameter and its value.
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must lie between 0 and 1, got {test_fraction}")
    if seed < 0:
        raise ValueError(f"seed must be >= 0, got {seed}")


def _test_size(n: int, test_fraction: float) -> int:
    return min(max(round(n * test_fraction), 1), n - 1)


def _quotas(labels: np.ndarray, test_fraction: float) -> np.ndarray:
    """Test images of each class, by largest remainder, one kept for training."""
    counts = np.bincount(labels)
    room = np.maximum(counts - 1, 0)
    exact = counts * test_fraction
    quotas = np.minimum(exact.astype(np.int64), room)
    left = _test_size(len(labels), test_fraction) - quotas.sum()
    by_remainder = np.argsort(quotas - exact, kind="stable")
    takers = by_remainder[(quotas < room)[by_remainder]][: max(left, 0)]
    if quotas.sum() + len(takers) == 0:
        raise ValueError(
            "a split by class needs a class with at least 2 images, got none; "
            "give X_train and X_test apart"
        )
    quotas[takers] += 1
    return quotas


def _ranks(labels: np.ndarray) -> np.ndarray:
    """Position of each record among those of its class."""
    by_class = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    ranks = np.empty(len(labels), dtype=np.int64)
    ranks[by_class] = np.arange(len(labels)) - starts[labels[by_class]]
    return ranks
