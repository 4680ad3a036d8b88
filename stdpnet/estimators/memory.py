"""What a network takes in memory once it has learned, and what graded weights would."""

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from stdpnet.estimators.compressing import stored_weights
from stdpnet.models.equations import variables

#: Bytes of a weight, or of what a neuron says, in the network compared with.
FULL = 4
_SHAPE = "shape"


@dataclass(frozen=True)
class Memory:
    """Bytes for inference, from arrays that can be written and read back.

    Parameters
    ----------
    n_synapses, n_neurons : int
        Of the plastic synapses, and of their targets.
    weight_bytes : int
        Of the stored weights: bits and the table of levels.
    threshold_bytes : int
        Of the adaptive thresholds.
    state_bytes : int
        Of what all neurons keep from one time step to the next: potentials, inhibition,
        times of refractory periods.
    """

    n_synapses: int
    n_neurons: int
    weight_bytes: int
    threshold_bytes: int
    state_bytes: int

    @property
    def synaptic_bytes(self) -> int:
        """Bytes of the stored weights and of all floats that go with them."""
        return self.weight_bytes + self.threshold_bytes

    @property
    def synaptic_factor(self) -> float:
        """Bytes of the weights with 32 bits each, over `synaptic_bytes`."""
        return FULL * self.n_synapses / self.synaptic_bytes

    @property
    def output_factor(self) -> float:
        """Bytes of an output of 32 bits of every neuron, over one bit each."""
        return FULL * self.n_neurons / -(-self.n_neurons // 8)

    def __add__(self, other: "Memory") -> "Memory":
        """Return the memory of two parts of a network."""
        return Memory(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    def table(self) -> str:
        """Return the numbers as text, a line each."""
        per_neuron = self.state_bytes / self.n_neurons
        weights = f"{FULL * self.n_synapses:,} bytes with 32 bits a weight"
        stored = (
            f"{self.weight_bytes:,} of weights, {self.threshold_bytes:,} of thresholds"
        )
        return "\n".join(
            [
                f"synapses: {weights}, {self.synaptic_bytes:,} stored ({stored}): "
                f"{self.synaptic_factor:.1f} times less",
                f"outputs of neurons: 32 bits a step, or one: {self.output_factor:.1f} "
                "times less",
                f"state of neurons: {self.state_bytes:,} bytes, {per_neuron:g} a neuron: "
                "the same with graded weights",
            ]
        )


def memory_of(estimator: Any) -> Memory:
    """Return the memory of a network that has learned.

    Parameters
    ----------
    estimator : Learner
        Fitted.
    """
    stored = stored_weights(estimator)
    arrays = stored if isinstance(stored, dict) else {"weights": stored}
    layer = estimator.layer()
    neuron, size = layer.neuron, np.dtype(layer.dtype).itemsize
    shared = {n: v for n, v in estimator.state().items() if _is_map(n, neuron)}
    kept = [n for n in variables(neuron.equations) if n not in neuron.per_map]
    n_neurons = int(np.prod(layer.positions))
    return Memory(
        n_synapses=estimator.weights_of(estimator.__dict__).size,
        n_neurons=n_neurons,
        weight_bytes=sum(a.nbytes for n, a in arrays.items() if n != _SHAPE),
        threshold_bytes=sum(values.nbytes for values in shared.values()),
        state_bytes=n_neurons * sum(8 if n in neuron.precise else size for n in kept),
    )


def _is_map(name: str, neuron: Any) -> bool:
    part, _, variable = name.partition(".")
    return part == "features" and variable in neuron.per_map
