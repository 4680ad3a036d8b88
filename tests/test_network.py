"""Networks of one's own: state, recordings, counts of events, and plain Brian2."""

import subprocess
import sys

import numpy as np
import pytest

from stdpnet import Counter, Input, Network, Population, Projection
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.models.neurons import IF, LIF, AdaptiveIF, ConductanceLIF, LatencyIF
from stdpnet.models.plasticity import (
    LongShortTermSTDP,
    PairSTDP,
    TraceSTDP,
    TripletSTDP,
)
from stdpnet.models.projections import (
    Convolution,
    OneToOne,
    SumPooling,
    WinnerTakeAll,
)
from stdpnet.network import load_state, save_state
from stdpnet.units import ms

INPUTS, HIDDEN, OUT = (5, 5, 1), (3, 3, 4), (1, 1, 6)
PRESENTATION = "25 ms"
BACKENDS = ["cpp", "numpy"]


def layered(**changes) -> Network:
    """Two plastic layers with competition, and inhibition back from the second."""
    parts = {
        "inputs": [Input(name="pixels", shape=INPUTS, stimulus="rates")],
        "populations": [
            Population(
                name="maps",
                shape=HIDDEN,
                neuron=AdaptiveIF(v_th=0.5, theta_start=0.8),
                competition=WinnerTakeAll(),
            ),
            Population(name="cells", shape=OUT, neuron=LIF(v_th=0.7, tau_ref=3 * ms)),
        ],
        "projections": [
            Projection(
                name="first",
                source="pixels",
                target="maps",
                geometry=Convolution(height=3, width=3),
                rule=TraceSTDP(learning_rate=0.1),
            ),
            Projection(
                name="second",
                source="maps",
                target="cells",
                geometry=Convolution.dense(HIDDEN),
                rule=PairSTDP(learning_rate=0.02),
            ),
            Projection(
                name="recurrent",
                source="cells",
                target="cells",
                geometry=Convolution.dense(OUT),
                inhibitory=True,
                weights=0.05,
            ),
        ],
        "counters": [Counter(name="counts", source="cells", pooling=OneToOne())],
        "dt": 1 * ms,
        "dtype": "float64",
    }
    return Network(**{**parts, **changes})


def rates(rng, n=4) -> dict[str, np.ndarray]:
    return {"pixels": rng.uniform(0, 150, (n, *INPUTS)).astype("f4")}


@pytest.fixture(scope="module", params=BACKENDS)
def simulation(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
        yield layered().build(request.param)


def test_chunk_after_chunk_is_one_run_of_all_examples(simulation, rng, tmp_path):
    stimuli = {"pixels": np.where(rates(rng)["pixels"] > 75, 2000, 0).astype("f4")}
    whole = simulation.run(stimuli, presentation=PRESENTATION)
    state = None
    for k in range(4):
        one = {"pixels": stimuli["pixels"][k : k + 1]}
        found = simulation.run(one, state, presentation=PRESENTATION)
        state = load_state(save_state(tmp_path / "state.h5", found.state))
    # Inputs of 2 kHz spike in every step: nothing is left to chance.
    for name, array in whole.state.items():
        assert array == pytest.approx(state[name], rel=1e-12), name
    assert whole.events["maps.spikes"] > 0
    assert whole.events["cells.spikes"] > 0


def test_counts_of_events_follow_from_the_spikes(simulation, rng):
    wanted = {"pixels.spikes": True, "maps.spikes": True, "cells.spikes": True}
    found = simulation.run(rates(rng), presentation=PRESENTATION, record=wanted)
    n = {
        name: found.recordings[f"{name}.spikes"] for name in ("pixels", "maps", "cells")
    }
    assert {f"{name}.spikes": len(rows) for name, rows in n.items()}.items() <= (
        found.events.items()
    )
    y, x = np.divmod(n["pixels"][:, 2], INPUTS[1])
    reach = [1, 2, 3, 2, 1]
    fan_out = np.take(reach, y) * np.take(reach, x) * HIDDEN[2]
    assert found.events["first.events"] == fan_out.sum()
    assert found.events["first.updates"] == len(n["maps"]) * 9
    assert found.events["second.events"] == len(n["maps"]) * OUT[2]
    inputs_of_a_cell = np.prod(HIDDEN)
    assert found.events["second.updates"] == (
        len(n["maps"]) * OUT[2] + len(n["cells"]) * inputs_of_a_cell
    )
    assert found.events["recurrent.events"] == len(n["cells"]) * OUT[2]
    assert "recurrent.updates" not in found.events


def test_recordings_agree_with_the_results(simulation, rng):
    record = {"maps.v": [7, 0], "theta": True, "first.w": 2, "cells.spikes": True}
    found = simulation.run(rates(rng), presentation=PRESENTATION, record=record)
    rows = found.recordings
    assert rows["maps.v"].shape == (4, 25, 2)
    assert rows["maps.theta"].shape == (4, 25, HIDDEN[2])
    assert rows["first.w"].shape == (2, 3, 3, 1, HIDDEN[2])
    assert np.array_equal(rows["first.w"][-1], found.state["first.w"])
    assert not np.array_equal(rows["first.w"][0], rows["first.w"][1])
    # After the last step the threshold only decays.
    decayed = rows["maps.theta"][-1, -1] * (1 - 0.005)
    assert found.state["maps.theta"] == pytest.approx(decayed, rel=1e-12)
    spikes = rows["cells.spikes"]
    counts = np.zeros((4, OUT[2]), int)
    np.add.at(counts, (spikes[:, 0], spikes[:, 2]), 1)
    assert np.array_equal(found.counts["counts"].reshape(4, -1), counts)


def test_native_and_reference_record_the_same_potentials(rng, monkeypatch):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    stimuli = {"pixels": np.where(rates(rng)["pixels"] > 75, 2000, 0).astype("f4")}
    record = {"maps.v": True, "cells.v": True, "second.w": 1}
    native, plain = (
        layered().build(backend).run(stimuli, presentation=PRESENTATION, record=record)
        for backend in BACKENDS
    )
    for name, rows in native.recordings.items():
        assert rows == pytest.approx(plain.recordings[name], rel=1e-9, abs=1e-12), name
    assert native.events == plain.events


def test_a_refractory_neuron_rests(simulation, rng):
    found = simulation.run(
        {"pixels": np.full((2, *INPUTS), 2000, "f4")},
        presentation=PRESENTATION,
        record=["cells"],
        learning=False,
    )
    rows = found.spikes["cells"]
    assert len(rows) > OUT[2]
    for cell in range(OUT[2]):
        for example in range(2):
            times = rows[(rows[:, 2] == cell) & (rows[:, 0] == example), 1]
            assert np.all(np.diff(times) >= 3)


def test_to_brian2_is_a_plain_network_with_the_same_weights(rng):
    pytest.importorskip("brian2")
    script = """
import sys
import numpy as np
sys.path.insert(0, {tests!r})
from test_network import PRESENTATION, layered
import brian2
brian2.prefs.codegen.target = "numpy"
stimuli = {{"pixels": np.load({stimuli!r})}}
network = layered().to_brian2(stimuli, presentation=PRESENTATION)
assert type(network) is brian2.Network
names = {{o.name for o in network.objects}}
assert {{"pixels", "maps", "cells", "second_synapses"}} <= names, names
monitor = brian2.SpikeMonitor(network["cells"])
network.add(monitor)
network.run(4 * 25 * brian2.ms, namespace={{}})
print(monitor.num_spikes)
"""
    import tempfile
    from pathlib import Path

    stimuli = {"pixels": np.where(rates(rng)["pixels"] > 75, 2000, 0).astype("f4")}
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "stimuli.npy")
        np.save(file, stimuli["pixels"])
        text = script.format(tests=str(Path(__file__).parent), stimuli=file)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", text],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    ours = layered().build("numpy").run(stimuli, presentation=PRESENTATION)
    assert int(done.stdout.split()[-1]) == ours.events["cells.spikes"]


def test_conductances_take_spikes_by_name():
    cells = Population(name="cells", shape=OUT, neuron=ConductanceLIF())
    into = Projection(
        name="second",
        source="maps",
        target="cells",
        geometry=Convolution.dense(HIDDEN),
        weights=0.1,
        into="g_i",
    )
    net = layered()
    net = layered(
        populations=[net.populations[0], cells], projections=[net.projections[0], into]
    )
    described = net.describe()
    assert described["projections"]["second"]["transmit"] == "g_i_post += w"
    assert net.initial_state()["cells.theta"] == pytest.approx(0.02)
    wrong = layered(populations=[net.populations[0], cells])
    with pytest.raises(
        ValueError, match="unknown input of ConductanceLIF 'g_x'; known"
    ):
        layered(
            populations=wrong.populations,
            projections=[
                net.projections[0],
                Projection(
                    name="second",
                    source="maps",
                    target="cells",
                    geometry=Convolution.dense(HIDDEN),
                    weights=0.1,
                    into="g_x",
                ),
            ],
        ).describe()


def test_a_state_starts_with_the_bits_of_its_weights():
    watch = Projection(
        name="first",
        source="pixels",
        target="maps",
        geometry=Convolution(height=3, width=3),
        rule=LongShortTermSTDP(),
    )
    state = layered(projections=[watch]).initial_state(seed=1)
    rule = LongShortTermSTDP()
    share = rule.stable_share
    bits = share * state["first.stable"] + (1 - share) * state["first.labile"]
    assert state["first.w"] == pytest.approx(rule.w_max * bits)
    assert len(np.unique(state["first.w"])) == 4


def change(name: str, **options) -> Network:
    """Return the network with one projection changed."""
    from dataclasses import replace

    projections = [
        replace(part, **options) if part.name == name else part
        for part in layered().projections
    ]
    return layered(projections=projections)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: change("recurrent", weights=None).initial_state(), "'recurrent' has no rule; give it weights"),
        (lambda: change("recurrent", weights=[1, 2]).initial_state(), "'recurrent': weights must have shape"),
        (lambda: change("first", weights=7.0).initial_state(), "weights of 'first' of TraceSTDP must be between 0 and w_max"),
        (lambda: change("first", source="pixel").describe(), "'first': unknown input or population 'pixel'; known"),
        (lambda: change("first", geometry=OneToOne()).describe(), "'first': OneToOne of the shape .* but 'maps' has shape"),
        (lambda: layered(dtype="float16"), "unknown Network.dtype 'float16'"),
        (lambda: layered(inputs=[Input(name="pixels", shape=INPUTS, stimulus="rate")]), "unknown stimulus of 'pixels' 'rate'.*'rates'"),
        (lambda: layered(inputs=[Input(name="my pixels", shape=INPUTS)]), "a name must be letters, digits and _, got 'my pixels'"),
        (lambda: layered(counters=[Counter(name="c", source="cell", pooling=SumPooling())]).describe(), "Counter 'c': unknown input or population 'cell'"),
        (lambda: layered().n_steps("25.5 ms"), "presentation must be a multiple of dt 1 ms, got 25.5 ms"),
        (lambda: layered().n_steps("soon"), "presentation must be a time like '100 ms', got 'soon'"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"v": [0]}, "cannot record 'v': say which of maps.v, cells.v"),
        ({"maps.u": [0]}, "unknown recording 'maps.u'; known: .*maps.v"),
        ({"maps.v": [36]}, "to record 'maps.v', give neurons from 0 to 35, got"),
        ({"first.w": 0}, "to record 'first.w', give the number of presentations"),
    ],
)
def test_what_cannot_be_recorded_is_refused(record, message, simulation, rng):
    with pytest.raises(ValueError, match=message):
        simulation.run(rates(rng), presentation=PRESENTATION, record=record)


def test_an_unknown_parameter_of_a_run_is_refused(simulation, rng):
    with pytest.raises(ValueError, match=r"unknown parameter 'first\.rate'; known"):
        simulation.run(
            rates(rng), presentation=PRESENTATION, parameters={"first.rate": 1}
        )


def test_files_that_hold_no_state_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file: .*missing\.h5"):
        load_state(tmp_path / "missing.h5")
    (tmp_path / "bad.h5").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"bad\.h5 is not a saved state"):
        load_state(tmp_path / "bad.h5")
    import h5py

    with h5py.File(save_state(tmp_path / "new.h5", {}), "a") as file:
        file.attrs["format"] = 99
    with pytest.raises(ValueError, match="has format 99, this version reads up to 1"):
        load_state(tmp_path / "new.h5")


@pytest.mark.parametrize(
    ("neuron", "competition", "why"),
    [
        (AdaptiveIF(), WinnerTakeAll(), "its competition"),
        (LatencyIF(), None, "LatencyIF"),
    ],
)
def test_a_rule_that_cannot_learn_from_single_spikes_is_refused(
    neuron, competition, why
):
    from dataclasses import replace

    maps = Population(name="maps", shape=HIDDEN, neuron=neuron, competition=competition)
    first = replace(layered().projections[0], rule=TripletSTDP())
    net = layered(populations=[maps], projections=[first], counters=[])
    message = (
        rf"^TripletSTDP potentiates only from the second spike .*'maps' .*\({why}\)"
    )
    with pytest.raises(ValueError, match=message):
        net.describe()
    again = replace(maps, neuron=LIF(), competition=None)
    assert layered(populations=[again], projections=[first], counters=[]).describe()


def test_an_ordinary_neuron_needs_no_rule():
    cells = Population(name="cells", shape=(2, 2, 1), neuron=IF(drive="50 Hz"))
    net = Network(inputs=[], populations=[cells], dt=1 * ms)
    assert net.initial_state() == {}


@pytest.mark.parametrize("backend", BACKENDS)
def test_input_to_a_resting_neuron_is_lost(backend, monkeypatch):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    shape = (1, 1, 1)
    neuron = LIF(v_th=0.9, tau_m=10 * ms, tau_ref=4 * ms)
    net = Network(
        inputs=[Input(name="always", shape=shape, stimulus="rates")],
        populations=[Population(name="cell", shape=shape, neuron=neuron)],
        projections=[
            Projection(
                name="drive",
                source="always",
                target="cell",
                geometry=OneToOne(),
                weights=0.5,
            )
        ],
        dt=1 * ms,
        dtype="float64",
    )
    found = net.build(backend).run(
        {"always": np.full((1, *shape), 2000, "f4")},
        presentation="20 ms",
        record={"v": True, "cell.spikes": True},
    )
    v, rest, spikes, potentials = 0.0, 0, [], []
    for step in range(20):
        if rest == 0:
            v *= np.exp(-1 / 10)
        spiked = rest == 0 and v > 0.9
        rest = 4 if spiked else max(0, rest - 1)
        if spiked:
            v = 0.0
            spikes.append(step)
        elif rest == 0:
            v += 0.5
        potentials.append(v)
    assert found.spikes["cell"][:, 1].tolist() == spikes
    assert found.recordings["cell.v"][0, :, 0] == pytest.approx(potentials, rel=1e-12)
