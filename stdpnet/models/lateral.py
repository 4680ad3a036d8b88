"""Lateral inhibition of a dense ensemble, as populations and projections."""

from dataclasses import dataclass
from typing import ClassVar

from stdpnet.config import Parameters, number
from stdpnet.models.neurons import ConductanceLIF
from stdpnet.models.parts import Population, Projection
from stdpnet.models.projections import AllToOthers, OneToOne, Shape
from stdpnet.units import Hz, ms, mV


@dataclass(frozen=True, kw_only=True)
class LateralInhibition(Parameters, abstract=True):
    """Base: every spike inhibits all neurons but the one that spiked.

    Parameters
    ----------
    weight : float
        What a spike adds to the inhibitory conductance of the others, relative to
        their leak.
    """

    kind: ClassVar[str] = "inhibition"
    #: Variable of the neurons that inhibition adds to.
    into: ClassVar[str] = "g_i"

    weight: float = number(17.0, low=0, doc="added to the others' inhibition")

    def parts(
        self, name: str, shape: Shape
    ) -> tuple[tuple[Population, ...], tuple[Projection, ...]]:
        """Return what inhibits a population: populations and projections."""
        raise NotImplementedError

    def _to_others(self, source: str, target: str) -> Projection:
        return Projection(
            name="inhibition",
            source=source,
            target=target,
            geometry=AllToOthers(),
            into=self.into,
            weights=self.weight,
        )


@dataclass(frozen=True, kw_only=True)
class DirectInhibition(LateralInhibition):
    """A spike inhibits all others itself, a time step later.

    Parameters
    ----------
    weight : float
        As in `LateralInhibition`.

    References
    ----------
    A usual simplification of the network of Diehl and Cook (2015),
    doi:10.3389/fncom.2015.00099, which has inhibitory neurons. The weight is theirs.
    """

    def parts(
        self, name: str, shape: Shape
    ) -> tuple[tuple[Population, ...], tuple[Projection, ...]]:
        """Return no population, and the projection to the others."""
        return (), (self._to_others(name, name),)


@dataclass(frozen=True, kw_only=True)
class ExplicitInhibition(LateralInhibition):
    """Each neuron excites an inhibitory one, which inhibits all other neurons.

    Parameters
    ----------
    weight : float
        As in `LateralInhibition`.
    excitation : float
        What a spike adds to the excitatory conductance of its inhibitory neuron.

    References
    ----------
    Diehl and Cook (2015), doi:10.3389/fncom.2015.00099; weights and constants of the
    inhibitory neuron are those of the released code (peter-u-diehl/stdp-mnist).
    """

    excitation: float = number(10.4, low=0, doc="added to the inhibitory neuron's")

    @staticmethod
    def neuron() -> ConductanceLIF:
        """Return the inhibitory neuron; its threshold does not adapt."""
        return ConductanceLIF(
            tau_m=10 * ms,
            tau_ref=2 * ms,
            v_rest=-60 * mV,
            v_reset=-45 * mV,
            v_th=-40 * mV,
            e_inh=-85 * mV,
            theta_start=0 * mV,
            theta_plus=0 * mV,
            theta_rate=0 * Hz,
        )

    def parts(
        self, name: str, shape: Shape
    ) -> tuple[tuple[Population, ...], tuple[Projection, ...]]:
        """Return the inhibitory population and the projections to and from it."""
        inhibitory = Population(
            name="inhibitory", shape=shape, neuron=self.neuron(), adapts=False
        )
        up = Projection(
            name="excitation",
            source=name,
            target="inhibitory",
            geometry=OneToOne(),
            weights=self.excitation,
        )
        return (inhibitory,), (up, self._to_others("inhibitory", name))
