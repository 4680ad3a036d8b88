"""Rules that act when the target spikes, with a trace of the source alone."""

from dataclasses import dataclass
from typing import ClassVar

from stdpnet.config import choice, number, quantity
from stdpnet.models.plasticity.base import PlasticityRule
from stdpnet.units import Quantity, ms

#: How much a weight changes, by where it is between its bounds.
SOFTNESS = {
    "soft": "w*(w_max - w)",
    "hard": "1",
    "power-law": "(w_max - w)**mu",
}


@dataclass(frozen=True, kw_only=True)
class RecentInput(PlasticityRule, abstract=True):
    """Base: the source's last spike leaves a trace of one, which decays."""

    pre_equations: ClassVar[str] = "dpre_trace/dt = -pre_trace / tau_pre : 1"
    pre_reset: ClassVar[str] = "pre_trace = 1"

    offset: float = number(0.43, low=0, high=1, doc="trace without weight change")
    tau_pre: Quantity = quantity(10 * ms, above=0, doc="decay of the trace")


@dataclass(frozen=True, kw_only=True)
class TraceSTDP(RecentInput):
    r"""Potentiate recent inputs and depress the others, when the target spikes.

    .. math::
        \Delta w = \eta \, (x_{pre} - x_{offset}) \, f(w)
        \quad \text{on a post spike}

    The trace :math:`x_{pre}` of an input is set to one by its spike and decays
    with `tau_pre`. Inputs whose trace is above the offset were recent and gain;
    those that were early or silent lose. The factor keeps weights in bounds:

    .. math::
        f(w) = \begin{cases}
            w \, (w_{max} - w) & \text{soft: weights end at one of the bounds} \\
            1 & \text{hard: additive, clipped} \\
            (w_{max} - w)^\mu & \text{power-law}
        \end{cases}

    Parameters
    ----------
    learning_rate : float
        Step :math:`\eta` of the weight per post spike.
    offset : float
        Trace at which a weight does not change.
    tau_pre : Quantity, time
        Decay of the trace.
    bounds : {"soft", "hard", "power-law"}
        Dependence on the weight.
    mu : float
        Exponent of the power law.
    w_max : float
        Upper bound of the weight; the lower bound is zero.

    Notes
    -----
    A spike of the input in the same step as the target counts as recent.

    References
    ----------
    Trace form with offset and power law: Diehl and Cook (2015),
    doi:10.3389/fncom.2015.00099, Sec. 2.3. The factor `w (1 - w)`:
    Kheradpisheh et al. (2018), doi:10.1016/j.neunet.2017.12.005, where the
    trace is replaced by the sign of the spike-time difference. The
    combination and all defaults are ours.
    """

    bounds: str = choice("soft", of=tuple(SOFTNESS), doc="dependence on the weight")
    mu: float = number(1.0, low=0, doc="exponent of the power law")

    @property
    def on_post(self) -> str:  # type: ignore[override]
        """Weight change when the target spikes."""
        change = f"learning_rate*(pre_trace - offset)*{SOFTNESS[self.bounds]}"
        return f"w = clip(w + {change}, 0, w_max)"


@dataclass(frozen=True, kw_only=True)
class PowerLawSTDP(RecentInput):
    r"""Weight-dependent STDP with a power law: the closer to the bound, the smaller the step.

    .. math::
        \Delta w = \eta \, (x_{pre} - x_{offset}) \, (w_{max} - w)^\mu
        \quad \text{on a post spike, clipped to } [0, w_{max}]

    Parameters
    ----------
    learning_rate : float
        Step :math:`\eta`.
    offset : float
        Trace at which a weight does not change.
    tau_pre : Quantity, time
        Decay of the trace, which a spike of the input sets to one.
    mu : float
        Exponent; zero is additive STDP.
    w_max : float
        Upper bound of the weight.

    References
    ----------
    First of the four rules of Diehl and Cook (2015),
    doi:10.3389/fncom.2015.00099, Sec. 2.3; the rule of Rathi, Panda and Roy,
    arXiv:1710.04734 (named in its abstract). Their constants are not known to us;
    offset 0.4 and mu 0.9 are those of a third-party port, the others are ours.
    """

    offset: float = number(0.4, low=0, high=1, doc="trace without weight change")
    tau_pre: Quantity = quantity(20 * ms, above=0, doc="decay of the trace")
    mu: float = number(0.9, low=0, doc="exponent of the power law")

    on_post: ClassVar[str] = (
        "w = clip(w + learning_rate*(pre_trace - offset)*"
        f"{SOFTNESS['power-law']}, 0, w_max)"
    )


@dataclass(frozen=True, kw_only=True)
class ExponentialSTDP(RecentInput):
    r"""STDP whose steps depend exponentially on the weight.

    .. math::
        \Delta w = \eta \left( x_{pre} \, e^{-\beta w}
        - x_{offset} \, e^{-\beta (w_{max} - w)} \right)
        \quad \text{on a post spike, clipped to } [0, w_{max}]

    Parameters
    ----------
    learning_rate : float
        Step :math:`\eta`.
    offset : float
        Balance :math:`x_{offset}` of depression against potentiation.
    tau_pre : Quantity, time
        Decay of the trace, which a spike of the input sets to one.
    beta : float
        Steepness of the dependence on the weight.
    w_max : float
        Upper bound of the weight.

    References
    ----------
    Second of the four rules of Diehl and Cook (2015),
    doi:10.3389/fncom.2015.00099, Sec. 2.3. The paper's constants are not known
    to us; offset 0.15 and beta 3 are the choice of a third-party
    re-implementation, the others are ours.
    """

    offset: float = number(0.15, low=0, high=1, doc="weight of depression")
    tau_pre: Quantity = quantity(20 * ms, above=0, doc="decay of the trace")
    beta: float = number(3.0, low=0, doc="steepness of the weight dependence")

    on_post: ClassVar[str] = (
        "w = clip(w + learning_rate*(pre_trace*exp(-beta*w)"
        " - offset*exp(-beta*(w_max - w))), 0, w_max)"
    )


@dataclass(frozen=True, kw_only=True)
class SimplifiedSTDP(PlasticityRule):
    r"""Multiplicative STDP that asks only whether the input spiked before the target.

    .. math::
        \Delta w = \begin{cases}
            \eta \, w \, (w_{max} - w) & \text{if the input has spiked in this presentation} \\
            -\eta \, r \, w \, (w_{max} - w) & \text{otherwise}
        \end{cases}
        \quad \text{on a post spike}

    Inputs that spike later, or never, count alike.

    Parameters
    ----------
    learning_rate : float
        Step :math:`\eta` of potentiation.
    depression : float
        Ratio :math:`r` of depression to potentiation.
    w_max : float
        Upper bound of the weight.

    Notes
    -----
    Made for inputs and neurons that spike at most once an example.

    References
    ----------
    Kheradpisheh et al. (2018), doi:10.1016/j.neunet.2017.12.005; the defaults
    (0.004 and 0.003) are those of SpykeTorch's script of that network, which raises
    them while learning.
    """

    pre_equations: ClassVar[str] = "pre_trace : 1"
    pre_reset: ClassVar[str] = "pre_trace = 1"
    on_post: ClassVar[str] = (
        "w = clip(w + learning_rate*(pre_trace - depression*(1 - pre_trace))"
        f"*{SOFTNESS['soft']}, 0, w_max)"
    )

    learning_rate: float = number(0.004, low=0, doc="step of potentiation")
    depression: float = number(0.75, low=0, doc="depression over potentiation")
