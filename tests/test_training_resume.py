"""A run that was killed goes on where it was; a finished or another one does not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from shutil import copytree

import h5py
import numpy as np
import pytest

from stdpnet.runs import RunError, RunFolder
from stdpnet.training import TrainingInterrupted, TrainOptions
from stdpnet.training.checkpoint import CHECKPOINT, n_images_learned

#: Two banks, many short chunks.
NETWORK = (
    "network.banks.one={}",
    "network.banks.two.rule.learning_rate=0.05",
    "network.chunk_size=4",
    "network.n_epochs=3",
)
OPTIONS = {
    "overrides": NETWORK,
    "n_fit": 40,
    "n_train": 60,
    "n_test": 30,
    "control": False,
}
CHILD = """
import json, sys
from pathlib import Path
from stdpnet.training import TrainOptions, train
sys.modules["stdpnet.training.job"].CHECKPOINT_SECONDS = 0.05
options = json.loads(sys.argv[3])
options["overrides"] = tuple(options["overrides"])
train(TrainOptions(spec=sys.argv[1], out=Path(sys.argv[2]), visible=False, **options))
"""


@pytest.fixture(scope="module")
def run(train_small) -> Callable[..., RunFolder]:
    return partial(train_small, **OPTIONS)


@pytest.fixture(scope="module")
def uninterrupted(run, tmp_path_factory) -> RunFolder:
    return run(tmp_path_factory.mktemp("runs") / "whole")


def learned(folder: RunFolder) -> list[np.ndarray]:
    with folder.arrays() as file:
        return [
            file[f"banks/{bank}/{name}"][()]
            for bank in ("one", "two")
            for name in ("kernels", "thresholds", "history/n_shown")
        ]


def same_learning(one: RunFolder, other: RunFolder) -> bool:
    pairs = zip(learned(one), learned(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def images_learned(checkpoint: Path) -> dict[str, int]:
    with h5py.File(checkpoint, "r") as file:
        return {
            name: int(bank["learned/n_images_shown_"][()])
            for name, bank in file.items()
        }


def kill_in_the_middle(spec: Path, out: Path, where) -> dict[str, int]:
    """Start a run in a process of its own and kill it once `where` holds."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(spec), str(out), json.dumps(OPTIONS)],
        start_new_session=True,
    )
    checkpoint = out / CHECKPOINT
    try:
        while child.poll() is None:
            if checkpoint.exists() and where(images_learned(checkpoint)):
                os.kill(child.pid, signal.SIGKILL)
                break
            time.sleep(0.01)
    finally:
        child.kill()
        assert child.wait() == -signal.SIGKILL, "the run ended before it was killed"
    return images_learned(checkpoint)


@pytest.mark.slow
@pytest.mark.parametrize(
    "where",
    [
        pytest.param(lambda shown: "one" in shown, id="first bank"),
        pytest.param(lambda shown: "two" in shown, id="second bank"),
    ],
)
def test_a_killed_run_ends_with_the_same_weights(
    run, small_spec, uninterrupted, tmp_path, where
):
    shown = kill_in_the_middle(small_spec, tmp_path / "run", where)
    assert 0 < sum(shown.values()) < 2 * 3 * 40
    assert not RunFolder.open(tmp_path / "run").finished
    with (
        pytest.raises(RunError, match=r"has not finished.*--resume"),
        RunFolder.open(tmp_path / "run").arrays(),
    ):
        pass
    resumed = run(tmp_path / "run", resume=True)
    assert resumed.finished
    assert same_learning(resumed, uninterrupted)
    accuracies = [r.metadata["metrics"]["accuracy"] for r in (resumed, uninterrupted)]
    assert accuracies[0] == accuracies[1]
    assert not (resumed.path / CHECKPOINT).exists()


def stopped(run: Callable[..., RunFolder], out: Path, where: str) -> Path:
    """Let a run fail where it calls `where`, such as "job.task_of"; return its folder."""
    module, _, name = where.partition(".")

    def full(*_, **__):
        raise OSError("the disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module(f"stdpnet.training.{module}"), name, full)
        with pytest.raises(OSError, match="the disk is full"):
            run(out)
    return out


@pytest.fixture(scope="module")
def learned_only(run, tmp_path_factory) -> Path:
    """A run that failed after learning."""
    return stopped(run, tmp_path_factory.mktemp("runs") / "run", "job.task_of")


@pytest.fixture(scope="module")
def just_started(run, tmp_path_factory) -> Path:
    """A run that failed before its first chunk."""
    return stopped(run, tmp_path_factory.mktemp("runs") / "run", "train.TrainingJob")


@pytest.fixture
def after_learning(learned_only, tmp_path) -> Path:
    return copytree(learned_only, tmp_path / "run")


@pytest.fixture
def before_learning(just_started, tmp_path) -> Path:
    return copytree(just_started, tmp_path / "run")


def test_a_run_that_failed_after_learning_goes_on(run, uninterrupted, after_learning):
    """What was learned, and how long it took, is not lost."""
    checkpoint = after_learning / CHECKPOINT
    assert images_learned(checkpoint) == {"one": 120, "two": 120}
    with h5py.File(checkpoint) as file:
        seconds = file.attrs["fit_seconds"]
    resumed = run(after_learning, resume=True)
    assert same_learning(resumed, uninterrupted)
    metrics = resumed.metadata["metrics"]
    assert metrics["fit_seconds"] >= seconds > 0
    assert metrics["seconds_per_example"] == metrics["fit_seconds"] / 240


def test_a_run_without_a_checkpoint_starts_anew(run, uninterrupted, before_learning):
    assert not (before_learning / CHECKPOINT).exists()
    assert same_learning(run(before_learning, resume=True), uninterrupted)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"overrides": ("rule.learning_rate=0.5",)}, "spec"),
        ({"seed": 1}, "seed"),
        ({"n_fit": 20}, "n_fit"),
        ({"control": True}, "control"),
        ({"control_kernels": "random"}, "control_kernels"),
        ({"test_fraction": 0.5}, "test_fraction"),
    ],
)
def test_another_run_is_not_resumed(run, before_learning, changes, name):
    with pytest.raises(ValueError, match=f"was started with another {name}; resume"):
        run(before_learning, resume=True, **changes)


def test_more_shards_may_resume_a_run(run, uninterrupted, after_learning):
    resumed = run(after_learning, resume=True, jobs=2)
    assert same_learning(resumed, uninterrupted)


def test_a_damaged_checkpoint_is_named(run, after_learning):
    checkpoint = after_learning / CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(RunError, match=r"checkpoint\.h5 is damaged or not HDF5"):
        run(after_learning, resume=True)


def test_a_finished_run_is_not_resumed(run, uninterrupted):
    with pytest.raises(ValueError, match="is finished; give --out a new folder"):
        run(uninterrupted.path, resume=True)


def test_only_a_run_can_be_resumed(run, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a run folder"):
        run(tmp_path / "absent", resume=True)
    with pytest.raises(ValueError, match="--resume needs --out with the run folder"):
        TrainOptions(spec="conv-stdp", resume=True)


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_ctrl_c_names_the_run_to_go_on_with(run, tmp_path, monkeypatch):
    monkeypatch.setattr(import_module("stdpnet.training.job"), "task_of", interrupt)
    with pytest.raises(TrainingInterrupted, match=r"is kept in .*run$") as caught:
        run(tmp_path / "run")
    assert n_images_learned(RunFolder.open(caught.value.path)) == 240


def test_ctrl_c_before_learning_names_no_run(run, tmp_path, monkeypatch):
    earlier = RunFolder.create(tmp_path / "run", {"seed": 3})
    module = import_module("stdpnet.training.data")
    monkeypatch.setattr(module, "load_dataset", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        run(earlier.path, force=True)
    assert not isinstance(caught.value, TrainingInterrupted)
    assert RunFolder.open(earlier.path).metadata["seed"] == 3
