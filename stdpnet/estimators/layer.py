"""One convolutional layer as a network description, on whole images or on patches."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stdpnet.models.network import Counter, Input, Population, Projection
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import (
    Convolution,
    Shape,
    SparseConvolution,
    SumPooling,
    WinnerTakeAll,
)
from stdpnet.network import Network
from stdpnet.units import Quantity


@dataclass(frozen=True, kw_only=True)
class ConvLayer:
    """Resolved parts of a `ConvSTDP`.

    Attributes
    ----------
    n_synapses : int or None
        Weights that are left in a network that does not learn any more.
    inputs : (int, int, int)
        Height, width and channels of the encoded images.
    """

    inputs: Shape
    n_maps: int
    convolution: Convolution
    stimulus: str
    neuron: NeuronModel
    rule: PlasticityRule
    inhibition: WinnerTakeAll | None
    pooling: SumPooling
    dt: Quantity
    dtype: str
    prunable: bool = False
    correlates: bool = False
    n_synapses: int | None = None

    @property
    def positions(self) -> Shape:
        """Shape (height, width, n_maps) of the feature maps."""
        return self.convolution.target_shape(self.inputs, self.n_maps)

    @property
    def title(self) -> str:
        """What ``stdpnet cache list`` shows."""
        size = self.convolution.height
        height, width, channels = self.inputs
        return (
            f"{self.n_maps} maps {size}x{size} on {height}x{width}x{channels}, "
            f"{type(self.neuron).__name__}, {type(self.rule).__name__}"
        )

    @property
    def features(self) -> Shape:
        """Shape of the pooled maps."""
        return self.pooling.target_shape(self.positions)

    def most_spikes(self, n_steps: int) -> int:
        """Return the largest possible count of a feature."""
        spikes = 1 if self.inhibition is not None else n_steps
        return spikes * self.pooling.size**2

    def spikes(self, counts: dict[str, np.ndarray]) -> np.ndarray:
        """Return the spikes of each map, shape (n_examples, n_maps)."""
        return counts["totals"][:, 0, 0]

    def _everywhere(self) -> SumPooling:
        side = max(self.positions[:2])
        return SumPooling(size=side, stride=side)

    def _afferents(self) -> Projection:
        ends: dict[str, Any] = {
            "name": "afferents",
            "source": "inputs",
            "target": "features",
        }
        geometry = self.convolution
        if self.n_synapses is not None:
            left = SparseConvolution(
                **geometry.get_params(), n_synapses=self.n_synapses
            )
            return Projection(**ends, geometry=left, weights=0.0)
        return Projection(
            **ends,
            geometry=geometry,
            rule=self.rule,
            prunable=self.prunable,
            correlates=self.correlates,
        )

    def network(self) -> Network:
        """Return the network that sees whole images."""
        return Network(
            inputs=(Input(name="inputs", shape=self.inputs, stimulus=self.stimulus),),
            populations=(
                Population(
                    name="features",
                    shape=self.positions,
                    neuron=self.neuron,
                    competition=self.inhibition,
                    adapts=self.n_synapses is None,
                ),
            ),
            projections=(self._afferents(),),
            counters=(
                Counter(name="counts", source="features", pooling=self.pooling),
                Counter(name="totals", source="features", pooling=self._everywhere()),
            ),
            dt=self.dt,
            dtype=self.dtype,
        )

    def on_patches(self) -> "ConvLayer":
        """Return the layer with a single position, for windows of the kernel's size."""
        size = self.convolution.height
        return replace(
            self,
            inputs=(size, size, self.inputs[2]),
            convolution=Convolution(height=size, width=size),
            pooling=SumPooling(size=1, stride=1),
        )
