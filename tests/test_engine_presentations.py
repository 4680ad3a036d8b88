"""Presentations: input and rest, potentials that go on, examples shown again."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.delays import delays
from stdpnet.engine.program import build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.neurons import ConductanceLIF
from stdpnet.models.parts import Again, Counter, Input, Population, Projection
from stdpnet.models.plasticity import (
    PowerLawSTDP,
    StochasticSTDP,
    TraceSTDP,
    TripletSTDP,
)
from stdpnet.models.projections import AllToOthers, Convolution, OneToOne, SumPooling
from stdpnet.network import Network
from stdpnet.units import Hz, ms, mV

PIXELS, N = (3, 4, 1), 5
#: Always, in every step of 0.5 ms.
CERTAIN = 2000.0


def network(**changed) -> Network:
    """Return neurons that inhibit each other directly, with Poisson inputs."""
    neuron = ConductanceLIF(theta_start=11 * mV, theta_plus=1 * mV)
    parts = {
        "inputs": (Input(name="pixels", shape=PIXELS, stimulus="rates"),),
        "populations": (Population(name="cells", shape=(1, 1, N), neuron=neuron),),
        "projections": (
            Projection(
                name="afferents",
                source="pixels",
                target="cells",
                geometry=Convolution.dense(PIXELS),
                rule=TripletSTDP(learning_rate=0.05, depression=0.3),
                total=6.0,
            ),
            Projection(
                name="lateral",
                source="cells",
                target="cells",
                geometry=AllToOthers(),
                into="g_i",
                weights=0.2,
            ),
        ),
        "counters": (Counter(name="counts", source="cells", pooling=OneToOne()),),
        "dt": 0.5 * ms,
        "dtype": "float64",
        "continuous": True,
    }
    return Network(**(parts | changed))


def rates(*numbers_of_pixels: int, hertz: float = CERTAIN) -> np.ndarray:
    """Return examples in which the first so many pixels spike."""
    flat = np.zeros((len(numbers_of_pixels), 12), np.float32)
    for row, n in zip(flat, numbers_of_pixels, strict=True):
        row[:n] = hertz
    return flat.reshape(-1, *PIXELS)


def run(made: Network, backend: str, stimulus: np.ndarray, **options) -> ChunkResult:
    options = {"n_steps": 90, "n_input_steps": 60, "seed": 1, **options}
    return run_chunk(
        build(made.describe(), backend, title="test: presentations"),
        {"pixels": stimulus},
        made.initial_state(3),
        made.parameter_values(),
        **{"record": ["pixels", "cells"], **options},
    )


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)


def assert_equal(ours: ChunkResult, plain: ChunkResult) -> None:
    for name, spikes in ours.spikes.items():
        assert np.array_equal(spikes, plain.spikes[name]), name
    for name, values in ours.state.items():
        assert values == pytest.approx(plain.state[name], rel=1e-9, abs=1e-15), name
    for name, counts in ours.counts.items():
        assert np.array_equal(counts, plain.counts[name]), name
    assert ours.events == plain.events
    assert np.array_equal(ours.presentations, plain.presentations)


@pytest.mark.parametrize("continuous", [True, False])
def test_input_rest_and_repetitions_equal_plain_brian2(continuous):
    made = network(continuous=continuous)
    again = ("cells", Again(spikes=12, limit=3))
    stimulus = rates(12, 1, 6, 12)
    ours, plain = (
        run(made, backend, stimulus, again=again) for backend in ("cpp", "numpy")
    )
    assert ours.presentations.max() == 4
    assert ours.presentations.min() == 1
    assert len(np.unique(ours.spikes["cells"][:, 2])) > 2
    assert_equal(ours, plain)


def test_no_input_spikes_while_the_network_rests():
    pixels = run(network(), "cpp", rates(12, 5)).spikes["pixels"]
    assert len(pixels) == 60 * (12 + 5)
    assert pixels[:, 1].max() == 59


def test_potentials_go_on_from_one_presentation_to_the_next():
    potentials = []
    for continuous in (True, False):
        made = network(continuous=continuous)
        result = run(made, "cpp", rates(3, 3), record={"cells.v": True})
        potentials.append(result.recordings["cells.v"])
    first, after = potentials[0][:, 0], potentials[1][:, 0]
    assert np.abs(first[1] - potentials[0][0, -1]).max() < 1e-3
    assert np.abs(first[1] - first[0]).max() > 1e-3
    assert np.array_equal(after[0], after[1])


def test_only_the_last_presentation_of_an_example_is_counted():
    result = run(
        network(), "cpp", rates(1, 12), again=("cells", Again(spikes=12, limit=5))
    )
    spikes = result.spikes["cells"]
    assert list(result.presentations) == [6, 1]
    last = np.cumsum(result.presentations) - 1
    for example, presentation in enumerate(last):
        counted = result.counts["counts"][example].ravel()
        rows = spikes[spikes[:, 0] == presentation]
        assert np.array_equal(counted, np.bincount(rows[:, 2], minlength=N))


def test_every_presentation_teaches():
    made = network()
    silent = rates(1)
    once = run(made, "cpp", silent)
    often = run(made, "cpp", silent, again=("cells", Again(spikes=99, limit=3)))
    four_times = run(made, "cpp", np.repeat(silent, 4, axis=0))
    assert once.events["pixels.spikes"] * 4 == often.events["pixels.spikes"]
    for name, values in often.state.items():
        assert np.array_equal(values, four_times.state[name]), name


@pytest.mark.parametrize("backend", ["cpp", "numpy"])
def test_an_example_that_is_shown_again_is_brighter(backend):
    """Bernoulli spikes: each presentation within a 99.9 % interval of its own rate."""
    made = network(projections=())
    rate, brighter, limit = 40.0, 2.0, 4
    again = ("cells", Again(brighter=brighter, limit=limit))
    result = run(made, backend, rates(12, hertz=rate), again=again, n_input_steps=90)
    found = np.bincount(result.spikes["pixels"][:, 0], minlength=limit + 1)
    for times, n in enumerate(found):
        p = rate * (1 + brighter * times) * 0.5e-3
        low, high = binom.interval(0.999, 12 * 90, p)
        assert low <= n <= high, times


def test_the_threshold_rises_with_spikes_and_decays_in_single_precision():
    """Less than half a digit of a float is lost in each step."""
    neuron = ConductanceLIF(theta_rate=1e-4 * Hz, theta_plus=0.05 * mV)
    cells = Population(name="cells", shape=(1, 1, N), neuron=neuron)
    made = network(populations=(cells,), dtype="float32")
    n_steps, quiet = 4000, rates(0, 0, 0, 0, 0)
    theta = run(made, "cpp", quiet, n_steps=n_steps).state["cells.theta"]
    assert theta.dtype == np.float64
    seconds = 5 * n_steps * 0.5e-3
    assert 0.02 - theta == pytest.approx(
        np.full(N, 0.02 * -np.expm1(-1e-4 * seconds)), rel=1e-5
    )
    spiking = run(made, "cpp", rates(12))
    n_spikes = np.bincount(spiking.spikes["cells"][:, 2], minlength=N)
    assert n_spikes.max() > 1
    assert spiking.state["cells.theta"] == pytest.approx(
        0.02 + 0.05e-3 * n_spikes, rel=1e-5
    )


def test_what_a_run_cannot_do_is_refused():
    made, stimulus = network(), rates(1)
    with pytest.raises(ValueError, match="n_input_steps must be from 1 to n_steps 90"):
        run(made, "numpy", stimulus, n_input_steps=91)
    with pytest.raises(ValueError, match="unknown population 'cell'; known: pixels"):
        run(made, "numpy", stimulus, again=("cell", Again()))
    steps = network(inputs=(Input(name="pixels", shape=PIXELS),))
    with pytest.raises(ValueError, match="where an input has rates; leave out 'again'"):
        run(steps, "numpy", stimulus.astype(np.uint16), again=("cells", Again()))
    with pytest.raises(ValueError, match=r"rest must be a time like '100 ms', got 'x'"):
        made.n_steps("x", "rest")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"total": "3"}, "total must be a number, got '3'"),
        ({"total": float("inf")}, "total must be > 0 and finite, got inf"),
        (
            {"rule": StochasticSTDP()},
            "scales weights, but those of StochasticSTDP keep to its levels",
        ),
        (
            {"rule": None, "total": None, "prunable": True},
            "only weights that learn are prunable",
        ),
    ],
)
def test_a_projection_that_cannot_be_is_refused(changed, message):
    afferents, lateral = network().projections
    with pytest.raises(ValueError, match=message):
        network(projections=(replace(afferents, **changed), lateral)).describe()


@pytest.mark.parametrize("pooling", [AllToOthers(), Convolution()])
def test_a_counter_pools_or_counts_each_neuron(pooling):
    counter = Counter(name="counts", source="cells", pooling=pooling)
    with pytest.raises(ValueError, match="pooling must be a SumPooling or OneToOne"):
        network(counters=(counter,)).describe()
    assert network(
        counters=(Counter(name="counts", source="cells", pooling=SumPooling()),)
    ).describe()


def test_again_reads_a_table():
    assert Again.from_table({"spikes": 3}) == Again(spikes=3)
    with pytest.raises(ValueError, match="again must be a table or 'none', got 5"):
        Again.from_table(5)
    with pytest.raises(ValueError, match="unknown again parameter 'spike'; known"):
        Again.from_table({"spike": 3})
    with pytest.raises(ValueError, match=r"Again.limit must be >= 1, got 0"):
        Again(limit=0)


GEOMETRIES = {
    "dense": (Convolution.dense(PIXELS), (1, 1, N)),
    "padded": (Convolution(height=3, width=3, padding=1), (3, 4, N)),
}


@pytest.mark.parametrize(
    ("rule", "geometry"),
    [
        (TripletSTDP(learning_rate=0.05), "dense"),
        (PowerLawSTDP(), "padded"),
        (TraceSTDP(), "padded"),
    ],
    ids=lambda value: getattr(value, "title", value),
)
def test_what_is_pruned_is_passed_over(rule, geometry):
    """As plain Brian2 does that multiplies with the mask; what is gone stays zero."""
    joined, shape = GEOMETRIES[geometry]
    cells = Population(
        name="cells", shape=shape, neuron=ConductanceLIF(theta_start=11 * mV)
    )
    afferents = Projection(
        name="afferents",
        source="pixels",
        target="cells",
        geometry=joined,
        rule=rule,
        prunable=True,
        correlates=True,
    )
    made = network(populations=(cells,), projections=(afferents,))
    start = made.initial_state(0)
    kept = np.random.default_rng(1).random(start["afferents.w"].shape) < 0.6
    start["afferents.kept"] = kept.astype(float)
    start["afferents.w"] *= kept
    ours, plain = (
        run_chunk(
            build(made.describe(), backend, title="test: pruned"),
            {"pixels": rates(12, 9)},
            start,
            made.parameter_values(),
            n_steps=90,
            seed=0,
            record=["cells"],
        )
        for backend in ("cpp", "numpy")
    )
    assert_equal(ours, plain)
    after = ours.state["afferents.w"]
    assert (after[~kept] == 0).all()
    assert (after[kept] != start["afferents.w"][kept]).any()
    assert ours.state["afferents.correlation"].max() > 0
    if geometry == "dense":
        met = 90 * (kept.reshape(12, N)[:9].sum() + kept.sum())
        assert ours.events["afferents.events"] == met
        assert ours.events["afferents.events_passed_over"] == 90 * (9 + 12) * N - met
        updates = ours.events["afferents.updates"]
        updates += ours.events["afferents.updates_passed_over"]
        assert updates == 90 * (9 + 12) * N + 12 * ours.events["cells.spikes"]


# -- delays -----------------------------------------------------------------------------


def with_delays(**changed) -> Network:
    afferents, lateral = network().projections
    late = replace(afferents, **{"max_delay": 4 * ms, **changed})
    return network(projections=(late, lateral))


def test_spikes_arrive_after_their_delays():
    made = with_delays(total=None)
    shown = {"g_e": True, "pixels.spikes": True}
    result = run(made, "cpp", rates(1), n_input_steps=1, record=shown)
    late = delays(made.describe()["projections"]["afferents"]).reshape(12, N)[0]
    assert set(delays(made.describe()["projections"]["afferents"])) == set(range(9))
    conductance = result.recordings["cells.g_e"][0]
    assert list((conductance > 0).argmax(axis=0)) == list(late)
    assert result.events["afferents.events"] == N


@pytest.mark.parametrize("learning", [True, False])
def test_delayed_synapses_are_those_of_plain_brian2(learning):
    made = with_delays()
    values = made.parameter_values(learning=learning)
    ours, plain = (
        run_chunk(
            build(made.describe(), backend, title="test: delays"),
            {"pixels": rates(12, 6)},
            made.initial_state(3),
            values,
            n_steps=90,
            n_input_steps=60,
            seed=1,
            record=["cells"],
        )
        for backend in ("cpp", "numpy")
    )
    assert len(ours.spikes["cells"]) > 10
    assert_equal(ours, plain)
    same = np.array_equal(
        ours.state["afferents.w"], made.initial_state(3)["afferents.w"]
    )
    assert same is not learning
    assert (ours.events["afferents.updates"] > 0) is learning


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_delay": 0.7 * ms}, "max_delay must be a multiple of dt 500 us, got 700"),
        ({"rule": None, "total": None}, "delays are for dense projections with a rule"),
    ],
)
def test_delays_that_cannot_be_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        with_delays(**changed).describe()


def pair() -> Network:
    """Return the network with a second population, which spikes less."""
    one = network()
    other = replace(one.populations[0], name="others")
    joined = Projection(
        name="to_others",
        source="pixels",
        target="others",
        geometry=Convolution.dense(PIXELS),
        weights=0.12,
    )
    return replace(
        one,
        populations=(*one.populations, other),
        projections=(*one.projections, joined),
    )


def test_each_of_several_populations_is_to_spike_enough():
    options = {
        "again": (("cells", "others"), Again(spikes=12, limit=3)),
        "record": ["pixels", "cells", "others"],
    }
    ours, plain = (
        run(pair(), backend, rates(12, 4, 6, 2), **options)
        for backend in ("cpp", "numpy")
    )
    assert_equal(ours, plain)
    n = int(ours.presentations.sum())
    least = np.min(
        [
            np.bincount(ours.spikes[name][:, 0], minlength=n)
            for name in ("cells", "others")
        ],
        axis=0,
    )
    last = np.cumsum(ours.presentations) - 1
    assert 4 < n < 16, "some are shown again, some are not"
    assert ((least[last] >= 12) | (ours.presentations == 4)).all()
    assert (np.delete(least, last) < 12).all()
