"""What one modality evokes in another."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stdpnet.catalog import unknown_name


class Recalling:
    """The part of a `MultimodalSTDP` that imagines what it is not shown."""

    members_: dict[str, Any]

    @property
    def cross_weights_(self) -> dict[tuple[str, str], np.ndarray]:
        """Learned connections."""
        raise NotImplementedError

    def counts(self, X: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the spike counts of every modality."""
        raise NotImplementedError

    def recall(self, X: Mapping[str, Any], target: str) -> np.ndarray:
        """Return what a modality that is not shown is expected to see.

        The receptive fields of its neurons, weighted by what the spikes of the other
        modalities deliver to each over the learned connections, beyond what they
        deliver to a neuron on average.

        Parameters
        ----------
        X : dict of array-like
            Data of one or more of the other modalities.
        target : str
            The modality that recalls.

        Returns
        -------
        ndarray of float, shape (n, height, width, channels)
            Expected receptive field for each example; zero where nothing is delivered.

        Raises
        ------
        ValueError
            If `target` is unknown or among the data, or there are no connections.
        """
        if target not in self.members_:
            raise ValueError(unknown_name("modality", target, self.members_))
        if target in X:
            raise ValueError(
                f"MultimodalSTDP: {target!r} is shown, so it is not recalled; leave it "
                "out of the data"
            )
        if not self.cross_weights_:
            raise ValueError(
                "MultimodalSTDP: nothing is recalled without connections between "
                "modalities; give cross_rule"
            )
        counts = self.counts(X)
        drive = np.sum(
            [counts[source] @ self.cross_weights_[source, target] for source in X],
            axis=0,
        )
        drive = np.maximum(drive - drive.mean(axis=1, keepdims=True), 0)
        shares = drive / np.maximum(drive.sum(axis=1, keepdims=True), 1e-12)
        fields: np.ndarray = np.tensordot(shares, self.members_[target].kernels_, 1)
        return fields
