"""Which images learn, which teach the readout, and which are scored."""

from dataclasses import dataclass

import numpy as np

from stdpnet.datasets import Dataset
from stdpnet.estimators.base import derived_seed

#: Part of the seeds of the choices, apart from those of the estimators.
CHOICE = 100


@dataclass(frozen=True)
class Split:
    """Indices into the training set (`fit`, `train`) and the test set (`test`)."""

    fit: np.ndarray
    train: np.ndarray
    test: np.ndarray


def choose(
    data: Dataset, seed: int, n_fit: int | None, n_train: int | None, n_test: int | None
) -> Split:
    """Choose images at random; the choice for a readout has every class in proportion.

    Raises
    ------
    ValueError
        If more images are asked for than there are.
    """
    n_available = len(data.X_train)
    fit = _draw(n_available, n_fit, derived_seed(seed, CHOICE, 0), "--n-fit", data.name)
    test = _draw(
        len(data.X_test), n_test, derived_seed(seed, CHOICE, 2), "--n-test", data.name
    )
    train = _draw(
        n_available, n_train, derived_seed(seed, CHOICE, 1), "--n-train", data.name
    )
    if data.y_train is not None and n_train is not None:
        rng = np.random.default_rng(derived_seed(seed, CHOICE, 1))
        train = stratified(data.y_train, n_train, rng)
    return Split(fit, np.sort(train), np.sort(test))


def _draw(n: int, wanted: int | None, seed: int, flag: str, name: str) -> np.ndarray:
    if wanted is None:
        wanted = n
    if wanted > n:
        raise ValueError(f"{flag} {wanted} is more than the {n} images of {name}")
    return np.random.default_rng(seed).permutation(n)[:wanted]


def stratified(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `n` indices so that every class has its share, to within one.

    What is left of the shares after rounding down goes to the largest remainders.
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
