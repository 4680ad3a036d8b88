"""What one modality evokes in another."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.estimators.multimodal.parts import JoinedParts
from stdpnet.models.projections import Convolution


class Recalling(JoinedParts):
    """The part of a `MultimodalSTDP` that imagines what it is not shown."""

    def _counts(
        self, X: Mapping[str, Any], *, pooled: bool = True
    ) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def recall(self, X: Mapping[str, Any], target: str) -> np.ndarray:
        """Return what a modality that is not shown is expected to see.

        The receptive fields of its neurons, weighted by what the spikes of the other
        modalities deliver to each over the learned connections, beyond what they
        deliver to a neuron on average. The receptive field of a neuron in a feature
        map is the kernel, where the neuron is.

        Parameters
        ----------
        X : dict of array-like
            Data of one or more of the other modalities.
        target : str
            The modality that recalls.

        Returns
        -------
        ndarray of float, shape (n, height, width, channels)
            Expected receptive field for each example, with the channels of the encoded
            images; zero where nothing is delivered.

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
        counts = self._counts(X, pooled=False)
        drive = np.sum(
            [counts[source] @ self.cross_weights_[source, target] for source in X],
            axis=0,
        )
        drive = np.maximum(drive - drive.mean(axis=1, keepdims=True), 0)
        shares = drive / np.maximum(drive.sum(axis=1, keepdims=True), 1e-12)
        recalling = self.members_[target]
        return weighted_fields(recalling.layer(), recalling.kernels_, shares)


def weighted_fields(layer: Any, kernels: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return sums of receptive fields: each kernel where its neurons are.

    Parameters
    ----------
    layer : Layer
        Where the neurons are.
    kernels : ndarray, shape (n_maps, kernel_height, kernel_width, channels)
        Of the maps; in a dense layer every neuron is a map.
    shares : ndarray, shape (n, n_neurons)
        What the receptive field of each neuron is multiplied with.

    Returns
    -------
    ndarray of float, shape (n, height, width, channels)
    """
    geometry: Convolution = layer.geometry
    height, width, channels = layer.inputs
    margin, step = geometry.padding, geometry.stride
    fields = np.zeros(
        (len(shares), height + 2 * margin, width + 2 * margin, channels), shares.dtype
    )
    by_place = shares.reshape(-1, *layer.positions)
    for y, x in np.ndindex(*layer.positions[:2]):
        rows = slice(y * step, y * step + geometry.height)
        columns = slice(x * step, x * step + geometry.width)
        fields[:, rows, columns] += np.tensordot(by_place[:, y, x], kernels, 1)
    return fields[:, margin : margin + height, margin : margin + width]
