"""What networks have in common as descriptions: inputs, plastic synapses, neurons."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stdpnet.models.network import Input, Population, Projection
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import Convolution, Shape, SparseConvolution
from stdpnet.network import Network
from stdpnet.units import Quantity


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Base: resolved parts of a network.

    Attributes
    ----------
    inputs : (int, int, int)
        Height, width and channels of the encoded images.
    frames : int or None
        Frames of an encoded image, shown one after the other.
    n_synapses : int or None
        Weights that are left in a network that does not learn any more.
    """

    inputs: Shape
    stimulus: str
    neuron: NeuronModel
    rule: PlasticityRule
    dt: Quantity
    dtype: str
    prunable: bool = False
    correlates: bool = False
    n_synapses: int | None = None
    frames: int | None = None

    @property
    def geometry(self) -> Convolution:
        """How the plastic synapses join inputs and neurons."""
        raise NotImplementedError

    @property
    def positions(self) -> Shape:
        """Shape of the neurons."""
        raise NotImplementedError

    @property
    def features(self) -> Shape:
        """Shape of the features."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """What ``stdpnet cache list`` shows."""
        height, width, channels = self.inputs
        frames = "" if self.frames is None else f" in {self.frames} frames"
        return (
            f"{self._size()} on {height}x{width}x{channels}{frames}, "
            f"{type(self.neuron).__name__}, {type(self.rule).__name__}"
        )

    def _size(self) -> str:
        raise NotImplementedError

    def most_spikes(self, n_steps: int) -> int:
        """Return the largest possible count of a feature."""
        raise NotImplementedError

    def pooled(self, counts: dict[str, np.ndarray]) -> np.ndarray:
        """Return the features, shape (n_examples, n_features)."""
        return counts["counts"].reshape(len(counts["counts"]), -1)

    def spikes(self, counts: dict[str, np.ndarray]) -> np.ndarray:
        """Return the spikes of each map, shape (n_examples, n_maps)."""
        raise NotImplementedError

    def network(self) -> Network:
        """Return the network."""
        raise NotImplementedError

    def _input(self) -> Input:
        return Input(
            name="inputs",
            shape=self.inputs,
            stimulus=self.stimulus,
            frames=self.frames,
        )

    def _population(self, **others: Any) -> Population:
        return Population(
            name="features",
            shape=self.positions,
            neuron=self.neuron,
            adapts=self.n_synapses is None,
            **others,
        )

    def _afferents(self, **others: Any) -> Projection:
        """Return the plastic synapses, or those that are left; `others` for the former."""
        ends: dict[str, Any] = {
            "name": "afferents",
            "source": "inputs",
            "target": "features",
        }
        if self.n_synapses is None:
            return Projection(
                **ends,
                geometry=self.geometry,
                rule=self.rule,
                prunable=self.prunable,
                correlates=self.correlates,
                **others,
            )
        left = SparseConvolution(
            **self.geometry.get_params(), n_synapses=self.n_synapses
        )
        return Projection(**ends, geometry=left, weights=0.0)
