"""From a device to a network through the command line."""

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import stdpnet.analysis.device_plots
import stdpnet.analysis.drawing
import stdpnet.devices
from stdpnet.cli import main
from stdpnet.devices import SwitchingTable, load_default_table
from stdpnet.estimators.spec import load_network
from stdpnet.models.neurons import MagnetoelectricLIF
from stdpnet.units import as_quantity, mV

COMMAND = ["device", "magnetoelectric"]
#: A quick device: a longer time step, one pulse, few magnets.
QUICK = ["--set", "dt=0.5 ps", "--pulse", "1 ns", "--samples", "20"]

#: Ctrl-C while magnets are moving, when the first part is done.
INTERRUPTED = """
import os, signal, sys
import stdpnet.devices
from stdpnet.cli import main

tabulate = stdpnet.devices.tabulate

def interrupted(*words, progress, **options):
    def stop(*_):
        os.kill(os.getpid(), signal.SIGINT)
    return tabulate(*words, progress=stop, **options)

stdpnet.devices.tabulate = interrupted
sys.exit(main())
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def at_once(monkeypatch):
    """Let the command find the default table without simulating anything."""
    numbers = stdpnet.analysis.device_plots.DeviceNumbers(
        table=load_default_table(),
        curves={},
        voltage_v=0.4,
        pulse_ns=1.0,
        times_ns=np.array([0.0, 1.0]),
        m_x=np.array([[-1.0], [1.0]]),
        angles=np.array([-0.1, 0.1]),
    )
    asked = {}

    def tabulate(magnet, **options):
        asked.update(options, magnet=magnet)
        options["progress"](1, 1)
        return numbers.table

    monkeypatch.setattr(stdpnet.devices, "tabulate", tabulate)
    monkeypatch.setattr(
        stdpnet.analysis.device_plots, "sample_device", lambda *_: numbers
    )
    return asked


def files_below(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )


# -- what comes out ---------------------------------------------------------------


def test_a_run_leaves_a_table_a_figure_and_a_command_that_works(folder, capsys):
    words = [*COMMAND, *QUICK, "--set", "temperature=350 K", "--seed", "2", "--json"]
    assert main(words) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert "pulses" in shown.err
    path = Path("runs/device-magnetoelectric-1")
    names = [str(path / name) for name in ("switching.png", "table.json")]
    assert files_below(folder) == names
    assert [found["figure"], found["table"]] == names
    assert (path / "switching.png").read_bytes().startswith(b"\x89PNG")
    table = SwitchingTable.load(path / "table.json")
    assert (table.n_samples, table.seed, len(table.voltages_v)) == (20, 2, 15)
    assert table.magnet.temperature == as_quantity("350 K")
    (curve,) = found["curves"]
    fit = table.fit("1 ns")
    assert curve == {
        "pulse_ns": 1,
        "v_half_mv": pytest.approx(fit.v_half.value * 1e3),
        "v_width_mv": pytest.approx(fit.v_width.value * 1e3),
        "residual": pytest.approx(fit.residual),
    }
    neuron = neuron_of(found["next"])
    assert float(neuron.v_half / mV) == pytest.approx(curve["v_half_mv"], rel=1e-3)
    assert float(neuron.v_width / mV) == pytest.approx(curve["v_width_mv"], rel=1e-3)


def neuron_of(command: str) -> MagnetoelectricLIF:
    """The neuron of the network that a command of ``stdpnet train`` trains."""
    program, train, spec, *rest = shlex.split(command)
    assert (program, train, rest[::2]) == ("stdpnet", "train", ["--set"] * 3)
    neuron = load_network(spec, rest[1::2]).neuron
    assert type(neuron) is MagnetoelectricLIF
    return neuron


def test_people_read_a_line_for_each_pulse(at_once, folder, capsys):
    (folder / "runs" / "device-magnetoelectric-1").mkdir(parents=True)
    assert main(COMMAND) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[:4]] == [
        "pulse",
        "1 ns",
        "2 ns",
        "4 ns",
    ]
    assert lines[1].split() == ["1", "ns", "405.5", "mV", "26.9", "mV", "0.011"]
    told = dict(line.split(maxsplit=1) for line in lines[4:])
    assert list(told) == ["table", "figure", "next"]
    assert told["table"] == "runs/device-magnetoelectric-2/table.json"
    assert told["next"].startswith('stdpnet train magnetoelectric --set "neuron.v_half')


def test_the_default_device_is_the_neuron_of_the_specification(at_once, folder, capsys):
    assert main([*COMMAND, "--json"]) == 0
    neuron = neuron_of(json.loads(capsys.readouterr().out)["next"])
    specified = load_network("magnetoelectric").neuron
    for name in ("v_half", "v_width", "v_unit"):
        given, expected = getattr(neuron, name), getattr(specified, name)
        assert float(given / mV) == pytest.approx(float(expected / mV), abs=0.2)


def test_another_threshold_needs_as_many_inputs(at_once, folder, capsys, monkeypatch):
    table = load_default_table()
    half = replace(table, voltages_v=table.voltages_v / 2)
    monkeypatch.setattr(stdpnet.devices, "tabulate", lambda *_, **__: half)
    assert main([*COMMAND, "--json"]) == 0
    neuron = neuron_of(json.loads(capsys.readouterr().out)["next"])
    specified = load_network("magnetoelectric").neuron
    for given in (neuron.v_half / specified.v_half, neuron.v_unit / specified.v_unit):
        assert float(given) == pytest.approx(0.5, abs=1e-3)


def test_options_reach_the_simulation(at_once, folder):
    words = ["--pulse", "4 ns", "--pulse", "1 ns", "--samples", "7", "--seed", "3"]
    words += ["--set", "damping=0.1", "--set", "width = 50 nm"]
    assert main([*COMMAND, *words, "--from", "200 mV", "--to", "0.5 V"]) == 0
    assert at_once["magnet"] == stdpnet.devices.Macrospin(damping=0.1, width="50 nm")
    assert at_once["pulses"] == [as_quantity("1 ns"), as_quantity("4 ns")]
    assert (at_once["n_samples"], at_once["seed"]) == (7, 3)
    np.testing.assert_allclose(at_once["voltages_v"], np.linspace(0.2, 0.5, 15))


def test_without_options_the_simulation_is_that_of_the_default_table(at_once, folder):
    assert main(COMMAND) == 0
    table = load_default_table()
    assert at_once["voltages_v"] is None
    assert [length.value * 1e9 for length in at_once["pulses"]] == pytest.approx(
        table.pulses_ns.tolist()
    )
    assert at_once["magnet"] == table.magnet
    assert (at_once["n_samples"], at_once["seed"]) == (table.n_samples, table.seed)


def test_one_end_of_the_voltages_is_enough(at_once, folder):
    assert main([*COMMAND, "--to", "1 V"]) == 0
    assert at_once["voltages_v"][[0, -1]] == pytest.approx([0.225, 1])


def test_a_jump_is_kept_but_makes_no_neuron(at_once, folder, capsys, monkeypatch):
    table = load_default_table()
    jump = SwitchingTable(
        magnet=table.magnet,
        voltages_v=[0.2, 0.4],
        pulses_ns=[1],
        counts=[[0, 5]],
        n_samples=5,
        seed=0,
    )
    monkeypatch.setattr(stdpnet.devices, "tabulate", lambda *_, **__: jump)
    assert main([*COMMAND, "--out", "a", "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert (found["curves"], found["next"]) == ([], None)
    (line,) = (line for line in shown.err.splitlines() if line.startswith("warning"))
    assert line.startswith("warning: pulses of 1 ns: a logistic curve needs")
    assert line.endswith("around the switch (--from, --to)")
    assert files_below(folder) == ["a/switching.png", "a/table.json"]
    assert main([*COMMAND, "--out", "b"]) == 0
    assert "next" not in capsys.readouterr().out


def test_what_switches_by_itself_makes_no_neuron(at_once, folder, capsys, monkeypatch):
    table = load_default_table()
    restless = replace(table, voltages_v=table.voltages_v - 0.5)
    monkeypatch.setattr(stdpnet.devices, "tabulate", lambda *_, **__: restless)
    assert main([*COMMAND, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["curves"][0]["v_half_mv"] == pytest.approx(-94.5, abs=0.1)
    assert found["next"] is None


@pytest.mark.slow
def test_the_default_run_makes_the_default_table_again(folder):
    assert main(COMMAND) == 0
    again = SwitchingTable.load("runs/device-magnetoelectric-1/table.json")
    table = load_default_table()
    (low, high), (new_low, new_high) = (t.intervals(0.999) for t in (table, again))
    assert np.all((new_low <= high) & (low <= new_high))


# -- what is refused, before any work ---------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "damping"], "--set is written KEY=VALUE, got 'damping'"),
        (["--set", "=3"], "--set is written KEY=VALUE, got '=3'"),
        (
            ["--set", "temprature=3 K"],
            "unknown Macrospin parameter 'temprature'.*Did you mean 'temperature'",
        ),
        (["--set", "temperature=350"], "temperature must have dimension 'K' like its"),
        (["--set", "temperature=0 K"], "temperature must be > 0 K, as without heat"),
        (["--set", "damping=much"], "damping must be a number, got 'much'"),
        (["--set", "damping=-1"], "damping must be >= 0, got -1"),
        (["--pulse", "1 V"], "a duration must be a time like 1 ns, got 1 V"),
        (["--pulse", "long"], "a quantity is written like '20 ms', got 'long'"),
        (
            ["--pulse", "1 ns", "--pulse", "1 ns"],
            "pulses must be one or more rising numbers",
        ),
        (["--set", "dt=10 ps"], "dt must keep the turn of a step within 0.3 radians"),
        (["--from", "1 s"], "--from must be a voltage like 300 mV, got 1 s"),
        (["--to", "2"], "--to must be a voltage like 300 mV, got 2"),
        (["--from", "1 V"], "--from must be below --to, got 1000 mV and 575 mV"),
        (["--samples", "0"], "--samples must be a whole number >= 1, got '0'"),
        (["--out", "taken"], "taken exists; give --out a new folder"),
        (["--out", "taken/file"], "taken/file exists; give --out a new folder"),
        (["--out", "taken/file/a"], "taken/file: Not a directory"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(words, message, folder, capsys):
    (folder / "taken").mkdir()
    (folder / "taken" / "file").touch()
    assert main([*COMMAND, *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("stdpnet device magnetoelectric: ")
    with pytest.raises(ValueError, match=message):
        raise ValueError(line)
    assert files_below(folder) == ["taken/file"]


def test_a_folder_that_cannot_be_written_to_is_refused_at_once(
    folder, capsys, monkeypatch
):
    monkeypatch.setattr("os.access", lambda *_: False)
    assert main([*COMMAND, "--out", "a/b"]) == 2
    error = capsys.readouterr().err
    assert error == f"stdpnet device magnetoelectric: {folder}: Permission denied\n"


# -- a folder appears whole or not at all ------------------------------------------


def test_an_empty_folder_may_be_given(at_once, folder):
    (folder / "a").mkdir()
    assert main([*COMMAND, "--out", "a"]) == 0
    assert files_below(folder) == ["a/switching.png", "a/table.json"]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (stdpnet.devices, "tabulate"),
        (stdpnet.analysis.device_plots, "sample_device"),
        (stdpnet.analysis.drawing, "save_drawing"),
    ],
)
def test_an_interrupt_leaves_nothing(
    module, name, at_once, folder, capsys, monkeypatch
):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, name, interrupt)
    assert main(COMMAND) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "stdpnet device magnetoelectric: interrupted"
    assert files_below(folder) == []
    assert list(folder.glob("runs/*")) == []


def test_a_folder_taken_meanwhile_is_left_alone(at_once, folder, capsys, monkeypatch):
    def take(figure, path):
        path.write_bytes(b"figure")
        for name in ("a", "runs/device-magnetoelectric-1"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "other").touch()

    monkeypatch.setattr(stdpnet.analysis.drawing, "save_drawing", take)
    assert main([*COMMAND, "--out", "a"]) == 2
    assert "a has just been taken; give --out a new folder" in capsys.readouterr().err
    assert files_below(folder / "a") == ["other"]
    assert main(COMMAND) == 0
    assert files_below(folder / "runs" / "device-magnetoelectric-2") == [
        "switching.png",
        "table.json",
    ]
    assert [path.name for path in folder.rglob("*.partial")] == []


def test_ctrl_c_ends_a_real_process_at_once(folder):
    words = [sys.executable, "-c", INTERRUPTED, *COMMAND, *QUICK]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[-1] == "stdpnet device magnetoelectric: interrupted"
    assert files_below(folder) == []
