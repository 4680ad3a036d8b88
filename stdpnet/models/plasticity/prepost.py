"""Deterministic rules that act when the source spikes and when the target spikes."""

from dataclasses import dataclass
from typing import ClassVar

from stdpnet.config import choice, number, quantity
from stdpnet.models.plasticity.base import PlasticityRule
from stdpnet.units import Quantity, ms

#: What a spike does to the trace of its neuron.
PAIRING = {"all-to-all": "{} += 1", "nearest": "{} = 1"}


@dataclass(frozen=True, kw_only=True)
class PairSTDP(PlasticityRule):
    r"""Additive pair-based STDP with hard bounds.

    .. math::
        \Delta w = \begin{cases}
            \eta \, x_{pre} & \text{on a post spike} \\
            -\eta \, r \, x_{post} & \text{on a pre spike}
        \end{cases}
        \quad \text{clipped to } [0, w_{max}]

    A spike adds one to the trace of its neuron (all-to-all pairing) or sets it
    to one (nearest-neighbour pairing); :math:`x_{pre}` decays with `tau_plus`,
    :math:`x_{post}` with `tau_minus`. One pair of spikes, :math:`\Delta t =
    t_{post} - t_{pre}`, changes the weight by
    :math:`\eta e^{-\Delta t/\tau_+}` or :math:`-\eta r e^{\Delta t/\tau_-}`.

    Parameters
    ----------
    learning_rate : float
        Step :math:`\eta` of potentiation.
    depression : float
        Ratio :math:`r` of depression to potentiation.
    tau_plus, tau_minus : Quantity, time
        Time constants of potentiation and depression.
    pairing : {"all-to-all", "nearest"}
        Which pairs of spikes count.
    w_max : float
        Upper bound of the weight.

    References
    ----------
    Song, Miller and Abbott (2000), doi:10.1038/78829; pairing schemes: Morrison,
    Diesmann and Gerstner (2008), doi:10.1007/s00422-008-0233-1. The defaults are
    ours.
    """

    pre_equations: ClassVar[str] = "dpre_trace/dt = -pre_trace / tau_plus : 1"
    post_equations: ClassVar[str] = "dpost_trace/dt = -post_trace / tau_minus : 1"
    on_post: ClassVar[str] = "w = clip(w + learning_rate*pre_trace, 0, w_max)"
    on_pre: ClassVar[str] = (
        "w = clip(w - learning_rate*depression*post_trace, 0, w_max)"
    )
    pre_needs_post: ClassVar[bool] = True

    depression: float = number(1.05, low=0, doc="depression over potentiation")
    tau_plus: Quantity = quantity(20 * ms, above=0, doc="window of potentiation")
    tau_minus: Quantity = quantity(20 * ms, above=0, doc="window of depression")
    pairing: str = choice("all-to-all", of=tuple(PAIRING), doc="pairs that count")

    @property
    def pre_reset(self) -> str:  # type: ignore[override]
        """What a spike of the source does to its trace."""
        return PAIRING[self.pairing].format("pre_trace")

    @property
    def post_reset(self) -> str:  # type: ignore[override]
        """What a spike of the target does to its trace."""
        return PAIRING[self.pairing].format("post_trace")


@dataclass(frozen=True, kw_only=True)
class SymmetricSTDP(PlasticityRule):
    r"""Power-law STDP with a term for pre and for post spikes.

    .. math::
        \Delta w = \begin{cases}
            \eta \, (x_{pre} - x_{offset}) \, (w_{max} - w)^\mu & \text{on a post spike} \\
            -\eta \, r \, x_{post} \, w^\mu & \text{on a pre spike}
        \end{cases}

    Both traces are set to one by a spike of their neuron.

    Parameters
    ----------
    learning_rate : float
        Step :math:`\eta` on post spikes.
    depression : float
        Ratio :math:`r` of the step on pre spikes to that on post spikes.
    offset : float
        Trace of the source at which a post spike changes nothing.
    mu : float
        Exponent of the dependence on the weight.
    tau_pre, tau_post : Quantity, time
        Decay of the traces.
    w_max : float
        Upper bound of the weight.

    References
    ----------
    Third of the four rules of Diehl and Cook (2015),
    doi:10.3389/fncom.2015.00099, Sec. 2.3. The paper's constants are not known
    to us; those here are the choice of a third-party re-implementation.
    """

    pre_equations: ClassVar[str] = "dpre_trace/dt = -pre_trace / tau_pre : 1"
    post_equations: ClassVar[str] = "dpost_trace/dt = -post_trace / tau_post : 1"
    pre_reset: ClassVar[str] = "pre_trace = 1"
    post_reset: ClassVar[str] = "post_trace = 1"
    on_post: ClassVar[str] = (
        "w = clip(w + learning_rate*(pre_trace - offset)*(w_max - w)**mu, 0, w_max)"
    )
    on_pre: ClassVar[str] = (
        "w = clip(w - learning_rate*depression*post_trace*w**mu, 0, w_max)"
    )
    pre_needs_post: ClassVar[bool] = True

    depression: float = number(0.01, low=0, doc="step on pre over step on post")
    offset: float = number(0.15, low=0, high=1, doc="trace without weight change")
    mu: float = number(0.9, low=0, doc="exponent of the power law")
    tau_pre: Quantity = quantity(20 * ms, above=0, doc="decay of the pre trace")
    tau_post: Quantity = quantity(20 * ms, above=0, doc="decay of the post trace")


@dataclass(frozen=True, kw_only=True)
class TripletSTDP(PlasticityRule):
    r"""Triplet STDP of the released code of Diehl and Cook.

    .. math::
        \Delta w = \begin{cases}
            \eta \, x_{pre} \, y_2 & \text{on a post spike, } y_2 \text{ before its update} \\
            -\eta \, r \, y_1 & \text{on a pre spike}
        \end{cases}
        \quad \text{clipped to } [0, w_{max}]

    A pre spike sets :math:`x_{pre}` to one, a post spike :math:`y_1` and
    :math:`y_2`. Potentiation needs an earlier post spike: of a single pair only
    depression is left.

    Parameters
    ----------
    learning_rate : float
        Step :math:`\eta` on post spikes.
    depression : float
        Ratio :math:`r` of the step on pre spikes to that on post spikes.
    tau_pre, tau_post, tau_slow : Quantity, time
        Decay of :math:`x_{pre}`, :math:`y_1` and :math:`y_2`.
    w_max : float
        Upper bound of the weight.

    References
    ----------
    Released code of Diehl and Cook (2015), doi:10.3389/fncom.2015.00099
    (peter-u-diehl/stdp-mnist): steps 1e-2 and 1e-4; 20, 20 and 40 ms.
    """

    pre_equations: ClassVar[str] = "dpre_trace/dt = -pre_trace / tau_pre : 1"
    post_equations: ClassVar[str] = """
    dpost_trace/dt = -post_trace / tau_post : 1
    dslow_trace/dt = -slow_trace / tau_slow : 1
    """
    pre_reset: ClassVar[str] = "pre_trace = 1"
    post_reset: ClassVar[str] = """
    post_trace = 1
    slow_trace = 1
    """
    on_post: ClassVar[str] = (
        "w = clip(w + learning_rate*pre_trace*slow_trace, 0, w_max)"
    )
    on_pre: ClassVar[str] = (
        "w = clip(w - learning_rate*depression*post_trace, 0, w_max)"
    )
    pre_needs_post: ClassVar[bool] = True
    needs_two_spikes: ClassVar[bool] = True

    depression: float = number(0.01, low=0, doc="step on pre over step on post")
    tau_pre: Quantity = quantity(20 * ms, above=0, doc="decay of the pre trace")
    tau_post: Quantity = quantity(20 * ms, above=0, doc="decay of the fast post trace")
    tau_slow: Quantity = quantity(40 * ms, above=0, doc="decay of the slow post trace")
