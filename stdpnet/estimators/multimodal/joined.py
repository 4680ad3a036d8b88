"""One network of several: parts under names of their own, and connections between them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from stdpnet.engine.run import ChunkResult
from stdpnet.models.network import Projection
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import AllToAll
from stdpnet.network import Network


def named(modality: str, name: str) -> str:
    """Return what a part of a modality's network, or something of it, is called."""
    return f"{modality}_{name}"


def connection(source: str, target: str) -> str:
    """Return the name of the connections from one modality to another."""
    return f"{source}_to_{target}"


def inside(modality: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what belongs to one modality, by the names of its own network."""
    start = named(modality, "")
    across = connection(modality, "")
    return {
        name.removeprefix(start): value
        for name, value in found.items()
        if name.startswith(start) and not name.startswith(across)
    }


def outside(modality: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what belongs to one modality, by the names of the joined network."""
    return {named(modality, name): value for name, value in found.items()}


def result_of(modality: str, result: ChunkResult) -> ChunkResult:
    """Return a chunk as one modality's own network would have left it."""
    return ChunkResult(
        inside(modality, result.state),
        inside(modality, result.counts),
        events=inside(modality, result.events),
        presentations=result.presentations,
    )


@dataclass(frozen=True)
class JoinedLayers:
    """Layers of several modalities as one network.

    Attributes
    ----------
    layers : dict of Layer
        Of each modality.
    rule : PlasticityRule or None
        Of the connections between modalities; None for none.
    totals : dict of float
        Sum of the weights that each neuron of a modality gets from another one.
    acts : bool
        Whether those connections excite; without, they only learn.
    """

    layers: Mapping[str, Any]
    rule: PlasticityRule | None
    totals: Mapping[str, float]
    acts: bool = True

    @property
    def connections(self) -> dict[str, tuple[str, str]]:
        """Names of all connections, with the modalities that they lead from and to."""
        if self.rule is None:
            return {}
        return {connection(*pair): pair for pair in permutations(self.layers, 2)}

    @property
    def title(self) -> str:
        """What ``stdpnet cache list`` shows."""
        return "; ".join(
            f"{name}: {layer.title}" for name, layer in self.layers.items()
        )

    def network(self) -> Network:
        """Return the network; names of parts begin with that of their modality."""
        networks = {name: layer.network() for name, layer in self.layers.items()}
        first = next(iter(networks.values()))
        between = [
            self._between(name, *pair) for name, pair in self.connections.items()
        ]
        return Network(
            inputs=_renamed(networks, "inputs"),
            populations=_renamed(networks, "populations"),
            projections=(*_renamed(networks, "projections"), *between),
            counters=_renamed(networks, "counters"),
            dt=first.dt,
            dtype=first.dtype,
            continuous=tuple(_going_on(networks)),
        )

    def _between(self, name: str, source: str, target: str) -> Projection:
        return Projection(
            name=name,
            source=named(source, "features"),
            target=named(target, "features"),
            geometry=AllToAll(),
            rule=self.rule,
            total=self.totals[target],
            transmits=self.acts,
        )


def _going_on(networks: Mapping[str, Network]) -> Iterator[str]:
    """Return the groups of the networks that do not start each presentation anew."""
    for modality, network in networks.items():
        if network.continuous:
            yield from (named(modality, part.name) for part in network.inputs)
            yield from (named(modality, part.name) for part in network.populations)


def _renamed(networks: Mapping[str, Network], kind: str) -> tuple[Any, ...]:
    return tuple(
        replace(
            part,
            **{
                field: named(modality, getattr(part, field))
                for field in ("name", "source", "target")
                if hasattr(part, field)
            },
        )
        for modality, network in networks.items()
        for part in getattr(network, kind)
    )
