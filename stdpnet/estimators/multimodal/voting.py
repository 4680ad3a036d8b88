"""Neurons of several modalities that vote, each modality with one voice."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted, column_or_1d

from stdpnet.readout import NeuronVoteClassifier


class JointVoting:
    """The part of a `MultimodalSTDP` that knows of labels, after learning without them."""

    def counts(self, X: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the spike counts of every modality."""
        raise NotImplementedError

    def label(self, X: Mapping[str, Any], y: Any) -> Self:
        """Give each neuron the class of labelled pairs that it responds to most.

        Raises
        ------
        ValueError
            If there is not one label for each pair.
        """
        labels = _checked_labels(X, y)
        counts = self.counts(X)
        self.votes_ = {
            name: NeuronVoteClassifier(vote="proportion").fit(shares(found), labels)
            for name, found in counts.items()
        }
        self.classes_ = np.unique(labels)
        return self

    def predict(self, X: Mapping[str, Any]) -> np.ndarray:
        """Return the class with most votes of the modalities that are given."""
        check_is_fitted(
            self,
            "votes_",
            msg="This %(name)s has no labels yet; call 'label' with labelled pairs first",
        )
        counts = self.counts(X)
        scores = sum(self.votes_[name].votes(shares(counts[name])) for name in X)
        return self.classes_[np.asarray(scores).argmax(axis=1)]

    def score(self, X: Mapping[str, Any], y: Any) -> float:
        """Return the accuracy of `predict`.

        Raises
        ------
        ValueError
            If there is not one label for each pair.
        """
        labels = _checked_labels(X, y)
        return float(np.mean(self.predict(X) == labels))


def shares(counts: np.ndarray) -> np.ndarray:
    """Return the share of each neuron in the spikes of its modality, example by example."""
    total = counts.sum(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(counts / np.maximum(total, 1))


def _checked_labels(X: Mapping[str, Any], y: Any) -> np.ndarray:
    labels: np.ndarray = column_or_1d(y, warn=True)
    for name, values in X.items():
        if len(values) != len(labels):
            raise ValueError(
                f"MultimodalSTDP: there must be one label for each pair, got "
                f"{len(labels)} for {len(values)} of {name!r}"
            )
    return labels
