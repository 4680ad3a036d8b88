"""A training run of two senses: what it writes, what it compares, what it refuses."""

import numpy as np
import pytest

from stdpnet import MultimodalSTDP, Sweep, load_network
from stdpnet.analysis import load_run, save_figure, write_report
from stdpnet.cli import main
from stdpnet.config import SpecError
from stdpnet.estimators.spec import load_models, make_banks
from stdpnet.readout import LinearReadout
from stdpnet.runs import RunFolder
from stdpnet.training import TrainOptions, evaluate, train
from stdpnet.training.evaluation import load_banks
from stdpnet.training.senses import JOINED, classify, compared, views

SPEC = """
[about]
title = "Small"
dataset = "digits+digits"
n_fit = 200

[network]
type = "MultimodalSTDP"
cross_total = 6.0
chunk_size = 100

[rule]
type = "PowerLawSTDP"
learning_rate = 0.05
offset = 0.01
w_max = 4.0

[modalities.image]
spec = "diehl-cook-100"
[modalities.image.network]
n_neurons = 10
inhibition = { type = "DirectInhibition" }
presentation = "100 ms"
rest = "50 ms"
[modalities.image.encoding.code]
max_rate = "600 Hz"

[modalities.audio]
spec = "diehl-cook-100"
[modalities.audio.network]
n_neurons = 8
inhibition = { type = "DirectInhibition" }
presentation = "100 ms"
rest = "50 ms"
[modalities.audio.encoding.code]
max_rate = "600 Hz"

[readout]
type = "votes"
vote = "proportion"
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("specs") / "senses.toml"
    path.write_text(SPEC)
    return str(path)


def options(spec, out, **changes) -> TrainOptions:
    sizes = {"n_train": 200, "n_test": 100, "visible": False}
    return TrainOptions(spec=spec, out=out, **sizes | changes)


@pytest.fixture(scope="module")
def finished(spec, tmp_path_factory) -> RunFolder:
    return train(options(spec, tmp_path_factory.mktemp("runs") / "one"))


def test_a_run_tells_what_each_sense_tells(finished):
    metrics = finished.metadata["metrics"]
    assert list(metrics["accuracies"]) == [
        "both, joined",
        "both, not joined",
        "both, shuffled",
        "image alone, not joined",
        "audio alone, not joined",
        "image alone, joined",
        "audio alone, joined",
    ]
    assert metrics["accuracy"] == metrics["accuracies"]["both, joined"]
    assert metrics["control_accuracy"] == metrics["accuracies"]["both, shuffled"]
    assert finished.metadata["dataset"]["name"] == "digits+digits"
    assert finished.metadata["options"]["dataset"] == "digits+digits"
    assert metrics["n_fit"] == 200


def test_arrays_are_those_of_the_network(finished):
    run = load_run(finished.path)
    joint = load_banks(run)["main"]
    assert isinstance(joint, MultimodalSTDP)
    assert joint.n_pairs_shown_ == 200
    assert run.banks == ("image", "audio")
    for name, one in joint.members_.items():
        assert np.array_equal(run.array(f"banks/{name}/kernels"), one.kernels_)
    assert run.array("senses/both, not joined").shape == (100,)
    assert run.array("recall/audio/image/recalled").shape == (10, 8, 8, 1)
    assert run.array("test/neuron_labels").shape == (18,)


def test_a_run_is_scored_again_alike(finished):
    found = evaluate(finished.path, visible=False)
    assert found["accuracy"] == finished.metadata["metrics"]["accuracy"]


def test_the_seed_repeats_a_run_and_an_interruption_changes_nothing(
    spec, finished, tmp_path, monkeypatch
):
    class StoppedError(Exception):
        pass

    shown = []

    def stop(*_):
        shown.append(1)
        if len(shown) == 2:
            raise StoppedError

    from stdpnet.training.job import TrainingJob

    kept = TrainingJob._checkpoint
    monkeypatch.setattr("stdpnet.training.job.CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(TrainingJob, "_checkpoint", lambda job: (kept(job), stop()))
    with pytest.raises(StoppedError):
        train(options(spec, tmp_path / "two"))
    monkeypatch.setattr(TrainingJob, "_checkpoint", kept)
    again = train(options(spec, tmp_path / "two", resume=True))
    assert (
        again.metadata["metrics"]["accuracies"]
        == finished.metadata["metrics"]["accuracies"]
    )


def test_report_and_figures_show_the_senses(finished, tmp_path):
    page = write_report(finished.path, tmp_path / "report.html").read_text()
    for name in ("senses", "recall", "receptive-fields", "curves", "example"):
        assert f'<figure id="{name}"' in page
    assert "connections between the senses shuffled" in page
    assert "Left out" not in page
    assert "100 test pairs" in page
    save_figure(load_run(finished.path), "recall", tmp_path / "recall.png")


def test_figures_of_senses_need_senses(train_small, tmp_path):
    run = load_run(train_small(tmp_path / "one", n_train=100, n_test=50).path)
    with pytest.raises(ValueError, match=r"must have metrics\.accuracies to show what"):
        save_figure(run, "senses", tmp_path / "senses.png")
    with pytest.raises(ValueError, match="must have /recall to show what one sense"):
        save_figure(run, "recall", tmp_path / "recall.png")


def test_a_linear_readout_sees_what_is_given_and_no_more(finished):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 50)
    told = {
        "image": np.eye(2)[y] * 20 + rng.poisson(1, (100, 2)),
        "audio": np.ones((100, 2)),
    }
    share = {}
    for name, counts in told.items():
        found, labels = classify(LinearReadout(), told, y, {name: counts}, [name])
        share[name] = np.mean(found == y)
        assert labels is None
    assert share == {"image": 1.0, "audio": 0.5}


def test_more_than_two_senses_are_all(finished):
    assert next(views(["a", "b", "c"])).name == "all, joined"
    joint = load_banks(load_run(finished.path))["main"]
    assert compared(joint, [JOINED])[JOINED] is joint


@pytest.mark.slow
def test_a_sweep_varies_what_joins_the_senses(spec, tmp_path):
    pytest.importorskip("optuna")
    varied = {"network.cross_total": [3.0, 9.0]}
    sizes = {"n_fit": 100, "n_train": 100, "n_test": 50}
    found = Sweep(spec, varied, out=tmp_path / "s", sampler="grid", **sizes).run()
    assert found.study.counts()["complete"] == 2
    table = found.frame()
    assert set(table["network.cross_total"].astype(float)) == {3.0, 9.0}
    assert table["accuracy"].between(0, 1).all()
    assert found.study.tested()["trial"] in (0, 1)


def test_stdpnet_train_prints_a_row_a_view(spec, tmp_path, capsys):
    words = ["train", spec, "--out", str(tmp_path / "one"), "--no-control"]
    assert main([*words, "--n-train", "100", "--n-test", "50"]) == 0
    printed = capsys.readouterr().out
    assert "test accuracy" in printed
    assert "of 50 pairs (no control was run)" in printed
    assert "both, joined" in printed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("network.cross_totl=3", "unknown network key 'cross_totl'"),
        ("network.cross_total=0", "cross_total must be "),
        ("neuron.v_th=1", r"own \[neuron\]; write \[modalities\.NAME\.neuron\]"),
        ("modalities.image.readout.type=votes", "modalities.image: unknown section"),
        ("modalities.image.network.n_neuron=1", "unknown network key 'n_neuron'"),
        ("modalities.touch=3", "modalities.touch must be a table, got 3"),
        ("rule.type=Hebb", "unknown rule 'Hebb'"),
        ("network.type=MultimodalSTD", "unknown network.type 'MultimodalSTD'"),
    ],
)
def test_specifications_that_cannot_be_used_are_refused(spec, change, message):
    with pytest.raises((SpecError, ValueError), match=message):
        load_network(spec, [change])


def test_a_network_of_senses_needs_two():
    with pytest.raises(SpecError, match=r"two or more tables \[modalities\.NAME\]"):
        make_banks({"network": {"type": "MultimodalSTDP"}}, seed=0)


def test_a_modality_is_what_it_names_but_for_what_it_says(spec):
    own = load_models(spec)["modalities"]["audio"]
    named = load_models("diehl-cook-100")
    assert "spec" not in own
    assert own["neuron"] == named["neuron"]
    assert own["network"]["n_neurons"] == 8
    assert own["network"]["n_epochs"] == named["network"]["n_epochs"]
    assert own["encoding"]["code"]["normalize"] == "fixed"
    assert own["network"]["inhibition"] == {"type": "DirectInhibition"}


def test_connections_may_be_left_out(spec):
    assert load_network(spec, ["rule.type=none"]).cross_rule is None
