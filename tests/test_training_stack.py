"""Stacks as specifications, runs and figures."""

import json

import h5py
import numpy as np
import pytest

from stdpnet import ConvStack, load_dataset, load_network
from stdpnet.analysis import draw_figure, load_run
from stdpnet.analysis.patches import plot_patches
from stdpnet.cli import main
from stdpnet.config import SpecError
from stdpnet.models.neurons import LatencyIF, SoftResetIF
from stdpnet.models.projections import SumPooling, WinnerTakeAll
from stdpnet.training import TrainOptions, load_banks
from stdpnet.training.train import train_part

SPEC = """
[network]
type = "ConvStack"
features = "all"
kernel_size = 3
n_maps = 5
pool = 2
residual = { conv3 = "conv1" }
[network.layers.conv1]
n_epochs = 2
[network.layers.conv2]
neuron = { theta_start = 1.5 }
rule = { offset = 0.2 }
[network.layers.conv3]
neuron = { theta_start = 1.5 }
rule = { type = "HybridSTDP" }
[neuron]
theta_start = 3.0
[rule]
learning_rate = 0.05
[about]
n_fit = 300
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "stack.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def run(spec):
    path = spec.parent / "run"
    assert main(["train", str(spec), "--n-train", "400", "--out", str(path)]) == 0
    return path


def test_what_is_common_and_what_is_a_layers_own(spec):
    stack = load_network(spec, random_state=3)
    assert isinstance(stack, ConvStack)
    layers = dict(stack.layers)
    assert [one.n_epochs for one in layers.values()] == [2, 1, 1]
    assert {one.n_maps for one in layers.values()} == {5}
    assert [one.neuron.theta_start for one in layers.values()] == [3.0, 1.5, 1.5]
    assert layers["conv2"].rule.offset == 0.2
    assert layers["conv2"].rule.learning_rate == 0.05
    # Another type starts from its own defaults.
    assert layers["conv3"].rule.title == "HybridSTDP"
    assert layers["conv3"].rule.learning_rate == 0.1
    assert stack.random_state == 3


def test_features_of_pooling_neurons_in_a_specification(spec):
    neuron = "network.feature_neuron={type = 'SoftResetIF', v_th = 4.0}"
    for _, one in load_network(spec, [neuron]).layers:
        assert one.feature_neuron == SoftResetIF(v_th=4.0)


def test_a_pool_needs_no_type(spec):
    one, *others = load_network(spec, ["network.layers.conv1.pool.size=3"]).layers
    assert one[1].pool == SumPooling(size=3)
    assert {layer.pool for _, layer in others} == {2}
    winners = load_network("conv-stdp", ["network.inhibition={winners = 2}"]).inhibition
    assert winners == WinnerTakeAll(winners=2)


def test_pooling_in_a_specification(spec):
    overrides = [
        "network.residual={}",
        "network.pooling={conv1 = 2, conv2 = {size = 3, stride = 2}}",
        "network.pool_neuron={type = 'SoftResetIF', v_th = 4.0}",
    ]
    stack = load_network(spec, overrides)
    assert stack.pooling == {"conv1": 2, "conv2": SumPooling(size=3, stride=2)}
    assert stack.pool_neuron == SoftResetIF(v_th=4.0)
    assert load_network(spec)._pooler() == LatencyIF(v_th=0.5)


BAD = {
    "network.layers={}": r"needs tables \[network.layers.NAME\], one for each layer",
    "network.layers=3": r"needs tables \[network.layers.NAME\]",
    "network.layers.conv1=3": "network.layers.conv1 must be a table, got 3",
    "network.layers.conv1.rule=3": "network.layers.conv1.rule must be a table, got 3",
    "network.layers.conv1.type=FullyConnectedSTDP": "conv1.type 'FullyConnectedSTDP'",
    "network.layers.conv1.maps=3": "network key 'maps'",
    "network.depth=3": "network key 'depth'",
    "network.residual={conv2 = 'conv1'}": "of 'conv2' must be layers before the one",
}


@pytest.mark.parametrize("override", BAD)
def test_bad_specifications(spec, override):
    with pytest.raises((SpecError, ValueError), match=BAD[override]):
        load_network(spec, [override])


def test_a_run_has_every_layer(run):
    assert load_run(run).banks == ("conv1", "conv2", "conv3")
    with h5py.File(run / "run.h5") as file:
        assert file["banks/conv2/kernels"].shape == (5, 3, 3, 5)
        assert file["banks/conv2/preferred"].shape == (5, 5, 5, 2)
        assert file["banks/conv3/driving"].shape == (5, 8, 7, 7, 1)
        assert "preferred" not in file["banks/conv1"]
        assert set(file["control"]) == {"conv1", "conv2", "conv3"}
        for name in ("banks/conv3/kernels", "control/conv3/kernels"):
            assert set(np.unique(file[name])) == {0.0, 1.0}
    metrics = json.loads((run / "run.json").read_text())["metrics"]
    # A readout of three times 4x4 windows of five maps; chance is 10 %.
    assert metrics["accuracy"] > 0.5
    assert metrics["n_fit_shown"] <= 4 * 300


def test_the_stack_of_a_run_reads_as_it_did(run, capsys):
    (stack,) = load_banks(load_run(run)).values()
    assert isinstance(stack, ConvStack)
    assert stack.fitted_
    assert main(["evaluate", str(run), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    metrics = json.loads((run / "run.json").read_text())["metrics"]
    assert again["accuracy"] == metrics["accuracy"]


def test_features_in_a_file(run, tmp_path):
    images = np.random.default_rng(0).integers(0, 17, (40, 8, 8)).astype("u1")
    np.save(tmp_path / "images.npy", images)
    out = tmp_path / "features.h5"
    assert (
        main(["transform", str(run), str(tmp_path / "images.npy"), "-o", str(out)]) == 0
    )
    (stack,) = load_banks(load_run(run)).values()
    with h5py.File(out) as file:
        assert np.array_equal(file["features"][()], stack.transform(images))


@pytest.mark.parametrize("figure", ["kernels", "patches", "curves"])
def test_figures_of_one_layer(run, figure, capsys):
    assert main(["plot", figure, str(run), "--layer", "2"]) == 0
    assert capsys.readouterr().out.strip().endswith(f"{figure}-2.png")
    assert (run / "figures" / f"{figure}-2.png").stat().st_size > 1000
    one = draw_figure(load_run(run).only(2), figure)
    every = draw_figure(load_run(run), figure)
    assert len(one.axes) < len(every.axes)


def test_no_such_layer(run, capsys):
    assert main(["plot", "kernels", str(run), "--layer", "4"]) == 2
    message = r"the layer must be from 1 to 3 (conv1, conv2, conv3), got 4"
    assert message in capsys.readouterr().err


def test_the_report_shows_the_layers(run):
    assert main(["report", str(run)]) == 0
    assert "Patches of images at which maps" in (run / "report.html").read_text()


def test_patches_have_five_axes():
    with pytest.raises(
        ValueError, match=r"patches must have shape \(n_maps, n_patches"
    ):
        plot_patches(np.zeros((3, 4, 5, 5)))


def test_layers_that_do_not_fit_the_data_are_refused_before_a_run(
    spec, tmp_path, capsys
):
    words = ["train", str(spec), "--out", str(tmp_path / "run")]
    changed = ["--set", "network.layers.conv2.padding=0"]
    assert main([*words, *changed]) == 2
    assert "the residual input of 'conv3' must have one size" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_that_ended_early_goes_on(spec, run, tmp_path):
    """Stopped within the second layer: `--resume` ends with the same kernels."""
    words = ["train", str(spec), "--n-train", "400", "--out", str(tmp_path / "run")]
    options = TrainOptions(
        spec=str(spec),
        n_train=400,
        out=tmp_path / "run",
        command=" ".join(words),
        visible=False,
    )
    accuracy = train_part(options, load_dataset("digits", test_fraction=0.2), 0.6)
    assert 0.3 < accuracy < 1
    assert main([*words, "--resume"]) == 0
    with h5py.File(run / "run.h5") as whole, h5py.File(tmp_path / "run/run.h5") as file:
        for name in ("conv1", "conv2", "conv3"):
            kernels = f"banks/{name}/kernels"
            assert np.array_equal(whole[kernels], file[kernels])
