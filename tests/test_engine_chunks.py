"""Seeds, parameters and processes: what decides the result of a chunk, and what does not."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from stdpnet.engine.program import Program, ProgramError, build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.network import Counter, Input, Network, Population, Projection
from stdpnet.models.neurons import AdaptiveLIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import Convolution, SumPooling, WinnerTakeAll
from stdpnet.units import ms

SOURCE = (6, 6, 1)


def layer(learning_rate: float = 0.1, tau_m=20 * ms) -> Network:
    """One convolutional layer with Poisson input, as the estimators build it."""
    kernel = Convolution(height=3, width=3)
    return Network(
        inputs=(Input(name="inputs", shape=SOURCE, stimulus="rates"),),
        populations=(
            Population(
                name="features",
                shape=kernel.target_shape(SOURCE, 4),
                neuron=AdaptiveLIF(tau_m=tau_m),
                competition=WinnerTakeAll(),
            ),
        ),
        projections=(
            Projection(
                name="afferents",
                source="inputs",
                target="features",
                geometry=kernel,
                rule=TraceSTDP(learning_rate=learning_rate),
            ),
        ),
        counters=(Counter(name="counts", source="features", pooling=SumPooling()),),
        dt=1 * ms,
    )


def chunk_inputs(n_examples: int) -> tuple[dict, dict]:
    """Stimuli and state from a generator of their own: equal in every process."""
    rng = np.random.default_rng(7)
    rates = rng.uniform(0, 200, (n_examples, *SOURCE)).astype(np.float32)
    weights = rng.uniform(0.2, 0.8, (3, 3, 1, 4)).astype(np.float32)
    return {"inputs": rates}, {
        "afferents.w": weights,
        "features.theta": np.ones(4, np.float32),
    }


def run(program: Program, network: Network, seed: int = 1, n: int = 6) -> ChunkResult:
    values = network.parameter_values()
    return run_chunk(program, *chunk_inputs(n), values, n_steps=30, seed=seed)


def same(one: ChunkResult, other: ChunkResult) -> bool:
    arrays = [(one.state, other.state), (one.counts, other.counts)]
    return all(np.array_equal(a[name], b[name]) for a, b in arrays for name in a)


@pytest.fixture(params=["cpp", "numpy"])
def program(request) -> Program:
    return build(layer().describe(), request.param, title="test: one layer")


def test_the_same_seed_gives_the_same_chunk_bit_for_bit(program):
    one, again, other = (run(program, layer(), seed) for seed in (1, 1, 2))
    assert one.counts["counts"].sum() > 20
    assert same(one, again)
    assert not np.array_equal(one.state["afferents.w"], other.state["afferents.w"])


def test_the_state_that_was_passed_in_stays_as_it_was(program):
    stimuli, state = chunk_inputs(2)
    before = {name: array.copy() for name, array in state.items()}
    run_chunk(program, stimuli, state, layer().parameter_values(), n_steps=30, seed=1)
    assert all(np.array_equal(state[name], before[name]) for name in state)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.array])
def test_numpy_numbers_are_parameters_like_any_other(program, kind):
    values = layer().parameter_values()
    numbers = {name: kind(value) for name, value in values.items()}
    expected = {name: float(number) for name, number in numbers.items()}
    found, plain = (
        run_chunk(program, *chunk_inputs(6), given, n_steps=30, seed=1)
        for given in (numbers, expected)
    )
    assert plain.counts["counts"].sum() > 20
    assert same(found, plain)


WINDOW = (8, 8, 1)


@pytest.mark.parametrize("backend", ["cpp", "numpy"])
def test_a_counter_that_is_full_ends_the_run(backend):
    """64 neurons that spike in every step fill a counter in 1024 steps."""
    network = Network(
        inputs=(Input(name="inputs", shape=WINDOW, stimulus="rates"),),
        populations=(),
        projections=(),
        counters=(Counter(name="sum", source="inputs", pooling=SumPooling(size=8)),),
        dt=1 * ms,
    )
    built = build(network.describe(), backend, title="test: a full counter")
    stimuli = {"inputs": np.full((1, *WINDOW), 2000, np.float32)}
    result = run_chunk(built, stimuli, {}, {}, n_steps=1023, seed=1)
    assert result.counts["sum"].item() == 64 * 1023
    for n_steps in (1024, 1030):
        message = (
            "the counter 'sum' reached 65535, the most it can hold; .* shorten the"
        )
        with pytest.raises(ProgramError, match=message):
            run_chunk(built, stimuli, {}, {}, n_steps=n_steps, seed=1)


def test_parameters_change_the_result_and_compile_nothing():
    program = build(layer().describe(), "cpp", title="test: one layer")
    for changed in (layer(learning_rate=0.02), layer(tau_m=5 * ms)):
        again = build(changed.describe(), "cpp")
        assert again.folder == program.folder
        assert again.build_seconds == 0
        assert not same(run(program, layer()), run(again, changed))


def test_both_engines_agree_on_the_mean_of_random_input():
    """Streams differ, the distribution does not: mean spikes within 5 sigma."""
    sums = []
    for backend in ("cpp", "numpy"):
        built = build(layer().describe(), backend, title="test: one layer")
        values = layer().parameter_values(learning=False)
        result = run_chunk(built, *chunk_inputs(150), values, n_steps=30, seed=3)
        sums.append(result.counts["counts"].sum((1, 2, 3)).astype(float))
    difference = sums[0].mean() - sums[1].mean()
    spread = np.sqrt(sum(s.var(ddof=1) / len(s) for s in sums))
    assert abs(difference) < 5 * spread


@pytest.mark.parametrize("backend", ["cpp", "numpy"])
def test_a_chunk_of_one_example_and_of_one_step(backend):
    built = build(layer().describe(), backend, title="test: one layer")
    values = layer().parameter_values()
    result = run_chunk(built, *chunk_inputs(1), values, n_steps=1, seed=1)
    assert result.counts["counts"].shape == (1, 2, 2, 4)


WITHOUT_BRIAN2 = """
import importlib.util, json, pathlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "brian2":
            raise ModuleNotFoundError("brian2 is blocked")

sys.meta_path.insert(0, Blocked())
spec = importlib.util.spec_from_file_location("chunks", sys.argv[1])
chunks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(chunks)
program = chunks.build(chunks.layer().describe(), "cpp")
result = chunks.run(program, chunks.layer())
seconds, weights = program.build_seconds, result.state["afferents.w"].tolist()
json.dump({"seconds": seconds, "weights": weights}, sys.stdout)
"""


def test_another_process_reuses_the_program_without_brian2():
    program = build(layer().describe(), "cpp", title="test: one layer")
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT_BRIAN2, __file__],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    found = json.loads(answer.stdout)
    assert found["seconds"] == 0
    here = run(program, layer()).state["afferents.w"]
    assert np.array_equal(np.array(found["weights"], np.float32), here)
