"""What a network is put together from: inputs, populations, projections, counters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from stdpnet.config import Parameters, SpecError, number
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import (
    AllToAll,
    AllToOthers,
    Convolution,
    OneToOne,
    Shape,
    SumPooling,
    WinnerTakeAll,
)
from stdpnet.units import Quantity


@dataclass(frozen=True, kw_only=True)
class Input:
    """Neurons that spike as the stimulus says.

    Parameters
    ----------
    name : str
        Name of the population.
    shape : (int, int, int)
        Height, width, channels.
    stimulus : {"steps", "rates"}
        "steps": each neuron spikes once, in a given time step, or never.
        "rates": Poisson spikes of a given rate.
    frames : int, optional
        Rates change with time: an example is so many frames, each the rates of all
        neurons, shown one after the other; the `stimulus` of a run then has shape
        (n_examples, frames, height, width, channels). Of `n` time steps with input,
        step `s` shows frame ``s * frames // n``: frames differ by one step at most.
    """

    name: str
    shape: Shape
    stimulus: str = "steps"
    frames: int | None = None


@dataclass(frozen=True, kw_only=True)
class Population:
    """Neurons of one model, in feature maps, with or without competition.

    Parameters
    ----------
    name : str
        Name of the population.
    shape : (int, int, int)
        Height, width, number of feature maps.
    neuron : NeuronModel
        Model of all its neurons.
    competition : WinnerTakeAll, optional
        Who silences whom.
    adapts : bool
        Without, what maps share (thresholds) does not change any more.
    """

    name: str
    shape: Shape
    neuron: NeuronModel
    competition: WinnerTakeAll | None = None
    adapts: bool = True


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Weighted connections between two populations; plastic if there is a rule.

    Parameters
    ----------
    name : str
        Name of the projection.
    source, target : str
        Names of the input or population where it begins, and of the population
        where it ends; the same one for recurrent connections.
    geometry : Convolution, AllToAll, OneToOne, AllToOthers or SumPooling
        Who is joined to whom.
    rule : PlasticityRule, optional
        How weights change; without one they do not.
    into : str, optional
        Variable of the target neuron that a spike adds its weight to; default:
        the first of `NeuronModel.inputs`.
    inhibitory : bool
        Whether weights are subtracted.
    transmits : bool
        Without, spikes change weights but do not reach the target (for probes
        of a rule).
    weights : float or array, optional
        Weights to start from; default: random ones, as the rule makes them.
    max_delay : Quantity, time, optional
        Spikes reach each synapse after a delay, drawn once and evenly from zero to
        this, in time steps. For dense projections of continuous networks.
    structure : mapping of str to array, optional
        For a `SparseConvolution`: which weights are left
        (`stdpnet.models.projections.sparse`).
    total : float, optional
        While learning, the weights of each target neuron (each map) are scaled
        before every presentation so that they add up to this, but none above `w_max`.
    prunable : bool
        Whether a synapse can be pruned: it then has a variable `kept`, one or zero,
        and a weight that is zero stays so where this is zero.
    correlates : bool
        Whether each synapse adds up, in a variable `correlation`, the first trace of
        the source at every spike of the target.
    """

    name: str
    source: str
    target: str
    geometry: Convolution | AllToAll | OneToOne | AllToOthers | SumPooling
    rule: PlasticityRule | None = None
    into: str | None = None
    inhibitory: bool = False
    transmits: bool = True
    weights: Any = None
    total: float | None = None
    max_delay: Quantity | None = None
    structure: Mapping[str, Any] | None = None
    prunable: bool = False
    correlates: bool = False


@dataclass(frozen=True, kw_only=True)
class Counter:
    """Spike counts of a population, added up over pooling windows, per example.

    Parameters
    ----------
    name : str
        Name of the counter.
    source : str
        Name of the population, or input, whose spikes are counted.
    pooling : SumPooling or OneToOne
        Which neurons are counted together.
    by_latency : bool
        Early spikes count more: a spike counts as many time steps as the presentation
        still has, its own included. Every step adds up the spikes so far, so what is
        read at the end is the sum of the counts of all steps.
    """

    name: str
    source: str
    pooling: SumPooling | OneToOne
    by_latency: bool = False


@dataclass(frozen=True, kw_only=True)
class Again(Parameters):
    """Show an example again, with higher rates, while a population spikes too little.

    Every presentation teaches; only the last one of an example is counted.

    Parameters
    ----------
    spikes : int
        Number of spikes in a presentation that is enough.
    brighter : float
        Added to the factor on all rates, which is one at first.
    limit : int
        Most repetitions of one example.

    References
    ----------
    Released code of Diehl and Cook (2015), doi:10.3389/fncom.2015.00099: less than
    five spikes, intensities of 2, 3, 4, ... and no limit.
    """

    kind: ClassVar[str] = "again"

    spikes: int = number(5, low=1, integer=True, doc="enough in a presentation")
    brighter: float = number(0.5, low=0, doc="added to the factor on all rates")
    limit: int = number(20, low=1, integer=True, doc="most repetitions")

    @classmethod
    def from_table(cls, values: Any) -> "Again":
        """Make it of a table of a specification.

        Raises
        ------
        SpecError
            If it is no table, or has a parameter that is not known.
        """
        if not isinstance(values, dict):
            raise SpecError(f"again must be a table or 'none', got {values!r}")
        given = {name: value for name, value in values.items() if name != "type"}
        cls.check_names(given, where="again")
        return cls(**given)
