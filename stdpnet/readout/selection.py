"""Choose the readout's C on training data, and learning curves over labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from stdpnet.readout.blocks import feature_blocks
from stdpnet.readout.linear import LinearReadout, check_classes


class ChosenC(NamedTuple):
    """The best C and what it was chosen from.

    Attributes
    ----------
    C : float
        Value with the highest validation accuracy, of equal ones the smallest.
    table : ndarray of records, shape (n_Cs,)
        Fields `C`, `accuracy`, `n_errors`, `n_validation`, in increasing C.
    """

    C: float
    table: np.ndarray


def choose_C(
    features: Any,
    labels: ArrayLike,
    *,
    Cs: Sequence[float],
    n_validation: int,
    random_state: int | None = None,
    readout: LinearReadout | None = None,
) -> ChosenC:
    """Choose C on a part of the training set that is held out.

    Solutions follow a path of increasing C, each started from the one before. Refit
    with the chosen C on all training examples afterwards.

    Parameters
    ----------
    features : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
        Training features. Never pass test features.
    labels : array-like, shape (n_samples,)
        Their labels.
    Cs : sequence of float
        Values to compare.
    n_validation : int
        Number of examples held out.
    random_state : int, optional
        Seed of a stratified random split; default holds out the last examples.
    readout : LinearReadout, optional
        Every other parameter; default is ``LinearReadout()``. The streamed solver is
        used whatever its `solver`.

    Returns
    -------
    ChosenC

    Raises
    ------
    ValueError
        If `Cs` is empty or has a value <= 0, or the split is impossible.
    """
    path = _increasing(Cs)
    machine = clone(readout or LinearReadout()).set_params(C=path[0], solver="streamed")
    machine._check_parameters()
    source, known = machine._checked(features, labels)
    train, held_out = _split(known, n_validation, random_state)
    machine.classes_, codes = np.unique(known[train], return_inverse=True)
    check_classes(machine, machine.classes_)
    machine.solver_ = "streamed"
    options = machine._block_options()
    blocks = machine._prepared(feature_blocks(source, rows=train, **options))
    unseen = feature_blocks(source, rows=held_out, **options)
    n_errors, start = [], None
    for C in path:
        start = machine.set_params(C=C)._fit_streamed(blocks, codes, start).weights
        predicted = machine._labels(machine._scores(unseen))
        n_errors.append(int((predicted != known[held_out]).sum()))
    return _chosen(path, n_errors, len(held_out))


@dataclass(frozen=True)
class LearningCurve:
    """Test accuracy against the number of labelled examples.

    Attributes
    ----------
    n_labels : ndarray of int, shape (n_sizes,)
        Labelled examples used.
    accuracies : ndarray, shape (n_sizes, n_seeds)
        Fraction of the test examples classified correctly.
    """

    n_labels: np.ndarray
    accuracies: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over seeds, shape (n_sizes,)."""
        return self.accuracies.mean(axis=1)

    @property
    def sd(self) -> np.ndarray:
        """Sample standard deviation over seeds, shape (n_sizes,); NaN for one seed."""
        n_seeds = self.accuracies.shape[1]
        if n_seeds == 1:
            return np.full(len(self.n_labels), np.nan)
        return self.accuracies.std(axis=1, ddof=1)


def accuracy_against_labels(
    features_train: Any,
    y_train: ArrayLike,
    features_test: Any,
    y_test: ArrayLike,
    *,
    n_labels: Sequence[int] = (300, 1000, 3000, 10000),
    seeds: Sequence[int] = (0, 1, 2),
    C: float | Sequence[float] = 1e-3,
    readout: LinearReadout | None = None,
) -> LearningCurve:
    """Measure the accuracy with fewer labels, on stratified random subsets.

    Parameters
    ----------
    features_train : ndarray, memmap or h5py.Dataset, shape (n_train, n_features)
        Training features.
    y_train : array-like, shape (n_train,)
        Their labels.
    features_test : ndarray, memmap or h5py.Dataset, shape (n_test, n_features)
        Test features, only scored.
    y_test : array-like, shape (n_test,)
        Their labels.
    n_labels : sequence of int
        Sizes of the subsets, each at most n_train.
    seeds : sequence of int
        One subset of each size for each seed.
    C : float or sequence of float
        Weight of the loss, one for all sizes or one each.
    readout : LinearReadout, optional
        Every other parameter; default is ``LinearReadout()``.

    Returns
    -------
    LearningCurve

    Raises
    ------
    ValueError
        If a size is larger than the training set, or smaller than the number of
        classes.
    """
    labels = np.asarray(y_train)
    each_C = np.broadcast_to(np.asarray(C, float), len(n_labels))
    accuracies = np.empty((len(n_labels), len(seeds)))
    for row, n in enumerate(n_labels):
        machine = clone(readout or LinearReadout()).set_params(C=float(each_C[row]))
        for column, seed in enumerate(seeds):
            # All labels are the same subset for every seed.
            if column and n == len(labels):
                accuracies[row, column] = accuracies[row, 0]
                continue
            chosen = _subset(labels, n, seed)
            machine.fit(_take(features_train, chosen), labels[chosen])
            accuracies[row, column] = machine.score(features_test, y_test)
    return LearningCurve(np.asarray(n_labels), accuracies)


def _increasing(Cs: Sequence[float]) -> list[float]:
    path = sorted(float(C) for C in Cs)
    if not path or not path[0] > 0:
        raise ValueError(f"choose_C.Cs must be values > 0, at least one, got {Cs!r}")
    return path


def _split(
    labels: np.ndarray, n_validation: int, random_state: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted row numbers to train on and to validate with."""
    rows = np.arange(len(labels))
    if not 0 < n_validation < len(labels):
        raise ValueError(
            f"choose_C.n_validation must be between 1 and {len(labels) - 1} (one less "
            f"than the training examples), got {n_validation}"
        )
    if random_state is None:
        return rows[:-n_validation], rows[-n_validation:]
    from sklearn.model_selection import train_test_split  # slow to import

    train, held_out = train_test_split(
        rows, test_size=n_validation, stratify=labels, random_state=random_state
    )
    return np.sort(train), np.sort(held_out)


def _chosen(path: list[float], n_errors: list[int], n_validation: int) -> ChosenC:
    fields = [("C", float), ("accuracy", float), ("n_errors", int)]
    table = np.zeros(len(path), dtype=[*fields, ("n_validation", int)])
    table["C"], table["n_errors"] = path, n_errors
    table["n_validation"] = n_validation
    table["accuracy"] = 1 - table["n_errors"] / n_validation
    return ChosenC(path[int(np.argmin(n_errors))], table)


def _subset(labels: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Return sorted row numbers of a stratified subset."""
    n_classes = len(np.unique(labels))
    if not n_classes <= n <= len(labels):
        raise ValueError(
            "accuracy_against_labels.n_labels must be between the number of classes "
            f"({n_classes}) and of training examples ({len(labels)}), got {n}"
        )
    rows = np.arange(len(labels))
    if len(labels) - n < n_classes:
        return np.sort(np.random.default_rng(seed).permutation(rows)[:n])
    from sklearn.model_selection import train_test_split  # slow to import

    chosen, _ = train_test_split(rows, train_size=n, stratify=labels, random_state=seed)
    return np.sort(chosen)


def _take(features: Any, rows: np.ndarray) -> Any:
    """Return some rows in memory, or the whole untouched."""
    if len(rows) == features.shape[0]:
        return features
    blocks = feature_blocks(features, rows=rows)
    return np.concatenate([blocks.read(k) for k in range(len(blocks.blocks))])
