"""The cache of programs: its limits, what others do with it, and what they leave."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdpnet.engine import cache
from stdpnet.engine import program as program_module
from stdpnet.engine.cache import CacheError
from stdpnet.engine.program import Program, ProgramError, build
from stdpnet.engine.run import run_chunk
from stdpnet.models.network import Counter, Input, Network
from stdpnet.models.projections import OneToOne
from stdpnet.units import ms

SHAPE = (2, 2, 1)


def description() -> dict:
    network = Network(
        inputs=(Input(name="pixels", shape=SHAPE),),
        populations=(),
        projections=(),
        counters=(Counter(name="counts", source="pixels", pooling=OneToOne()),),
        dt=1 * ms,
    )
    return network.describe()


def count_spikes(program: Program) -> int:
    stimuli = {"pixels": np.zeros((3, *SHAPE), np.uint16)}
    result = run_chunk(program, stimuli, {}, {}, n_steps=2, seed=1)
    return int(result.counts["counts"].sum())


@pytest.fixture
def new_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "programs"


@pytest.fixture
def quick_builds(monkeypatch) -> list[Path]:
    """Nothing is compiled; returns the list of the folders of builds."""
    folders = []

    def run_builder(folder: Path) -> None:
        folders.append(folder)
        (folder / "main").touch()
        (folder / "arrays.json").write_text("{}")

    monkeypatch.setattr(program_module, "_run_builder", run_builder)
    return folders


def test_a_cache_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path / "file"))
    message = (
        rf"^cannot write the program cache {re.escape(str(tmp_path))}/file/programs "
        r"\(Not a directory\); set STDPNET_CACHE to a folder that can be written$"
    )
    with pytest.raises(CacheError, match=message):
        build(description(), "cpp")


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
    (new_cache / "left").touch()
    (new_cache / "building-two").mkdir()
    assert cache.clear() == 1002
    assert [path.name for path in new_cache.iterdir()] == ["one.lock"], (
        "another process may hold it"
    )


def test_a_program_that_is_being_built_is_not_listed(new_cache):
    fake_program(new_cache, "building-three", 0)
    fake_program(new_cache, "one", 0)
    assert [program.key for program in cache.list_programs()] == ["one"]


def test_a_program_that_another_process_removes_is_not_listed(new_cache, monkeypatch):
    for name in ("one", "two"):
        fake_program(new_cache, name, 0)
    listed = Path.rglob

    def remove_first(path: Path, pattern: str):
        files = list(listed(path, pattern))
        if path.name == "one":
            shutil.rmtree(path)
        return iter(files)

    monkeypatch.setattr(Path, "rglob", remove_first)
    assert [program.key for program in cache.list_programs()] == ["two"]


def test_a_build_that_another_process_removes_is_no_error(new_cache, monkeypatch):
    fake_program(new_cache, "building-one", 0)
    real = Path.glob

    def one_more(path: Path, pattern: str):
        return [*real(path, pattern), new_cache / "building-gone"]

    monkeypatch.setattr(Path, "glob", one_more)
    cache.keep_within_limit()
    assert (new_cache / "building-one").exists()


def test_the_cache_may_be_given_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STDPNET_CACHE", "cache")
    assert cache.cache_folder() == tmp_path / "cache" / "programs"


def test_a_program_may_be_used_by_others_whose_cache_it_is(new_cache, quick_builds):
    folder = build(description(), "cpp").folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_what_is_left_of_a_program_is_built_again(new_cache, quick_builds):
    folder = build(description(), "cpp").folder
    assert build(description(), "cpp").build_seconds == 0
    (folder / "main").unlink()
    again = build(description(), "cpp")
    assert again.build_seconds > 0
    assert (folder / "main").exists()
    assert len(quick_builds) == 2


def test_a_lock_that_cannot_be_opened_is_named(new_cache, quick_builds):
    folder = build(description(), "cpp").folder
    shutil.rmtree(folder)
    lock = new_cache / f"{folder.name}.lock"
    lock.unlink()
    lock.mkdir()
    message = (
        r"cannot write the program cache .*programs \(Is a directory\); set STDPNET"
    )
    with pytest.raises(CacheError, match=message):
        build(description(), "cpp")


def test_a_folder_for_the_build_that_cannot_be_made_is_named(
    new_cache, quick_builds, monkeypatch
):
    def refuse(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    message = (
        r"cannot build in .*programs \(No space left on device\); free some space or"
    )
    with pytest.raises(CacheError, match=message):
        build(description(), "cpp")


HOLD = """
import pathlib, sys, time
from stdpnet.engine import cache
with cache.lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_waited_for_until_its_holder_ends(tmp_path):
    path = tmp_path / "one.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    waiting = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    time.sleep(1.5)
    assert waiting.poll() is None
    holder.kill()
    holder.communicate()
    assert waiting.stdout.readline() == "held\n"
    waiting.kill()
    waiting.communicate()


# -- while programs run -------------------------------------------------------------


@pytest.fixture
def real_program() -> Program:
    return build(description(), "cpp", title="test: processes")


def test_a_program_that_runs_counts_as_used(real_program, tmp_path):
    folder = shutil.copytree(real_program.folder, tmp_path / "copy")
    manifest = folder / "manifest.json"
    program = replace(real_program, folder=folder)
    for age, marked in ((7200, True), (30, False)):
        os.utime(manifest, (time.time() - age,) * 2)
        before = manifest.stat().st_mtime
        assert count_spikes(program) == 12
        assert (manifest.stat().st_mtime > before) is marked


def test_a_program_that_was_removed_while_in_use_is_one_clear_error(
    real_program, tmp_path
):
    folder = tmp_path / "gone"
    message = (
        rf"^the program {re.escape(str(folder))} was removed from the cache while it was "
        "in use; run again$"
    )
    with pytest.raises(ProgramError, match=message):
        count_spikes(replace(real_program, folder=folder))
    shutil.copytree(real_program.folder, folder)
    (folder / "main").unlink()
    with pytest.raises(ProgramError, match=message):
        count_spikes(replace(real_program, folder=folder))
