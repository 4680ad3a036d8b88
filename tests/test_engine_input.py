"""Poisson input: the distribution of counts and of intervals, on both engines."""

import numpy as np
import pytest
from scipy import stats

from stdpnet.engine.program import Program, build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.network import Counter, Input, Network
from stdpnet.models.projections import OneToOne
from stdpnet.units import ms

SHAPE = (4, 6, 1)
N_INPUTS = 24
#: Family-wise 99.9 %: every one of the inputs must lie inside.
LEVEL = 0.001 / N_INPUTS


def bare_input() -> Network:
    return Network(
        inputs=(Input(name="pixels", shape=SHAPE, stimulus="rates"),),
        populations=(),
        projections=(),
        counters=(Counter(name="counts", source="pixels", pooling=OneToOne()),),
        dt=0.5 * ms,
    )


@pytest.fixture(params=["cpp", "numpy"])
def program(request) -> Program:
    return build(bare_input().describe(), request.param, title="test: Poisson input")


def present(program: Program, p: np.ndarray, n: int, **options) -> ChunkResult:
    """Show the same spike probabilities a step, `n` times."""
    rates = np.broadcast_to(p.reshape(SHAPE) / 0.5e-3, (n, *SHAPE)).astype(np.float32)
    settings = {"n_steps": 30, "seed": 5, **options}
    return run_chunk(program, {"pixels": rates}, {}, {}, **settings)


def n_presentations(program: Program) -> int:
    return 6000 if program.backend == "cpp" else 300


def test_counts_are_binomial(program):
    n, p = n_presentations(program), np.linspace(0.01, 0.9, N_INPUTS)
    counts = present(program, p, n).counts["counts"].reshape(n, N_INPUTS)
    low, high = stats.binom.interval(1 - LEVEL, 30 * n, p)
    total = counts.sum(0)
    assert np.all((low <= total) & (total <= high))
    variance, expected = counts.var(0, ddof=1), 30 * p * (1 - p)
    kurtosis = stats.binom.stats(30, p, moments="k")
    spread = expected * np.sqrt((2 + kurtosis) / n)
    assert np.all(np.abs(variance - expected) < stats.norm.isf(LEVEL / 2) * spread)


def test_inputs_are_independent_of_each_other_and_of_time(program):
    n, p = n_presentations(program), np.full(N_INPUTS, 0.3)
    counts = present(program, p, n).counts["counts"].reshape(n, N_INPUTS).astype(float)
    between = np.corrcoef(counts.T)[np.triu_indices(N_INPUTS, 1)]
    assert np.abs(between).max() < stats.norm.isf(LEVEL / N_INPUTS) / np.sqrt(n)
    after = [np.corrcoef(c[:-1], c[1:])[0, 1] for c in counts.T]
    assert np.abs(after).max() < stats.norm.isf(LEVEL / 2) / np.sqrt(n)


def test_intervals_are_geometric(program):
    p, n = 0.1, n_presentations(program) // 20
    result = present(program, np.full(N_INPUTS, p), n, n_steps=400, record=["pixels"])
    example, step, neuron = result.spikes["pixels"].T
    order = np.lexsort((step, neuron, example))
    train = (example * N_INPUTS + neuron)[order]
    first = np.flatnonzero(np.diff(train, prepend=-1))
    # Two intervals a train; that 400 steps cut one off has probability 1e-16.
    intervals = [step[order][first] + 1, np.diff(step[order])[first]]
    bins = np.minimum(np.concatenate(intervals), 40)
    observed = np.bincount(bins, minlength=41)[1:]
    expected = stats.geom.pmf(np.arange(1, 41), p)
    expected[-1] = stats.geom.sf(39, p)
    assert len(first) == n * N_INPUTS
    assert stats.chisquare(observed, expected * observed.sum()).pvalue > 0.001


def test_probabilities_zero_and_one_are_exact(program):
    p = np.tile([0.0, 1.0], N_INPUTS // 2)
    counts = present(program, p, 20).counts["counts"].reshape(20, N_INPUTS)
    assert np.all(counts[:, p == 0] == 0)
    assert np.all(counts[:, p == 1] == 30)


def test_a_seed_gives_the_same_spikes_and_another_seed_others(program):
    p = np.full(N_INPUTS, 0.2)
    one, again, other = (
        present(program, p, 10, seed=seed, record=["pixels"]) for seed in (3, 3, 4)
    )
    assert np.array_equal(one.spikes["pixels"], again.spikes["pixels"])
    assert np.array_equal(one.counts["counts"], again.counts["counts"])
    assert not np.array_equal(one.counts["counts"], other.counts["counts"])


@pytest.mark.parametrize("rate", [np.nan, np.inf, -1.0])
def test_a_rate_that_is_none_is_refused(program, rate):
    p = np.full(N_INPUTS, 0.2)
    p[3] = rate
    message = (
        "the stimulus of 'pixels' must hold rates in Hz, finite and >= 0, got values"
    )
    with pytest.raises(ValueError, match=message):
        present(program, p, 2)
