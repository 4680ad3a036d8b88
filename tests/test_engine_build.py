"""Building: compilers, the cache, other processes, and the user's own Brian2."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stdpnet.engine import cache
from stdpnet.engine.cache import CacheError
from stdpnet.engine.compiler import find_compiler
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
        "times slower .*install one, for example with 'apt install g"
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


@pytest.mark.slow
def test_a_compiler_that_fails_is_named_and_leaves_nothing(new_cache, monkeypatch):
    monkeypatch.setenv("CXX", "/bin/false")
    message = "building the program failed: .*/bin/false failed with status 1"
    with pytest.raises(ProgramError, match=message):
        build(tiny_network().describe(), "cpp")
    assert cache.list_programs() == []
    assert list(new_cache.glob("building-*")) == []


def test_a_cache_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path / "file"))
    message = (
        rf"^cannot write the program cache {re.escape(str(tmp_path))}/file/programs "
        r"\(Not a directory\); set STDPNET_CACHE to a folder that can be written$"
    )
    with pytest.raises(CacheError, match=message):
        build(tiny_network().describe(), "cpp")


def test_a_cache_without_permission_is_named(new_cache, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    message = r"cannot write the program cache .*\(no permission to write\); set STDPNET_CACHE"
    with pytest.raises(CacheError, match=message):
        cache.cache_folder()


def fake_program(folder: Path, name: str, age: float) -> Path:
    (folder / name).mkdir(parents=True)
    manifest = folder / name / "manifest.json"
    manifest.write_text("{}")
    (folder / name / "main").write_bytes(bytes(1000))
    os.utime(manifest, (time.time() - age,) * 2)
    return folder / name


def test_the_cache_keeps_what_was_used_last(new_cache):
    old, new, oldest = (
        fake_program(new_cache, name, age)
        for name, age in [("old", 7200), ("new", 0), ("oldest", 9000)]
    )
    assert [program.key for program in cache.list_programs()] == [
        "new",
        "old",
        "oldest",
    ]
    cache.keep_within_limit(2500)
    assert (new.exists(), old.exists(), oldest.exists()) == (True, True, False)
    cache.keep_within_limit(10)
    assert (new.exists(), old.exists()) == (True, False), "one in use is kept"


def test_the_cache_drops_what_killed_builds_left(new_cache):
    for name, age in (("building-old", 7200), ("building-now", 0)):
        (new_cache / name).mkdir(parents=True)
        os.utime(new_cache / name, (time.time() - age,) * 2)
    cache.keep_within_limit()
    assert [path.name for path in new_cache.iterdir()] == ["building-now"]


def test_the_cache_is_cleared_as_a_whole(new_cache):
    fake_program(new_cache, "one", 0)
    (new_cache / "one.lock").touch()
    (new_cache / "building-two").mkdir()
    assert cache.clear() == 1002
    assert list(new_cache.iterdir()) == []


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
