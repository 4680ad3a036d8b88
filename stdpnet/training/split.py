"""Which images learn, which teach the readout, and which are scored."""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from stdpnet.config import SpecError
from stdpnet.datasets.paired import AnyDataset
from stdpnet.datasets.splitting import split_indices
from stdpnet.estimators.base import derived_seed

D = TypeVar("D", bound=AnyDataset)
#: Part of the seeds of the choices, apart from those of the estimators.
CHOICE = 100
#: Uses of randomness, the next part.
FIT, TRAIN, TEST = range(3)


@dataclass(frozen=True)
class Split:
    """Indices into the training set (`fit`, `train`) and the test set (`test`)."""

    fit: np.ndarray
    train: np.ndarray
    test: np.ndarray


def is_labelled(data: AnyDataset) -> bool:
    """Say whether a readout can learn from the data and be scored on them."""
    return data.y_train is not None and data.y_test is not None


def specified(spec: dict[str, Any], name: str) -> int | None:
    """Return the number of images that a specification asks for, at most.

    Raises
    ------
    SpecError
        If it is no such number.
    """
    n = spec.get("about", {}).get(name)
    if n is None:
        return None
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise SpecError(f"about.{name} must be a whole number >= 1, got {n!r}")
    return n


def held_out(data: D, share: float, seed: int = 0) -> D:
    """Return data whose test set is a share of the training set, drawn class by class.

    What is chosen by its accuracy has seen no image of the real test set.

    Raises
    ------
    ValueError
        If the share is out of range, or leaves nothing.
    """
    train, test = split_indices(
        len(data.X_train), data.y_train, test_fraction=share, seed=seed
    )
    labels = data.y_train
    irregular = np.isin(np.arange(len(data.X_train)), data.irregular_train)
    parts: dict[str, Any] = dict(
        X_train=data.X_train[train],
        X_test=data.X_train[test],
        y_train=None if labels is None else labels[train],
        y_test=None if labels is None else labels[test],
        irregular_train=np.flatnonzero(irregular[train]),
        irregular_test=np.flatnonzero(irregular[test]),
    )
    return replace(data, **parts)


def choose(
    data: AnyDataset,
    seed: int,
    n_fit: int | None,
    n_train: int | None,
    n_test: int | None,
) -> Split:
    """Choose images at random; the choice for a readout has every class in proportion.

    Raises
    ------
    ValueError
        If more images are asked for than there are, or all labelled ones are of
        one class.
    """
    fit = _draw(data, "--n-fit", len(data.X_train), n_fit, _seed(seed, FIT))
    train = _draw(data, "--n-train", len(data.X_train), n_train, _seed(seed, TRAIN))
    test = _draw(data, "--n-test", len(data.X_test), n_test, _seed(seed, TEST))
    if data.y_train is not None and n_train is not None:
        train = stratified(
            data.y_train, n_train, np.random.default_rng(_seed(seed, TRAIN))
        )
    if is_labelled(data):
        _check_classes(data, train)
    return Split(fit, np.sort(train), np.sort(test))


def _seed(seed: int, use: int) -> int:
    return derived_seed(seed, CHOICE, use)


def _draw(
    data: AnyDataset, flag: str, n: int, wanted: int | None, seed: int
) -> np.ndarray:
    wanted = n if wanted is None else wanted
    if wanted > n:
        raise ValueError(f"{flag} {wanted} is more than the {n} images of {data.name}")
    return np.random.default_rng(seed).permutation(n)[:wanted]


def _check_classes(data: AnyDataset, train: np.ndarray) -> None:
    """Raise now what the readout would find only after minutes of learning."""
    assert data.y_train is not None  # `is_labelled`
    if len(np.unique(data.y_train[train])) < 2:
        raise ValueError(
            f"the {len(train)} labelled images of {data.name} must be of at least two "
            "classes, got one class; raise --n-train, or give data of more classes"
        )


def stratified(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `n` indices so that every class has its share, to within one.

    What is left of the shares after rounding down goes to the largest remainders.

    Parameters
    ----------
    labels : ndarray of int, shape (n_labels,)
        Class of each image.
    n : int
        At most `n_labels`.
    rng : numpy.random.Generator
        Source of the draw.

    Returns
    -------
    ndarray of int, shape (n,)
        Distinct indices in random order.
    """
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * n / len(labels)
    quotas = np.floor(exact).astype(int)
    by_remainder = np.lexsort((rng.random(len(classes)), quotas - exact))
    quotas[by_remainder[: n - quotas.sum()]] += 1
    order = rng.permutation(len(labels))
    drawn = [
        order[labels[order] == label][:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return rng.permutation(np.concatenate(drawn))
