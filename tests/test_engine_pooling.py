"""Projections that pool, and the neuron that adds up and averages what they bring."""

import numpy as np
import pytest

from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.network import Counter, Input, Network, Population, Projection
from stdpnet.models.neurons import LatencyIF, NeuronModel, SoftResetIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import OneToOne, SumPooling
from stdpnet.units import ms

SHAPE = (7, 6, 3)
N_EXAMPLES, N_STEPS = 4, 60
NEVER = 65535
POOLINGS = [
    SumPooling(size=2),
    SumPooling(size=3, stride=2),
    SumPooling(size=3, stride=2, padding=1),
]
EACH = pytest.mark.parametrize("pooling", POOLINGS, ids=str)


def network(pooling: SumPooling, neuron: NeuronModel, rule=None) -> Network:
    shape = pooling.target_shape(SHAPE)
    return Network(
        inputs=(Input(name="pixels", shape=SHAPE),),
        populations=(Population(name="pooled", shape=shape, neuron=neuron),),
        projections=(
            Projection(
                name="windows",
                source="pixels",
                target="pooled",
                geometry=pooling,
                weights=1.0,
                rule=rule,
            ),
        ),
        counters=(Counter(name="counts", source="pooled", pooling=OneToOne()),),
        dt=1 * ms,
        dtype="float64",
    )


@pytest.fixture(params=["cpp", "numpy", pytest.param("cython", marks=pytest.mark.slow)])
def backend(request, monkeypatch) -> str:
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    return request.param


def stimulus() -> np.ndarray:
    """Half of the pixels spike, within the first 30 steps."""
    rng = np.random.default_rng(5)
    steps = rng.integers(0, 30, (N_EXAMPLES, *SHAPE))
    return np.where(rng.random(steps.shape) < 0.5, steps, NEVER).astype(np.uint16)


def run(backend: str, net: Network) -> ChunkResult:
    return run_chunk(
        build(net.describe(), backend, title="test: pooling"),
        {"pixels": stimulus()},
        {"windows.w": np.ones((1, 1, 1))},
        net.parameter_values(),
        n_steps=N_STEPS,
        seed=0,
        record=["pooled"],
    )


def windows(pooling: SumPooling, values: np.ndarray) -> np.ndarray:
    """Return the sums of windows by loops, shape (n_examples, height, width, n_maps)."""
    height, width, n_maps = pooling.target_shape(SHAPE)
    found = np.zeros((N_EXAMPLES, height, width, n_maps), int)
    for y in range(height):
        for x in range(width):
            top = y * pooling.stride - pooling.padding
            left = x * pooling.stride - pooling.padding
            rows = slice(max(top, 0), max(top + pooling.size, 0))
            columns = slice(max(left, 0), max(left + pooling.size, 0))
            found[:, y, x] = values[:, rows, columns].sum(axis=(1, 2))
    return found


@EACH
def test_the_average_loses_no_spike(pooling, backend):
    n_spikes = windows(pooling, stimulus() < NEVER)
    for v_th in (1, pooling.size**2):
        result = run(backend, network(pooling, SoftResetIF(v_th=v_th)))
        # All have had the time to spend what they got, one spike a step.
        assert result.counts["counts"].tolist() == (n_spikes // v_th).tolist()
        assert result.events["windows.events"] == n_spikes.sum()


@EACH
def test_the_first_spike_of_a_window_alone(pooling, backend):
    result = run(backend, network(pooling, LatencyIF(v_th=0.5)))
    any_spike = windows(pooling, stimulus() < NEVER) > 0
    assert result.counts["counts"].tolist() == any_spike.tolist()
    # One step after the earliest input of the window.
    at = np.full((N_EXAMPLES, *pooling.target_shape(SHAPE)), NEVER)
    shown, step, neuron = result.spikes["pooled"].T
    at.reshape(N_EXAMPLES, -1)[shown, neuron] = step
    for t in range(30):
        earlier = windows(pooling, stimulus() <= t) > 0
        assert np.array_equal(at <= t + 1, earlier)


def test_pooling_does_not_learn():
    net = network(POOLINGS[0], LatencyIF(), TraceSTDP())
    with pytest.raises(ValueError, match="'windows': SumPooling has one weight, which"):
        net.describe()


def test_a_pooling_projection_with_several_weights():
    net = network(POOLINGS[0], LatencyIF())
    wrong = Projection(
        name="windows",
        source="pixels",
        target="pooled",
        geometry=POOLINGS[0],
        weights=np.ones((2, 2)),
    )
    from stdpnet.network import Network as Runnable

    parts = {
        name: getattr(net, name) for name in ("inputs", "populations", "dt", "dtype")
    }
    with pytest.raises(ValueError, match=r"must have shape \(1, 1, 1\), got \(2, 2\)"):
        Runnable(**parts, projections=(wrong,)).initial_state()
