"""All-to-all connections between populations that have positions."""

from dataclasses import replace

import numpy as np
import pytest

from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.network import Counter, Input, Network, Population, Projection
from stdpnet.models.neurons import AdaptiveIF, AdaptiveLIF
from stdpnet.models.plasticity import PairSTDP, PowerLawSTDP
from stdpnet.models.projections import AllToAll, Convolution, OneToOne, WinnerTakeAll
from stdpnet.units import ms

PIXELS, MAPS, DENSE = (6, 7, 2), (4, 5, 3), (1, 1, 9)
KERNEL = Convolution(height=3, width=3)
W_MAX = 0.5
N_EXAMPLES, N_STEPS = 4, 15
#: What random values are multiplied with, so that spikes come all the time.
SCALES = {"maps.theta": 4.0, "cells.theta": 6.0, "back.w": 0.1, "others.theta": 0.2}


def network(**changed) -> Network:
    """Feature maps that compete, and a dense ensemble, joined both ways."""
    pair = PairSTDP(learning_rate=0.1)
    power = PowerLawSTDP(learning_rate=0.1, tau_pre=4 * ms, w_max=W_MAX)
    projections = {
        "kernels": ("pixels", "maps", KERNEL, pair, None),
        "weights": ("pixels", "cells", Convolution.dense(PIXELS), pair, None),
        # On every source spike, where the target has positions and where not.
        "back": ("cells", "maps", AllToAll(), replace(pair, w_max=W_MAX), None),
        "forth": ("maps", "cells", AllToAll(), replace(pair, w_max=W_MAX), None),
        # With a sum, and statements that are carried out on a copy.
        "also_back": ("cells", "maps", AllToAll(), power, 1.0),
        "among": ("maps", "others", AllToAll(), power, 20.0),
    }
    populations = (
        Population(
            name="maps",
            shape=MAPS,
            neuron=AdaptiveIF(theta_start=4),
            competition=WinnerTakeAll(),
        ),
        Population(name="cells", shape=DENSE, neuron=AdaptiveLIF(theta_start=4)),
        Population(name="others", shape=MAPS, neuron=AdaptiveLIF(theta_start=0)),
    )
    parts = {
        "inputs": (Input(name="pixels", shape=PIXELS),),
        "populations": populations,
        "projections": tuple(
            Projection(
                name=name, source=a, target=b, geometry=kind, rule=rule, total=total
            )
            for name, (a, b, kind, rule, total) in projections.items()
        ),
        "counters": tuple(
            Counter(name=f"{one.name}_counts", source=one.name, pooling=OneToOne())
            for one in populations
        ),
    }
    return Network(**{**parts, "dt": 1 * ms, "dtype": "float64", **changed})


def run(backend: str, **changed) -> tuple[dict[str, np.ndarray], ChunkResult]:
    net = network(**changed)
    rng = np.random.default_rng(3)
    program = build(net.describe(), backend, title="test: all to all")
    state = {
        name: rng.random(shape) * SCALES.get(name, W_MAX)
        for name, shape in program.state_shapes().items()
    }
    stimulus = rng.integers(0, N_STEPS, (N_EXAMPLES, *PIXELS)).astype(np.uint16)
    stimulus[:, :3, :3] //= 4  # the first position is decided early
    return state, run_chunk(
        program,
        {"pixels": stimulus},
        state,
        net.parameter_values(),
        n_steps=N_STEPS,
        seed=1,
        record=[one.name for one in net.populations],
    )


@pytest.mark.parametrize("continuous", [False, ("pixels", "cells", "others")])
def test_the_program_equals_plain_synapses(monkeypatch, continuous):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    (before, ours), (_, plain) = (
        run(backend, continuous=continuous) for backend in ("cpp", "numpy")
    )
    for name, spikes in ours.spikes.items():
        assert len(np.unique(spikes[:, 2])) > 5, name
        both = [
            np.array(sorted(map(tuple, rows))) for rows in (spikes, plain.spikes[name])
        ]
        assert np.array_equal(*both), name
    for name, values in ours.state.items():
        assert values == pytest.approx(plain.state[name], rel=1e-9, abs=1e-12), name
        assert not np.allclose(values, before[name]), name
    assert ours.events["back.events"] == ours.events["cells.spikes"] * np.prod(MAPS)
    assert ours.events["forth.events"] == ours.events["maps.spikes"] * np.prod(DENSE)
    assert ours.events["among.events"] == ours.events["maps.spikes"] * np.prod(MAPS)


def test_weights_have_a_row_for_each_source_and_a_column_for_each_target():
    geometry = AllToAll()
    assert geometry.kernel_shape(MAPS, DENSE) == (60, 9)
    pre, post, weight = geometry.edges(MAPS, DENSE)
    matrix = np.full((60, 9), -1)
    matrix[pre, post] = weight
    assert np.array_equal(matrix.ravel(), np.arange(540))


def test_groups_of_which_some_go_on_must_exist():
    with pytest.raises(ValueError, match=r"unknown Network\.continuous 'cell'"):
        network(continuous=("cell",))


def test_a_group_that_goes_on_keeps_its_traces_and_others_do_not():
    described = network(continuous=("pixels", "cells")).describe()["groups"]
    assert not described["cells"]["start"]["neuron"]
    assert "v = 0" in described["cells"]["begin"]["neuron"]
    assert "v = 0" in described["maps"]["start"]["neuron"]
    assert not described["maps"]["begin"]["neuron"]
    every = network(continuous=("pixels", "maps", "cells", "others")).describe()
    assert every == network(continuous=True).describe()
