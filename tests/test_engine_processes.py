"""Interrupts, threads and forks: no process and no file outlives what it was for."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from stdpnet.engine import interpreter, processes, worker
from stdpnet.engine.processes import stop_all
from stdpnet.engine.program import Program, ProgramError, build
from stdpnet.engine.run import run_chunk
from stdpnet.models.network import Counter, Input, Network
from stdpnet.models.projections import OneToOne
from stdpnet.units import ms

SHAPE = (2, 2, 1)
NAMES = {"cpp": "main", "numpy": "python"}


def program(backend: str) -> Program:
    network = Network(
        inputs=(Input(name="pixels", shape=SHAPE),),
        populations=(),
        projections=(),
        counters=(Counter(name="counts", source="pixels", pooling=OneToOne()),),
        dt=1 * ms,
    )
    return build(network.describe(), backend, title="test: processes")


def run(built: Program, n_examples: int = 3, n_steps: int = 2) -> int:
    stimuli = {"pixels": np.zeros((n_examples, *SHAPE), np.uint16)}
    result = run_chunk(built, stimuli, {}, {}, n_steps=n_steps, seed=1)
    return int(result.counts["counts"].sum())


def run_long(built: Program) -> int:
    return run(built, 20000, 60000)


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def at_work(pid: int, backend: str) -> list[psutil.Process]:
    """Return the processes under `pid` that run chunks."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            if child.name().startswith(NAMES[backend]):
                found.append(child)
        except psutil.Error:
            continue
    return found


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    """Whatever happens, a chunk leaves no files behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield
    assert list(tmp_path.glob("stdpnet-*")) == []


@pytest.mark.parametrize("backend", ["cpp", "numpy"])
def test_all_chunks_of_all_threads_can_be_stopped(backend, tmp_path):
    built, errors = program(backend), []
    worker.stop_worker()

    def work() -> None:
        try:
            run_long(built)
        except ProgramError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    started = {"cpp": 2, "numpy": 1}[backend]
    wait_for(lambda: len(at_work(os.getpid(), backend)) == started)
    wait_for(lambda: len(list(tmp_path.glob("stdpnet-*/stimulus_pixels"))) == 2)
    stop_all()
    for thread in threads:
        thread.join(timeout=30)
    assert len(errors) == 2
    assert all("this chunk is discarded" in error for error in errors)
    assert at_work(os.getpid(), backend) == []
    assert run(built) == 12, "later chunks run as before"


def test_a_job_that_was_stopped_starts_nothing():
    with processes.new_job() as job:
        stop_all()
        assert not job.folder.exists()
        with pytest.raises(
            ProgramError, match="stopped before it began; this chunk is discarded"
        ):
            job.start(["true"])


def test_a_temporary_folder_that_cannot_be_made_is_one_clear_error(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    message = (
        r"^cannot make a temporary folder \(No such file or directory\); free some"
    )
    with pytest.raises(ProgramError, match=message):
        run(Program(program("numpy").description, "numpy"))


SCRIPT = """
import importlib.util, signal, sys
spec = importlib.util.spec_from_file_location("tests_here", sys.argv[1])
tests = sys.modules["tests_here"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)

def interrupt(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, interrupt)
built = tests.program(sys.argv[2])
"""
PARALLEL = (
    SCRIPT
    + """
from joblib import Parallel, delayed
with Parallel(n_jobs=2, prefer="threads") as parallel:
    parallel(delayed(tests.run_long)(built) for _ in range(6))
"""
)
ALONE = SCRIPT + "tests.run_long(built)\n"


@pytest.fixture
def start():
    """Return a function that starts a script; the script ends with the test."""
    started = []

    def start_one(code: str, backend: str) -> subprocess.Popen:
        program(backend)  # compiles
        process = subprocess.Popen(
            [sys.executable, "-c", code, __file__, backend],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("code", "backend", "n"),
    [(PARALLEL, "cpp", 2), (ALONE, "cpp", 1), (ALONE, "numpy", 1)],
    ids=["parallel", "cpp", "numpy"],
)
def test_an_interrupt_leaves_no_process_and_no_file(
    start, code, backend, n, number, tmp_path
):
    process = start(code, backend)
    wait_for(lambda: len(at_work(process.pid, backend)) == n)
    wait_for(lambda: len(list(tmp_path.glob("stdpnet-*/stimulus_pixels"))) >= n)
    children = at_work(process.pid, backend)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert errors.strip().endswith("KeyboardInterrupt")
    gone, alive = psutil.wait_procs(children, timeout=5)
    assert (len(gone), alive) == (n, [])
    assert list(tmp_path.glob("stdpnet-*")) == []


CAUGHT = (
    SCRIPT
    + """
import os
from joblib import Parallel, delayed
try:
    with Parallel(n_jobs=2, prefer="threads") as parallel:
        parallel(delayed(tests.run_long)(built) for _ in range(6))
except KeyboardInterrupt:
    tests.stop_all()
tests.wait_for(lambda: not tests.at_work(os.getpid(), "cpp"), 5)
print(tests.run(built))
"""
)


def test_an_interrupt_that_is_caught_can_stop_all_threads(start, tmp_path):
    process = start(CAUGHT, "cpp")
    wait_for(lambda: len(at_work(process.pid, "cpp")) == 2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert output.strip() == "12", errors


@pytest.mark.parametrize(
    ("code", "backend", "n"),
    [(PARALLEL, "cpp", 2), (ALONE, "numpy", 1)],
    ids=["parallel", "numpy"],
)
def test_what_a_killed_process_has_started_ends_with_it(
    start, code, backend, n, tmp_path
):
    process = start(code, backend)
    wait_for(lambda: len(list(tmp_path.glob("stdpnet-*/stimulus_pixels"))) >= n)
    wait_for(lambda: len(at_work(process.pid, backend)) == n)
    children = at_work(process.pid, backend)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
    for folder in tmp_path.glob("stdpnet-*"):
        processes.Job(folder).remove_folder()


FORKED = (
    SCRIPT
    + """
import multiprocessing
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # how a pool ends its processes
before = tests.run(built)
with multiprocessing.get_context("fork").Pool(2) as pool:
    found = pool.map(tests.run, [built] * 3)
print(before, found, tests.run(built))
"""
)


@pytest.mark.parametrize("backend", ["cpp", "numpy"])
def test_a_forked_process_runs_chunks_of_its_own(start, backend):
    process = start(FORKED, backend)
    output, errors = process.communicate(timeout=120)
    assert output.strip() == "12 [12, 12, 12] 12", errors


HELD = (
    SCRIPT
    + """
import multiprocessing, threading, time
signal.signal(signal.SIGTERM, signal.SIG_DFL)
tests.run(built)
thread = threading.Thread(target=tests.run_long, args=(built,), daemon=True)
thread.start()
while not tests.worker._lock.locked():
    time.sleep(0.01)
with multiprocessing.get_context("fork").Pool(1) as pool:
    print(pool.map(tests.run, [built]), thread.is_alive())
"""
)


def test_a_fork_while_the_worker_is_busy_does_not_wait_for_it(start):
    process = start(HELD, "numpy")
    output, errors = process.communicate(timeout=120)
    assert output.strip() == "[12] True", errors


# -- what a process inherits ------------------------------------------------------


@pytest.fixture
def folder_with_a_random_module(tmp_path, monkeypatch) -> Path:
    """The current folder has a module of the name of one of Python's own."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "random.py").write_text("raise RuntimeError('random.py of the user')")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", "")
    return folder


def test_the_worker_imports_nothing_of_the_users_folder(folder_with_a_random_module):
    worker.stop_worker()
    assert run(program("numpy")) == 12


def test_the_builder_imports_nothing_of_the_users_folder(
    folder_with_a_random_module, tmp_path, monkeypatch
):
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "/bin/false")
    with pytest.raises(ProgramError, match="/bin/false failed with status 1"):
        program("cpp")


WHERE = "import json, os, sys, stdpnet; print(json.dumps([stdpnet.__file__, sys.path]))"


def test_a_stdpnet_that_is_not_installed_is_found(tmp_path, monkeypatch):
    package = tmp_path / "lib" / "stdpnet"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(interpreter, "PACKAGE", package)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["mine", "", "/other"]))
    monkeypatch.chdir(tmp_path)
    command = interpreter.command("unused")
    found = subprocess.run(
        [*command[: command.index("-m")], "-c", WHERE],
        cwd="/",
        env=interpreter.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    where, path = json.loads(found.stdout)
    assert where == str(package / "__init__.py")
    assert path[:3] == [str(tmp_path / "lib"), str(tmp_path / "mine"), "/other"]


def test_an_installed_stdpnet_is_not_put_before_pythons_own_modules(monkeypatch):
    folder = Path(np.__file__).resolve().parents[1]
    monkeypatch.setattr(interpreter.site, "getsitepackages", lambda: [str(folder)])
    monkeypatch.setattr(interpreter, "PACKAGE", folder / "stdpnet")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert interpreter.environment()["PYTHONPATH"] == ""
