"""The pairing protocol: one pre and one post spike at every synapse, in the simulator."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stdpnet.engine.program import build
from stdpnet.engine.run import STIMULUS_DTYPES, run_chunk
from stdpnet.models.network import Input, Network, Population, Projection
from stdpnet.models.neurons import IF
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import OneToOne, Shape
from stdpnet.units import Quantity, ms


@dataclass(frozen=True)
class Pairing:
    """Weights before and after one pair of spikes.

    Attributes
    ----------
    delta : ndarray, shape (n_deltas,)
        Spike-time differences, post minus pre, in seconds.
    w : ndarray, shape (n_weights,)
        Weights before.
    after : ndarray, shape (n_trials, n_deltas, n_weights)
        Weights after.
    """

    delta: np.ndarray
    w: np.ndarray
    after: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """Mean weight change, shape (n_deltas, n_weights)."""
        return self.after.mean(axis=0) - self.w

    @property
    def switched(self) -> np.ndarray:
        """Trials in which the weight is another, shape (n_deltas, n_weights)."""
        return (self.after != self.after.dtype.type(self.w)).sum(axis=0)


def pair_spikes(
    rules: Sequence[PlasticityRule],
    steps: np.ndarray,
    weights: np.ndarray,
    *,
    n_trials: int = 1,
    dt: Quantity = 1 * ms,
    dtype: str = "float64",
    backend: str = "auto",
    seed: int = 0,
) -> list[Pairing]:
    """Give every synapse one pre and one post spike, and look at its weight.

    Parameters
    ----------
    rules : sequence of PlasticityRule
        Rules of the synapses; all see the same spikes, in one program.
    steps : ndarray of int, shape (n_deltas,)
        Time of the post spike after the pre spike, in steps of `dt`.
    weights : ndarray, shape (n_weights,)
        Weights to start from.
    n_trials : int
        Synapses for each combination.
    dt, dtype, backend
        As in `stdpnet.models.network.Network` and `stdpnet.engine.program.build`.
    seed : int
        Seed of rules that draw random numbers.

    Returns
    -------
    list of Pairing
        One for each rule.

    Raises
    ------
    ValueError
        If a rule cannot have one of the weights.
    """
    steps, weights = np.asarray(steps), np.asarray(weights, float)
    for rule in rules:
        rule.check_weights(weights)
    delta, before = (a.ravel() for a in np.meshgrid(steps, weights, indexing="ij"))
    shape = (1, n_trials * len(delta), 1)
    post = int(max(0, steps.max()) + 1)
    stimuli = {
        "pre": np.tile(post - delta, n_trials),
        # A target spikes one step after the spike that lifts it over its threshold.
        "driver": np.full(shape[1], post - 1),
    }
    network = paired_network(rules, shape, dt, dtype)
    w = np.tile(before, n_trials).reshape(shape)
    state = {"drive.w": np.ones(shape)}
    for name, rule in named_rules(rules).items():
        values = {"w": w, **rule.synapses(w)}
        state |= {f"{name}.{variable}": array for variable, array in values.items()}
    title = ", ".join(dict.fromkeys(rule.title for rule in rules))
    result = run_chunk(
        build(network.describe(), backend, title=f"pairs of spikes, {title}"),
        {
            name: s.reshape(1, *shape).astype(STIMULUS_DTYPES["steps"])
            for name, s in stimuli.items()
        },
        state,
        network.parameter_values(),
        n_steps=max(post, post - int(steps.min())) + 2,
        seed=seed,
    )
    after = (n_trials, len(steps), len(weights))
    seconds = steps * float(dt.value)
    return [
        Pairing(seconds, weights, result.state[f"{name}.w"].reshape(after))
        for name in named_rules(rules)
    ]


def named_rules(rules: Sequence[PlasticityRule]) -> dict[str, PlasticityRule]:
    """Return the rules by the name of their projection."""
    return {f"plastic_{number}": rule for number, rule in enumerate(rules)}


def paired_network(
    rules: Sequence[PlasticityRule], shape: Shape, dt: Quantity, dtype: str
) -> Network:
    """Return one synapse of each rule for each input, and drivers of their targets."""
    plastic = (
        Projection(
            name=name,
            source="pre",
            target="post",
            geometry=OneToOne(),
            rule=rule,
            transmits=False,
        )
        for name, rule in named_rules(rules).items()
    )
    drive = Projection(
        name="drive", source="driver", target="post", geometry=OneToOne()
    )
    return Network(
        inputs=(Input(name="pre", shape=shape), Input(name="driver", shape=shape)),
        populations=(Population(name="post", shape=shape, neuron=IF(v_th=0.5)),),
        projections=(*plastic, drive),
        counters=(),
        dt=dt,
        dtype=dtype,
    )
