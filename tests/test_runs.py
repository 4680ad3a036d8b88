"""Run folders: whole files only, nothing overwritten unasked, clear errors."""

import errno
import json
import os
import re
import subprocess
import sys

import h5py
import pytest

from stdpnet import runs
from stdpnet.runs import (
    RUN_FORMAT,
    RunError,
    RunFolder,
    next_free,
    open_hdf5,
    write_atomically,
)

#: Many small arrays: the HDF5 library crashes when it cannot flush them.
WRITE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from stdpnet.runs import RunFolder

run = RunFolder.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
for attempt in range(2):
    try:
        with run.writing("run.h5") as file:
            for number in range(60):
                file[f"arrays/{number}"] = [1.0] * 1000
    except OSError as error:
        print(f"{error.filename} {error.strerror}")
"""


@pytest.fixture
def run(tmp_path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", {"seed": 3})


def test_a_new_folder_holds_its_settings_and_is_not_finished(run):
    opened = RunFolder.open(run.path)
    assert opened.metadata == {"format": RUN_FORMAT, "status": "running", "seed": 3}
    assert not opened.finished


@pytest.mark.parametrize("name", ["", "deep/in/the/tree"])
def test_an_empty_folder_is_used_and_an_absent_one_made(tmp_path, name):
    RunFolder.create(tmp_path / name, {"seed": 5})
    assert RunFolder.open(tmp_path / name).metadata["seed"] == 5


def test_metadata_that_changes_is_written(run):
    run.metadata |= {"status": "finished", "metrics": {"accuracy": 0.5}}
    assert not RunFolder.open(run.path).finished
    run.write_metadata()
    opened = RunFolder.open(str(run.path))
    assert opened.finished
    assert opened.metadata == run.metadata


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_is_no_run_is_never_replaced(tmp_path, force):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match="exists and is not a run; give --out"):
        RunFolder.create(tmp_path, {}, force=force)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("force", [False, True])
def test_a_file_is_never_replaced_by_a_run(tmp_path, force):
    file = tmp_path / "notes.txt"
    file.write_text("notes")
    with pytest.raises(FileExistsError, match=r"notes\.txt exists and is not a run"):
        RunFolder.create(file, {}, force=force)
    assert file.read_text() == "notes"


def test_a_run_is_replaced_only_by_force(run):
    (run.path / "run.h5").write_bytes(b"arrays")
    with pytest.raises(FileExistsError, match=r"--resume to go on .* or --force"):
        RunFolder.create(run.path, {"seed": 4})
    assert RunFolder.open(run.path).metadata["seed"] == 3
    replaced = RunFolder.create(run.path, {"seed": 4}, force=True)
    assert replaced.metadata["seed"] == 4
    assert [file.name for file in run.path.iterdir()] == ["run.json"]


def test_a_folder_that_is_not_a_run_does_not_open(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not a run folder \(it has no run"):
        RunFolder.open(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a run folder"):
        RunFolder.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"format": 1, "sta',
        "[1, 2]",
        "null",
        "{}",
        '{"format": "new", "status": "finished"}',
        '{"format": null, "status": "finished"}',
        '{"format": 1}',
        "\udc80",
    ],
)
def test_a_damaged_json_names_the_file(run, text):
    file = run.path / "run.json"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RunError, match=re.escape(f"{file} is damaged: ")):
        RunFolder.open(run.path)


def test_a_newer_format_asks_for_an_upgrade(run):
    run.metadata["format"] = RUN_FORMAT + 1
    run.write_metadata()
    with pytest.raises(
        RunError, match=f"has format {RUN_FORMAT + 1}.* up to {RUN_FORMAT}; upgrade"
    ):
        RunFolder.open(run.path)


def test_a_folder_of_the_first_format_opens(tmp_path):
    minimal = {"format": 1, "status": "finished", "metrics": {"accuracy": 0.9}}
    (tmp_path / "run.json").write_text(json.dumps(minimal))
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["kernels"] = [1.0]
    opened = RunFolder.open(tmp_path)
    assert opened.finished
    with opened.arrays() as arrays:
        assert list(arrays) == ["kernels"]


def test_arrays_of_an_unfinished_run_say_how_to_go_on(run):
    with (
        pytest.raises(RunError, match=r"has no run\.h5.*--resume --out"),
        run.arrays(),
    ):
        pass


@pytest.mark.parametrize("keep", [0, 100, 900])
def test_damaged_arrays_name_the_file(run, keep):
    with run.writing("run.h5") as file:
        file["kernels"] = list(range(1000))
    path = run.path / "run.h5"
    path.write_bytes(path.read_bytes()[:keep])
    with (
        pytest.raises(RunError, match=r"run\.h5 is damaged or not HDF5; train again"),
        run.arrays(),
    ):
        pass


def test_errors_inside_an_open_file_stay_what_they_are(run):
    with run.writing("run.h5") as file:
        file["kernels"] = [1.0]
    with pytest.raises(KeyError), open_hdf5(run.path / "run.h5") as file:
        file["nothing"]


def test_a_reader_sees_the_old_arrays_until_the_new_are_complete(run):
    for generation in (1, 2):
        with run.writing("run.h5") as file:
            file["generation"] = generation
            if generation == 2:
                with run.arrays() as seen:
                    assert seen["generation"][()] == 1
    with run.arrays() as seen:
        assert seen["generation"][()] == 2


def test_a_failed_write_leaves_the_old_file_and_no_other(run):
    with run.writing("run.h5") as file:
        file["generation"] = 1
    with pytest.raises(TypeError), run.writing("run.h5") as file:
        file.update({"generation": 2, "object": object()})
    with run.arrays() as seen:
        assert seen["generation"][()] == 1
    assert {file.name for file in run.path.iterdir()} == {"run.json", "run.h5"}


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new and longer"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_leaves_the_old_file_and_no_other(run, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = (run.path / "run.json").read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    run.metadata["status"] = "finished"
    with pytest.raises(OSError, match="No space left"):
        run.write_metadata()
    assert (run.path / "run.json").read_bytes() == before
    assert [file.name for file in run.path.iterdir()] == ["run.json"]


def test_arrays_that_do_not_fit_on_the_disk_are_an_error_and_no_crash(run):
    pytest.importorskip("resource")
    with run.writing("run.h5") as file:
        file["generation"] = 1
    ended = subprocess.run(
        [sys.executable, "-c", WRITE_ON_A_FULL_DISK, run.path],
        capture_output=True,
        text=True,
    )
    path = run.path / "run.h5"
    line = f"{path} cannot be written: {os.strerror(errno.EFBIG)}"
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [line, line]
    with run.arrays() as seen:
        assert seen["generation"][()] == 1
    assert {file.name for file in run.path.iterdir()} == {"run.json", "run.h5"}


def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "numbers"
    message = "cannot be written: No space left on device; free some space: .*numbers"
    with pytest.raises(OSError, match=message) as caught:
        write_atomically(path, b"new")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def rival(monkeypatch):
    """Another process that takes the same folder right after we have found it free."""
    check, made = runs.check_replaceable, []

    def checked(path, *, force=False):
        check(path, force=force)
        if not made:
            made.append(path)
            made[0] = RunFolder.create(path, {"seed": "theirs"})

    monkeypatch.setattr(runs, "check_replaceable", checked)
    return made


@pytest.mark.parametrize("exists", [False, True])
def test_of_two_runs_at_once_one_gets_the_folder(tmp_path, rival, exists):
    path = tmp_path / "run"
    if exists:
        path.mkdir()
    taken = "run has just been taken by another run; give --out a new folder"
    with pytest.raises(FileExistsError, match=taken):
        RunFolder.create(path, {"seed": "ours"})
    assert RunFolder.open(path).metadata["seed"] == "theirs"


def test_of_two_runs_at_once_the_second_gets_the_next_number(tmp_path, rival):
    ours = RunFolder.create_next("spec-digits", {"seed": "ours"}, tmp_path / "runs")
    assert rival[0].path == tmp_path / "runs" / "spec-digits-1"
    assert ours.path == tmp_path / "runs" / "spec-digits-2"
    for folder, seed in ((rival[0], "theirs"), (ours, "ours")):
        assert RunFolder.open(folder.path).metadata["seed"] == seed


def test_the_next_free_name_counts_on(tmp_path):
    assert next_free("spec-digits", tmp_path / "absent").name == "spec-digits-1"
    assert next_free("spec-digits", tmp_path) == tmp_path / "spec-digits-1"
    (tmp_path / "spec-digits-1").mkdir()
    (tmp_path / "spec-digits-2").touch()
    (tmp_path / "spec-digits-4").mkdir()
    (tmp_path / "other-3").mkdir()
    assert next_free("spec-digits", tmp_path) == tmp_path / "spec-digits-3"
