"""One convolutional layer as a network description, on whole images or on patches."""

from dataclasses import dataclass, replace

from stdpnet.models.network import Counter, Input, Population, Projection
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import Convolution, Shape, SumPooling, WinnerTakeAll
from stdpnet.network import Network
from stdpnet.units import Quantity


@dataclass(frozen=True, kw_only=True)
class ConvLayer:
    """Resolved parts of a `ConvSTDP`.

    Attributes
    ----------
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

    @property
    def positions(self) -> Shape:
        """Shape (height, width, n_maps) of the feature maps."""
        return self.convolution.target_shape(self.inputs, self.n_maps)

    @property
    def features(self) -> Shape:
        """Shape of the pooled maps."""
        return self.pooling.target_shape(self.positions)

    def _everywhere(self) -> SumPooling:
        side = max(self.positions[:2])
        return SumPooling(size=side, stride=side)

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
                ),
            ),
            projections=(
                Projection(
                    name="afferents",
                    source="inputs",
                    target="features",
                    geometry=self.convolution,
                    rule=self.rule,
                ),
            ),
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
