"""A classifier with one hidden layer for spike counts."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from stdpnet.readout.checks import (
    check_choice,
    check_classes,
    checked_examples,
    checked_features,
)
from stdpnet.readout.linear import CHOICES, RULES

_WHOLE = ("hidden", "batch_size", "n_epochs")
_ROWS = 4096


class MLPReadout(ClassifierMixin, BaseEstimator):
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
    All transformed features are held in memory, 4 bytes each.

    References
    ----------
    Kingma and Ba (2015), arXiv:1412.6980, for Adam.
    """

    def __init__(
        self,
        hidden: int = 512,
        alpha: float = 0.1,
        learning_rate: float = 5e-4,
        batch_size: int = 128,
        n_epochs: int = 15,
        count_transform: Literal["none", "sqrt"] = "sqrt",
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.count_transform = count_transform
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Say that square roots need non-negative features."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.count_transform == "sqrt"
        return tags

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any features."""
        check_choice(self, "count_transform", CHOICES["count_transform"])
        rules = dict.fromkeys(_WHOLE, RULES["max_iter"])
        rules |= {"alpha": RULES["memory_bytes"], "learning_rate": RULES["C"]}
        rules["random_state"] = RULES["random_state"]
        for name, (rule, holds) in rules.items():
            value = getattr(self, name)
            if not holds(value):
                raise ValueError(f"MLPReadout.{name} must be {rule}, got {value!r}")

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
        from sklearn.neural_network import MLPClassifier  # rarely needed, as LinearSVC

        self.check_parameters()
        source, labels = checked_examples(self, X, y)
        self.classes_ = np.unique(labels)
        check_classes(self, self.classes_)
        features = self._transformed(source)
        self.mean_ = features.mean(axis=0, dtype=np.float64).astype(np.float32)
        features -= self.mean_
        spread = np.sqrt(np.einsum("ij,ij->j", features, features) / len(features))
        self.scale_ = np.where(spread > 0, spread, 1).astype(np.float32)
        features /= self.scale_
        self.machine_ = MLPClassifier(
            (self.hidden,),
            alpha=self.alpha,
            batch_size=min(self.batch_size, len(features)),
            learning_rate_init=self.learning_rate,
            max_iter=self.n_epochs,
            n_iter_no_change=self.n_epochs,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            # The number of epochs is a choice, not a limit that was too low.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.machine_.fit(features, labels)
        return self

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
        parts = []
        for start in range(0, source.shape[0], _ROWS):
            rows = self._transformed(source[start : start + _ROWS])
            rows -= self.mean_
            rows /= self.scale_
            parts.append(self.machine_.predict_proba(rows))
        return np.concatenate(parts)

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

    def _transformed(self, source: Any) -> np.ndarray:
        """Return transformed counts as floats, not yet centred."""
        found: np.ndarray = np.array(source[:], dtype=np.float32)
        if self.count_transform == "sqrt":
            if (found < 0).any():
                raise ValueError(
                    "Negative values in data passed to MLPReadout: features must be >= "
                    "0 with count_transform='sqrt'; repair the features, or transform "
                    "nothing"
                )
            np.sqrt(found, out=found)
        return found
