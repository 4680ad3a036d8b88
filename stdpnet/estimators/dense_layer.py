"""A dense ensemble as a network description."""

from dataclasses import dataclass

import numpy as np

from stdpnet.estimators.layer import Layer
from stdpnet.models.lateral import LateralInhibition
from stdpnet.models.network import Counter, Population, Projection
from stdpnet.models.projections import Convolution, OneToOne, Shape
from stdpnet.network import Network
from stdpnet.units import Quantity


@dataclass(frozen=True, kw_only=True)
class DenseLayer(Layer):
    """Resolved parts of a `FullyConnectedSTDP`.

    Attributes
    ----------
    total : float or None
        Sum of the weights of each neuron, restored before every presentation.
    """

    n_neurons: int
    inhibition: LateralInhibition | None
    total: float | None
    max_delay: Quantity | None

    @property
    def geometry(self) -> Convolution:
        """How the plastic synapses join inputs and neurons."""
        return Convolution.dense(self.inputs)

    @property
    def positions(self) -> Shape:
        """Shape of the ensemble."""
        return (1, 1, self.n_neurons)

    @property
    def features(self) -> Shape:
        """Shape of the counts."""
        return self.positions

    def _size(self) -> str:
        return f"{self.n_neurons} neurons"

    def most_spikes(self, n_steps: int) -> int:
        """Return the largest possible count of a feature."""
        return int(np.iinfo(np.uint16).max)

    def spikes(self, counts: dict[str, np.ndarray]) -> np.ndarray:
        """Return the spikes of each neuron, shape (n_examples, n_neurons)."""
        return counts["counts"][:, 0, 0]

    def network(self) -> Network:
        """Return the network; potentials go on from one presentation to the next."""
        populations: tuple[Population, ...] = ()
        projections: tuple[Projection, ...] = ()
        if self.inhibition is not None:
            populations, projections = self.inhibition.parts("features", self.positions)
        afferents = self._afferents(total=self.total, max_delay=self.max_delay)
        return Network(
            inputs=(self._input(),),
            populations=(self._population(), *populations),
            projections=(afferents, *projections),
            counters=(Counter(name="counts", source="features", pooling=OneToOne()),),
            dt=self.dt,
            dtype=self.dtype,
            continuous=True,
        )
