"""Rules for synapses of one or two bits, which switch at random."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from stdpnet.config import choice, number, quantity
from stdpnet.models.plasticity.base import PlasticityRule
from stdpnet.units import Quantity, ms


@dataclass(frozen=True, kw_only=True)
class BinaryRule(PlasticityRule, abstract=True):
    """Base: weights are zero or `w_max`; the last spikes leave traces of one."""

    pre_equations: ClassVar[str] = "dpre_trace/dt = -pre_trace / tau_plus : 1"
    post_equations: ClassVar[str] = "dpost_trace/dt = -post_trace / tau_minus : 1"
    pre_reset: ClassVar[str] = "pre_trace = 1"
    post_reset: ClassVar[str] = "post_trace = 1"
    pre_needs_post: ClassVar[bool] = True

    learning_rate: float = number(0.1, low=0, high=1, doc="probability of potentiation")
    depression: float = number(0.1, low=0, doc="depression over potentiation")
    tau_plus: Quantity = quantity(6 * ms, above=0, doc="window of potentiation")
    tau_minus: Quantity = quantity(6 * ms, above=0, doc="window of depression")

    @property
    def levels(self) -> tuple[float, ...] | None:
        """Zero and `w_max`."""
        return (0.0, self.w_max)


@dataclass(frozen=True, kw_only=True)
class StochasticSTDP(BinaryRule):
    r"""Binary synapses that switch with a probability that falls with the spike-time difference.

    .. math::
        P(w \to w_{max}) &= \gamma \, e^{-\Delta t / \tau_+}
        \quad \text{on a post spike, } \Delta t \text{ after the last pre spike} \\
        P(w \to 0) &= \gamma \, r \, e^{-\Delta t / \tau_-}
        \quad \text{on a pre spike, } \Delta t \text{ after the last post spike}

    Parameters
    ----------
    learning_rate : float
        Probability :math:`\gamma` of potentiation at :math:`\Delta t = 0`.
    depression : float
        Ratio :math:`r` of depression to potentiation.
    tau_plus, tau_minus : Quantity, time
        Time constants of the probabilities.
    w_max : float
        Weight of a synapse that is on; the other level is zero.

    References
    ----------
    Form :math:`\gamma e^{-|\Delta t|/\tau}`: Srinivasan, Sengupta and Roy (2016),
    Sci. Rep. 6:29545, and Srinivasan and Roy, arXiv:2002.11163. Their constants
    are not known to us; 0.10, 0.01 and 6 ms are those of a third-party port.
    """

    on_post: ClassVar[str] = "w = w + (w_max - w)*int(rand() < learning_rate*pre_trace)"
    on_pre: ClassVar[str] = (
        "w = w - w*int(rand() < learning_rate*depression*post_trace)"
    )


@dataclass(frozen=True, kw_only=True)
class WindowSTDP(BinaryRule):
    r"""Binary synapses that switch with a constant probability inside a window.

    .. math::
        P(w \to w_{max}) &= \gamma \quad \text{on a post spike, if }
        t_{post} - t_{pre} < \tau_+ \\
        P(w \to 0) &= \gamma \, r \quad \text{on a pre spike, if }
        t_{pre} - t_{post} < \tau_-

    Parameters
    ----------
    learning_rate : float
        Probability :math:`\gamma` of potentiation.
    depression : float
        Ratio :math:`r` of depression to potentiation.
    tau_plus, tau_minus : Quantity, time
        Windows, from the last spike of the other side.
    w_max : float
        Weight of a synapse that is on; the other level is zero.

    Notes
    -----
    Traces fall linearly from one and reach zero at the end of the window.

    References
    ----------
    Rectangular variant in the manner of the stochastic S-STDP in
    doi:10.1038/s41598-021-97583-y, whose figure caption gives 0.04 for potentiation. The
    windows and the ratio are ours.
    """

    pre_equations: ClassVar[str] = "dpre_trace/dt = -1 / tau_plus : 1"
    post_equations: ClassVar[str] = "dpost_trace/dt = -1 / tau_minus : 1"
    on_post: ClassVar[str] = (
        "w = w + (w_max - w)*int(rand() < learning_rate*int(pre_trace > 1e-6))"
    )
    on_pre: ClassVar[str] = (
        "w = w - w*int(rand() < learning_rate*depression*int(post_trace > 1e-6))"
    )

    learning_rate: float = number(
        0.04, low=0, high=1, doc="probability of potentiation"
    )
    depression: float = number(0.2, low=0, doc="depression over potentiation")


@dataclass(frozen=True, kw_only=True)
class LongShortTermSTDP(BinaryRule):
    r"""Two-bit synapses: a stable bit that follows a labile one with low probability.

    .. math::
        w = w_{max} \left( s \, b_{stable} + (1 - s) \, b_{labile} \right)

    The labile bit switches as in `StochasticSTDP`; after every post spike the stable bit
    takes its value with probability `consolidation`.

    Parameters
    ----------
    learning_rate : float
        Probability of potentiation of the labile bit at :math:`\Delta t = 0`.
    depression : float
        Ratio of depression to potentiation.
    tau_plus, tau_minus : Quantity, time
        Time constants of the probabilities.
    consolidation : float
        Probability that the stable bit takes the value of the labile one.
    stable_share : float
        Share :math:`s` of the stable bit in the weight.
    w_max : float
        Weight with both bits on.

    References
    ----------
    In the manner of the LT-ST synapse of Srinivasan, Sengupta and Roy (2016),
    Sci. Rep. 6:29545, where the long-term bit switches with low and the
    short-term bit with higher probability (abstract). How the bits act on each other
    and all constants are ours.
    """

    synaptic: ClassVar[tuple[str, ...]] = ("stable", "labile")
    on_post: ClassVar[str] = """
    labile = labile + (1 - labile)*int(rand() < learning_rate*pre_trace)
    stable = stable + (labile - stable)*int(rand() < consolidation)
    w = w_max*(stable_share*stable + (1 - stable_share)*labile)
    """
    on_pre: ClassVar[str] = """
    labile = labile - labile*int(rand() < learning_rate*depression*post_trace)
    w = w_max*(stable_share*stable + (1 - stable_share)*labile)
    """

    consolidation: float = number(0.02, low=0, high=1, doc="stable follows labile")
    stable_share: float = number(2 / 3, above=0.5, high=1, doc="share of the weight")

    @property
    def levels(self) -> tuple[float, ...] | None:
        """Weights of the four combinations of bits."""
        share = self.stable_share
        return tuple(self.w_max * part for part in (0.0, 1 - share, share, 1.0))

    def synapses(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """Return the bits of synapses of given weights."""
        assert self.levels is not None
        nearest = np.abs(w[..., None] - np.asarray(self.levels)).argmin(axis=-1)
        return {
            "stable": (nearest >= 2).astype(w.dtype),
            "labile": (nearest % 2).astype(w.dtype),
        }


@dataclass(frozen=True, kw_only=True)
class HybridSTDP(BinaryRule):
    r"""Hybrid Hebbian and anti-Hebbian STDP (HB-STDP) for binary kernels.

    On a post spike an input that spiked recently is switched on (Hebbian), one that
    is silent or spiked long ago is switched off (anti-Hebbian); on a pre spike
    an input that comes just after the target is switched off:

    .. math::
        P(w \to w_{max}) &= \gamma \, k_{pre} && \text{if } x_{pre} \ge x_{recent} \\
        P(w \to 0) &= \gamma \, a \, (1 - k_{pre} / x_{recent})
        && \text{if } x_{pre} < x_{recent} \\
        P(w \to 0) &= \gamma \, r \, k_{post} && \text{on a pre spike, if } x_{post} \ge x_{late}

    With constant probabilities :math:`k` is one inside a window and the bracket is one; with
    exponential ones :math:`k` is the trace. A spike sets the trace of its neuron to
    one, and it decays with `tau_plus` or `tau_minus`.

    With ``aggregate="mini-batch"`` the signed probabilities of all events at a
    (shared) weight are added up over `batch` presentations; then the weight switches on with
    the sum as its probability, or off if the sum is negative.

    Parameters
    ----------
    learning_rate : float
        Probability :math:`\gamma` of Hebbian potentiation.
    anti_hebbian, depression : float
        Ratios :math:`a` and :math:`r` of the two depressions to potentiation.
    recent, late : float
        Traces :math:`x_{recent}` and :math:`x_{late}` at the end of the windows.
    tau_plus, tau_minus : Quantity, time
        Decay of the traces.
    probability : {"constant", "exponential"}
        Inside the windows.
    aggregate : {"none", "mini-batch"}
        Whether switching waits for the end of a mini-batch.
    batch : int
        Presentations in a mini-batch.
    w_max : float
        Weight of a synapse that is on; the other level is zero.

    References
    ----------
    In the manner of Srinivasan and Roy (2019), arXiv:1902.04161 (ReStoCNet). The
    three cases follow a branch of a third-party port; thresholds and probabilities of
    the paper are not known to us, and all constants here are ours.
    """

    anti_hebbian: float = number(0.5, low=0, doc="anti-Hebbian over potentiation")
    depression: float = number(0.1, low=0, doc="Hebbian depression over potentiation")
    recent: float = number(0.4, above=0, high=1, doc="trace of an input still recent")
    late: float = number(0.4, above=0, high=1, doc="trace of a target just before")
    tau_plus: Quantity = quantity(16 * ms, above=0, doc="decay of the pre trace")
    tau_minus: Quantity = quantity(6 * ms, above=0, doc="decay of the post trace")
    probability: str = choice(
        "constant", of=("constant", "exponential"), doc="inside the windows"
    )
    aggregate: str = choice(
        "none", of=("none", "mini-batch"), doc="when weights switch"
    )
    batch: int = number(10, low=1, integer=True, doc="presentations in a mini-batch")

    @property
    def synaptic(self) -> tuple[str, ...]:  # type: ignore[override]
        """What a mini-batch adds up."""
        return ("drive", "shown") if self.aggregate == "mini-batch" else ()

    @property
    def on_post(self) -> str:  # type: ignore[override]
        """Hebbian potentiation or anti-Hebbian depression."""
        graded = self.probability == "exponential"
        rises = "*pre_trace" if graded else ""
        falls = "*(1 - pre_trace/recent)" if graded else ""
        return f"""
        p_on = learning_rate*int(pre_trace >= recent){rises}
        p_off = learning_rate*anti_hebbian*int(pre_trace < recent){falls}
        """ + (
            "drive = drive + p_on - p_off"
            if self.synaptic
            else """u = rand()
        w = w + (w_max - w)*int(u < p_on) - w*int(u < p_off)
        """
        )

    @property
    def on_pre(self) -> str:  # type: ignore[override]
        """Hebbian depression."""
        falls = "*post_trace" if self.probability == "exponential" else ""
        probability = f"learning_rate*depression*int(post_trace >= late){falls}"
        if self.synaptic:
            return f"drive = drive - {probability}"
        return f"w = w - w*int(rand() < {probability})"

    @property
    def on_end(self) -> str:  # type: ignore[override]
        """Switching at the end of a mini-batch."""
        if not self.synaptic:
            return ""
        return """
        shown = shown + 1
        due = int(shown >= batch)
        u = rand()
        w = w + due*((w_max - w)*int(u < drive) - w*int(u < -drive))
        drive = drive*(1 - due)
        shown = shown*(1 - due)
        """
