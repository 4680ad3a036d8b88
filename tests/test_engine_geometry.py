"""Computed indices against stored ones: every geometry, rule bound and neuron."""

import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import Program, build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.network import Counter, Input, Network, Population, Projection
from stdpnet.models.neurons import AdaptiveIF, AdaptiveLIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import Convolution, OneToOne, SumPooling
from stdpnet.units import ms

GREY, COLOUR = (7, 9, 1), (6, 5, 3)
PLAIN = Convolution(height=3, width=3)
STRIDED = Convolution(height=3, width=2, stride=2, padding=1)
PADDED = Convolution(height=4, width=4, stride=2, padding=2)
N_STEPS = 12
#: Populations of which early spikes count more.
BY_LATENCY = ("strided", "dense")


def soft(**parameters) -> TraceSTDP:
    return TraceSTDP(learning_rate=0.1, tau_pre=4 * ms, **parameters)


def mixed_network() -> Network:
    """Two inputs, five populations, and one projection of every kind."""
    plain, lif = PLAIN.target_shape(GREY, 3), AdaptiveLIF(theta_plus=0.05)
    populations = {
        "plain": (plain, AdaptiveIF(theta_plus=0.05)),
        "strided": (STRIDED.target_shape(COLOUR, 2), lif),
        "padded": (PADDED.target_shape(COLOUR, 4), AdaptiveIF(theta_scale=0.9)),
        "dense": ((1, 1, 5), lif),
        "relay": (plain, lif),
    }
    whole = Convolution.dense
    projections = {
        "to_plain": ("grey", "plain", PLAIN, soft()),
        "to_strided": ("colour", "strided", STRIDED, soft(bounds="hard")),
        "to_padded": ("colour", "padded", PADDED, soft(bounds="power-law", mu=0.6)),
        "to_dense": ("colour", "dense", whole(COLOUR), soft()),
        "also_dense": ("grey", "dense", whole(GREY), None),
        "to_relay": ("plain", "relay", OneToOne(), soft(w_max=3)),
    }
    pooling = {"plain": SumPooling(size=3, stride=2), "strided": SumPooling(padding=1)}
    return Network(
        inputs=(Input(name="grey", shape=GREY), Input(name="colour", shape=COLOUR)),
        populations=tuple(
            Population(name=name, shape=shape, neuron=neuron)
            for name, (shape, neuron) in populations.items()
        ),
        projections=tuple(
            Projection(name=name, source=a, target=b, geometry=geometry, rule=rule)
            for name, (a, b, geometry, rule) in projections.items()
        ),
        counters=tuple(
            Counter(
                name=f"{name}_counts",
                source=name,
                pooling=pooling.get(name, OneToOne()),
                by_latency=name in BY_LATENCY,
            )
            for name in populations
        ),
        dt=1 * ms,
        dtype="float64",
    )


def random_stimuli(rng, n_examples: int) -> dict[str, np.ndarray]:
    """One spike in half of the inputs, in a random step."""
    stimuli = {}
    for name, shape in (("grey", GREY), ("colour", COLOUR)):
        steps = rng.integers(0, N_STEPS, (n_examples, *shape)).astype(np.uint16)
        stimuli[name] = np.where(rng.random(steps.shape) < 0.5, steps, np.uint16(65535))
    return stimuli


def random_state(rng, program: Program) -> dict[str, np.ndarray]:
    shapes = program.state_shapes()
    state = {name: rng.random(shape) for name, shape in shapes.items()}
    state["to_relay.w"] *= 3
    return state


def random_chunk(rng, n_examples: int):
    """Return stimuli and state of the mixed network, for any backend."""
    program = Program(mixed_network().describe(), "numpy")
    return random_stimuli(rng, n_examples), random_state(rng, program)


@pytest.fixture
def chunk(rng):
    return random_chunk(rng, 4)


def run(program: Program, chunk, **options) -> ChunkResult:
    values = mixed_network().parameter_values()
    record = list(program.description["groups"])
    settings = {"n_steps": N_STEPS, "seed": 1, "record": record, **options}
    return run_chunk(program, *chunk, values, **settings)


def build_with(monkeypatch, flags: str | None, backend: str = "cpp") -> Program:
    if flags is not None:
        monkeypatch.setenv("STDPNET_FLAGS", flags)
    return build(mixed_network().describe(), backend, title="test: geometry")


def assert_equal_runs(one: ChunkResult, other: ChunkResult) -> None:
    """Spikes and counts identical, weights and thresholds within 1e-9."""
    for name, rows in one.spikes.items():
        assert len(rows) >= 20, f"{name} has hardly spiked: nothing is compared"
        both = [np.array(sorted(map(tuple, r.spikes[name]))) for r in (one, other)]
        assert np.array_equal(*both), name
    for name, counts in one.counts.items():
        assert np.array_equal(counts, other.counts[name]), name
    for name, array in one.state.items():
        assert array == pytest.approx(other.state[name], rel=1e-9, abs=1e-12), name


def test_native_equals_plain_brian2(monkeypatch, chunk):
    native = run(build_with(monkeypatch, EXACT_FLAGS), chunk)
    reference = run(build_with(monkeypatch, EXACT_FLAGS, "numpy"), chunk)
    assert_equal_runs(native, reference)
    learned = [name for name in chunk[1] if name != "also_dense.w"]
    for name in learned:
        assert not np.allclose(native.state[name], chunk[1][name]), name
    assert np.array_equal(native.state["also_dense.w"], chunk[1]["also_dense.w"])


def test_counters_add_up_recorded_spikes_in_their_windows(monkeypatch, chunk):
    result = run(build_with(monkeypatch, EXACT_FLAGS), chunk)
    shape = PLAIN.target_shape(GREY, 3)
    spikes = np.zeros((4, np.prod(shape)), int)
    np.add.at(spikes, (result.spikes["plain"][:, 0], result.spikes["plain"][:, 2]), 1)
    spikes = spikes.reshape(4, *shape)
    assert np.array_equal(result.counts["relay_counts"].shape, (4, *shape))
    for y, x in np.ndindex(result.counts["plain_counts"].shape[1:3]):
        window = spikes[:, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3]
        assert np.array_equal(
            result.counts["plain_counts"][:, y, x], window.sum((1, 2))
        )


def test_by_latency_a_spike_counts_the_steps_from_its_own_to_the_last(
    monkeypatch, chunk
):
    result = run(build_with(monkeypatch, EXACT_FLAGS), chunk)
    expected = np.zeros((4, 5), int)
    example, step, neuron = result.spikes["dense"].T
    np.add.at(expected, (example, neuron), N_STEPS - step)
    assert len(np.unique(step)) > 2
    assert np.array_equal(result.counts["dense_counts"][:, 0, 0], expected)


def test_recorded_input_spikes_are_the_stimulus(monkeypatch, chunk):
    result = run(build_with(monkeypatch, EXACT_FLAGS), chunk)
    for name, stimulus in chunk[0].items():
        rows = stimulus.reshape(4, -1)
        example, neuron = np.nonzero(rows < N_STEPS)
        expected = np.stack([example, rows[example, neuron], neuron], axis=1)
        assert sorted(map(tuple, result.spikes[name])) == sorted(map(tuple, expected))


@pytest.mark.parametrize("backend", ["cpp", "numpy"])
def test_two_chunks_with_the_state_carried_are_one_chunk(monkeypatch, chunk, backend):
    program = build_with(monkeypatch, EXACT_FLAGS, backend)
    stimuli, state = chunk
    whole = run(program, chunk)
    parts = []
    for start, stop in pairwise([0, 1, 4]):
        part = {name: steps[start:stop] for name, steps in stimuli.items()}
        parts.append(run(program, (part, state)))
        state = parts[-1].state
    for name, array in whole.state.items():
        assert np.array_equal(array, state[name]), name
    for name, counts in whole.counts.items():
        joined = np.concatenate([part.counts[name] for part in parts])
        assert np.array_equal(counts, joined), name


@pytest.mark.slow
def test_the_fast_flags_change_nothing_that_matters(monkeypatch, chunk):
    fast = run(build_with(monkeypatch, None), chunk)
    assert_equal_runs(fast, run(build_with(monkeypatch, None, "numpy"), chunk))


def one_layer() -> Network:
    """The least that learns: Cython compiles it within a minute."""
    whole = mixed_network()
    projection = next(p for p in whole.projections if p.name == "to_strided")
    population = next(p for p in whole.populations if p.name == "strided")
    return replace(
        whole,
        inputs=whole.inputs[1:],
        populations=(population,),
        projections=(projection,),
        counters=(),
    )


@pytest.mark.slow
def test_brian2_on_cython_equals_brian2_on_numpy(chunk):
    pytest.importorskip("Cython")
    stimuli, state = chunk
    names = ("to_strided.w", "strided.theta")
    results = [
        run_chunk(
            Program(one_layer().describe(), backend),
            {"colour": stimuli["colour"]},
            {name: state[name] for name in names},
            one_layer().parameter_values(),
            n_steps=N_STEPS,
            seed=1,
            record=["strided"],
        )
        for backend in ("cython", "numpy")
    ]
    assert_equal_runs(*results)


@pytest.mark.slow
def test_clang_builds_the_same_program(monkeypatch, rng):
    if shutil.which("clang++") is None:
        pytest.skip("no clang++ on this machine")
    chunk = random_chunk(rng, 8)
    gcc = run(build_with(monkeypatch, EXACT_FLAGS), chunk)
    monkeypatch.setenv("CXX", "clang++")
    assert_equal_runs(run(build_with(monkeypatch, EXACT_FLAGS), chunk), gcc)
