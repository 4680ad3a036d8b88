"""Label each neuron by the class it prefers and let the neurons vote."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from stdpnet.readout.blocks import feature_blocks
from stdpnet.readout.checks import (
    check_choice,
    check_classes,
    checked_examples,
    checked_features,
)

VOTES = ("all", "proportion")


def class_means(counts: Any, y: ArrayLike, classes: ArrayLike) -> np.ndarray:
    """Return the mean response of each neuron to each class.

    Parameters
    ----------
    counts : ndarray, memmap or h5py.Dataset, shape (n_samples, n_neurons)
        Non-negative spike counts.
    y : array-like, shape (n_samples,)
        Labels.
    classes : array-like, shape (n_classes,)
        Labels to average over; a class without examples has mean 0.

    Returns
    -------
    ndarray, shape (n_classes, n_neurons)
        Mean spikes an example.

    Raises
    ------
    ValueError
        If sizes disagree, or a count is negative or NaN.
    """
    labels, names = np.asarray(y), np.asarray(classes)
    if len(labels) != counts.shape[0]:
        raise ValueError(
            f"class_means: y must have one label for each of the {counts.shape[0]} "
            f"examples, got {len(labels)}"
        )
    members = (labels[:, None] == names).astype(np.float64)
    blocks = feature_blocks(counts)
    _check_counts(blocks.statistics().minimum, "class_means")
    sums = blocks.backward(members).T
    return sums / np.maximum(members.sum(axis=0), 1)[:, None]


def assign_labels(counts: Any, y: ArrayLike, classes: ArrayLike) -> np.ndarray:
    """Assign each neuron the class to which it responds most on average.

    The mean over the examples of a class, not the sum, so that frequent classes gain
    nothing. Of classes with equal means the first in `classes` wins.

    Parameters
    ----------
    counts : ndarray, memmap or h5py.Dataset, shape (n_samples, n_neurons)
        Non-negative spike counts.
    y : array-like, shape (n_samples,)
        Labels of the examples.
    classes : array-like, shape (n_classes,)
        All labels, in the order the result refers to.

    Returns
    -------
    ndarray of int, shape (n_neurons,)
        Indices into `classes`; -1 for a neuron that never spiked.

    Raises
    ------
    ValueError
        If sizes disagree, or a count is negative or NaN.

    References
    ----------
    Diehl and Cook (2015), doi:10.3389/fncom.2015.00099.
    """
    return _preferred(class_means(counts, y, classes))


def vote(
    counts: Any,
    neuron_labels: ArrayLike,
    classes: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    default: Any = None,
) -> np.ndarray:
    """Predict the class whose neurons spiked most on average.

    Of classes with equal means the first in `classes` wins.

    Parameters
    ----------
    counts : ndarray, memmap or h5py.Dataset, shape (n_samples, n_neurons)
        Non-negative spike counts.
    neuron_labels : array-like of int, shape (n_neurons,)
        Indices into `classes`, -1 for neurons without a vote.
    classes : array-like, shape (n_classes,)
        Labels.
    weights : array-like, shape (n_neurons,), optional
        Weight of each neuron's spikes; default is 1.
    default : label, optional
        Prediction for an example in which no labelled neuron spiked; default is the
        first class.

    Returns
    -------
    ndarray, shape (n_samples,)
        Predicted labels.

    Raises
    ------
    ValueError
        If sizes disagree, or a count is negative or NaN.
    """
    names = np.asarray(classes)
    scores = vote_scores(counts, neuron_labels, len(names), weights=weights)
    return _winners(scores, names, names[0] if default is None else default)


def vote_scores(
    counts: Any,
    neuron_labels: ArrayLike,
    n_classes: int,
    *,
    weights: ArrayLike | None = None,
) -> np.ndarray:
    """Return the mean count of the neurons of each class, example by example.

    Parameters
    ----------
    counts, neuron_labels, weights
        As for `vote`.
    n_classes : int
        Number of classes.

    Returns
    -------
    ndarray, shape (n_samples, n_classes)
        Mean spikes a neuron; 0 for a class without neurons.

    Raises
    ------
    ValueError
        If sizes disagree, or a count is negative or NaN.
    """
    labels = np.asarray(neuron_labels)
    if len(labels) != counts.shape[1]:
        raise ValueError(
            f"vote: neuron_labels must have one entry for each of the "
            f"{counts.shape[1]} features, got {len(labels)}"
        )
    members = (labels[:, None] == np.arange(n_classes)).astype(np.float64)
    sizes = np.maximum(members.sum(axis=0), 1)
    if weights is not None:
        members *= np.asarray(weights)[:, None]
    blocks = feature_blocks(counts)
    _check_counts(blocks.statistics().minimum, "vote")
    return blocks.forward(members).astype(np.float64) / sizes


class NeuronVoteClassifier(ClassifierMixin, BaseEstimator):
    """Classify by neurons that were labelled with the class they prefer.

    `fit` assigns each neuron the class with its highest mean response; `predict`
    takes the class whose neurons have the highest mean count, of equal ones the first
    in `classes_`. An example in which no labelled neuron spikes is given the most
    frequent class of the training set.

    Parameters
    ----------
    vote : {"all", "proportion"}
        "all": every spike counts one. "proportion": a neuron's spikes are weighted by
        the share of its class in the sum of its mean responses, so that selective
        neurons count more.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Sorted labels.
    neuron_labels_ : ndarray of int, shape (n_features,)
        Indices into `classes_`; -1 for neurons that never spiked.
    class_means_ : ndarray, shape (n_classes, n_features)
        Mean spikes of each neuron an example of each class.
    most_frequent_ : label
        Most frequent class of the training set.
    n_silent_ : int
        Examples of the training set without a vote.
    n_features_in_ : int
        Number of neurons.

    References
    ----------
    Diehl and Cook (2015), doi:10.3389/fncom.2015.00099. "proportion" is the weighting
    that BindsNET calls so; Hazan et al. (2018), doi:10.3389/fninf.2018.00089.
    """

    def __init__(self, vote: Literal["all", "proportion"] = "all") -> None:
        self.vote = vote

    def __sklearn_tags__(self) -> Any:
        """Say that features are counts, and votes of a few of them are coarse."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.classifier_tags.poor_score = True
        return tags

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any features."""
        check_choice(self, "vote", VOTES)

    def fit(self, X: ArrayLike, y: ArrayLike) -> NeuronVoteClassifier:
        """Label the neurons.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Non-negative spike counts.
        y : array-like, shape (n_samples,)
            Labels.

        Returns
        -------
        NeuronVoteClassifier
            This object.

        Raises
        ------
        ValueError
            If `vote` is unknown, a count is negative or NaN, sizes disagree, or there
            are fewer than two classes.
        """
        self.check_parameters()
        counts, labels = checked_examples(self, X, y)
        self.classes_, sizes = np.unique(labels, return_counts=True)
        check_classes(self, self.classes_)
        self.most_frequent_ = self.classes_[sizes.argmax()]
        self.class_means_ = class_means(counts, labels, self.classes_)
        self.neuron_labels_ = _preferred(self.class_means_)
        self.n_silent_ = int(_is_silent(self._scores(counts)).sum())
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the class with most votes.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Non-negative spike counts.

        Returns
        -------
        ndarray, shape (n_samples,)
            Labels.

        Raises
        ------
        ValueError
            If a count is negative or NaN, or the number of features differs.
        """
        scores = self.votes(X)
        return _winners(scores, self.classes_, self.most_frequent_)

    def votes(self, X: ArrayLike) -> np.ndarray:
        """Return the votes for each class, to be added to those of other classifiers.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Non-negative spike counts.

        Returns
        -------
        ndarray, shape (n_samples, n_classes)
            Mean of the (weighted) counts of the neurons of each class.

        Raises
        ------
        ValueError
            If a count is negative or NaN, or the number of features differs.
        """
        check_is_fitted(self)
        return self._scores(checked_features(self, X))

    def _scores(self, counts: Any) -> np.ndarray:
        weights = None
        if self.vote == "proportion":
            total = self.class_means_.sum(axis=0)
            weights = self.class_means_.max(axis=0) / np.where(total > 0, total, 1)
        return vote_scores(
            counts, self.neuron_labels_, len(self.classes_), weights=weights
        )


def _preferred(means: np.ndarray) -> np.ndarray:
    return np.where(means.max(axis=0) > 0, means.argmax(axis=0), -1)


def _is_silent(scores: np.ndarray) -> np.ndarray:
    silent: np.ndarray = scores.max(axis=1) == 0
    return silent


def _winners(scores: np.ndarray, classes: np.ndarray, default: Any) -> np.ndarray:
    # Not by assignment, which would cut a default longer than the classes' names.
    return np.where(_is_silent(scores), default, classes[scores.argmax(axis=1)])


def _check_counts(minimum: float, where: str) -> None:
    if not minimum >= 0:
        raise ValueError(
            f"Negative values in data or NaN passed to {where}; counts must be >= 0, "
            f"got {minimum}"
        )
