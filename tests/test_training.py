"""A whole training run on digits: what it writes, what it keeps out, what repeats."""

import json
import time
from functools import partial
from importlib import import_module
from pathlib import Path
from shutil import copytree

import h5py
import numpy as np
import psutil
import pytest
from PIL import Image

from stdpnet.analysis import load_run, write_report
from stdpnet.datasets import load_dataset
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.runs import RunError, RunFolder
from stdpnet.training import evaluate
from stdpnet.training.evaluation import load_banks
from stdpnet.training.memory import PeakMemory

#: What the JSON of `stdpnet train` promises.
PROMISED = {
    "run",
    "accuracy",
    "control_accuracy",
    "n_fit",
    "n_train",
    "n_test",
    "fit_seconds",
    "seconds_per_example",
    "feature_seconds",
    "build_seconds",
    "n_fit_shown",
    "converged",
    "total_seconds",
    "peak_memory_mb",
    "seed",
    "versions",
}


@pytest.fixture(scope="module")
def finished(train_small, tmp_path_factory) -> RunFolder:
    return train_small(tmp_path_factory.mktemp("runs") / "finished")


def arrays(folder: RunFolder, *names: str) -> list[np.ndarray]:
    with folder.arrays() as file:
        return [file[name][()] for name in names]


def own_data(path: Path, digits, labelled: bool = True, **changes) -> Path:
    images, labels = digits
    parts = {"X_train": images[:300], "X_test": images[300:400]}
    if labelled:
        parts |= {"y_train": labels[:300], "y_test": labels[300:400]}
    np.savez(path, **parts | changes)
    return path


def test_the_numbers_that_are_promised_are_there(finished):
    metrics = finished.metadata["metrics"]
    assert set(metrics) >= PROMISED
    assert {k: metrics[k] for k in ("n_fit", "n_train", "n_test", "n_fit_shown")} == {
        "n_fit": 120,
        "n_train": 300,
        "n_test": 200,
        "n_fit_shown": 120,
    }
    assert metrics["seconds_per_example"] == metrics["fit_seconds"] / 120
    assert 0 < metrics["fit_seconds"] < metrics["total_seconds"]
    apart = ("fit_seconds", "feature_seconds", "readout_seconds", "control_seconds")
    assert sum(metrics[name] for name in apart) < metrics["total_seconds"]
    assert metrics["peak_memory_mb"] > 10
    assert not metrics["converged"]
    assert 0.3 < metrics["accuracy"] <= 1  # ten classes
    assert json.loads(json.dumps(metrics)) == metrics


def test_what_is_written_is_what_was_returned(finished):
    opened = RunFolder.open(finished.path)
    assert opened.finished
    assert opened.metadata == finished.metadata
    assert opened.metadata["spec"]["network"]["n_maps"] == 8
    assert opened.metadata["dataset"]["name"] == "digits"
    assert {file.name for file in finished.path.iterdir()} == {
        "run.json",
        "run.h5",
        "kernels.png",
    }


def test_the_accuracy_is_that_of_the_predictions_written(finished):
    metrics = finished.metadata["metrics"]
    true, found, control, index = arrays(
        finished, "test/y_true", "test/y_pred", "test/y_control", "test/index"
    )
    assert metrics["accuracy"] == np.mean(true == found)
    assert metrics["control_accuracy"] == np.mean(true == control)
    assert np.array_equal(true, load_dataset("digits").y_test[index])
    assert len(set(index)) == 200


def test_the_arrays_are_where_readers_look(finished):
    first, bank, control, initial = arrays(
        finished,
        "kernels",
        "banks/main/kernels",
        "control/main/kernels",
        "banks/main/initial_kernels",
    )
    assert first.shape == initial.shape == (8, 5, 5, 2)
    assert np.array_equal(first, bank)
    assert np.array_equal(
        np.sort(control.reshape(8, -1)), np.sort(first.reshape(8, -1))
    )
    with finished.arrays() as file:
        assert file["kernels"].attrs["channels"] == "on-off"
        assert list(file["banks/main/history/n_shown"]) == [30, 60, 90, 120]
        assert file["banks/main/thresholds"].shape == (8,)
        assert file["test/spikes_per_map"].shape == (8,)
        assert file["raster/features"].shape[1] == 2
        assert file["raster/label"][()] == load_dataset("digits").y_test[0]


def test_control_and_network_spike_alike(finished):
    wanted, found = finished.metadata["metrics"]["control_spikes"]["main"]
    assert found == pytest.approx(wanted, rel=0.1)


def test_a_report_can_be_written(finished):
    assert "</html>" in write_report(finished.path).read_text()
    (finished.path / "report.html").unlink()


def test_scoring_again_gives_the_same(finished):
    scored = evaluate(finished.path, visible=False)
    metrics = finished.metadata["metrics"]
    for name in ("accuracy", "n_train", "n_test"):
        assert scored[name] == metrics[name]
    true, found = arrays(finished, "test/y_true", "test/y_pred")
    for label, share in scored["per_class"].items():
        chosen = true == int(label)
        assert share == np.mean(found[chosen] == true[chosen])


def test_another_data_set_of_the_same_shape_is_scored(finished, digits, tmp_path):
    path = own_data(tmp_path / "own.npz", digits)
    scored = evaluate(finished.path, dataset=str(path), n_test=50, visible=False)
    assert (scored["dataset"], scored["n_train"], scored["n_test"]) == ("own", 300, 50)


def test_data_that_cannot_be_scored_are_refused(finished, digits, tmp_path):
    unlabelled = own_data(tmp_path / "bare.npz", digits, labelled=False)
    with pytest.raises(ValueError, match="bare has no labels to score; give --dataset"):
        evaluate(finished.path, dataset=str(unlabelled), visible=False)
    larger = np.zeros((100, 9, 9), np.uint8)
    other = own_data(
        tmp_path / "other.npz", digits, X_train=larger[[0] * 300], X_test=larger
    )
    with pytest.raises(
        ValueError, match=r"other .* \(9, 9, 1\), but .* from \(8, 8, 1\)"
    ):
        evaluate(finished.path, dataset=str(other), visible=False)


def test_a_run_that_cannot_be_read_is_not_scored(finished, tmp_path):
    path = copytree(finished.path, tmp_path / "run")
    with h5py.File(path / "run.h5", "a") as file:
        del file["estimators"]
    with pytest.raises(RunError, match=r"run\.h5 is damaged: .*; train again$"):
        evaluate(path)
    running = {**finished.metadata, "status": "running"}
    (path / "run.json").write_text(json.dumps(running))
    with pytest.raises(RunError, match=r"got 'running'; go on with .*--resume"):
        evaluate(path)


def test_the_same_seed_repeats_the_run_and_another_does_not(
    train_small, finished, tmp_path
):
    same = train_small(tmp_path / "same", control=False)
    other = train_small(tmp_path / "other", control=False, seed=1)
    names = ("kernels", "test/y_pred", "test/index")
    for one, two in zip(arrays(finished, *names), arrays(same, *names), strict=True):
        assert np.array_equal(one, two)
    assert not np.array_equal(*(arrays(r, "kernels")[0] for r in (finished, other)))


def test_without_control_there_is_none(train_small, tmp_path):
    folder = train_small(tmp_path / "run", control=False)
    metrics = folder.metadata["metrics"]
    assert metrics["accuracy"] > 0.3
    assert metrics["control_accuracy"] is metrics["control_seconds"] is None
    assert metrics["control_spikes"] == {}
    assert "fewer_errors" not in metrics
    with folder.arrays() as file:
        assert "control" not in file
        assert "y_control" not in file["test"]
    write_report(folder.path)


def test_data_without_labels_train_and_report(train_small, digits, tmp_path):
    path = own_data(tmp_path / "bare.npz", digits, labelled=False)
    folder = train_small(tmp_path / "run", dataset=str(path), n_train=None, n_test=None)
    metrics = folder.metadata["metrics"]
    for name in ("accuracy", "control_accuracy", "n_train", "n_test"):
        assert metrics[name] is None
    assert metrics["n_fit_shown"] == 120
    assert arrays(folder, "kernels")[0].shape == (8, 5, 5, 2)
    assert (folder.path / "kernels.png").exists()
    report = write_report(folder.path).read_text()
    assert "120 unlabelled images" in report
    assert " labelled images" not in report


def test_classes_may_have_names(train_small, digits, tmp_path):
    for number, (image, label) in enumerate(zip(*digits, strict=True)):
        if number < 400 and label < 3:
            folder = tmp_path / "images" / ("zero", "one", "two")[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image * 15).save(folder / f"{number}.png")
    path, sizes = str(tmp_path / "images"), {"n_train": None, "n_test": None}
    folder = train_small(
        tmp_path / "run", dataset=path, n_fit=60, control=False, **sizes
    )
    names = folder.metadata["dataset"]["classes"]
    assert names == ["one", "two", "zero"]
    scored = evaluate(folder.path, visible=False)
    assert scored["accuracy"] == folder.metadata["metrics"]["accuracy"]
    assert set(scored["per_class"]) == set(names)
    (label,) = arrays(folder, "raster/label")
    assert names[label] == names[arrays(folder, "test/y_true")[0][0]]
    write_report(folder.path)


def test_a_date_in_the_spec_is_kept_as_text(train_small, tmp_path):
    sizes = {"n_fit": 30, "n_train": 20, "n_test": 10, "control": False}
    folder = train_small(
        tmp_path / "run", overrides=("about.made=2026-01-31",), **sizes
    )
    assert RunFolder.open(folder.path).metadata["spec"]["about"]["made"] == "2026-01-31"


def test_memory_is_watched_while_the_data_are_read(train_small, tmp_path, monkeypatch):
    in_use = []

    def load(*args, **options):
        block = np.ones(200_000_000, np.uint8)
        in_use.append(psutil.Process().memory_full_info().pss / 1e6)
        time.sleep(0.3)
        del block
        return load_dataset(*args, **options)

    monkeypatch.setattr(import_module("stdpnet.training.data"), "load_dataset", load)
    module = import_module("stdpnet.training.train")
    monkeypatch.setattr(module, "PeakMemory", partial(PeakMemory, interval=0.01))
    sizes = {"n_fit": 30, "n_train": 20, "n_test": 10, "control": False}
    folder = train_small(tmp_path / "run", **sizes)
    assert folder.metadata["metrics"]["peak_memory_mb"] > in_use[0] - 10


def test_labels_never_reach_learning(train_small, digits, tmp_path, rng):
    labels = digits[1][:300]
    one = own_data(tmp_path / "data.npz", digits)
    kernels = []
    for name, permuted in (("a", labels), ("b", rng.permutation(labels))):
        own_data(one, digits, y_train=permuted)
        folder = train_small(
            tmp_path / name, dataset=str(one), n_test=None, control=False
        )
        kernels.append(arrays(folder, "kernels", "banks/main/thresholds"))
    assert np.array_equal(kernels[0][0], kernels[1][0])
    assert np.array_equal(kernels[0][1], kernels[1][1])


def test_banks_stand_side_by_side_in_the_order_of_the_spec(train_small, tmp_path):
    banks = ("network.banks.second={}", "network.banks.first.rule.learning_rate=0.05")
    folder = train_small(tmp_path / "run", overrides=banks)
    metrics = folder.metadata["metrics"]
    banks = load_banks(load_run(folder.path))
    assert list(banks) == ["second", "first"]
    with folder.arrays() as file:
        assert list(file["banks"]) == ["second", "first"]
        assert np.array_equal(file["kernels"], file["banks/second/kernels"])
    assert not np.array_equal(banks["second"].kernels_, banks["first"].kernels_)
    assert metrics["n_fit_shown"] == 240
    assert set(metrics["control_spikes"]) == {"second", "first"}
    assert evaluate(folder.path, visible=False)["accuracy"] == metrics["accuracy"]
    per_map, per_example = arrays(
        folder, "test/spikes_per_map", "test/spikes_per_example"
    )
    assert per_map.shape == (16,)  # of both banks
    assert metrics["spikes_per_image"] == pytest.approx(per_map.sum())
    assert metrics["spikes_per_image"] == pytest.approx(per_example.mean())


def test_the_estimator_of_a_run_transforms_like_a_fitted_one(finished, digits):
    (bank,) = load_banks(load_run(finished.path)).values()
    assert isinstance(bank, ConvSTDP)
    with h5py.File(finished.path / "run.h5") as file:
        assert np.array_equal(bank.kernels_, file["kernels"])
    assert bank.transform(digits[0][:10]).shape == (10, 32)
