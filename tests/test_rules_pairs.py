"""One pair of spikes against the formula of every rule, on every target."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import binom

from stdpnet.analysis.closed_forms import pair_change, pair_switching
from stdpnet.config import concrete_subclasses
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import build
from stdpnet.engine.run import STIMULUS_DTYPES, run_chunk
from stdpnet.models.network import Input, Network, Population, Projection
from stdpnet.models.neurons import IF
from stdpnet.models.plasticity import (
    HybridSTDP,
    PairSTDP,
    PlasticityRule,
    TraceSTDP,
)
from stdpnet.models.projections import OneToOne, Shape
from stdpnet.units import Quantity, ms

STEPS = np.array([-30, -9, -4, -2, -1, 0, 1, 2, 3, 5, 8, 13, 30])
BUILT_IN = {
    name: rule
    for name, rule in concrete_subclasses(PlasticityRule).items()
    if rule.__module__.startswith("stdpnet.models.plasticity")
}
VARIANTS = [
    TraceSTDP(bounds="hard"),
    TraceSTDP(bounds="power-law", mu=0.5),
    PairSTDP(pairing="nearest"),
    HybridSTDP(probability="exponential"),
]
RULES = [*(cls() for cls in BUILT_IN.values()), *VARIANTS]
CONTINUOUS = [rule for rule in RULES if rule.levels is None]
BINARY = [rule for rule in RULES if rule.levels is not None]


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


W_MAX = 0.8


@pytest.fixture(params=["cpp", "numpy", pytest.param("cython", marks=pytest.mark.slow)])
def backend(request, monkeypatch) -> str:
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    return request.param


def test_one_pair_changes_a_weight_by_the_formula(backend):
    rules = [replace(rule, learning_rate=0.3, w_max=W_MAX) for rule in CONTINUOUS]
    found = pair_spikes(rules, STEPS, np.linspace(0, W_MAX, 5), backend=backend)
    for rule, pairs in zip(rules, found, strict=True):
        expected = pair_change(rule, pairs.delta[:, np.newaxis], pairs.w)
        assert expected is not None, rule
        assert np.abs(expected).max() > 0, rule
        wanted = pairs.w + expected
        assert pairs.after[0] == pytest.approx(wanted, rel=1e-6, abs=1e-12), rule


def test_binary_weights_switch_as_often_as_the_formula_says(backend):
    n = 10_000
    rules = [
        replace(rule, learning_rate=0.4, depression=0.5, w_max=2.0) for rule in BINARY
    ]
    steps = STEPS if backend == "cpp" else np.array([-2, 3])
    found = pair_spikes(
        rules, steps, np.array([0, 2.0]), n_trials=n, backend=backend, seed=5
    )
    for rule, pairs in zip(rules, found, strict=True):
        assert rule.levels is not None
        assert set(np.unique(pairs.after)) <= set(rule.levels)
        on_off = pair_switching(rule, pairs.delta)
        assert on_off is not None, rule
        for k, probability in enumerate(on_off):
            assert probability.max() > 0, rule
            low, high = binom.interval(0.999, n, probability)
            switched = pairs.switched[:, k]
            assert np.all((low <= switched) & (switched <= high)), (rule, k, switched)
