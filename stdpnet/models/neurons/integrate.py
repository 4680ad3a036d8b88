"""Integrate-and-fire neurons whose threshold stays."""

from dataclasses import dataclass
from typing import ClassVar

from stdpnet.config import number, quantity
from stdpnet.models.neurons.base import NeuronModel
from stdpnet.units import Hz, Quantity, ms


@dataclass(frozen=True, kw_only=True)
class IF(NeuronModel):
    r"""Integrate-and-fire neuron without leak.

    .. math::
        \dot v = I, \qquad v \leftarrow v + w \quad \text{for every input spike}

    The neuron spikes when :math:`v > v_{th}` and returns to zero. With a
    constant drive alone its rate is :math:`I / v_{th}`.

    Parameters
    ----------
    v_th : float
        Threshold, in units of the weights.
    drive : Quantity, 1/time
        Constant input :math:`I`.

    Notes
    -----
    State variable: `v`, dimensionless; zero before every presentation.

    References
    ----------
    Lapicque's model without leak, as reviewed by Burkitt (2006),
    doi:10.1007/s00422-006-0068-6. The defaults are ours.
    """

    equations: ClassVar[str] = "dv/dt = drive : 1"
    threshold: ClassVar[str] = "v > v_th"
    reset: ClassVar[str] = "v = 0"
    start: ClassVar[str] = "v = 0"
    strength: ClassVar[str] = "v / v_th"

    v_th: float = number(10.0, above=0, doc="threshold")
    drive: Quantity = quantity(0 * Hz, doc="constant input")


@dataclass(frozen=True, kw_only=True)
class SoftResetIF(IF):
    r"""Integrate-and-fire neuron without leak whose spikes cost the threshold: no input is lost.

    .. math::
        \dot v = I, \qquad v \leftarrow v + w \quad \text{for every input spike},
        \qquad v \leftarrow v - v_{th} \quad \text{at a spike}

    The neuron spikes when :math:`v \ge v_{th}`, once in a time step, and keeps what is
    above. So the number of its spikes is that of inputs divided by the threshold and
    rounded down: with inputs of weight one, a threshold of one passes on the spikes of
    several sources, and one of four takes the average of a window of 2x2. With a constant
    drive alone its rate is :math:`I / v_{th}`.

    Parameters
    ----------
    v_th : float
        Threshold, in units of the weights.
    drive : Quantity, 1/time
        Constant input :math:`I`.

    Notes
    -----
    State variable: `v`, dimensionless; zero before every presentation.

    References
    ----------
    Reset by subtraction ("soft reset"): Rueckauer et al. (2017),
    doi:10.3389/fnins.2017.00682. The defaults are ours.
    """

    threshold: ClassVar[str] = "v >= v_th"
    reset: ClassVar[str] = "v = v - v_th"

    v_th: float = number(1.0, above=0, doc="threshold")


@dataclass(frozen=True, kw_only=True)
class LatencyIF(NeuronModel):
    r"""Integrate-and-fire neuron without leak that spikes at most once an example.

    .. math::
        v \leftarrow v + w \quad \text{for every input spike}

    The neuron spikes when :math:`v > v_{th}` for the first time in a
    presentation, so the time of its spike says how well the input fits.

    Parameters
    ----------
    v_th : float
        Threshold, in units of the weights.

    Notes
    -----
    State variables: `v` and `fired` (0 or 1), dimensionless; both zero before
    every presentation.

    References
    ----------
    Kheradpisheh et al. (2018), doi:10.1016/j.neunet.2017.12.005. The default is
    the threshold of the first layer in SpykeTorch's script of that network.
    """

    equations: ClassVar[str] = """
    v     : 1
    fired : 1
    """
    threshold: ClassVar[str] = "v > v_th and fired < 1"
    reset: ClassVar[str] = "fired = 1"
    start: ClassVar[str] = """
    v = 0
    fired = 0
    """
    strength: ClassVar[str] = "v / v_th"
    spikes_once: ClassVar[bool] = True

    v_th: float = number(10.0, above=0, doc="threshold")


@dataclass(frozen=True, kw_only=True)
class LIF(NeuronModel):
    r"""Leaky integrate-and-fire neuron, current-based, with a refractory period.

    .. math::
        \tau_m \dot v = I - v

    An input spike is a current pulse that lifts :math:`v` by its weight. The
    neuron spikes when :math:`v > v_{th}`, returns to zero and rests for
    `tau_ref`. With a constant drive alone its rate is

    .. math::
        f = \left( \tau_{ref} + \tau_m \ln \frac{I}{I - v_{th}} \right)^{-1}
        \quad \text{if } I > v_{th}

    Parameters
    ----------
    tau_m : Quantity, time
        Membrane time constant.
    v_th : float
        Threshold, in units of the weights.
    tau_ref : Quantity, time
        Refractory period.
    drive : float
        Constant input :math:`I`.

    Notes
    -----
    State variables: `v`, dimensionless, zero before every presentation, and
    `awake`, the end of the refractory period. Integrated exactly.

    References
    ----------
    Burkitt (2006), doi:10.1007/s00422-006-0068-6. The defaults are ours.
    """

    equations: ClassVar[str] = """
    dv/dt = (drive - v) / tau_m : 1 (unless refractory)
    awake : second
    """
    precise: ClassVar[tuple[str, ...]] = ("awake",)
    threshold: ClassVar[str] = "v > v_th"
    # Half a step less: comparing two times must not hang on their last digit.
    reset: ClassVar[str] = """
    v = 0
    awake = t + tau_ref - dt/2
    """
    refractory: ClassVar[str] = "t < awake"
    start: ClassVar[str] = """
    v = 0
    awake = 0*second
    """
    strength: ClassVar[str] = "v / v_th"

    tau_m: Quantity = quantity(20 * ms, above=0, doc="membrane time constant")
    v_th: float = number(1.0, above=0, doc="threshold")
    tau_ref: Quantity = quantity(2 * ms, low=0, doc="refractory period")
    drive: float = number(0.0, doc="constant input")
