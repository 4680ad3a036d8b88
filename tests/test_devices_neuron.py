"""From the device to the network: the neuron that is a switching magnet."""

import numpy as np
import pytest

from stdpnet.devices import load_default_table, wilson_interval
from stdpnet.engine.program import build
from stdpnet.engine.run import run_chunk
from stdpnet.models.network import Counter, Input, Network, Population, Projection
from stdpnet.models.neurons import MagnetoelectricLIF
from stdpnet.models.projections import OneToOne
from stdpnet.units import ms, mV

CONFIDENCE = 0.999
VOLTS = np.linspace(0.25, 0.55, 13)
N_ALIKE, N_EXAMPLES = 1000, 12
#: One row of neurons alike for each voltage.
SHAPE = (len(VOLTS), N_ALIKE, 1)


def row_of_neurons(neuron: MagnetoelectricLIF) -> Network:
    """Neurons that a single input spike charges to a voltage each."""
    return Network(
        inputs=[Input(name="charge", shape=SHAPE)],
        populations=[Population(name="magnets", shape=SHAPE, neuron=neuron)],
        projections=[
            Projection(
                name="wires", source="charge", target="magnets", geometry=OneToOne()
            )
        ],
        counters=[Counter(name="switched", source="magnets", pooling=OneToOne())],
        dt=1 * ms,
    )


def frequency(neuron: MagnetoelectricLIF) -> np.ndarray:
    """How often the first step after the charge is a spike, of each row, as a count."""
    network = row_of_neurons(neuron)
    program = build(network.describe(), "numpy", title="test: magnets")
    # What arrives leaks for one step before the magnet feels it.
    charge = VOLTS / neuron.v_unit.value * np.exp(1 / (neuron.tau_m.value * 1e3))
    weights = np.repeat(charge, N_ALIKE).astype("float32").reshape(SHAPE)
    result = run_chunk(
        program,
        {"charge": np.zeros((N_EXAMPLES, *SHAPE), np.uint16)},
        {"wires.w": weights},
        network.parameter_values(),
        n_steps=2,
        seed=3,
    )
    return result.counts["switched"].sum(axis=(0, 2, 3))


def test_defaults_are_the_fit_of_the_default_table_to_a_nanosecond():
    curve, neuron = load_default_table().fit("1 ns"), MagnetoelectricLIF()
    for name in ("v_half", "v_width"):
        in_table, in_neuron = getattr(curve, name) / mV, getattr(neuron, name) / mV
        assert float(in_neuron) == pytest.approx(float(in_table), abs=0.2)


@pytest.mark.parametrize("pulse", ["1 ns", "4 ns"])
def test_neurons_spike_as_often_as_magnets_switch(pulse):
    curve = load_default_table().fit(pulse)
    neuron = MagnetoelectricLIF(v_half=curve.v_half, v_width=curve.v_width)
    counts = frequency(neuron)
    low, high = wilson_interval(counts, N_ALIKE * N_EXAMPLES, confidence=CONFIDENCE)
    p = curve.probability(VOLTS)
    assert np.all((low < p) & (p < high))
    assert p[0] < 0.01
    assert p[-1] > 0.99


def test_a_wider_curve_makes_more_chance():
    table = load_default_table()
    sharp, wide = (
        frequency(MagnetoelectricLIF(v_width=width * mV)) for width in (5, 50)
    )
    below = VOLTS < table.fit("1 ns").v_half.value - 0.02
    assert np.all(sharp[below] < wide[below])
    assert np.all(sharp[~below][1:] > wide[~below][1:])
