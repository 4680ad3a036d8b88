"""What a rule and a neuron do, against the formula in their docstrings."""

import numpy as np
import pytest

from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import Program, build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.network import Input, Network, Population, Projection
from stdpnet.models.neurons import AdaptiveIF, AdaptiveLIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import OneToOne
from stdpnet.units import ms

N_STEPS, POST_STEP = 40, 21
NEVER = 65535
#: Every pair of a spike-time difference in steps and an initial weight.
DELTA, W = (a.ravel() for a in np.meshgrid(np.arange(-8, 20), np.linspace(0, 0.8, 9)))
SHAPE = (1, len(W), 1)
OPTIONS = {"learning_rate": 0.3, "offset": 0.37, "tau_pre": 7 * ms, "w_max": 0.8}
BOUNDS = {
    "soft": TraceSTDP(bounds="soft", **OPTIONS),
    "hard": TraceSTDP(bounds="hard", **OPTIONS),
    "power": TraceSTDP(bounds="power-law", mu=0.5, **OPTIONS),
}
LEAK = AdaptiveLIF(tau_m=9 * ms, v_th=1, theta_start=0, theta_plus=0)
BACKENDS = ["cpp", "numpy"]


def paired_network() -> Network:
    """One synapse a pair: an input, and a driver that makes its target spike."""
    neuron = AdaptiveIF(v_th=5, theta_start=0, theta_plus=0)
    populations = {**dict.fromkeys(BOUNDS, neuron), "leak": LEAK}
    return Network(
        inputs=(Input(name="early", shape=SHAPE), Input(name="driver", shape=SHAPE)),
        populations=tuple(
            Population(name=name, shape=SHAPE, neuron=model)
            for name, model in populations.items()
        ),
        projections=tuple(
            Projection(
                name=f"{source}_{name}",
                source=source,
                target=name,
                geometry=OneToOne(),
                rule=BOUNDS.get(name) if source == "early" else None,
            )
            for source in ("early", "driver")
            for name in populations
        ),
        counters=(),
        dt=1 * ms,
        dtype="float64",
    )


@pytest.fixture(params=BACKENDS)
def program(request, monkeypatch) -> Program:
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    description = paired_network().describe()
    return build(description, request.param, title="test: spike pairs")


def state_of(program: Program, **given) -> dict[str, np.ndarray]:
    """Return weights that let only the driver reach a threshold."""
    state = {name: np.zeros(shape) for name, shape in program.state_shapes().items()}
    for name in BOUNDS:
        state[f"early_{name}.w"] = W.reshape(SHAPE)
        state[f"driver_{name}.w"] = np.full(SHAPE, 10.0)
    return {**state, **{name.replace("__", "."): a for name, a in given.items()}}


def pairs_of_spikes() -> dict[str, np.ndarray]:
    # A target spikes one step after the spike that lifts it over the threshold.
    early = (POST_STEP - DELTA).astype(np.uint16).reshape(1, *SHAPE)
    return {"early": early, "driver": np.full_like(early, POST_STEP - 1)}


def silence(n_examples: int) -> dict[str, np.ndarray]:
    steps = np.full((n_examples, *SHAPE), NEVER, np.uint16)
    return {"early": steps, "driver": steps}


def run(program: Program, stimuli, state, learning=True, **parameters) -> ChunkResult:
    values = paired_network().parameter_values(learning=learning)
    values |= {name.replace("__", "."): v for name, v in parameters.items()}
    record = [*BOUNDS, "leak"]
    return run_chunk(
        program, stimuli, state, values, n_steps=N_STEPS, seed=1, record=record
    )


def expected_weights(name: str) -> np.ndarray:
    """Compute the weight after one pair, from the formula of the rule."""
    trace = np.where(DELTA >= 0, np.exp(-DELTA / 7), 0)
    bound = {"soft": W * (0.8 - W), "hard": 1, "power": np.sqrt(0.8 - W)}[name]
    return np.clip(W + 0.3 * (trace - 0.37) * bound, 0, 0.8)


def test_one_pair_of_spikes_changes_a_weight_by_the_formula(program):
    result = run(program, pairs_of_spikes(), state_of(program))
    for name in BOUNDS:
        assert np.all(result.spikes[name][:, 1] == POST_STEP)
        assert len(result.spikes[name]) == len(W)
        learned = result.state[f"early_{name}.w"].ravel()
        assert learned == pytest.approx(expected_weights(name), rel=1e-6), name
        assert np.array_equal(result.state[f"driver_{name}.w"], np.full(SHAPE, 10.0))


def test_spikes_in_the_same_step_are_a_causal_pair(program):
    result = run(program, pairs_of_spikes(), state_of(program))
    together, inside = DELTA == 0, (W > 0) & (W < 0.8)
    for name in BOUNDS:
        change = result.state[f"early_{name}.w"].ravel() - W
        assert np.all(change[together & inside] > 0), name
        assert np.all(change[(DELTA < 0) & inside] < 0), name


def test_without_spikes_only_the_threshold_decays(program):
    theta = np.full(1, 2.0)
    state = state_of(program, soft__theta=theta, hard__theta=theta)
    result = run(program, silence(3), state, soft__theta_decay=0.1, hard__theta_decay=0)
    assert result.state["soft.theta"] == pytest.approx(2.0 * 0.9**3, rel=1e-12)
    assert result.state["hard.theta"] == theta
    assert all(len(rows) == 0 for rows in result.spikes.values())
    for name in state:
        if name.endswith(".w"):
            assert np.array_equal(result.state[name], state[name]), name


def test_with_learning_off_nothing_changes(program):
    state = state_of(program, soft__theta=np.full(1, 2.0))
    result = run(program, pairs_of_spikes(), state, learning=False)
    assert len(result.spikes["soft"]) == len(W)
    for name in state:
        assert np.array_equal(result.state[name], state[name]), name


def test_weights_stay_in_bounds_however_they_are_driven(program, rng):
    steps = rng.integers(0, N_STEPS, (2, 8, *SHAPE)).astype(np.uint16)
    rate = {f"early_{name}__learning_rate": 50.0 for name in ("hard", "power")}
    # w + r (trace - offset) w (w_max - w) stays positive up to r = 1 / offset.
    result = run(
        program,
        {"early": steps[0], "driver": steps[1]},
        state_of(program),
        **rate,
        early_soft__learning_rate=2.5,
    )
    for name in BOUNDS:
        weights = result.state[f"early_{name}.w"]
        assert not np.array_equal(weights.ravel(), W)
        assert weights.min() >= 0, name
        assert weights.max() <= 0.8, name


def test_the_threshold_of_a_map_rises_with_each_of_its_spikes(program):
    pairs = pairs_of_spikes()
    stimuli = {name: np.repeat(steps, 3, axis=0) for name, steps in pairs.items()}
    theta = 0.0
    for _ in range(3):
        theta = (theta + 0.001 * len(W)) * (1 - 0.2)
    parameters = {"hard__theta_plus": 0.001, "hard__theta_decay": 0.2}
    result = run(program, stimuli, state_of(program), **parameters)
    assert len(result.spikes["hard"]) == 3 * len(W)
    assert result.state["hard.theta"] == pytest.approx(theta, rel=1e-12)


def test_the_potential_of_a_lif_neuron_decays_exactly(program):
    gap = DELTA - 1.0  # steps from the early spike to the driver's
    above = np.arange(len(W)) % 2 == 0
    needed = np.exp(1 / 9) - 0.9 * np.exp(-gap / 9)
    usable = gap >= 0
    second = np.where(usable, needed + np.where(above, 1e-9, -1e-9), 0)
    weights = {
        "early_leak__w": np.where(usable, 0.9, 0).reshape(SHAPE),
        "driver_leak__w": second.reshape(SHAPE),
    }
    result = run(program, pairs_of_spikes(), state_of(program, **weights))
    spiked = result.spikes["leak"]
    assert np.array_equal(spiked[:, 2], np.flatnonzero(above & usable))
    assert np.all(spiked[:, 1] == POST_STEP)
