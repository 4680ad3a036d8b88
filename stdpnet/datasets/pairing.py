"""Pairs of the same class, of which one is seen and the other heard."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def draw_partners(y: ArrayLike, partner_y: ArrayLike, *, seed: int = 0) -> np.ndarray:
    """Draw for every example one of another data set that has its class.

    Where a class has at most as many examples as there are partners, no partner is drawn
    twice; else each is drawn equally often, or once more.

    Pairs of the same class are weak supervision: labels decide what belongs together, and
    nothing else. Draw them within the training or the test set, never across.

    Parameters
    ----------
    y : array-like of int, shape (n,)
        Classes of the examples, an image each.
    partner_y : array-like of int, shape (m,)
        Classes of those to draw from, a recording each.
    seed : int
        Seed of the choice.

    Returns
    -------
    ndarray of int64, shape (n,)
        Indices into `partner_y`.

    Raises
    ------
    ValueError
        If a class has no partner.

    Examples
    --------
    >>> from stdpnet.datasets import draw_partners, load_dataset
    >>> seen, heard = load_dataset("mnist"), load_dataset("fsdd")  # doctest: +SKIP
    >>> rows = draw_partners(seen.y_train, heard.y_train)  # doctest: +SKIP
    >>> pairs = {"image": seen.X_train, "audio": heard.X_train[rows]}  # doctest: +SKIP
    """
    labels, others = np.asarray(y), np.asarray(partner_y)
    rng = np.random.default_rng(seed)
    drawn = np.empty(len(labels), np.int64)
    for one in np.unique(labels):
        rows, partners = np.flatnonzero(labels == one), np.flatnonzero(others == one)
        if not len(partners):
            raise ValueError(
                f"class {one} has {len(rows)} examples but no partners, which have the "
                f"classes {_listed(others)}; leave it out, or add some"
            )
        rounds = -(-len(rows) // len(partners))
        order = [rng.permutation(partners) for _ in range(rounds)]
        drawn[rows] = np.concatenate(order)[: len(rows)]
    return drawn


def _listed(labels: np.ndarray) -> Any:
    return ", ".join(map(str, np.unique(labels))) or "of nobody"
