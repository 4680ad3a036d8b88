"""Winner-take-all: equal to plain Brian2, and winners counted from the spikes."""

from itertools import combinations

import numpy as np
import pytest

from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import Program, build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.network import Input, Network, Population, Projection
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import Convolution, WinnerTakeAll
from stdpnet.units import ms

SOURCE, TARGET = (6, 6, 2), (4, 4, 3)
N_STEPS, N_EXAMPLES = 10, 12
RULES = {
    "all": WinnerTakeAll(),
    "highest": WinnerTakeAll(ties="highest"),
    "all_near": WinnerTakeAll(radius=1),
    "strongest_near": WinnerTakeAll(radius=2, ties="strongest"),
    "all_in_map": WinnerTakeAll(within_map=True),
    "ranked": WinnerTakeAll(ties="ranked"),
    "highest_in_map": WinnerTakeAll(radius=1, within_map=True, ties="highest"),
}


def competing_network() -> Network:
    """One input, and the same layer once for every kind of competition."""
    kernel = Convolution(height=3, width=3)
    rule = TraceSTDP(learning_rate=0.1, tau_pre=4 * ms)
    return Network(
        inputs=(Input(name="pixels", shape=SOURCE),),
        populations=tuple(
            Population(
                name=name,
                shape=TARGET,
                neuron=AdaptiveIF(theta_plus=0.05),
                competition=competition,
            )
            for name, competition in RULES.items()
        ),
        projections=tuple(
            Projection(
                name=f"to_{name}",
                source="pixels",
                target=name,
                geometry=kernel,
                rule=rule,
            )
            for name in RULES
        ),
        counters=(),
        dt=1 * ms,
        dtype="float64",
    )


def run(
    program: Program, rng, state, *, learning: bool = False, winners: int = 1
) -> ChunkResult:
    """Run one chunk of random stimuli with every kind of competition."""
    values = competing_network().parameter_values(learning=learning)
    values |= {f"{name}.winners": winners for name in RULES}
    steps = rng.integers(0, N_STEPS, (N_EXAMPLES, *SOURCE)).astype(np.uint16)
    return run_chunk(
        program,
        {"pixels": steps},
        state,
        values,
        n_steps=N_STEPS,
        seed=1,
        record=list(RULES),
    )


def random_state(rng, program: Program, *, coarse: bool) -> dict[str, np.ndarray]:
    """Weights in quarters make potentials tie exactly."""
    draw = (lambda n: rng.integers(1, 4, n) / 4) if coarse else rng.random
    return {
        name: draw(shape) if name.endswith(".w") else np.full(shape, 1.0)
        for name, shape in program.state_shapes().items()
    }


@pytest.fixture
def program(monkeypatch) -> Program:
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    return build(competing_network().describe(), "cpp", title="test: competition")


@pytest.fixture
def winners(program, rng) -> dict[str, np.ndarray]:
    """Spikes (example, step, neuron) of every population, exact ties included."""
    state = random_state(rng, program, coarse=True)
    result = run(program, rng, state)
    assert all(len(rows) > N_EXAMPLES for rows in result.spikes.values())
    return result.spikes


def rivals(rows: np.ndarray, competition: WinnerTakeAll):
    """Yield every pair of spikes of one example that competed: (row, row)."""
    example, _, neuron = rows.T
    site, feature = divmod(neuron, TARGET[2])
    y, x = divmod(site, TARGET[1])
    for a, b in combinations(range(len(rows)), 2):
        near = max(abs(y[a] - y[b]), abs(x[a] - x[b])) <= competition.radius
        same_map = competition.within_map and feature[a] == feature[b]
        if example[a] == example[b] and (near or same_map):
            yield rows[a], rows[b]


@pytest.mark.parametrize(
    ("coarse", "winners"),
    [(True, 1), (False, 1), (True, 2)],
    ids=["with ties", "learning", "two winners"],
)
def test_native_equals_plain_brian2(program, rng, coarse, winners):
    options = {"learning": not coarse, "winners": winners}
    state = random_state(rng, program, coarse=coarse)
    draws = rng.bit_generator.state
    native = run(program, rng, state, **options)
    rng.bit_generator.state = draws
    plain = Program(program.description, "numpy")
    reference = run(plain, rng, state, **options)
    for name in RULES:
        assert len(native.spikes[name]) > N_EXAMPLES
        both = [
            np.array(sorted(map(tuple, r.spikes[name]))) for r in (native, reference)
        ]
        assert np.array_equal(*both), name
    for name, array in native.state.items():
        assert array == pytest.approx(reference.state[name], rel=1e-9), name


@pytest.mark.parametrize("name", RULES)
def test_every_neuron_spikes_at_most_once(winners, name):
    pairs = winners[name][:, [0, 2]]
    assert len(np.unique(pairs, axis=0)) == len(pairs)


@pytest.mark.parametrize("name", [n for n in RULES if RULES[n].ties != "all"])
def test_one_winner_at_most_among_rivals(winners, name):
    assert list(rivals(winners[name], RULES[name])) == []


@pytest.mark.parametrize("name", [n for n in RULES if RULES[n].ties == "all"])
def test_winners_that_are_rivals_cross_in_the_same_step(winners, name):
    pairs = list(rivals(winners[name], RULES[name]))
    assert len(pairs) > 0, "no ties: nothing is tested"
    assert all(one[1] == other[1] for one, other in pairs)


def test_one_winner_a_position(winners):
    sites = winners["highest"][:, 2] // TARGET[2]
    counts = np.zeros((N_EXAMPLES, TARGET[0] * TARGET[1]), int)
    np.add.at(counts, (winners["highest"][:, 0], sites), 1)
    assert counts.max() == 1
    tied = np.zeros_like(counts)
    np.add.at(tied, (winners["all"][:, 0], winners["all"][:, 2] // TARGET[2]), 1)
    assert tied.max() > 1
    assert np.array_equal(tied > 0, counts > 0), "the first crossing is the same"


def test_a_position_is_silent_after_its_winners(program, rng):
    state = random_state(rng, program, coarse=True)
    spikes = run(program, rng, state, winners=2).spikes["highest"]
    places = spikes[:, [0, 2]] // [1, TARGET[2]]
    counts = np.unique(places, axis=0, return_counts=True)[1]
    assert counts.max() == 2
    per_step = np.unique(np.column_stack([places, spikes[:, 1]]), axis=0)
    assert len(per_step) == len(spikes), "one winner a step"


def test_ranked_rivals_spike_together_as_long_as_there_are_winners_left(program, rng):
    state = random_state(rng, program, coarse=True)
    state["to_all.w"] = state["to_ranked.w"]
    draws = rng.bit_generator.state
    spikes = run(program, rng, state, winners=2).spikes
    places = spikes["ranked"][:, [0, 2]] // [1, TARGET[2]]
    assert np.unique(places, axis=0, return_counts=True)[1].max() == 2
    per_step = np.column_stack([places, spikes["ranked"][:, 1]])
    assert np.unique(per_step, axis=0, return_counts=True)[1].max() == 2
    rng.bit_generator.state = draws
    many = run(program, rng, state, winners=TARGET[2]).spikes
    assert np.array_equal(many["ranked"], many["all"]), "nobody is left out"


def test_ranked_rivals_are_of_one_position():
    with pytest.raises(ValueError, match="'ranked' is for rivals of the same position"):
        WinnerTakeAll(ties="ranked", radius=1)
    with pytest.raises(ValueError, match="got radius=0 and within_map=True"):
        WinnerTakeAll(ties="ranked", within_map=True)


def test_of_equal_potentials_the_first_map_wins(program):
    stimulus = np.zeros((1, *SOURCE), np.uint16)
    state = {
        name: np.full(shape, 0.5) for name, shape in program.state_shapes().items()
    }
    values = competing_network().parameter_values(learning=False)
    chunk = ({"pixels": stimulus}, state, values)
    result = run_chunk(program, *chunk, n_steps=N_STEPS, seed=1, record=list(RULES))
    everywhere = np.arange(16) * TARGET[2]
    assert np.array_equal(result.spikes["highest"][:, 2], everywhere)
    assert len(result.spikes["all"]) == 16 * TARGET[2]
    # The first of 4 x 4 positions silences all within 2; then the corners win, the
    # last of them when the rows and columns between are silent too.
    near = [(0, 1, 0), (0, 2, 9), (0, 2, 36), (0, 3, 45)]
    assert list(map(tuple, result.spikes["strongest_near"])) == near
