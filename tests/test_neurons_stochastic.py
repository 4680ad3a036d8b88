"""How often stochastic neurons spike, against the formula; without noise, no chance."""

from dataclasses import replace

import numpy as np
import pytest

from stdpnet.devices import wilson_interval
from stdpnet.engine.program import build
from stdpnet.engine.run import run_chunk
from stdpnet.models.network import Counter, Input, Network, Population, Projection
from stdpnet.models.neurons import (
    AdaptiveSigmoid,
    MagnetoelectricLIF,
    SigmoidNeuron,
    StochasticBit,
)
from stdpnet.models.projections import OneToOne
from stdpnet.units import Hz, ms

CONFIDENCE = 0.999
POTENTIALS = np.linspace(-6.0, 6.0, 13)
N_ALIKE, N_EXAMPLES, HALF = 1000, 12, 40.0
SHAPE = (len(POTENTIALS), N_ALIKE, 1)


def counted(neuron, excitation: np.ndarray, inhibition: np.ndarray, seed: int = 3):
    """How often the first step after the input is a spike, of each row, as a count."""
    names = ["v"] if np.all(inhibition == 0) else ["v", "g_i"]
    network = Network(
        inputs=[Input(name="charge", shape=SHAPE)],
        populations=[Population(name="bits", shape=SHAPE, neuron=neuron)],
        projections=[
            Projection(
                name=f"to_{name}",
                source="charge",
                target="bits",
                geometry=OneToOne(),
                into=name,
            )
            for name in names
        ],
        counters=[Counter(name="spikes", source="bits", pooling=OneToOne())],
        dt=1 * ms,
        dtype="float64",
    )
    values = neuron.values()
    # What arrives decays for one step before it acts.
    grown = {
        "v": excitation * np.exp(float(1 * ms / values["tau_m"])),
        "g_i": inhibition * np.exp(float(1 * ms / values.get("tau_gi", 1 * ms))),
    }
    state = {
        f"to_{name}.w": np.repeat(grown[name], N_ALIKE).reshape(SHAPE) for name in names
    }
    if neuron.per_map:
        state["bits.theta"] = np.full(1, neuron.initial()["theta"])
    result = run_chunk(
        build(network.describe(), "numpy", title="test: stochastic neurons"),
        {"charge": np.zeros((N_EXAMPLES, *SHAPE), np.uint16)},
        state,
        network.parameter_values(learning=False),
        n_steps=2,
        seed=seed,
    )
    return result.counts["spikes"].sum(axis=(0, 2, 3))


@pytest.mark.parametrize("inhibition", [0.0, 7.0])
def test_an_adaptive_sigmoid_spikes_with_its_probability(inhibition):
    neuron = AdaptiveSigmoid(
        v_half=30.0, theta_start=10.0, v_width=1.5, p_max=0.9, theta_rate=0 * Hz
    )
    v = HALF + POTENTIALS + inhibition
    counts = counted(neuron, v, np.full(len(v), inhibition))
    low, high = wilson_interval(counts, N_ALIKE * N_EXAMPLES, confidence=CONFIDENCE)
    p = 0.9 / (1 + np.exp(-POTENTIALS / 1.5))
    assert np.all((low < p) & (p < high))


@pytest.mark.parametrize(
    ("neuron", "half"),
    [
        (SigmoidNeuron(v_half=HALF), HALF),
        (AdaptiveSigmoid(v_half=HALF, theta_start=0.0), HALF),
        (StochasticBit(), np.interp(0.5, StochasticBit().probabilities, 0.2 * np.arange(1, 64))),
        (MagnetoelectricLIF(), 405.5 / 40),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_without_noise_a_neuron_spikes_where_that_is_more_likely_than_not(neuron, half):
    v = half + np.linspace(-1.2, 1.2, len(POTENTIALS)) + 0.01
    certain = replace(neuron, noise=0.0)
    expected = np.where(v > half, N_ALIKE * N_EXAMPLES, 0)
    for seed in (3, 4):
        counts = counted(certain, v, np.zeros(len(v)), seed)
        assert np.array_equal(counts, expected)
    by_chance = counted(neuron, v, np.zeros(len(v)))
    assert not np.array_equal(by_chance, expected)


def test_half_the_noise_cuts_off_what_is_far_from_certain():
    neuron = SigmoidNeuron(v_half=HALF, v_width=1.5, noise=0.5)
    p = 1 / (1 + np.exp(-POTENTIALS / 1.5))
    expected = np.clip(2 * p - 0.5, 0, 1)
    counts = counted(neuron, HALF + POTENTIALS, np.zeros(len(POTENTIALS)))
    n = N_ALIKE * N_EXAMPLES
    low, high = wilson_interval(counts, n, confidence=CONFIDENCE)
    inside = (expected > 0) & (expected < 1)
    assert np.all(((low < expected) & (expected < high))[inside])
    assert np.array_equal(counts[~inside], n * expected[~inside])
