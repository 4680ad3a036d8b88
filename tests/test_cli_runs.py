"""Real runs through the command line, as small as they can be."""

import json
import os
import shlex
import signal
import time
from importlib import import_module
from pathlib import Path
from shutil import copytree

import h5py
import numpy as np
import pytest

import stdpnet.analysis
import stdpnet.training
from stdpnet.cli import main
from stdpnet.cli.train import what_is_kept
from stdpnet.runs import RunFolder


@pytest.fixture(scope="module")
def small(small_spec):
    """Words of a training run, as small as it can be."""
    sizes = ("--n-fit", "60", "--n-train", "80", "--n-test", "40")
    return ["train", str(small_spec), *sizes, "--seed", "3"]


@pytest.fixture(scope="module")
def trained(start, small, tmp_path_factory):
    """Folder and metrics of a run with its control, made by a process of its own."""
    path = tmp_path_factory.mktemp("cli") / "run"
    process = start(*small, "--json", "--out", str(path))
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "learning" in errors
    return path, json.loads(output)


# -- train ------------------------------------------------------------------------


def test_json_of_train_has_the_numbers(trained):
    path, metrics = trained
    asked = {"n_fit": 60, "n_train": 80, "n_test": 40, "seed": 3, "run": str(path)}
    assert {name: metrics[name] for name in asked} == asked
    for name in ("accuracy", "control_accuracy"):
        assert metrics[name] * 40 == pytest.approx(round(metrics[name] * 40))
    assert json.loads((path / "run.json").read_text())["metrics"] == metrics


def test_train_leaves_what_it_promises(trained, small):
    path, _ = trained
    record = json.loads((path / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["spec"]["network"]["n_maps"] == 8
    words = ["stdpnet", *small, "--json", "--out", str(path)]
    assert shlex.split(record["command"]) == words
    with h5py.File(path / "run.h5") as file:
        assert file["kernels"].shape[:3] == (8, 5, 5)
    assert (path / "kernels.png").read_bytes().startswith(b"\x89PNG")


def test_train_for_people_in_the_default_folder(
    trained, small, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "small-digits-1").mkdir(parents=True)
    assert main([*small, "--no-control", "--jobs", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    percent = f"{100 * trained[1]['accuracy']:.1f}"
    assert lines[0] == f"test accuracy {percent} % of 40 images (no control was run)"
    path = "runs/small-digits-2"
    assert dict(line.split(maxsplit=1) for line in lines[1:]) == {
        "run": path,
        "kernels": f"{path}/kernels.png",
        "next": f"stdpnet report {path}",
    }
    assert (tmp_path / path / "kernels.png").is_file()
    record = json.loads((tmp_path / path / "run.json").read_text())
    assert record["metrics"]["control_accuracy"] is None


def test_own_data_replace_a_run_when_forced(small_spec, digits, tmp_path, capsys):
    images, labels = digits
    np.savez(tmp_path / "mine.npz", X=images[:200], y=labels[:200])
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text('{"format": 1, "status": "running"}')
    words = ["train", str(small_spec), "--n-fit", "20", "--no-control", "--json"]
    words += ["--dataset", str(tmp_path / "mine.npz"), "--test-fraction", "0.3"]
    words += ["--out", str(tmp_path / "run")]
    assert main(words) == 2
    assert "run exists; give --out a new folder" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert (metrics["n_train"], metrics["n_test"]) == (140, 60)


def test_a_finished_run_is_not_resumed(trained, small, capsys):
    path, _ = trained
    assert main([*small, "--resume", "--out", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"stdpnet train: {path} is finished; give --out a new folder"
    )


@pytest.mark.parametrize(
    ("words", "name", "default", "given"),
    [
        ("--dataset mnist", "dataset", None, "mnist"),
        ("--n-fit 5", "n_fit", None, 5),
        ("--n-train 6", "n_train", None, 6),
        ("--n-test 7", "n_test", None, 7),
        ("--set a.b=1 --set c.d=2", "overrides", (), ("a.b=1", "c.d=2")),
        ("--seed 8", "seed", 0, 8),
        ("--jobs 2", "jobs", 1, 2),
        ("--no-control", "control", True, False),
        ("--control-kernels random", "control_kernels", "shuffled", "random"),
        ("--on-disk", "on_disk", False, True),
        ("--test-fraction 0.5", "test_fraction", 0.2, 0.5),
        ("--force", "force", False, True),
        ("--resume --out x", "resume", False, True),
    ],
)
def test_options_reach_the_training(words, name, default, given, monkeypatch, capsys):
    asked = []

    def refuse(options):
        asked.append(options)
        raise ValueError("enough")

    monkeypatch.setattr(stdpnet.training, "train", refuse)
    assert main(["train", "conv-stdp"]) == 2
    assert main(["train", "conv-stdp", *words.split()]) == 2
    assert capsys.readouterr().err == "stdpnet train: enough\n" * 2
    assert [getattr(options, name) for options in asked] == [default, given]
    assert asked[1].command == f"stdpnet train conv-stdp {words}"


# -- what comes after -------------------------------------------------------------


def test_evaluate_finds_the_same_accuracy(trained, capsys):
    path, metrics = trained
    assert main(["evaluate", str(path), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    for name in ("accuracy", "n_train", "n_test"):
        assert scores[name] == metrics[name]
    assert main(["evaluate", str(path), "--n-test", "20", "--jobs", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("test accuracy ")
    assert lines[0].endswith(
        "% of 20 images of digits (readout from 80 labelled images)"
    )
    classes = {line.split()[0] for line in lines[2:]}
    assert lines[1].split() == ["class", "accuracy"]
    assert classes <= set("0123456789")


def test_evaluate_refuses_an_unknown_data_set(trained, capsys):
    path, _ = trained
    assert main(["evaluate", str(path), "--dataset", "digit"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "unknown data set 'digit'" in line
    assert line.endswith("Did you mean 'digits'?")


@pytest.mark.parametrize("figure", ["kernels", "curves", "confusion", "spikes"])
def test_plot_writes_a_picture(figure, trained, capsys):
    path, _ = trained
    assert main(["plot", figure, str(path)]) == 0
    picture = path / "figures" / f"{figure}.png"
    assert capsys.readouterr().out == f"{picture}\n"
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("ending", "beginning"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")]
)
def test_the_ending_says_the_format(ending, beginning, trained, tmp_path, capsys):
    picture = tmp_path / "new" / f"a.{ending}"
    words = ["plot", "kernels", str(trained[0]), "-o", str(picture), "--json"]
    assert main(words) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"figure": "kernels", "path": str(picture)}
    assert picture.read_bytes().startswith(beginning)


def test_a_picture_that_cannot_be_drawn_leaves_nothing(trained, tmp_path, capsys):
    path = copytree(trained[0], tmp_path / "run")
    with h5py.File(path / "run.h5", "a") as file:
        del file["test"]
    before = sorted(path.rglob("*"))
    assert main(["plot", "spikes", str(path)]) == 2
    assert "must have /test/spikes_per_map" in capsys.readouterr().err
    assert sorted(path.rglob("*")) == before


def test_report_writes_one_file(trained, capsys):
    path, _ = trained
    assert main(["report", str(path)]) == 0
    assert capsys.readouterr().out == f"{path / 'report.html'}\n"
    text = (path / "report.html").read_text()
    assert text.lstrip().lower().startswith("<!doctype html>")


@pytest.mark.parametrize(("words", "out"), [([], None), (["-o", "a.html"], "a.html")])
def test_report_goes_where_it_is_told(words, out, monkeypatch, capsys):
    def write(run, out):
        return Path("chosen" if out is None else out)

    monkeypatch.setattr(stdpnet.analysis, "write_report", write)
    assert main(["report", "x", *words, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"run": "x", "path": out or "chosen"}


def test_info_of_a_run(trained, capsys):
    path, metrics = trained
    assert main(["info", str(path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["metrics"]) == ("finished", metrics)
    assert "run.h5" in shown["files"]
    assert main(["info", str(path)]) == 0
    text = capsys.readouterr().out
    assert f"{100 * metrics['accuracy']:.2f} %" in text
    assert "finished" in text


# -- Ctrl-C -----------------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_learned(start, small_spec, tmp_path, capsys):
    path = tmp_path / "run"
    words = ["train", str(small_spec), "--set", "network.n_epochs=5"]
    words += ["--set", "network.chunk_size=20"]
    words += ["--n-fit", "1000", "--n-train", "50", "--n-test", "20", "--no-control"]
    process = start(*words, f"--out={path}")
    wait_for(path / "checkpoint.h5", process)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate()
    assert (process.returncode, output) == (130, "")
    line = errors.splitlines()[-1]
    assert line.startswith("stdpnet train: interrupted; ")
    assert f"images are learned and kept in {path}. Go on with: " in line
    assert main(["info", str(path)]) == 0
    assert "not finished" in capsys.readouterr().out
    resume = shlex.split(line.partition("Go on with: stdpnet ")[2])
    assert resume == [*words, "--resume", "--out", str(path)]
    assert main([*resume, "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert (metrics["n_fit"], metrics["n_fit_shown"]) == (1000, 5_000)


def wait_for(file, process):
    while not file.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_ctrl_c_before_the_first_chunk(tmp_path):
    path = RunFolder.create(tmp_path / "run", {}).path
    words = ["train", "a b", "--out", "old", "--force"]
    assert what_is_kept(path, words) == (
        f"interrupted; no chunk was finished in {path}. "
        f"Go on with: stdpnet train 'a b' --resume --out {path}"
    )


def test_ctrl_c_at_the_very_end(trained):
    text = f"interrupted; the run in {trained[0]} is finished"
    assert what_is_kept(trained[0], ["train", "x"]) == text


def test_ctrl_c_before_learning(small, trained, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    module = import_module("stdpnet.training.data")
    monkeypatch.setattr(module, "load_dataset", interrupt)
    assert main([*small, "--force", "--out", str(trained[0])]) == 130
    line = "stdpnet train: interrupted before learning began\n"
    assert capsys.readouterr().err == line
    assert (trained[0] / "run.h5").is_file()
