"""A classifier with one hidden layer for spike counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from stdpnet.readout.base import (
    COUNT,
    NOT_NEGATIVE,
    POSITIVE,
    RANDOM_STATE,
    CountReadout,
    Rule,
    is_number,
)
from stdpnet.readout.blocks import feature_blocks
from stdpnet.readout.checks import check_classes, checked_examples, checked_features

#: Rows that are read together, and those that are in memory as floats.
_RUN, _PART = 128, 4096


class MLPReadout(CountReadout):
    r"""Classify spike counts by a network with one hidden layer of rectified units.

    Counts t(x), centred and divided by their standard deviations in the training set,
    go through `sklearn.neural_network.MLPClassifier` (softmax, cross-entropy, Adam).
    It learns by gradients, from labels: only the features come from a spiking network.

    Parameters
    ----------
    hidden : int
        Number of hidden units.
    alpha : float
        Weight decay: half of it times the sum of squared weights is added to the loss
        of each batch, over the size of the batch.
    learning_rate : float
        Initial step of Adam.
    batch_size : int
        Examples in a step.
    n_epochs : int
        How often all examples are shown; there is no other end.
    dropout : float
        Share of the features that an example shows as their means, drawn again
        whenever it is shown; the others are made larger by as much.
    averaged : float
        Share of the epochs, the last ones, rounded up, over whose ends weights are averaged:
        steps of gradients of a few examples never come to rest. 0 keeps the last weights.
    count_transform : {"none", "sqrt"}
        "sqrt" evens out the variance of counts; it needs non-negative features.
    random_state : int, RandomState or None
        Seed of the first weights and of the order of the examples.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Sorted labels.
    mean_, scale_ : ndarray of float32, shape (n_features,)
        What is subtracted from the transformed counts, and what they are divided by.
    machine_ : MLPClassifier
        The network.
    n_features_in_ : int
        Number of features.

    Notes
    -----
    4,096 rows of features are held as floats; the source may be on disk. Rows are read in
    runs of 128, so examples should not be sorted by class over long stretches. Learning
    uses one thread: the result does not depend on how many there are.

    References
    ----------
    Kingma and Ba (2015), arXiv:1412.6980, for Adam. Srivastava et al. (2014), Journal of
    Machine Learning Research 15:1929-1958, for dropout. Polyak and Juditsky (1992),
    doi:10.1137/0330046, for averages.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "count_transform": ("none", "sqrt")
    }
    rules: ClassVar[dict[str, Rule]] = {
        "hidden": COUNT,
        "alpha": NOT_NEGATIVE,
        "learning_rate": POSITIVE,
        "batch_size": COUNT,
        "n_epochs": COUNT,
        "dropout": (
            "a number from 0 to less than 1",
            lambda v: is_number(v) and 0 <= v < 1,
        ),
        "averaged": ("a number from 0 to 1", lambda v: is_number(v) and 0 <= v <= 1),
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        hidden: int = 512,
        alpha: float = 0.1,
        learning_rate: float = 5e-4,
        batch_size: int = 128,
        n_epochs: int = 15,
        dropout: float = 0.2,
        averaged: float = 1 / 3,
        count_transform: Literal["none", "sqrt"] = "sqrt",
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.dropout = dropout
        self.averaged = averaged
        self.count_transform = count_transform
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> MLPReadout:
        """Learn from labelled features.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Features, usually uint8 or uint16 counts.
        y : array-like, shape (n_samples,)
            Labels.

        Raises
        ------
        ValueError
            If a parameter or a feature is out of range, sizes disagree, or there are
            fewer than two classes.
        """
        for _ in self.fit_epochs(X, y):
            pass
        return self

    def fit_epochs(self, X: ArrayLike, y: ArrayLike) -> Iterator[int]:
        """Learn as `fit` does; yield the number of each epoch at its end.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Features.
        y : array-like, shape (n_samples,)
            Labels.

        Raises
        ------
        ValueError
            As `fit`.
        """
        self.check_parameters()
        source, labels = checked_examples(self, X, y)
        self.classes_ = np.unique(labels)
        check_classes(self, self.classes_)
        self._set_scale(source)
        rng = np.random.default_rng(
            check_random_state(self.random_state).randint(2**31)
        )
        self.machine_ = self._machine(len(labels))
        mean = _Mean()
        for epoch in range(1, self.n_epochs + 1):
            self._show_all(source, labels, rng)
            if epoch == self.n_epochs or epoch > self.n_epochs * (1 - self.averaged):
                mean.add([*self.machine_.coefs_, *self.machine_.intercepts_])
            yield epoch
        self.machine_.coefs_, self.machine_.intercepts_ = mean.of[:2], mean.of[2:]

    def _show_all(
        self, source: Any, labels: np.ndarray, rng: np.random.Generator
    ) -> None:
        """Learn from every example once."""
        # More threads round sums otherwise: after 25 epochs 7 % of the answers differ,
        # the accuracy by 0.4 points. They are no faster with batches this small.
        with threadpool_limits(1, "blas"):
            for runs in _parts(len(labels), rng):
                shown = self._read(source, runs)
                if self.dropout:
                    shown *= rng.random(shown.shape, np.float32) >= self.dropout
                    shown /= 1 - self.dropout
                answers = np.concatenate([labels[run] for run in runs])
                self.machine_.partial_fit(shown, answers, classes=self.classes_)

    def _machine(self, n_samples: int) -> Any:
        from sklearn.neural_network import MLPClassifier  # rarely needed, as LinearSVC

        smallest = min(
            sum(run.stop - run.start for run in runs) for runs in _parts(n_samples)
        )
        return MLPClassifier(
            (self.hidden,),
            alpha=self.alpha,
            batch_size=min(self.batch_size, smallest),
            learning_rate_init=self.learning_rate,
            random_state=self.random_state,
        )

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.

        Raises
        ------
        ValueError
            If the number of features differs, or a feature is out of range.
        """
        check_is_fitted(self)
        source = checked_features(self, X)
        parts = [self._read(source, runs) for runs in _parts(source.shape[0])]
        return np.concatenate([self.machine_.predict_proba(part) for part in parts])

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the most probable class.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_samples,)
            Labels.
        """
        check_is_fitted(self)
        labels: np.ndarray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def _set_scale(self, source: Any) -> None:
        """Measure the features that `_read` centres and divides."""
        found = feature_blocks(source, sqrt=self.count_transform == "sqrt").statistics()
        self._check_finite(found.mean)
        self.mean_ = found.mean.astype(np.float32)
        self.scale_ = np.where(found.sd > 0, found.sd, 1).astype(np.float32)

    def _read(self, source: Any, runs: Sequence[slice]) -> np.ndarray:
        """Return some runs of rows as standardized floats."""
        found = np.concatenate([source[run] for run in runs], dtype=np.float32)
        if self.count_transform == "sqrt":
            with np.errstate(invalid="ignore"):
                np.sqrt(found, out=found)
        found -= self.mean_
        found /= self.scale_
        self._check_finite(found)
        return found


@dataclass
class _Mean:
    """Mean of lists of arrays of the same shapes."""

    of: list[np.ndarray] = field(default_factory=list)
    count: int = 0

    def add(self, arrays: list[np.ndarray]) -> None:
        self.count += 1
        if self.count == 1:
            self.of = [array.copy() for array in arrays]
        for mean, array in zip(self.of, arrays, strict=True):
            mean += (array - mean) / self.count


def _parts(n_samples: int, rng: np.random.Generator | None = None) -> list[list[slice]]:
    """Deal runs of rows, shuffled if there is a generator, to parts of about one size."""
    starts = np.arange(0, n_samples, _RUN)
    n_parts = -(-n_samples // _PART)
    dealt = np.array_split(starts if rng is None else rng.permutation(starts), n_parts)
    return [
        [slice(a, min(a + _RUN, n_samples)) for a in np.sort(part).tolist()]
        for part in dealt
    ]
