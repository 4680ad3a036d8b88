"""Dense ensembles: inhibition of all others, and weights of constant sum."""

from dataclasses import replace

import numpy as np
import pytest

from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.lateral import ExplicitInhibition
from stdpnet.models.network import Counter, Input, Network, Population, Projection
from stdpnet.models.neurons import ConductanceLIF
from stdpnet.models.plasticity import TripletSTDP
from stdpnet.models.projections import AllToOthers, Convolution, OneToOne
from stdpnet.units import ms, mV

PIXELS, SHAPE, TOTAL = (4, 5, 2), (1, 1, 7), 18.0
N_EXAMPLES, N_STEPS = 4, 80


def ensemble(**changed) -> Network:
    """The network of Diehl and Cook (2015), small."""
    neuron = ConductanceLIF(theta_start=11 * mV)
    plastic = Projection(
        name="afferents",
        source="pixels",
        target="excitatory",
        geometry=Convolution.dense(PIXELS),
        rule=TripletSTDP(learning_rate=0.1, depression=0.2),
        total=TOTAL,
    )
    return Network(
        inputs=(Input(name="pixels", shape=PIXELS),),
        populations=(
            Population(name="excitatory", shape=SHAPE, neuron=neuron),
            Population(
                name="inhibitory", shape=SHAPE, neuron=ExplicitInhibition.neuron()
            ),
        ),
        projections=(
            replace(plastic, **changed),
            Projection(
                name="up",
                source="excitatory",
                target="inhibitory",
                geometry=OneToOne(),
                weights=10.4,
            ),
            Projection(
                name="down",
                source="inhibitory",
                target="excitatory",
                geometry=AllToOthers(),
                into="g_i",
                weights=0.5,
            ),
        ),
        counters=(Counter(name="counts", source="excitatory", pooling=OneToOne()),),
        dt=0.5 * ms,
        dtype="float64",
    )


def run(network: Network, backend: str, *, learning: bool = True, **weights):
    """Show random images whose pixels spike once; return state before and the result."""
    rng = np.random.default_rng(2)
    w = rng.uniform(0, 1, (*PIXELS[:2], PIXELS[2], SHAPE[2]))
    state = {
        "afferents.w": w,
        "up.w": np.full(SHAPE, 10.4),
        "down.w": np.full((1, 1, 1), 0.5),
        "excitatory.theta": np.full(SHAPE[2], 0.011),
        "inhibitory.theta": np.zeros(SHAPE[2]),
    } | weights
    result = run_chunk(
        build(network.describe(), backend, title="test: dense ensemble"),
        {"pixels": rng.integers(0, N_STEPS, (N_EXAMPLES, *PIXELS)).astype("u2")},
        state,
        network.parameter_values(learning=learning),
        n_steps=N_STEPS,
        seed=1,
        record=["excitatory", "inhibitory"],
    )
    return state, result


@pytest.fixture(params=["cpp", "numpy", pytest.param("cython", marks=pytest.mark.slow)])
def backend(request, monkeypatch) -> str:
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    return request.param


def test_the_program_equals_plain_synapses(monkeypatch):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    results: list[ChunkResult] = [
        run(ensemble(), backend)[1] for backend in ("cpp", "numpy")
    ]
    ours, plain = results
    assert len(ours.spikes["excitatory"]) > 10
    assert len(np.unique(ours.spikes["excitatory"][:, 2])) > 3
    for name, spikes in ours.spikes.items():
        assert np.array_equal(spikes, plain.spikes[name]), name
    for name, values in ours.state.items():
        assert values == pytest.approx(plain.state[name], rel=1e-9, abs=1e-15), name
    assert ours.events == plain.events


def test_weights_of_a_neuron_add_up_to_the_total(backend):
    # Nothing is learned after the last normalization.
    rule = TripletSTDP(learning_rate=0.0, w_max=9.0)
    before, result = run(ensemble(rule=rule), backend)
    after = result.state["afferents.w"]
    assert after.sum(axis=(0, 1, 2)) == pytest.approx(
        np.full(SHAPE[2], TOTAL), rel=1e-12
    )
    ratio = after / before["afferents.w"]
    assert np.ptp(ratio, axis=(0, 1, 2)).max() < 1e-12


def test_a_neuron_without_weights_stays_without(backend):
    silent = np.random.default_rng(0).uniform(0, 1, (*PIXELS, SHAPE[2]))
    silent[..., 3] = 0
    _, result = run(ensemble(), backend, **{"afferents.w": silent})
    after = result.state["afferents.w"]
    assert np.isfinite(after).all()
    assert (after[..., 3] == 0).all()


def test_without_learning_nothing_is_scaled(backend):
    before, result = run(ensemble(), backend, learning=False)
    assert np.array_equal(result.state["afferents.w"], before["afferents.w"])


def test_only_the_others_are_inhibited(backend):
    """A neuron that is driven alone spikes as if there were no inhibition."""
    alone = np.zeros((*PIXELS, SHAPE[2]))
    alone[..., 2] = 1.0
    counts = []
    for weight in (0.0, 17.0):
        inhibition = {"down.w": np.full((1, 1, 1), weight), "afferents.w": alone}
        _, result = run(ensemble(), backend, learning=False, **inhibition)
        counts.append(result.counts["counts"].sum(axis=(0, 1, 2)))
    assert counts[0][2] > 0
    assert np.array_equal(counts[0], counts[1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"total": 0.0}, "'afferents': total must be > 0 and finite, got 0.0"),
        ({"rule": None}, "'afferents': total is for weights that learn in a Convol"),
    ],
)
def test_a_total_that_cannot_be_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        ensemble(**changed).describe()


def test_inhibition_of_the_others_does_not_learn():
    network = ensemble()
    down = replace(network.projections[2], rule=TripletSTDP())
    with pytest.raises(ValueError, match="'down': AllToOthers has one weight, which"):
        replace(network, projections=[*network.projections[:2], down]).describe()
