"""What goes wrong while a program runs: one clear line, and nothing half-done."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from stdpnet.engine import run as run_module
from stdpnet.engine import worker
from stdpnet.engine.program import Program, ProgramError, build
from stdpnet.engine.run import run_chunk
from stdpnet.models.network import Counter, Input, Network, Population, Projection
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import Convolution, OneToOne
from stdpnet.units import ms

SHAPE = (2, 3, 1)
LONG = 1500


def small_network() -> Network:
    dense = Convolution.dense(SHAPE)
    return Network(
        inputs=(Input(name="pixels", shape=SHAPE),),
        populations=(
            Population(
                name="cells", shape=(1, 1, 2), neuron=AdaptiveIF(theta_start=0.0)
            ),
        ),
        projections=(
            Projection(
                name="weights",
                source="pixels",
                target="cells",
                geometry=dense,
                rule=TraceSTDP(),
            ),
        ),
        counters=(Counter(name="counts", source="cells", pooling=OneToOne()),),
        dt=1 * ms,
    )


def small_chunk(n_examples: int = 2) -> dict:
    return {
        "stimuli": {"pixels": np.zeros((n_examples, *SHAPE), np.uint16)},
        "state": {
            "weights.w": np.full((2, 3, 1, 2), 0.5, np.float32),
            "cells.theta": np.zeros(2, np.float32),
        },
        "parameters": small_network().parameter_values(),
        "n_steps": 5,
        "seed": 1,
    }


def long_chunk() -> dict:
    return {**small_chunk(LONG), "n_steps": 60000}


def native() -> Program:
    return build(small_network().describe(), "cpp", title="test: failures")


@pytest.fixture(params=["cpp", "numpy"])
def program(request) -> Program:
    return build(small_network().describe(), request.param, title="test: failures")


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    """Whatever happens, a chunk leaves no files behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert list(tmp_path.glob("stdpnet-*")) == []


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("stimuli", {"pixels": None}, "no stimulus for the input 'pixels'"),
        (
            "stimuli",
            {"pixels": np.zeros((2, 3, 2, 1), np.uint16)},
            r"the stimulus of 'pixels' must have shape \(n_examples, 2, 3, 1\), got \(2, 3, 2, 1\)",
        ),
        (
            "stimuli",
            {"pixels": np.full((2, *SHAPE), 0.5)},
            r"the stimulus of 'pixels' must hold steps, integers from 0 to 65535 \(never\), "
            "got float64 from 0.5 to 0.5",
        ),
        (
            "stimuli",
            {"pixels": np.full((2, *SHAPE), -1)},
            "must hold steps.* from -1 to -1",
        ),
        ("state", {"cells.theta": None}, "no state array 'cells.theta'"),
        (
            "state",
            {"cells.theta": np.zeros(3)},
            r"cells.theta must have shape \(2,\), got \(3,\)",
        ),
        (
            "state",
            {"cells.theta": np.array([np.nan, 1])},
            "cells.theta has 1 values that are not finite",
        ),
        ("parameters", {"cells.v_th": None}, "no value for the parameter 'cells.v_th'"),
        (
            "parameters",
            {"cells.v_th": np.float64("nan")},
            "the parameter 'cells.v_th' must be finite in float32, got nan",
        ),
        (
            "parameters",
            {"cells.v_th": 1e39},
            r"the parameter 'cells.v_th' must be finite in float32, got 1e\+39",
        ),
        (
            "parameters",
            {"cells.v_th": "high"},
            "the parameter 'cells.v_th' must be a number, got 'high'",
        ),
        (
            "parameters",
            {"cells.v_ht": 1.0},
            "unknown parameter 'cells.v_ht'; known: .*Did you mean 'cells.v_th'",
        ),
        ("n_steps", 0, "n_steps must be from 1 to 65535, got 0"),
        ("n_steps", 70000, "n_steps must be from 1 to 65535, got 70000"),
        (
            "record",
            ["cell"],
            "unknown recording 'cell.spikes'; known: .*Did you mean 'cells.spikes'",
        ),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(part, change, message):
    chunk = small_chunk()
    if isinstance(change, dict):
        merged = {**chunk[part], **change}
        change = {name: value for name, value in merged.items() if value is not None}
    plain = Program(small_network().describe(), "numpy")
    with pytest.raises(ValueError, match=message):
        run_chunk(plain, **{**chunk, part: change})


def test_inputs_must_agree_on_the_number_of_examples():
    inputs = tuple(Input(name=name, shape=SHAPE) for name in ("left", "right"))
    network = Network(
        inputs=inputs, populations=(), projections=(), counters=(), dt=1 * ms
    )
    stimuli = {"left": np.zeros((2, *SHAPE)), "right": np.zeros((3, *SHAPE))}
    stimuli = {name: steps.astype(np.uint16) for name, steps in stimuli.items()}
    with pytest.raises(
        ValueError, match=r"must have equally many examples, got \[2, 3\]"
    ):
        run_chunk(
            Program(network.describe(), "numpy"), stimuli, {}, {}, n_steps=1, seed=1
        )


def test_the_smallest_chunk_runs(program):
    result = run_chunk(program, **small_chunk(), record=iter(["cells"]))
    assert result.counts["counts"].tolist() == [[[[1, 1]]]] * 2
    assert result.spikes["cells"].tolist() == [
        [0, 1, 0],
        [0, 1, 1],
        [1, 1, 0],
        [1, 1, 1],
    ]


def test_a_state_that_is_no_longer_finite_is_not_returned(program):
    chunk = small_chunk(40)
    chunk["parameters"]["cells.theta_plus"] = 3e38
    chunk["parameters"]["cells.theta_scale"] = 1e-38
    chunk["parameters"]["cells.v_th"] = 0.0
    chunk["state"]["cells.theta"][:] = 3e38
    message = (
        "cells.theta is no longer finite after this chunk, which is discarded; lower"
    )
    chunk["state"]["weights.w"][:] = 100
    with pytest.raises(ProgramError, match=message):
        run_chunk(program, **chunk)


def test_a_stimulus_file_that_was_cut_off_ends_the_run(program, monkeypatch):
    write = run_module._write_inputs

    def write_and_cut(folder: Path, *arguments) -> None:
        write(folder, *arguments)
        os.truncate(folder / "stimulus_pixels", 12)

    monkeypatch.setattr(run_module, "_write_inputs", write_and_cut)
    message = {
        "cpp": "failed with status 1: .*stimulus_pixels has 12 bytes, not 24; this chunk is",
        "numpy": "Brian2's numpy target failed: ValueError: cannot reshape array of size 6",
    }
    with pytest.raises(ProgramError, match=message[program.backend]):
        run_chunk(program, **small_chunk())
    monkeypatch.undo()
    assert run_chunk(program, **small_chunk()).counts["counts"].sum() == 4


def child_running(parent: psutil.Process, name: str) -> psutil.Process:
    """Wait for a child process whose command line ends in or contains `name`."""
    for _ in range(1200):
        for child in parent.children(recursive=True):
            try:
                if name in " ".join(child.cmdline()[:4]):
                    return child
            except psutil.Error:
                continue
        time.sleep(0.05)
    raise TimeoutError(f"no child process {name}")


@contextmanager
def signalled(name: str, number: int):
    """Send a signal to a child of this process, a little after it started."""

    def send() -> None:
        child = child_running(psutil.Process(), name)
        time.sleep(0.5)
        child.send_signal(number)

    sender = threading.Thread(target=send)
    sender.start()
    yield
    sender.join()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_program_that_is_killed_returns_nothing(number):
    built = native()
    message = (
        f"^the program was ended by {number.name}; this chunk is discarded, "
        "what was finished before is kept$"
    )
    with signalled(str(built.folder / "main"), number):
        with pytest.raises(ProgramError, match=message):
            run_chunk(built, **long_chunk())
    assert run_chunk(built, **small_chunk()).counts["counts"].sum() == 4


def test_a_reference_worker_that_is_killed_returns_nothing():
    plain = Program(small_network().describe(), "numpy")
    worker.stop_worker()
    with signalled("stdpnet.engine.worker", signal.SIGKILL):
        with pytest.raises(
            ProgramError,
            match="Brian2's numpy target failed: its process ended; this chunk is",
        ):
            run_chunk(plain, **long_chunk())
    assert run_chunk(plain, **small_chunk()).counts["counts"].sum() == 4


SCRIPT = """
import importlib.util, sys, tempfile
spec = importlib.util.spec_from_file_location("failures", sys.argv[1])
failures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(failures)
tempfile.tempdir = sys.argv[2]
program = failures.build(failures.small_network().describe(), sys.argv[3])
"""
INTERRUPTED = (
    SCRIPT
    + """
try:
    failures.run_chunk(program, **failures.long_chunk())
except KeyboardInterrupt:
    failures.worker.stop_worker()
    left = failures.psutil.Process().children(recursive=True)
    print("interrupted", len(left))
"""
)


@pytest.mark.parametrize("backend", ["cpp", "numpy"])
def test_ctrl_c_ends_the_program_and_reaches_the_caller(backend, tmp_path):
    built = native()
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, __file__, str(tmp_path), backend],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    name = {"cpp": str(built.folder / "main"), "numpy": "stdpnet.engine.worker"}
    child = child_running(psutil.Process(process.pid), name[backend])
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output.strip() == "interrupted 0"
    assert not child.is_running()


LIMITED = (
    SCRIPT
    + """
import resource
chunk = failures.small_chunk(int(sys.argv[4]))
limit = int(sys.argv[5])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    failures.run_chunk(program, **chunk, record=["pixels"])
except failures.ProgramError as error:
    print(error)
"""
)


@pytest.mark.parametrize(
    ("n_examples", "limit", "message"),
    [
        # Bytes an example: 12 of stimulus, 72 of recorded spikes.
        (2000, 8000, "cannot exchange data with the program in .*; free some space"),
        (2, 60, "the program was ended by SIGXFSZ; this chunk is discarded"),
    ],
    ids=["stimulus", "results"],
)
def test_files_that_cannot_be_written_are_one_clear_error(
    tmp_path, n_examples, limit, message
):
    native()
    command = [sys.executable, "-c", LIMITED, __file__, str(tmp_path), "cpp"]
    found = subprocess.run(
        [*command, str(n_examples), str(limit)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert found.stdout.count("\n") == 1
    assert re.search(message, found.stdout)


@pytest.fixture
def tiny_disk(tmp_path, monkeypatch):
    """Return a function that mounts a disk of some kB for temporary files."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no mount on this machine")

    def mount(size: int) -> None:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("no permission to mount a small disk")
        monkeypatch.setattr(tempfile, "tempdir", str(disk))

    yield mount
    assert list(disk.glob("stdpnet-*")) == []
    subprocess.run(["umount", str(disk)], capture_output=True, check=False)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (
            4,
            "cannot exchange data with the program in .*: No space left on device; free",
        ),
        (
            12,
            "the program failed with status 1: cannot write .*(counts_counts|presentations); this chunk",
        ),
        (32, "the program did not finish, or could not write to .*results; this chunk"),
    ],
    ids=["stimulus", "counts", "state"],
)
def test_a_full_disk_is_one_clear_error(tiny_disk, size, message):
    built = native()
    tiny_disk(size)
    with pytest.raises(ProgramError, match=message) as error:
        run_chunk(built, **small_chunk())
    assert "\n" not in str(error.value)


def test_a_state_file_that_is_too_short_is_refused(tmp_path):
    short = tmp_path / "weights"
    np.zeros(3, np.float32).tofile(short)
    message = "weights has 3 values, not 4; this chunk is discarded, free some space"
    with pytest.raises(ProgramError, match=message):
        run_module._read_array(short, np.float32, (2, 2))
