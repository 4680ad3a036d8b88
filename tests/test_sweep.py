"""Sweeps from beginning to end, with workers of their own."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdpnet import load_dataset
from stdpnet.analysis import load_run
from stdpnet.runs import RunError, RunFolder
from stdpnet.sweep import Sweep
from stdpnet.sweep.folder import SweepFolder
from stdpnet.sweep.frame import export, frame
from stdpnet.sweep.objectives import measured
from stdpnet.sweep.report import write_sweep_report
from stdpnet.sweep.results import load_results
from stdpnet.sweep.trial import Task, run_task
from stdpnet.training import TrainOptions, train
from stdpnet.training.evaluation import evaluate
from stdpnet.training.split import held_out

VARIED = {"rule.learning_rate": "0.01:0.1:log", "neuron.theta_start": "2:8"}
SMALL = {"n_train": 300, "n_test": 200}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def swept(small_spec, tmp_path_factory) -> Sweep:
    """A finished sweep of four trials with two seeds."""
    out = tmp_path_factory.mktemp("sweeps") / "one"
    options = {"n_trials": 4, "seeds": 2, "jobs": 2, "out": out}
    return Sweep(str(small_spec), VARIED, **options, **SMALL).run()


def sweep(small_spec, out: Path, parameters=None, **options) -> Sweep:
    return Sweep(
        str(small_spec),
        parameters or VARIED,
        out=out,
        **{"n_trials": 2, **SMALL, **options},
    )


def test_every_run_of_every_trial_is_finished_and_its_mean_compared(swept):
    trials = swept.study.study.trials
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 4
    for trial in trials:
        runs = [load_run(swept.folder.run(trial.number, seed)) for seed in range(2)]
        accuracies = [run.metrics["accuracy"] for run in runs]
        assert trial.values == pytest.approx([np.mean(accuracies)])
        for seed, run in enumerate(runs):
            assert trial.user_attrs[f"stdpnet:seed-{seed}"] == measured(run)
            rate = run.record["spec"]["rule"]["learning_rate"]
            assert rate == pytest.approx(trial.params["rule.learning_rate"])


def test_a_trial_is_the_run_that_train_makes_of_the_same_images(
    swept, small_spec, tmp_path
):
    data = held_out(load_dataset("digits"), 0.2)
    trial = swept.study.study.trials[1]
    options = TrainOptions(
        spec=str(small_spec),
        out=tmp_path / "run",
        overrides=swept.definition.space.overrides(trial.params),
        seed=1,
        control=False,
        **SMALL,
    )
    same = load_run(train(options, data).path)
    run = load_run(swept.folder.run(1, 1))
    assert np.array_equal(run.array("kernels"), same.array("kernels"))
    assert run.metrics["accuracy"] == same.metrics["accuracy"]


def test_only_the_best_is_scored_on_the_test_set(swept):
    tested, best = swept.study.tested(), swept.study.best()
    assert tested["trial"] == best.number
    for seed in range(2):
        scores = evaluate(swept.folder.run(best.number, seed), visible=False)
        assert tested["accuracies"][str(seed)] == scores["accuracy"]


def test_validation_images_are_neither_learned_from_nor_the_test_set():
    data = load_dataset("digits")
    shown = held_out(data, 0.25, seed=3)
    assert np.array_equal(shown.X_train, held_out(data, 0.25, seed=3).X_train)
    assert len(shown.X_test) == round(0.25 * len(data.X_train))
    rows = {image.tobytes() for image in shown.X_train}
    both = sorted([*rows, *(image.tobytes() for image in shown.X_test)])
    assert both == sorted(image.tobytes() for image in data.X_train)


def test_all_runs_share_one_compiled_program(swept):
    assert frame(swept.folder.path, runs=True)["built"].sum() <= 1


def test_a_finished_sweep_that_is_resumed_runs_nothing_again(swept):
    def written():
        files = sorted(swept.folder.path.glob("trials/*/*/run.json"))
        return {file: file.stat().st_mtime_ns for file in files}

    before = written()
    again = Sweep("", out=swept.folder.path, resume=True).run()
    assert written() == before
    assert again.study.counts()["complete"] == 4


def test_tables_have_a_row_a_trial_or_a_row_a_run(swept, tmp_path):
    import pandas

    trials, runs = swept.frame(), swept.frame(runs=True)
    assert len(trials) == 4
    assert len(runs) == 8
    means = runs.groupby("trial")["accuracy"].agg(["mean", "std"])
    assert trials["accuracy"].to_numpy() == pytest.approx(means["mean"].to_numpy())
    assert trials["accuracy_std"].to_numpy() == pytest.approx(means["std"].to_numpy())
    for name, read in (("t.csv", pandas.read_csv), ("t.parquet", pandas.read_parquet)):
        table = read(export(swept.folder.path, tmp_path / name))
        assert list(table.columns) == list(trials.columns)
        assert table["accuracy"].to_numpy() == pytest.approx(
            trials["accuracy"].to_numpy()
        )
    with pytest.raises(ValueError, match=r"t\.xls must end in \.csv or \.parquet"):
        export(swept.folder.path, tmp_path / "t.xls")


def test_the_report_needs_no_other_file_and_shows_what_matters(swept, tmp_path):
    text = write_sweep_report(swept.folder.path, tmp_path / "page.html").read_text()
    for name in ("sweep-kernels", "ranking", "importance", "map", "slices", "parallel"):
        assert f'id="{name}"' in text
    assert "test accuracy" in text
    assert not re.findall(r'(?:src|href)="(?!#|data:)', text)
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file"):
        write_sweep_report(swept.folder.path, tmp_path)


def test_results_rank_the_trials(swept):
    results = load_results(swept.folder.path)
    means = [trial.mean("accuracy") for trial in results.ranked]
    assert means == sorted(means, reverse=True)
    assert list(results.examples) == ["best", "median", "worst"]
    assert sum(results.importance.values()) == pytest.approx(1)
    assert [trial.number for trial in results.front()] == [results.ranked[0].number]


def test_a_trial_that_fails_is_recorded_and_stops_no_other(small_spec, tmp_path):
    options = {"sampler": "grid", "n_trials": None, "n_train": None}
    varied = {"about.n_train": [300, 1]}
    found = sweep(small_spec, tmp_path / "s", varied, **options).run()
    good, bad = found.study.study.trials
    assert (good.state.name, bad.state.name) == ("COMPLETE", "FAIL")
    assert "must be of at least two classes" in bad.user_attrs["stdpnet:error"]
    assert "Traceback" in bad.user_attrs["stdpnet:details"]
    page = write_sweep_report(found.folder.path).read_text()
    assert "1 trials failed, the first (trial 1): " in page


def test_trials_that_failed_may_be_tried_again(small_spec, tmp_path):
    options = {"sampler": "random", "n_trials": 2, "seconds": 0.01}
    first = sweep(small_spec, tmp_path / "s", **options).run()
    assert first.study.counts()["fail"] == 2
    again = {"out": tmp_path / "s", "resume": True, "retry_failed": True}
    still = Sweep("", seconds=0.02, **again).run()
    assert still.study.counts()["fail"] == 4
    found = Sweep("", seconds=1000, **again).run()
    trials = found.study.study.trials
    states = [trial.state.name for trial in trials]
    assert states == ["FAIL"] * 4 + ["COMPLETE"] * 2
    assert [trial.params for trial in trials] == [t.params for t in trials[:2]] * 3
    assert found.study.tested()["trial"] in (4, 5)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"seconds": 0.01}, "took more than 0.01 s, the limit of a run"),
        ({"megabytes": 1}, r"took \d+ MB of memory, more than 1"),
    ],
)
def test_a_run_that_takes_too_much_is_ended(small_spec, tmp_path, limit, message):
    data = held_out(load_dataset("digits"), 0.2)
    options = TrainOptions(
        spec=str(small_spec),
        out=tmp_path / "s" / "trials" / "0" / "seed-0",
        visible=False,
    )
    task = Task(trial=0, seed=0, options=options, sweep="s", **limit)
    task = replace(task, spec=small_spec.read_text())
    assert re.fullmatch(message, run_task(task, data).error)


@pytest.mark.parametrize("other", [False, True], ids=["no folder", "another sweep"])
def test_a_worker_that_does_not_see_the_folder_sends_the_run(
    small_spec, tmp_path, other
):
    data = held_out(load_dataset("digits"), 0.2)
    out = tmp_path / "s" / "trials" / "0" / "seed-0"
    if other:  # at the same place of the worker's disk
        SweepFolder.create(tmp_path / "s", "small", {"spec": "small"}, "")
    options = TrainOptions(spec="/nowhere/small.toml", out=out, control=False, **SMALL)
    task = Task(
        trial=0,
        seed=0,
        options=options,
        sweep="s",
        spec=small_spec.read_text(),
        until=0.5,
    )
    half = run_task(task, data)
    assert not out.exists()
    assert not half.error
    assert "checkpoint.h5" in half.files
    whole = run_task(replace(task, until=1.0, files=half.files), data)
    assert json.loads(whole.files["run.json"])["status"] == "finished"
    assert set(whole.values) >= {"accuracy", "bytes", "events"}


def test_hopeless_trials_are_given_up_by_the_accuracy_on_the_way(small_spec, tmp_path):
    # With a threshold that no neuron reaches, features tell nothing.
    found = sweep(
        small_spec,
        tmp_path / "s",
        {"neuron.theta_start": [5, 6, 7, 8, 9, 500]},
        sampler="grid",
        n_trials=None,
        pruner="median",
    ).run()
    states = [trial.state.name for trial in found.study.study.trials]
    assert states.count("COMPLETE") >= 4
    assert states[-1] == "PRUNED"
    with pytest.raises(RunError, match="status must be 'finished'"):
        load_run(found.folder.run(5, 0))
    assert RunFolder.open(found.folder.run(5, 0)).metadata["status"] == "running"


def test_several_objectives_have_a_front(small_spec, tmp_path):
    found = sweep(
        small_spec,
        tmp_path / "s",
        n_trials=3,
        sampler="nsga2",
        objectives=("accuracy", "spikes"),
    ).run()
    results = load_results(found.folder.path)
    front = results.front()
    assert front
    for trial in front:
        better = [
            other
            for other in results.complete
            if other.mean("accuracy") > trial.mean("accuracy")
            and other.mean("spikes") < trial.mean("spikes")
        ]
        assert not better
    assert 'id="front"' in write_sweep_report(found.folder.path).read_text()


def test_data_without_labels_have_no_accuracy(small_spec, tmp_path, images):
    np.savez(tmp_path / "own.npz", X=images)
    with pytest.raises(ValueError, match="own has no labels, so there is no accuracy"):
        sweep(small_spec, tmp_path / "s", dataset=str(tmp_path / "own.npz"))
    assert not (tmp_path / "s").exists()


def test_more_images_than_are_left_are_refused_before_anything_is_written(
    small_spec, tmp_path
):
    with pytest.raises(ValueError, match="--n-fit 1400 is more than the 1150 images"):
        sweep(small_spec, tmp_path / "s", n_fit=1400)
    assert not (tmp_path / "s").exists()


def test_a_folder_that_is_taken_is_refused(swept, small_spec, tmp_path):
    with pytest.raises(
        FileExistsError, match="exists; give --out a new folder, or --res"
    ):
        sweep(small_spec, swept.folder.path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileExistsError, match=r"exists; give --out a new folder$"):
        sweep(small_spec, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is not the folder of a sweep .it has no sweep.json."),
        ("{", "sweep.json is damaged: .*; run 'stdpnet sweep' again"),
        ('{"format": 99}', "has format 99, this version of stdpnet .* reads up to 1"),
    ],
)
def test_a_folder_that_is_no_sweep_is_refused(tmp_path, text, message):
    if text is not None:
        (tmp_path / "sweep.json").write_text(text)
    with pytest.raises((RunError, FileNotFoundError), match=message):
        Sweep("", out=tmp_path, resume=True)
