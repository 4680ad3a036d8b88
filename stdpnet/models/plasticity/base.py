"""What every learning rule says of itself; it runs nothing.

A rule is a frozen dataclass that knows nothing of geometry: it says which
traces its source and target neurons carry, and which statements run at each
synapse when one of them spikes. Its fields enter the equations as shared
variables, so that changing one compiles nothing.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from stdpnet.config import Parameters, number


@dataclass(frozen=True, kw_only=True)
class PlasticityRule(Parameters, abstract=True):
    """Base of all learning rules.

    Subclasses set the class constants, or properties where a parameter
    chooses between texts:

    pre_equations, post_equations : str
        Traces that the source and the target neurons carry.
    pre_reset, post_reset : str
        What a spike does to the traces of the neuron that spiked: those of a
        source before the synapses see them, those of a target afterwards.
    on_pre, on_post : str
        Statements at a synapse when its source or its target spikes. They may
        use the traces, the weight `w`, the rule's parameters, and variables of
        the neurons as `v_pre` and `v_post`.
    on_end : str
        Statements at every synapse after every presentation.
    synaptic : tuple of str
        Variables that a synapse has besides `w`, shared as `w` is.
    pre_needs_post : bool
        Whether `on_pre` changes nothing at synapses whose target has not
        spiked in this presentation. The engine then passes them over.
    needs_two_spikes : bool
        Whether nothing is potentiated by the first spike of a target in a
        presentation.

    Spikes of source and target in the same time step count as a causal pair:
    `on_post` sees the source's new trace, `on_pre` the target's old one. Traces
    start every presentation at zero.
    """

    kind: ClassVar[str] = "rule"

    pre_equations: ClassVar[str] = ""
    post_equations: ClassVar[str] = ""
    pre_reset: ClassVar[str] = ""
    post_reset: ClassVar[str] = ""
    on_pre: ClassVar[str] = ""
    on_post: ClassVar[str] = ""
    on_end: ClassVar[str] = ""
    synaptic: ClassVar[tuple[str, ...]] = ()
    pre_needs_post: ClassVar[bool] = False
    needs_two_spikes: ClassVar[bool] = False

    learning_rate: float = number(0.01, low=0, doc="step of the weight")
    w_max: float = number(1.0, above=0, doc="upper bound; the lower is zero")

    @property
    def title(self) -> str:
        """Name of the rule in messages."""
        return type(self).__name__

    @property
    def levels(self) -> tuple[float, ...] | None:
        """Values that a weight may have, ascending; None if it is continuous."""
        return None

    def traces(self, side: str) -> str:
        """Return the trace equations of the "pre" or "post" side."""
        return self.pre_equations if side == "pre" else self.post_equations

    def trace_reset(self, side: str) -> str:
        """Return what a spike does to the traces of the "pre" or "post" side."""
        return self.pre_reset if side == "pre" else self.post_reset

    def initial_weights(
        self, rng: np.random.Generator, shape: tuple[int, ...]
    ) -> np.ndarray:
        """Return random weights to start from, of a given shape."""
        if self.levels is None:
            return rng.uniform(0.2 * self.w_max, 0.8 * self.w_max, shape)
        return rng.choice(self.levels, shape)

    def synapses(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """Return what synapses of given weights hold besides them.

        Parameters
        ----------
        w : ndarray
            Weights, of any shape.

        Returns
        -------
        dict of ndarray
            For each variable in `synaptic`, an array of the shape of `w`.
        """
        return {name: np.zeros_like(w) for name in self.synaptic}

    def check_weights(self, w: np.ndarray, name: str = "weights") -> None:
        """Raise ValueError for weights that this rule cannot have learned."""
        levels = self.levels or (0.0, self.w_max)
        tolerance = 1e-6 * self.w_max
        if self.levels is None:
            bad = (w < -tolerance) | (w > self.w_max + tolerance)
            rule = f"between 0 and w_max {self.w_max:g}"
        else:
            distance = np.abs(np.asarray(w)[..., None] - np.asarray(levels))
            bad = distance.min(axis=-1) > tolerance
            rule = f"one of its levels {', '.join(f'{level:g}' for level in levels)}"
        if bad.any():
            raise ValueError(
                f"{name} of {self.title} must be {rule}, got {np.asarray(w)[bad][0]:g}"
            )
