"""Every learning rule: its traces, and what a spike does to a weight.

A rule is a frozen dataclass that knows nothing of geometry: it says which
traces its source and target neurons carry, and which statements run at each
synapse when one of them spikes. Its fields enter the equations as shared
variables.
"""

from dataclasses import dataclass
from typing import ClassVar

from stdpnet.config import Parameters, choice, number, quantity
from stdpnet.units import Quantity, ms


@dataclass(frozen=True, kw_only=True)
class PlasticityRule(Parameters):
    """Base of all learning rules.

    Subclasses set the class constants (or properties):

    pre_equations, post_equations : str
        Traces that the source and the target neurons carry.
    pre_reset, post_reset : str
        What a spike does to the traces of the neuron that spiked, before the
        synapses see it.
    on_pre, on_post : str
        Statements at a synapse when its source or its target spikes. They may
        use the traces, the weight `w` and the rule's parameters.

    Spikes of source and target in the same time step count as a causal pair.
    Traces start every presentation at zero.
    """

    kind: ClassVar[str] = "rule"

    pre_equations: ClassVar[str] = ""
    post_equations: ClassVar[str] = ""
    pre_reset: ClassVar[str] = ""
    post_reset: ClassVar[str] = ""
    on_pre: ClassVar[str] = ""
    #: A property where a field chooses between statements.
    on_post: ClassVar[str | property] = ""

    learning_rate: float = number(0.01, low=0, doc="step of the weight")
    w_max: float = number(1.0, above=0, doc="upper bound; the lower is zero")


_SOFTNESS = {
    "soft": "w*(w_max - w)",
    "hard": "1",
    "power-law": "(w_max - w)**mu",
}


@dataclass(frozen=True, kw_only=True)
class TraceSTDP(PlasticityRule):
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

    pre_equations: ClassVar[str] = "dpre_trace/dt = -pre_trace / tau_pre : 1"
    pre_reset: ClassVar[str] = "pre_trace = 1"

    offset: float = number(0.43, low=0, high=1, doc="trace without weight change")
    tau_pre: Quantity = quantity(10 * ms, above=0)
    bounds: str = choice("soft", of=tuple(_SOFTNESS), doc="dependence on the weight")
    mu: float = number(1.0, low=0, doc="exponent of the power law")

    @property
    def on_post(self) -> str:  # type: ignore[override]
        """Weight change when the target spikes."""
        change = f"learning_rate*(pre_trace - offset)*{_SOFTNESS[self.bounds]}"
        return f"w = clip(w + {change}, 0, w_max)"
