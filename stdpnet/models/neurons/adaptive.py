"""Integrate-and-fire neurons whose threshold adapts."""

from dataclasses import dataclass
from typing import ClassVar

from stdpnet.config import number, quantity
from stdpnet.models.neurons.base import NeuronModel
from stdpnet.units import Hz, Quantity, ms, mV


@dataclass(frozen=True, kw_only=True)
class AdaptiveThreshold(NeuronModel, abstract=True):
    """Base of neurons whose threshold rises with every spike of their map."""

    per_map: ClassVar[tuple[str, ...]] = ("theta",)
    threshold: ClassVar[str] = "v > theta_scale * (v_th + theta)"
    strength: ClassVar[str] = "v / (v_th + theta)"
    reset: ClassVar[str] = """
    v = 0
    theta += theta_plus
    """
    start: ClassVar[str] = "v = 0"
    end: ClassVar[str] = "theta *= 1 - theta_decay"
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

    tau_m: Quantity = quantity(20 * ms, above=0, doc="membrane time constant")


@dataclass(frozen=True, kw_only=True)
class ConductanceLIF(NeuronModel):
    r"""Conductance-based leaky integrate-and-fire neuron with an adaptive threshold.

    .. math::
        \tau_m \dot v &= (v_{rest} - v) + g_e (E_{exc} - v) + g_i (E_{inh} - v) + I \\
        \tau_{ge} \dot g_e &= -g_e, \qquad \tau_{gi} \dot g_i = -g_i

    Conductances are relative to the leak; a spike adds its weight to
    :math:`g_e` or :math:`g_i`. The neuron spikes when :math:`v > v_{th} + \theta`
    and rests for `tau_ref`; each spike adds `theta_plus` to :math:`\theta`,
    which decays at the rate `theta_rate`. With a constant drive alone its rate is

    .. math::
        f = \left( \tau_{ref} + \tau_m \ln
        \frac{v_{rest} + I - v_{reset}}{v_{rest} + I - v_{th} - \theta} \right)^{-1}

    Parameters
    ----------
    tau_m, tau_ge, tau_gi, tau_ref : Quantity, time
        Time constants of membrane and conductances; refractory period.
    v_rest, v_reset : Quantity, voltage
        Resting and reset potential.
    e_exc, e_inh : Quantity, voltage
        Reversal potentials.
    v_th : Quantity, voltage
        Threshold at :math:`\theta = 0`.
    theta_start, theta_plus : Quantity, voltage
        Adaptive part before learning, and its increment per spike.
    theta_rate : Quantity, 1/time
        Decay rate of the adaptive part.
    drive : Quantity, voltage
        Constant input :math:`I`, a current times the membrane resistance.

    Notes
    -----
    State variables: `v` (volt), `g_e`, `g_i` (relative to the leak), `awake`
    (second), and `theta` (volt, per map; in a dense population every neuron is
    a map). Integrated by exponential Euler. At rest before every presentation,
    unless the network is continuous (`Network.continuous`).

    References
    ----------
    Excitatory neuron of Diehl and Cook (2015), doi:10.3389/fncom.2015.00099,
    with the constants of the released code (peter-u-diehl/stdp-mnist), where the
    threshold is written :math:`\theta - 20\,mV - 52\,mV` and :math:`\theta` decays
    with :math:`10^7` ms.
    """

    equations: ClassVar[str] = """
    dv/dt = (v_rest - v + g_e*(e_exc - v) + g_i*(e_inh - v) + drive) / tau_m : volt (unless refractory)
    dg_e/dt = -g_e / tau_ge : 1
    dg_i/dt = -g_i / tau_gi : 1
    dtheta/dt = -theta * theta_rate : volt
    awake : second
    """
    inputs: ClassVar[tuple[str, ...]] = ("g_e", "g_i")
    per_map: ClassVar[tuple[str, ...]] = ("theta",)
    precise: ClassVar[tuple[str, ...]] = ("theta", "awake")
    threshold: ClassVar[str] = "v > v_th + theta"
    reset: ClassVar[str] = """
    v = v_reset
    theta += theta_plus
    awake = t + tau_ref - dt/2
    """
    refractory: ClassVar[str] = "t < awake"
    start: ClassVar[str] = """
    v = v_rest
    g_e = 0
    g_i = 0
    awake = 0*second
    """
    learning_parameters: ClassVar[tuple[str, ...]] = ("theta_plus", "theta_rate")
    strength: ClassVar[str] = "(v - v_rest) / (v_th + theta - v_rest)"

    tau_m: Quantity = quantity(100 * ms, above=0, doc="membrane time constant")
    tau_ge: Quantity = quantity(1 * ms, above=0, doc="decay of excitation")
    tau_gi: Quantity = quantity(2 * ms, above=0, doc="decay of inhibition")
    tau_ref: Quantity = quantity(5 * ms, low=0, doc="refractory period")
    v_rest: Quantity = quantity(-65 * mV, doc="resting potential")
    v_reset: Quantity = quantity(-65 * mV, doc="potential after a spike")
    e_exc: Quantity = quantity(0 * mV, doc="reversal potential of excitation")
    e_inh: Quantity = quantity(-100 * mV, doc="reversal potential of inhibition")
    v_th: Quantity = quantity("-72 mV", doc="threshold of an unadapted neuron")
    theta_start: Quantity = quantity(20 * mV, doc="adaptive part before learning")
    theta_plus: Quantity = quantity(0.05 * mV, low=0, doc="increment per spike")
    theta_rate: Quantity = quantity(1e-4 * Hz, low=0, doc="decay rate of theta")
    drive: Quantity = quantity(0 * mV, doc="constant input")

    def initial(self) -> dict[str, float]:
        """Return the adaptive part of the threshold before learning, in volts."""
        return {"theta": self.theta_start.value}
