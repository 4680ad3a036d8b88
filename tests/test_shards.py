"""Features of images that need not fit into memory."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from stdpnet.analysis import load_run
from stdpnet.cli import main
from stdpnet.cluster import local_cluster
from stdpnet.datasets import load_dataset
from stdpnet.shards import evaluate_shards, open_source, write_features
from stdpnet.training import evaluate, load_banks
from stdpnet.training.evaluation import labelled_images


@pytest.fixture(scope="module")
def files(digits, tmp_path_factory) -> dict[str, Path]:
    """The digits in a file of every kind."""
    folder = tmp_path_factory.mktemp("files")
    images, labels = digits
    np.save(folder / "a.npy", images)
    np.savez(folder / "a.npz", X=images, y=labels)
    np.savez_compressed(folder / "packed.npz", y_train=labels, X_train=images)
    with h5py.File(folder / "a.h5", "w") as file:
        file["X"], file["y"] = images, labels
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "packed.npz", "a.h5"])
@pytest.mark.parametrize("size", [100, 1797, 5000])
def test_shards_of_every_kind_of_file_are_the_images_in_their_order(
    files, digits, name, size
):
    source = open_source(files[name])
    shards = list(source.shards(size))
    assert [len(shard) for shard in shards[:-1]] == [size] * (len(shards) - 1)
    assert np.array_equal(np.concatenate(shards), digits[0])
    assert len(source) == len(digits[0])


def test_labels_are_found_by_their_name(files, digits):
    labels = open_source(files["packed.npz"], "y_train")
    assert np.array_equal(np.concatenate(list(labels.shards(7))), digits[1])


def test_files_that_cannot_be_used_are_named(files, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file: .*gone\.h5"):
        open_source(tmp_path / "gone.h5")
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValueError, match=r"a\.txt must end in \.npy, \.npz"):
        open_source(tmp_path / "a.txt")
    for name in ("bad.h5", "bad.npz", "bad.npy"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(ValueError, match=f"{name} is damaged or of another kind: "):
            open_source(tmp_path / name)
    with pytest.raises(ValueError, match="unknown array 'Y'; known: X, y"):
        open_source(files["a.npz"], "Y")
    np.savez(tmp_path / "two.npz", one=np.zeros(2), two=np.zeros(2))
    with pytest.raises(ValueError, match="holds one, two; give --key one of them"):
        open_source(tmp_path / "two.npz")
    np.savez(tmp_path / "none.npz")
    with pytest.raises(ValueError, match=r"none\.npz holds no array"):
        open_source(tmp_path / "none.npz")
    np.savez(tmp_path / "turned.npz", X=np.asfortranarray(np.zeros((3, 4))))
    with pytest.raises(ValueError, match="must be plain numbers in C order"):
        open_source(tmp_path / "turned.npz")


@pytest.fixture(scope="module")
def run(train_small, tmp_path_factory):
    return load_run(train_small(tmp_path_factory.mktemp("runs") / "run").path)


@pytest.fixture(scope="module")
def features(run, digits) -> np.ndarray:
    (bank,) = load_banks(run).values()
    return bank.transform(digits[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.h5", "packed.npz"])
def test_features_of_shards_are_those_of_all_images_at_once(
    run, files, features, tmp_path, name
):
    out, seen = tmp_path / "features.h5", []
    with local_cluster(2) as client:
        source = open_source(files[name])
        write_features(
            run,
            source,
            out,
            client,
            size=300,
            watch=lambda *counts: seen.append(counts),
        )
    with h5py.File(out) as file:
        assert np.array_equal(file["features"][:], features)
    assert seen[0] == (300, 1797)
    assert seen[-1] == (1797, 1797)
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.slow
def test_the_command_writes_features_and_labels(run, files, features, digits, tmp_path):
    out = tmp_path / "features.h5"
    words = ["transform", str(run.path), str(files["a.npz"]), "--labels", "y"]
    assert main([*words, "-o", str(out)]) == 0
    with h5py.File(out) as file:
        assert np.array_equal(file["features"][:], features)
        assert np.array_equal(file["y"][:], digits[1])


@pytest.mark.slow
def test_a_transform_that_is_killed_goes_on_where_it_was(
    run, files, features, tmp_path
):
    out = tmp_path / "features.h5"
    words = ["transform", str(run.path), str(files["a.h5"]), "--shard", "30"]
    command = [sys.executable, "-m", "stdpnet", *words, "-o", str(out)]
    parts = tmp_path / ".features.h5.parts"
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while len(list(parts.glob("*.npy"))) < 3:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    before = {path: path.stat().st_mtime_ns for path in sorted(parts.glob("*.npy"))[:3]}
    assert not out.exists()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None and all(path.exists() for path in before):
        with_same_time = [
            p.stat().st_mtime_ns == t for p, t in before.items() if p.exists()
        ]
        assert all(with_same_time)
        time.sleep(0.02)
    assert process.wait() == 0
    with h5py.File(out) as file:
        assert np.array_equal(file["features"][:], features)


def test_images_of_another_shape_are_refused(run, tmp_path):
    np.save(tmp_path / "small.npy", np.zeros((5, 6, 6), np.uint8))
    with pytest.raises(ValueError, match=r"has the shape \(5, 6, 6\), but .* learned"):
        write_features(
            run, open_source(tmp_path / "small.npy"), tmp_path / "o.h5", None
        )


def test_labels_of_another_number_are_refused(run, tmp_path, capsys):
    file = tmp_path / "odd.npz"
    np.savez(file, X=np.zeros((5, 8, 8), np.uint8), y=np.zeros(4, int))
    words = ["transform", str(run.path), str(file), "--labels", "y", "-o", "o.h5"]
    assert main(words) == 2
    assert "y must have the shape (5,), got (4,)" in capsys.readouterr().err


# -- scores -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def tested(run, digits, tmp_path_factory) -> Path:
    """The test images of the run in a file."""
    data = load_dataset("digits")
    file = tmp_path_factory.mktemp("tested") / "tested.npz"
    np.savez(file, X=data.X_test, y=data.y_test)
    return file


@pytest.mark.slow
def test_scores_of_shards_are_those_of_all_images_at_once(run, tested, capsys):
    expected = evaluate(run.path, n_test=len(open_source(tested)), visible=False)
    words = ["evaluate", str(run.path), "--images", str(tested), "--shard", "60"]
    assert main([*words, "--jobs", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {**expected, "dataset": "tested.npz"}
    assert not (run.path / ".evaluate.parts").exists()


def test_labels_that_are_no_classes_of_the_run_are_refused(run, tmp_path):
    file = tmp_path / "a.npz"
    np.savez(file, X=np.zeros((3, 8, 8), np.uint8), y=[0, 10, 2])
    with pytest.raises(
        ValueError, match="y must hold classes 0 to 9 of digits, got 10"
    ):
        evaluate_shards(
            run, open_source(file), open_source(file, "y"), load_dataset("digits"), None
        )


def test_a_readout_needs_labels(run):
    data = replace(load_dataset("digits"), y_train=None, y_test=None)
    with pytest.raises(
        ValueError, match=r"digits has no labels for the readout; 'stdpnet"
    ):
        labelled_images(run, data)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--images", "a.npz", "--dataset", "mnist"],
            "leave --dataset and --n-test out",
        ),
        (["--key", "X"], "--scheduler and --key go with --images"),
    ],
)
def test_options_of_one_kind_of_evaluation_are_not_for_the_other(
    run, words, message, capsys
):
    assert main(["evaluate", str(run.path), *words]) == 2
    assert message in capsys.readouterr().err
