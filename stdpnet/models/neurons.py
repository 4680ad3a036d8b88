"""Every neuron: its equations, its threshold, and what a spike does to it.

A neuron model is a frozen dataclass. Its class constants are Brian2 equations,
run as they stand here; its fields are the parameters, which enter the
equations as shared variables, so that changing one compiles nothing.
"""

from dataclasses import dataclass
from typing import ClassVar

from stdpnet.config import Parameters, number, quantity
from stdpnet.units import Quantity, ms


@dataclass(frozen=True, kw_only=True)
class NeuronModel(Parameters):
    """Base of all neuron models.

    Subclasses set the class constants:

    equations : str
        Brian2 equations, one a line, with units.
    per_map : tuple of str
        Variables that the neurons of one feature map share. In a dense
        population every neuron is a map of its own.
    threshold, reset : str
        Condition for a spike, and what the neuron that spiked does.
    between : str
        Statements at the end of every presentation, before the next example.
    learning_parameters : tuple of str
        Parameters that are zero while learning is off.
    strength : str
        By what rivals are compared that cross in the same step, if their
        competition goes by it (`WinnerTakeAll.ties`).
    decays : tuple of str
        Parameters that are a fraction lost per presentation.
    input_variable : str
        What an arriving spike adds its weight to.
    """

    kind: ClassVar[str] = "neuron"

    equations: ClassVar[str]
    per_map: ClassVar[tuple[str, ...]] = ()
    threshold: ClassVar[str]
    reset: ClassVar[str]
    between: ClassVar[str] = ""
    learning_parameters: ClassVar[tuple[str, ...]] = ()
    strength: ClassVar[str] = "v"
    decays: ClassVar[tuple[str, ...]] = ()
    input_variable: ClassVar[str] = "v"

    def initial(self) -> dict[str, float]:
        """Return the values that state variables start from, where not zero."""
        return {}


@dataclass(frozen=True, kw_only=True)
class AdaptiveThreshold(NeuronModel):
    """Base of neurons whose threshold rises with every spike of their map."""

    per_map: ClassVar[tuple[str, ...]] = ("theta",)
    threshold: ClassVar[str] = "v > theta_scale * (v_th + theta)"
    strength: ClassVar[str] = "v / (v_th + theta)"
    reset: ClassVar[str] = """
    v = 0
    theta += theta_plus
    """
    between: ClassVar[str] = """
    v = 0
    theta *= 1 - theta_decay
    """
    learning_parameters: ClassVar[tuple[str, ...]] = ("theta_plus", "theta_decay")
    decays: ClassVar[tuple[str, ...]] = ("theta_decay",)

    v_th: float = number(1.0, low=0, doc="threshold of an unadapted neuron")
    theta_start: float = number(10.0, low=0, doc="adaptive part before learning")
    theta_plus: float = number(0.01, low=0, doc="increment per spike of the map")
    theta_decay: float = number(0.005, low=0, high=1, doc="loss per presentation")
    theta_scale: float = number(1.0, above=0, doc="factor on all thresholds")

    def initial(self) -> dict[str, float]:
        """Return the adaptive part of the threshold before learning."""
        return {"theta": self.theta_start}


@dataclass(frozen=True, kw_only=True)
class AdaptiveIF(AdaptiveThreshold):
    r"""Integrate-and-fire neuron without leak; its map shares one threshold.

    .. math::
        v \leftarrow v + w \quad \text{for every input spike}

    The neuron spikes when :math:`v > s \, (v_{th} + \theta)`, where
    :math:`\theta` belongs to the feature map. Each spike of the map adds
    `theta_plus`; after every presentation :math:`\theta` loses the fraction
    `theta_decay`. A map that wins often soon needs more drive than its rivals
    (homeostasis). The potential returns to zero between presentations.

    Parameters
    ----------
    v_th : float
        Threshold of an unadapted neuron, in units of the weights.
    theta_start : float
        Adaptive part of the threshold before learning.
    theta_plus : float
        Increment of the threshold per spike of the map. Zero switches
        adaptation off.
    theta_decay : float
        Fraction of the adaptive part that is lost per presentation.
    theta_scale : float
        Factor :math:`s` on all thresholds. Below one, neurons spike earlier
        and more of them tie.

    Notes
    -----
    State variables: `v` (per neuron) and `theta` (per map), dimensionless.

    References
    ----------
    Non-leaky integrate-and-fire, at most one spike an image: Kheradpisheh et
    al. (2018), doi:10.1016/j.neunet.2017.12.005. The adaptive threshold is in
    the manner of Diehl and Cook (2015), doi:10.3389/fncom.2015.00099; there it
    belongs to a neuron and decays in time. All defaults are ours.
    """

    equations: ClassVar[str] = """
    v     : 1
    theta : 1
    """


@dataclass(frozen=True, kw_only=True)
class AdaptiveLIF(AdaptiveThreshold):
    r"""Leaky integrate-and-fire neuron, current-based, with a threshold of its map.

    .. math::
        \tau_m \dot v = -v

    An input spike is a current pulse that lifts :math:`v` by its weight. The
    neuron spikes when :math:`v > s \, (v_{th} + \theta)`; threshold and reset
    are those of `AdaptiveIF`.

    Parameters
    ----------
    tau_m : Quantity, time
        Membrane time constant.
    v_th, theta_start, theta_plus, theta_decay, theta_scale : float
        As in `AdaptiveIF`.

    Notes
    -----
    State variables: `v` (per neuron) and `theta` (per map), dimensionless.
    Integrated exactly, so `dt` does not change the decay.

    References
    ----------
    Diehl and Cook (2015), doi:10.3389/fncom.2015.00099, use conductances; the
    current-based form with a per-map threshold is ours, and so are the
    defaults.
    """

    equations: ClassVar[str] = """
    dv/dt = -v / tau_m : 1
    theta : 1
    """

    tau_m: Quantity = quantity(20 * ms, above=0)
