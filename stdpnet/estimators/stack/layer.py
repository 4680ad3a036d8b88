"""A layer with the layers below it as one network description."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from stdpnet.estimators.conv_layer import ConvLayer
from stdpnet.estimators.reading import Reading
from stdpnet.models.network import Input, Population, Projection
from stdpnet.models.neurons import NeuronModel, SoftResetIF
from stdpnet.models.projections import (
    Convolution,
    OneToOne,
    Shape,
    SumPooling,
    WinnerTakeAll,
)
from stdpnet.network import Network


@dataclass(frozen=True, kw_only=True)
class Lower:
    """A layer as those above see it: frozen, and as it is when features are computed.

    Attributes
    ----------
    name : str
        Of its population.
    source, shape : (int, int, int)
        Shapes of what its kernels see, and of its maps.
    windows : SumPooling or None
        Pooling between this layer and the next.
    reading : Reading
        How its spikes become features.
    added : tuple of str
        Earlier layers whose spikes its kernels see besides those of the layer before.
    """

    name: str
    source: Shape
    shape: Shape
    convolution: Convolution
    neuron: NeuronModel
    inhibition: WinnerTakeAll | None
    windows: SumPooling | None
    reading: Reading
    added: tuple[str, ...] = ()

    @property
    def passed_on(self) -> Shape:
        """Shape of what the next layer sees."""
        return self.windows.target_shape(self.shape) if self.windows else self.shape

    @property
    def output(self) -> str:
        """Population that the next layer sees."""
        return f"{self.name}_pooled" if self.windows else self.name

    @property
    def projection(self) -> str:
        """Name of its kernels in a network."""
        return f"{self.name}_kernels"


@dataclass
class Wiring:
    """Populations and projections of some layers, collected from below."""

    pooler: NeuronModel
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    source: str = "inputs"
    #: Time steps that spikes are under way until here.
    delay: int = 0

    def add(self, lower: Lower) -> None:
        """Add a layer that does not learn, and the pooling after it."""
        if self.populations:
            self.delay += 1
        source = self.summed(lower.name, lower.added, lower.source)
        self.populations.append(
            Population(
                name=lower.name,
                shape=lower.shape,
                neuron=lower.neuron,
                competition=lower.inhibition,
                adapts=False,
            )
        )
        self._join(lower.projection, source, lower.name, lower.convolution, 0.0)
        if lower.windows:
            self._relay(lower.output, lower.passed_on, self.pooler)
            self._join(f"{lower.name}_windows", lower.name, lower.output, lower.windows)
        self.outputs[lower.name] = self.source = lower.output

    def summed(self, name: str, added: tuple[str, ...], shape: Shape) -> str:
        """Return the population that a layer sees: the one below, or a sum of several."""
        if not added:
            return self.source
        total = f"{name}_sum"
        self._relay(total, shape, SoftResetIF(v_th=1.0))
        for source in (self.source, *(self.outputs[one] for one in added)):
            self._join(f"{total}_of_{source}", source, total, OneToOne())
        return total

    def _relay(self, name: str, shape: Shape, neuron: NeuronModel) -> None:
        self.delay += 1
        self.populations.append(Population(name=name, shape=shape, neuron=neuron))

    def _join(
        self, name: str, source: str, target: str, geometry: Any, weights: float = 1.0
    ) -> None:
        self.projections.append(
            Projection(
                name=name,
                source=source,
                target=target,
                geometry=geometry,
                weights=weights,
            )
        )


@dataclass(frozen=True, kw_only=True)
class StackLayer(ConvLayer):
    """Resolved parts of a layer of a `ConvStack`, with the frozen ones below it.

    Attributes
    ----------
    image : (int, int, int)
        Shape of the encoded images; `inputs` is that of what the kernels see.
    below : tuple of Lower
        The layers below, the first one first.
    added : tuple of str
        Earlier layers whose spikes the kernels see besides those of the layer before.
    read : tuple of str
        Lower layers whose counts are features too.
    pooler : NeuronModel
        Neuron of the pooling between layers.
    """

    image: Shape
    below: tuple[Lower, ...]
    added: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    pooler: NeuronModel

    @property
    def features(self) -> Shape:
        """Shape of the pooled maps; of several layers, their number as that of maps."""
        if not self.read:
            return super().features
        n_lower = sum(
            int(np.prod(lower.reading.shape(lower.shape))) for lower in self._read()
        )
        return (1, 1, n_lower + int(np.prod(super().features)))

    @property
    def delay(self) -> int:
        """Time steps that spikes take longer to the maps than to those of one layer."""
        return self._wiring()[0].delay + 1

    def _size(self) -> str:
        depth = len(self.below)
        return f"{super()._size()} on {depth} layer{'s' if depth > 1 else ''}"

    def most_spikes(self, n_steps: int) -> int:
        """Return the largest possible count of a feature."""
        n_steps += self.delay
        below = (
            lower.reading.most(n_steps, once=lower.inhibition is not None)
            for lower in self._read()
        )
        return max(super().most_spikes(n_steps), *below, 0)

    def pooled(self, counts: dict[str, np.ndarray]) -> np.ndarray:
        """Return the features, shape (n_examples, n_features), lower layers first."""
        names = [*(f"{lower.name}_counts" for lower in self._read()), "counts"]
        n = len(counts["counts"])
        return np.concatenate([counts[name].reshape(n, -1) for name in names], axis=1)

    def _read(self) -> Iterator[Lower]:
        return (lower for lower in self.below if lower.name in self.read)

    def _input(self) -> Input:
        return replace(super()._input(), shape=self.image)

    def _wiring(self) -> tuple[Wiring, str]:
        """Return the layers below, and the population that the kernels see."""
        wiring = Wiring(self.pooler)
        for lower in self.below:
            wiring.add(lower)
        return wiring, wiring.summed("features", self.added, self.inputs)

    def network(self) -> Network:
        """Return the network: only its last layer can learn."""
        wiring, source = self._wiring()
        top = super().network()
        kernels, *windows_of_top = top.projections
        counters = []
        for lower in self._read():
            neurons, windows, counts = lower.reading.parts(
                f"{lower.name}_counts", lower.name, lower.shape
            )
            wiring.populations += neurons
            wiring.projections += windows
            counters.append(counts)
        return replace(
            top,
            populations=(*wiring.populations, *top.populations),
            projections=(
                *wiring.projections,
                replace(kernels, source=source),
                *windows_of_top,
            ),
            counters=(*counters, *top.counters),
        )
