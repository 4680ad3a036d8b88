"""Features that vote: labelled by the images that they respond to most."""

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from stdpnet.estimators.images import as_images
from stdpnet.readout import assign_labels, vote


class Voting:
    """The part of a network that knows of labels, after learning without them."""

    image_shape: tuple[int, ...] | None
    _learned: ClassVar[str]

    def transform(self, X: Any) -> np.ndarray:
        """Return the features of images."""
        raise NotImplementedError

    def label(self, X: Any, y: Any) -> Self:
        """Give each feature the class of labelled images that it responds to most.

        Raises
        ------
        ValueError
            If there is not one label for each image.
        """
        labels = _checked_labels(X, y)
        counts = self.transform(X)
        self.classes_ = np.unique(labels)
        self.neuron_labels_ = assign_labels(counts, labels, self.classes_)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the class whose features spike most, after `label`."""
        if hasattr(self, self._learned):
            as_images(self, X, self.image_shape, reset=False)
        check_is_fitted(
            self,
            "neuron_labels_",
            msg="This %(name)s has no labels yet; call 'label' with labelled images first",
        )
        return vote(self.transform(X), self.neuron_labels_, self.classes_)

    def score(self, X: Any, y: Any) -> float:
        """Return the accuracy of `predict`.

        Raises
        ------
        ValueError
            If there is not one label for each image.
        """
        labels = _checked_labels(X, y)
        return float(np.mean(self.predict(X) == labels))


def _checked_labels(X: Any, y: Any) -> np.ndarray:
    labels: np.ndarray = column_or_1d(y, warn=True)
    check_consistent_length(X, labels)
    return labels
