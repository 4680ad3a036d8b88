"""How the spikes of feature maps become features."""

from dataclasses import dataclass

from stdpnet.models.network import Counter, Population, Projection
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.projections import OneToOne, Shape, SumPooling

#: A population, a projection to it, and a counter; the first two may be missing.
Parts = tuple[tuple[Population, ...], tuple[Projection, ...], Counter]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Windows over maps, and what is added up in each.

    Attributes
    ----------
    windows : SumPooling
        Where spikes of a map are pooled.
    by_latency : bool
        Whether early spikes count more.
    neuron : NeuronModel or None
        Neuron of each window, whose spikes are counted; None: the spikes of the maps.
    """

    windows: SumPooling
    by_latency: bool = False
    neuron: NeuronModel | None = None

    def shape(self, maps: Shape) -> Shape:
        """Return the shape of the features of maps."""
        return self.windows.target_shape(maps)

    def most(self, n_steps: int, *, once: bool) -> int:
        """Return the largest possible count, of neurons that spike once or every step."""
        pooled = self.neuron is not None
        spikes = range(1 if once and not pooled else n_steps)
        counted = sum(n_steps - step if self.by_latency else 1 for step in spikes)
        return counted * (1 if pooled else self.windows.size**2)

    def parts(self, counter: str, source: str, maps: Shape) -> Parts:
        """Return what a network needs for it: pooling neurons, if any, and a counter."""
        if self.neuron is None:
            return (
                (),
                (),
                Counter(
                    name=counter,
                    source=source,
                    pooling=self.windows,
                    by_latency=self.by_latency,
                ),
            )
        name = f"{counter}_pooled"
        neurons = Population(name=name, shape=self.shape(maps), neuron=self.neuron)
        windows = Projection(
            name=f"{counter}_windows",
            source=source,
            target=name,
            geometry=self.windows,
            weights=1.0,
        )
        counted = Counter(
            name=counter, source=name, pooling=OneToOne(), by_latency=self.by_latency
        )
        return (neurons,), (windows,), counted
