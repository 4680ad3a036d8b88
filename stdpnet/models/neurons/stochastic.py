"""Neurons that spike at random, with a probability that their potential sets."""

from dataclasses import dataclass
from typing import ClassVar

from stdpnet.config import number, numbers, quantity
from stdpnet.models.neurons.base import NeuronModel
from stdpnet.units import Hz, Quantity, ms, mV


@dataclass(frozen=True, kw_only=True)
class StochasticNeuron(NeuronModel, abstract=True):
    """Base: a leaky potential, a refractory period, and `p` a time step.

    Subclasses add a line for the probability `p` to the equations.
    """

    equations: ClassVar[str] = """
    dv/dt = (drive - v) / tau_m : 1
    awake : second
    """
    precise: ClassVar[tuple[str, ...]] = ("awake",)
    threshold: ClassVar[str] = "p > 0.5 + noise*(rand() - 0.5)"
    reset: ClassVar[str] = """
    v = 0
    awake = t + tau_ref - dt/2
    """
    refractory: ClassVar[str] = "t < awake"
    start: ClassVar[str] = """
    v = 0
    awake = 0*second
    """

    tau_m: Quantity = quantity(20 * ms, above=0, doc="decay of the potential")
    tau_ref: Quantity = quantity(2 * ms, low=0, doc="refractory period")
    drive: float = number(0.0, doc="constant input")
    noise: float = number(
        1.0, low=0, high=1, doc="1: by chance; 0: where p is above 1/2"
    )


@dataclass(frozen=True, kw_only=True)
class SigmoidNeuron(StochasticNeuron):
    r"""Neuron that spikes with a probability that is a sigmoid of its potential.

    .. math::
        \tau_m \dot v = I - v, \qquad
        p = \frac{p_{max}}{1 + e^{-(v - v_{half}) / v_{width}}}
        \quad \text{in every time step}

    An input spike lifts :math:`v` by its weight; a spike returns it to zero.

    Parameters
    ----------
    tau_m, tau_ref : Quantity, time
        Decay of the potential; refractory period.
    v_half, v_width : float
        Potential of half the largest probability, and width of the sigmoid.
    p_max : float
        Largest probability of a spike in one step.
    drive : float
        Constant input :math:`I`.
    noise : float
        Share :math:`\nu` of chance: 1, spikes with probability `p`; 0, wherever `p` is
        above one half.

    Notes
    -----
    State variables: `v`, dimensionless, and `awake` (second). The probability
    belongs to a time step: another `dt` is another neuron.

    References
    ----------
    Sigmoid firing probability in the manner of Srinivasan and Roy's binary
    stochastic networks, arXiv:2002.11163 (shape from its abstract). All defaults are
    ours.
    """

    equations: ClassVar[str] = (
        StochasticNeuron.equations
        + "    p = p_max / (1 + exp(-(v - v_half) / v_width)) : 1\n"
    )

    v_half: float = number(10.0, doc="potential of half the largest probability")
    v_width: float = number(1.0, above=0, doc="width of the sigmoid")
    p_max: float = number(1.0, low=0, high=1, doc="largest probability a step")


@dataclass(frozen=True, kw_only=True)
class AdaptiveSigmoid(SigmoidNeuron):
    r"""Sigmoid neuron that others inhibit, and whose half-point rises with its spikes.

    .. math::
        \tau_m \dot v = I - v, \qquad \tau_{gi} \dot g_i = -g_i, \qquad
        p = \frac{p_{max}}{1 + e^{-(v - g_i - v_{half} - \theta) / v_{width}}}
        \quad \text{in every time step}

    An input spike lifts :math:`v` by its weight; a spike returns it to zero and adds
    `theta_plus` to :math:`\theta`, which decays at the rate `theta_rate` (homeostasis:
    binary weights cannot be scaled to a sum). Inhibition is subtracted.

    Parameters
    ----------
    tau_m, tau_gi, tau_ref : Quantity, time
        Decay of the potential and of inhibition; refractory period.
    v_half, v_width : float
        Potential of half the largest probability at :math:`\theta = 0`, and width of
        the sigmoid.
    p_max : float
        Largest probability of a spike in one step.
    drive : float
        Constant input :math:`I`.
    noise : float
        Share :math:`\nu` of chance: 1, spikes with probability `p`; 0, wherever `p` is
        above one half, for inference.
    theta_start, theta_plus : float
        Adaptive part before learning, and its increment per spike.
    theta_rate : Quantity, 1/time
        Decay rate of the adaptive part.

    Notes
    -----
    State variables: `v` and `g_i`, dimensionless, `awake` (second), and `theta` (per map;
    in a dense population every neuron is a map). The probability belongs to a time
    step, as that of `SigmoidNeuron`.

    References
    ----------
    In the manner of Srinivasan and Roy, arXiv:2002.11163 (stochastic neurons while
    training: abstract); excitation less inhibition as in a third-party port, which
    limits the spikes of a neuron instead of adapting. The adaptive part is in the manner
    of Diehl and Cook (2015), doi:10.3389/fncom.2015.00099. All defaults are ours.
    """

    equations: ClassVar[str] = (
        StochasticNeuron.equations
        + """
    dg_i/dt = -g_i / tau_gi : 1
    dtheta/dt = -theta * theta_rate : 1
    p = p_max / (1 + exp(-(v - g_i - v_half - theta) / v_width)) : 1
    """
    )
    inputs: ClassVar[tuple[str, ...]] = ("v", "g_i")
    per_map: ClassVar[tuple[str, ...]] = ("theta",)
    precise: ClassVar[tuple[str, ...]] = ("theta", "awake")
    reset: ClassVar[str] = """
    v = 0
    theta += theta_plus
    awake = t + tau_ref - dt/2
    """
    start: ClassVar[str] = """
    v = 0
    g_i = 0
    awake = 0*second
    """
    learning_parameters: ClassVar[tuple[str, ...]] = ("theta_plus", "theta_rate")
    strength: ClassVar[str] = "v - g_i - v_half - theta"

    tau_gi: Quantity = quantity(20 * ms, above=0, doc="decay of inhibition")
    theta_start: float = number(0.0, doc="adaptive part before learning")
    theta_plus: float = number(0.1, low=0, doc="increment per spike")
    theta_rate: Quantity = quantity(1e-4 * Hz, low=0, doc="decay rate of theta")

    def initial(self) -> dict[str, float]:
        """Return the adaptive part of the half-point before learning."""
        return {"theta": self.theta_start}


_BIT = """
.0909 .0935 .0961 .1014 .1041 .1080 .1133 .1199 .1238 .1291 .1344 .1423 .1502 .1581 .1647 .1765
.1779 .1950 .2069 .2187 .2266 .2411 .2556 .2819 .2872 .3030 .3228 .3439 .3623 .3874 .4150 .4493
.4888 .5191 .5455 .5626 .5863 .6087 .6337 .6469 .6693 .6812 .6970 .7088 .7352 .7457 .7589 .7708
.7800 .7866 .8011 .8103 .8169 .8274 .8340 .8393 .8511 .8538 .8603 .8669 .8762 .8814 .8906
"""
#: Switching probabilities of a stochastic bit, its resting rate subtracted.
STOCHASTIC_BIT = tuple(
    round(float(p) - float(_BIT.split()[0]), 4) for p in _BIT.split()
)


@dataclass(frozen=True, kw_only=True)
class StochasticBit(StochasticNeuron):
    r"""Neuron that spikes with a tabulated probability: the "stochastic bit".

    .. math::
        \tau_m \dot v = I - v, \qquad p = \mathrm{interp}(v;\; x_k = x_0 + k \, \Delta x,\; p_k)
        \quad \text{in every time step}

    Between entries the probability is interpolated linearly; outside the table it is
    that of the nearest end.

    Parameters
    ----------
    tau_m, tau_ref : Quantity, time
        Decay of the potential; refractory period.
    probabilities : tuple of float
        Entries :math:`p_k`, from measurement or from a device model. Part of
        the program: other entries compile anew.
    x_0, x_step : float
        Potential of the first entry and distance of entries.
    drive : float
        Constant input :math:`I`.
    noise : float
        Share :math:`\nu` of chance: 1, spikes with probability `p`; 0, wherever `p` is
        above one half.

    Notes
    -----
    State variables: `v`, dimensionless, and `awake` (second).

    References
    ----------
    The default table comes from a third-party port of the network of Srinivasan and
    Roy, arXiv:2002.11163: measured on a device of its authors, entries at 0.2,
    0.4, ..., 12.6, each less the first. It is not the paper's.
    """

    equations: ClassVar[str] = (
        StochasticNeuron.equations
        + """
    x = clip((v - x_0) / x_step, 0, n_entries - 1) : 1
    below = p_table((floor(x) + 0.5) * second) : 1
    p = below + (x - floor(x)) * (p_table((floor(x) + 1.5) * second) - below) : 1
    """
    )

    probabilities: tuple[float, ...] = numbers(
        STOCHASTIC_BIT, low=0, high=1, doc="probability a step"
    )
    x_0: float = number(0.2, doc="potential of the first entry")
    x_step: float = number(0.2, above=0, doc="distance of entries")

    @property
    def tables(self) -> dict[str, tuple[float, ...]]:
        """The probabilities, as the equations look them up."""
        return {"p_table": self.probabilities}

    def values(self) -> dict[str, Quantity | float]:
        """Return the parameters, with the number of entries."""
        return {**super().values(), "n_entries": float(len(self.probabilities))}


@dataclass(frozen=True, kw_only=True)
class MagnetoelectricLIF(StochasticNeuron):
    r"""Magneto-electric neuron: a leaky voltage switches a nanomagnet at random.

    .. math::
        \tau_m \dot v = I - v, \qquad
        p = \frac{1}{1 + e^{-(v \, v_{unit} - v_{half}) / v_{width}}}
        \quad \text{in every time step}

    An input spike charges the magneto-electric capacitor by its weight times
    `v_unit`; the charge leaks with `tau_m`. In every step the voltage acts on
    the magnet for one clocked pulse, which switches it with the probability
    :math:`p`. A switch is a spike: magnet and voltage are then reset.

    Parameters
    ----------
    tau_m, tau_ref : Quantity, time
        Leak of the capacitor; refractory period.
    v_half, v_width : Quantity, voltage
        Voltage at which half of the pulses switch, and width of the sigmoid.
    v_unit : Quantity, voltage
        Voltage of :math:`v = 1`.
    drive : float
        Constant input :math:`I`.
    noise : float
        Share :math:`\nu` of chance: 1, spikes with probability `p`; 0, wherever `p` is
        above one half.

    Notes
    -----
    State variables: `v`, dimensionless, and `awake` (second). `v_half` and `v_width`
    come from the device model (`stdpnet.devices`, ``stdpnet device
    magnetoelectric``): the fit to its default table for pulses of 1 ns.

    References
    ----------
    After Jaiswal, Roy, Srinivasan and Roy (2017), doi:10.1109/TED.2017.2671353: leaky
    magneto-electric voltage, probabilistic switching by thermal noise
    (abstract). Their constants are not known to us: the device is textbook
    Landau-Lifshitz-Gilbert dynamics, and all defaults are ours.
    """

    equations: ClassVar[str] = (
        StochasticNeuron.equations
        + "    p = 1 / (1 + exp(-(v * v_unit - v_half) / v_width)) : 1\n"
    )

    v_half: Quantity = quantity(
        405.5 * mV, doc="voltage where half of the pulses switch"
    )
    v_width: Quantity = quantity(26.9 * mV, above=0, doc="width of the sigmoid")
    v_unit: Quantity = quantity(40 * mV, above=0, doc="voltage of v = 1")
