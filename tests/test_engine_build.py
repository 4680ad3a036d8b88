"""Building: compilers, other processes, and the user's own Brian2."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stdpnet.engine import cache
from stdpnet.engine.build import first_complaint
from stdpnet.engine.compiler import CompilerError, find_compiler
from stdpnet.engine.program import Program, ProgramError, build, choose_backend
from stdpnet.engine.run import run_chunk
from stdpnet.models.network import Counter, Input, Network
from stdpnet.models.projections import OneToOne
from stdpnet.units import ms

SHAPE = (2, 2, 1)


def tiny_network() -> Network:
    return Network(
        inputs=(Input(name="pixels", shape=SHAPE),),
        populations=(),
        projections=(),
        counters=(Counter(name="counts", source="pixels", pooling=OneToOne()),),
        dt=1 * ms,
    )


def count_spikes(program: Program) -> int:
    stimuli = {"pixels": np.zeros((3, *SHAPE), np.uint16)}
    result = run_chunk(program, stimuli, {}, {}, n_steps=2, seed=1)
    return int(result.counts["counts"].sum())


@pytest.fixture
def new_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "programs"


@pytest.fixture
def no_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)


def test_without_a_compiler_one_warning_says_what_it_costs(no_compiler):
    message = (
        r"no C\+\+ compiler \(g\+\+, clang\+\+ or \$CXX\) was found: .*NumPy.* about 500 "
        "times slower \\(0.5 s an MNIST image and 3 s a chunk\\); install one, for example with 'apt install g"
    )
    with pytest.warns(UserWarning, match=message) as caught:
        program = build(tiny_network().describe())
    assert len(caught) == 1
    assert program.backend == "numpy"
    assert count_spikes(program) == 12


@pytest.mark.parametrize("backend", ["cpp", "cython"])
def test_without_a_compiler_a_compiled_backend_is_refused(no_compiler, backend):
    message = rf"backend '{backend}' needs a C\+\+ compiler .*; install one or use backend 'numpy'"
    with pytest.raises(ProgramError, match=message):
        build(tiny_network().describe(), backend)


def test_backends_go_by_their_names():
    assert choose_backend("numpy") == "numpy"
    with pytest.raises(
        ValueError, match=r"unknown backend 'nunpy'; known: .*'numpy'\?"
    ):
        choose_backend("nunpy")


def test_the_compiler_may_be_chosen(monkeypatch):
    monkeypatch.setenv("CXX", "/bin/false")
    monkeypatch.setenv("STDPNET_FLAGS", "-O0")
    compiler = find_compiler()
    assert (compiler.path, compiler.flags) == ("/bin/false", "-O0")
    assert compiler.fingerprint()["flags"] == "-O0"


def test_the_compiler_may_be_several_words(monkeypatch):
    monkeypatch.setenv("CXX", "env LANG=C 'a b'")
    compiler = find_compiler()
    assert compiler.command == [shutil.which("env"), "LANG=C", "a b"]
    assert compiler.fingerprint()["arguments"] == "LANG=C 'a b'"


@pytest.mark.parametrize(
    ("setting", "named"),
    [("gg++ -m64", r"'gg\+\+', which was not found"), ("g++ '", r".*No closing")],
)
@pytest.mark.parametrize("backend", ["auto", "cpp", "cython"])
def test_a_compiler_that_is_not_there_is_named(setting, named, backend, monkeypatch):
    monkeypatch.setenv("CXX", setting)
    message = (
        rf"^CXX must name a C\+\+ compiler, got {named}.*; correct it or unset CXX$"
    )
    with pytest.raises(CompilerError, match=message):
        choose_backend(backend)
    assert choose_backend("numpy") == "numpy"


COMPLAINTS = """sh -c '
  echo "x.h: note: something" >&2
  echo "x.cpp:3: error: {first}" >&2
  echo "x.cpp:4: error: second" >&2
  exit 3'"""


@pytest.mark.parametrize(
    ("first", "way_out"),
    [
        ("no such thing", ""),
        (
            "No space left on device",
            "; free some space, or set STDPNET_CACHE and TMPDIR to folders on a larger disk",
        ),
    ],
)
def test_an_error_of_the_compiler_is_one_line(new_cache, monkeypatch, first, way_out):
    monkeypatch.setenv("CXX", COMPLAINTS.format(first=first))
    message = (
        "^building the program failed: RuntimeError: .*/sh failed with status 3: "
        rf"x\.cpp:3: error: {first}{way_out}$"
    )
    with pytest.raises(ProgramError, match=message):
        build(tiny_network().describe(), "cpp")


def test_a_disk_that_fills_up_is_told_from_other_errors():
    lines = ["as: error: cannot go on", "fatal: x.o: No space left on device"]
    assert first_complaint("\n".join(lines)) == lines[1]
    assert first_complaint("warning\n  ended\n\n") == "ended"
    assert first_complaint("\n") == ""


WITHOUT_FCNTL = """
import importlib.util, sys
sys.modules["fcntl"] = None
spec = importlib.util.spec_from_file_location("builds", sys.argv[1])
builds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builds)
print(builds.count_spikes(builds.build(builds.tiny_network().describe(), "numpy")))
"""


def test_everything_but_the_cache_works_without_fcntl():
    command = [sys.executable, "-c", WITHOUT_FCNTL, __file__]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == "12", answer.stderr


def test_windows_has_the_cython_and_numpy_backends(monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert choose_backend("cython") == "cython"
    with pytest.warns(UserWarning, match="not compiled on Windows: .* use WSL or back"):
        assert choose_backend("auto") == "numpy"
    message = (
        "'cpp' is not available on Windows; use WSL, or backend 'cython' or 'numpy'"
    )
    with pytest.raises(ProgramError, match=message):
        choose_backend("cpp")


@pytest.mark.slow
def test_a_compiler_that_fails_is_named_and_leaves_nothing(new_cache, monkeypatch):
    monkeypatch.setenv("CXX", "/bin/false")
    message = "building the program failed: .*/bin/false failed with status 1"
    with pytest.raises(ProgramError, match=message):
        build(tiny_network().describe(), "cpp")
    assert cache.list_programs() == []
    assert list(new_cache.glob("building-*")) == []


BUILD = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("builds", sys.argv[1])
builds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builds)
program = builds.build(builds.tiny_network().describe(), "cpp")
print(json.dumps([program.build_seconds, builds.count_spikes(program)]))
"""


def start_build() -> subprocess.Popen:
    command = [sys.executable, "-c", BUILD, __file__]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.slow
def test_a_killed_build_leaves_no_program_and_two_at_once_build_one(new_cache):
    killed = start_build()
    while not list(new_cache.glob("building-*/sources/*.o")):
        assert killed.poll() is None, "ended before it compiled"
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert cache.list_programs() == []

    both = [start_build(), start_build()]
    answers = [json.loads(process.communicate()[0]) for process in both]
    assert [spikes for _, spikes in answers] == [12, 12]
    assert sorted(seconds == 0 for seconds, _ in answers) == [False, True]
    assert len(cache.list_programs()) == 1


@pytest.mark.slow
def test_the_users_own_brian2_session_stays_as_it_was(new_cache):
    brian2 = pytest.importorskip("brian2")
    clock, float_type = brian2.defaultclock.dt, brian2.prefs.core.default_float_dtype
    brian2.prefs.codegen.target = "numpy"
    brian2.defaultclock.dt = 0.3 * brian2.ms
    brian2.start_scope()
    mine = brian2.NeuronGroup(3, "dv/dt = -v/(10*ms) : 1", method="exact", name="mine")
    mine.v = 1

    def session() -> tuple:
        device = brian2.get_device()
        objects = {o.name for o in brian2.collect()} | {"mine", mine.name}
        preferences = brian2.prefs.as_file
        return device, preferences, float(brian2.defaultclock.dt), objects

    before = session()
    for backend in ("cpp", "numpy"):
        assert count_spikes(build(tiny_network().describe(), backend)) == 12
        assert session() == before
    brian2.run(3 * brian2.ms)
    assert np.asarray(mine.v) == pytest.approx(np.exp(-0.3), rel=1e-12)
    brian2.defaultclock.dt = clock
    brian2.prefs.core.default_float_dtype = float_type


OTHER_VERSION = """
import importlib.metadata as metadata
real = metadata.version
metadata.version = lambda name: "2.5.1" if name == "brian2" else real(name)
try:
    import stdpnet.engine.brian2_api
except ImportError as error:
    print(error)
"""


def test_another_version_of_brian2_is_one_clear_error():
    answer = subprocess.run(
        [sys.executable, "-c", OTHER_VERSION],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == (
        "stdpnet works with Brian2 >=2.9,<2.11, found 2.5.1; "
        "run: pip install 'brian2>=2.9,<2.11'"
    )
