"""Features on disk: the same as in memory, and none is lost."""

import json

import h5py
import numpy as np
import pytest
from sklearn.datasets import load_digits

from stdpnet import ConvSTDP
from stdpnet.analysis import write_report
from stdpnet.cli import main
from stdpnet.estimators.features import SMALL, check_memory
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.training import store as stores
from stdpnet.training.scoring import features_of, rows_of
from stdpnet.training.store import FeatureStore

IMAGES = load_digits().images
WORDS = ["train", "conv-stdp", "--n-fit", "200", "--set", "network.n_maps=8"]


@pytest.fixture(scope="module")
def banks() -> dict[str, ConvSTDP]:
    """Two networks, with chunks of different sizes."""
    options = {"neuron": AdaptiveIF(theta_start=2.0), "random_state": 0}
    return {
        "fine": ConvSTDP(4, 3, pool=2, chunk_size=50, **options).fit(IMAGES[:100]),
        "coarse": ConvSTDP(3, 5, pool=4, chunk_size=40, **options).fit(IMAGES[:100]),
    }


@pytest.fixture
def store(tmp_path, monkeypatch) -> FeatureStore:
    monkeypatch.setattr(stores, "PART", 200)
    return FeatureStore(tmp_path / "features")


def test_features_are_those_in_memory(banks, store):
    found = store.features("train", banks, IMAGES[:450], "features")
    expected = features_of(banks, IMAGES[:450], "features")
    assert np.array_equal(found.counts[()], expected.counts)
    assert np.array_equal(found.spikes, expected.spikes)
    assert found.events == expected.events
    assert found.counts.dtype == np.uint8
    assert found.counts.compression == "gzip"
    assert [path.name for path in store.folder.iterdir()] == ["train.h5"]


def test_parts_that_are_finished_are_not_computed_again(banks, store):
    parts = store.folder / ".train.parts"
    steps = store._compute(parts, banks, IMAGES[:450], "features")
    assert (next(steps), next(steps)) == (0, 200)
    steps.close()
    done = sorted(parts.glob("*.h5"))
    assert [path.name for path in done] == ["000000000.h5", "000000200.h5"]
    # What stands in a finished part is taken as it is.
    with h5py.File(done[0], "a") as file:
        file["counts"][0] = 77
    found = store.features("train", banks, IMAGES[:450], "features")
    expected = features_of(banks, IMAGES[:450], "features")
    assert (found.counts[0] == 77).all()
    assert np.array_equal(found.counts[1:], expected.counts[1:])


def test_a_finished_file_is_read(banks, store):
    first = store.features("test", banks, IMAGES[:100], "features").counts[()]
    again = store.features("test", banks, IMAGES[:100] * 0, "features").counts[()]
    assert np.array_equal(first, again)


def test_rows_of_a_file(banks, store, monkeypatch):
    monkeypatch.setattr("stdpnet.training.scoring.ROWS_READ", 64)
    found = store.features("train", banks, IMAGES[:300], "features")
    rows = np.random.default_rng(0).permutation(300)[:90]
    assert np.array_equal(rows_of(found.counts, rows), found.counts[()][rows])
    assert np.array_equal(rows_of(found.counts[()], rows), found.counts[()][rows])


def test_a_run_on_disk_is_the_run_in_memory(tmp_path, capsys):
    metrics = []
    for name, more in (("memory", []), ("disk", ["--on-disk"])):
        path = tmp_path / name
        assert main([*WORDS, "--out", str(path), "--json", *more]) == 0
        metrics.append(json.loads(capsys.readouterr().out))
    for key in ("accuracy", "control_accuracy", "spikes_per_image"):
        assert metrics[0][key] == metrics[1][key]
    files = sorted(path.name for path in (tmp_path / "disk/features").iterdir())
    assert files == [
        f"{whose}features-{which}.h5"
        for whose in ("control-", "")
        for which in ("test", "train")
    ]
    assert not (tmp_path / "memory/features").exists()


@pytest.mark.parametrize("words", [["--on-disk"], ["--control-kernels", "random"]])
def test_two_senses_have_fewer_choices(words, capsys):
    assert main(["train", "two-senses-demo", *words]) == 2
    message = f"{words[0]} is for networks of one sense; leave it out"
    assert message in capsys.readouterr().err


def test_the_control_may_have_the_kernels_that_learning_began_with(tmp_path, capsys):
    path = tmp_path / "random"
    assert main([*WORDS, "--control-kernels", "random", "--out", str(path)]) == 0
    with h5py.File(path / "run.h5") as file:
        made, first = file["control/main/kernels"], file["banks/main/initial_kernels"]
        assert np.array_equal(made, first)
    report = write_report(path).read_text()
    assert "the same network with the kernels that learning began with" in report
    assert main([*WORDS, "--control-kernels", "own"]) == 2
    message = "unknown --control-kernels 'own'; known: shuffled, random"
    assert message in capsys.readouterr().err


def test_more_features_than_memory():
    n = SMALL // 1000
    check_memory(n, 1000, np.uint8, "do this", free=SMALL)
    message = (
        r"the features of 100,000 images take 0.2 GB \(1,000 counts of 2 bytes an image\), "
        r"but 0.1 GB of memory are free; do this"
    )
    with pytest.raises(ValueError, match=message):
        check_memory(n, 1000, np.uint16, "do this", free=SMALL)
    with pytest.raises(ValueError, match=r"counts of 1 byte an image"):
        check_memory(10**12, 1000, np.uint8, "do this")
    check_memory(n - 1, 1000, np.uint8, "do this", free=0)  # not worth a look


def test_a_run_whose_features_do_not_fit(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("stdpnet.estimators.features.SMALL", 0)
    monkeypatch.setattr("psutil.virtual_memory", lambda: _Memory())
    for words in (WORDS, ["train", "conv-stack"]):
        assert main([*words, "--out", str(tmp_path / "run")]) == 2
    message = (
        "GB of memory are free; keep them on disk with --on-disk, or use fewer maps"
    )
    assert capsys.readouterr().err.count(message) == 2
    assert not (tmp_path / "run").exists()


class _Memory:
    """A machine without memory."""

    available = 0
