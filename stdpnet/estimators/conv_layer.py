"""One convolutional layer as a network description, on whole images or on patches."""

from dataclasses import dataclass, replace

import numpy as np

from stdpnet.estimators.layer import Layer
from stdpnet.estimators.reading import Reading
from stdpnet.models.network import Counter
from stdpnet.models.projections import Convolution, Shape, SumPooling, WinnerTakeAll
from stdpnet.network import Network


@dataclass(frozen=True, kw_only=True)
class ConvLayer(Layer):
    """Resolved parts of a `ConvSTDP`."""

    n_maps: int
    convolution: Convolution
    inhibition: WinnerTakeAll | None
    reading: Reading

    @property
    def geometry(self) -> Convolution:
        """How the plastic synapses join inputs and neurons."""
        return self.convolution

    @property
    def positions(self) -> Shape:
        """Shape (height, width, n_maps) of the feature maps."""
        return self.convolution.target_shape(self.inputs, self.n_maps)

    @property
    def features(self) -> Shape:
        """Shape of the pooled maps."""
        return self.reading.shape(self.positions)

    def _size(self) -> str:
        size = self.convolution.height
        return f"{self.n_maps} maps {size}x{size}"

    def most_spikes(self, n_steps: int) -> int:
        """Return the largest possible count of a feature."""
        return self.reading.most(n_steps, once=self.inhibition is not None)

    def spikes(self, counts: dict[str, np.ndarray]) -> np.ndarray:
        """Return the spikes of each map, shape (n_examples, n_maps)."""
        return counts["totals"][:, 0, 0]

    def _everywhere(self) -> SumPooling:
        side = max(self.positions[:2])
        return SumPooling(size=side, stride=side)

    def network(self) -> Network:
        """Return the network that sees whole images."""
        neurons, windows, counts = self.reading.parts(
            "counts", "features", self.positions
        )
        return Network(
            inputs=(self._input(),),
            populations=(self._population(competition=self.inhibition), *neurons),
            projections=(self._afferents(), *windows),
            counters=(
                counts,
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
            reading=Reading(windows=SumPooling(size=1, stride=1)),
        )
