"""A dense ensemble as a network description."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stdpnet.models.lateral import LateralInhibition
from stdpnet.models.network import Counter, Input, Population, Projection
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import Convolution, OneToOne, Shape, SparseConvolution
from stdpnet.network import Network
from stdpnet.units import Quantity


@dataclass(frozen=True, kw_only=True)
class DenseLayer:
    """Resolved parts of a `FullyConnectedSTDP`.

    Attributes
    ----------
    inputs : (int, int, int)
        Height, width and channels of the encoded images.
    total : float or None
        Sum of the weights of each neuron, restored before every presentation.
    n_synapses : int or None
        Weights that are left in a network that does not learn any more.
    """

    inputs: Shape
    n_neurons: int
    stimulus: str
    neuron: NeuronModel
    rule: PlasticityRule
    inhibition: LateralInhibition | None
    total: float | None
    max_delay: Quantity | None
    dt: Quantity
    dtype: str
    prunable: bool = False
    correlates: bool = False
    n_synapses: int | None = None

    @property
    def positions(self) -> Shape:
        """Shape of the ensemble."""
        return (1, 1, self.n_neurons)

    @property
    def features(self) -> Shape:
        """Shape of the counts."""
        return self.positions

    @property
    def title(self) -> str:
        """What ``stdpnet cache list`` shows."""
        height, width, channels = self.inputs
        return (
            f"{self.n_neurons} neurons on {height}x{width}x{channels}, "
            f"{type(self.neuron).__name__}, {type(self.rule).__name__}"
        )

    def most_spikes(self, n_steps: int) -> int:
        """Return the largest possible count of a feature."""
        return int(np.iinfo(np.uint16).max)

    def spikes(self, counts: dict[str, np.ndarray]) -> np.ndarray:
        """Return the spikes of each neuron, shape (n_examples, n_neurons)."""
        return counts["counts"][:, 0, 0]

    def _afferents(self) -> Projection:
        ends: dict[str, Any] = {
            "name": "afferents",
            "source": "inputs",
            "target": "features",
        }
        geometry = Convolution.dense(self.inputs)
        if self.n_synapses is not None:
            left = SparseConvolution(
                **geometry.get_params(), n_synapses=self.n_synapses
            )
            return Projection(**ends, geometry=left, weights=0.0)
        return Projection(
            **ends,
            geometry=geometry,
            rule=self.rule,
            total=self.total,
            max_delay=self.max_delay,
            prunable=self.prunable,
            correlates=self.correlates,
        )

    def network(self) -> Network:
        """Return the network; potentials go on from one presentation to the next."""
        populations: tuple[Population, ...] = ()
        projections: tuple[Projection, ...] = ()
        if self.inhibition is not None:
            populations, projections = self.inhibition.parts("features", self.positions)
        return Network(
            inputs=(Input(name="inputs", shape=self.inputs, stimulus=self.stimulus),),
            populations=(
                Population(
                    name="features",
                    shape=self.positions,
                    neuron=self.neuron,
                    adapts=self.n_synapses is None,
                ),
                *populations,
            ),
            projections=(
                self._afferents(),
                *projections,
            ),
            counters=(Counter(name="counts", source="features", pooling=OneToOne()),),
            dt=self.dt,
            dtype=self.dtype,
            continuous=True,
        )
