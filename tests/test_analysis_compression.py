"""Receptive fields, what compression left and what it costs: figures, rows, errors."""

import json
from math import ceil
from shutil import copytree

import h5py
import numpy as np
import pytest

from stdpnet.analysis import (
    bank_costs,
    draw_figure,
    kernel_images,
    load_run,
    plot_compression,
    plot_connectivity,
    plot_levels,
    write_report,
)
from stdpnet.analysis.compression import Saving, cost_rows, savings
from stdpnet.analysis.numbers import energy
from stdpnet.cli import main
from stdpnet.costs import pack, packed_bytes
from stdpnet.datasets import load_dataset
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.base import derived_seed
from stdpnet.estimators.learning import TRANSFORM, encode
from stdpnet.estimators.spec import read_estimator
from stdpnet.training import TrainOptions, train

DENSE = """
[network]
type = "FullyConnectedSTDP"
n_neurons = 10
presentation = "100 ms"
rest = "50 ms"
chunk_size = 50

[encoding.code]
type = "Poisson"
max_rate = "600 Hz"
normalize = "fixed"

[readout]
type = "votes"
"""
QUANTILE = 'network.pruning={{criterion="quantile",threshold=0.6,start={0},end={0}}}'
PRUNING, CONV_PRUNING = QUANTILE.format(50), QUANTILE.format(30)
LEVELS = 'network.quantization={levels=4, spacing="adaptive", start=100, end=100}'
#: Projections between neurons, which are not pruned.
LATERAL = ("excitation", "inhibition")


@pytest.fixture(scope="module")
def dense_run(tmp_path_factory):
    """Train ten neurons on digits; plain, or with overrides."""
    folder = tmp_path_factory.mktemp("dense")
    (folder / "dense.toml").write_text(DENSE)

    def run(name, *overrides):
        sizes = {"n_fit": 150, "n_train": 120, "n_test": 40}
        spec, out = str(folder / "dense.toml"), folder / name
        options = {"control": False, "visible": False, "overrides": overrides}
        return train(TrainOptions(spec=spec, out=out, **sizes, **options)).path

    return run


@pytest.fixture(scope="module")
def plain(dense_run):
    return dense_run("plain")


@pytest.fixture(scope="module")
def compressed(dense_run):
    return dense_run("compressed", PRUNING, LEVELS)


@pytest.fixture(scope="module")
def conv_run(train_small, tmp_path_factory):
    """Train the small convolution; plain, or with overrides."""
    folder = tmp_path_factory.mktemp("conv")

    def run(name, *overrides):
        sizes = {"n_fit": 120, "n_train": 60, "n_test": 30, "control": False}
        return train_small(folder / name, overrides=overrides, **sizes).path

    return run


@pytest.fixture(scope="module")
def plain_conv(conv_run):
    return conv_run("plain")


@pytest.fixture
def copied(compressed, tmp_path):
    """A copy of the compressed run that a test may spoil."""
    return copytree(compressed, tmp_path / "run")


def attributes(path, name):
    with h5py.File(path / "run.h5") as file:
        return dict(file[name].attrs)


def array(path, name):
    with h5py.File(path / "run.h5") as file:
        return file[name][()]


def words(ax):
    return [text.get_text() for text in ax.texts]


# -- numbers --------------------------------------------------------------------------


def test_rows_have_what_is_left(compressed):
    kernels = array(compressed, "kernels")
    left = int((kernels != 0).sum())
    rows = dict(cost_rows(load_run(compressed)))
    assert rows["Synapses left"] == f"{left} of 640"
    assert rows["Connectivity"] == f"{left / 6.4:.2f} %"
    assert rows["Levels of the weights"] == "4 (2 bits)"
    assert len(np.unique(kernels[kernels != 0])) == 4


def test_bytes_are_those_that_the_file_holds(compressed):
    (cost,) = bank_costs(load_run(compressed)).values()
    with h5py.File(compressed / "run.h5") as file:
        stored = file["estimators/main/learned/weights_"]
        n_bytes = sum(stored[name].nbytes for name in ("mask", "indices", "table"))
    before, after = cost.learning
    assert after.bytes_after == n_bytes
    kernels = array(compressed, "kernels")
    packed = pack(kernels, kernels != 0, array(compressed, "banks/main/levels"))
    assert n_bytes == packed_bytes(packed) - packed["shape"].nbytes
    assert before.bytes_before == 640 * 4
    row = dict(cost_rows(load_run(compressed)))["Bytes of weights"]
    assert row == f"2,560 before, {n_bytes} after; {2560 / n_bytes:.3g} times less"


def test_events_without_pruning_are_those_counted(plain):
    (cost,) = bank_costs(load_run(plain)).values()
    counted = attributes(plain, "banks/main/events")
    n_shown = array(plain, "banks/main/history/n_shown")[-1]
    events = sum(counted[f"{name}.events"] for name in ("afferents", *LATERAL))
    assert cost.learning[0] == cost.learning[1]
    assert cost.tested[0] == cost.tested[1]
    assert cost.learning[1].per_example() == {
        "spikes": counted["features.spikes"] / n_shown,
        "synaptic_events": events / n_shown,
        "weight_updates": counted["afferents.updates"] / n_shown,
    }
    joules = (events * 23.6e-12 + counted["afferents.updates"] * 120e-12) / n_shown
    rows = dict(cost_rows(load_run(plain)))
    assert rows["Estimated energy, a presentation"] == energy(joules)
    assert rows["Synaptic events, a presentation"] == f"{events / n_shown:,.0f}"
    assert rows["Plastic synapses"] == "640"


@pytest.mark.parametrize("name", ["plain", "compressed"])
def test_every_input_spike_meets_all_synapses_before_pruning(name, request):
    path = request.getfixturevalue(name)
    (cost,) = bank_costs(load_run(path)).values()
    for events, (before, _) in (
        (attributes(path, "banks/main/events"), cost.learning),
        (attributes(path, "test/events/main"), cost.tested),
    ):
        lateral = sum(events[f"{name}.events"] for name in LATERAL)
        assert before.synaptic_events == 10 * events["inputs.spikes"] + lateral > 0
    events = attributes(path, "banks/main/events")
    updates = 10 * events["inputs.spikes"] + 64 * events["features.spikes"]
    assert cost.learning[0].weight_updates == updates
    assert cost.tested[0].weight_updates == 0


def test_tested_images_meet_the_synapses_that_are_left(compressed, digits):
    """Counted by the run, and from the spikes of the same images computed again."""
    (cost,) = bank_costs(load_run(compressed)).values()
    with h5py.File(compressed / "run.h5") as file:
        bank = read_estimator(file["estimators/main"])
    images = load_dataset("digits").X_test[array(compressed, "test/index")]
    result = run_chunk(
        bank.program(bank.layer()),
        {"inputs": encode(bank, images)},
        bank.state(),
        bank.feature_parameters(),
        **bank.run_options(),
        seed=derived_seed(bank.seed_, TRANSFORM, 0),
        record=["inputs"],
    )
    of_input = (array(compressed, "kernels") != 0).reshape(10, 64).sum(axis=0)
    met = of_input[result.spikes["inputs"][:, 2]].sum()
    lateral = sum(result.events[f"{name}.events"] for name in LATERAL)
    assert cost.tested[1].synaptic_events == met + lateral
    assert cost.tested[1].n_examples == len(images)


def test_pruning_spares_events_of_a_convolution(conv_run, plain_conv):
    """Without pruning about the same input is met by all synapses."""
    run = load_run(conv_run("pruned", CONV_PRUNING))
    (cost,) = bank_costs(run).values()
    (every,) = bank_costs(load_run(plain_conv)).values()
    before, after = cost.learning
    assert before.synaptic_events == pytest.approx(
        every.learning[0].synaptic_events, rel=0.1
    )
    assert after.synaptic_events < before.synaptic_events
    before, after = cost.tested
    assert after.synaptic_events < 0.8 * before.synaptic_events
    assert after.bits_after == 32
    assert "Levels of the weights" not in dict(cost_rows(run))


def test_quantization_alone_leaves_the_events(conv_run):
    path = conv_run("levels", "network.quantization={levels=8, start=60, end=120}")
    (cost,) = bank_costs(load_run(path)).values()
    before, after = cost.learning
    assert cost.connectivity is None
    assert after.bytes_after == ceil(8 * 25 * 2 * 3 / 8) + 8 * 4
    assert after.synaptic_events == before.synaptic_events > 0
    assert len(draw_figure(load_run(path), "compression").axes) == 2


def test_weights_off_their_levels_are_not_packed(copied):
    with h5py.File(copied / "run.h5", "a") as file:
        kernels = file["banks/main/kernels"]
        first = tuple(np.argwhere(kernels[()] != 0)[0])
        kernels[first] += np.float32(0.01)
    (cost,) = bank_costs(load_run(copied)).values()
    assert (cost.on_levels, cost.learning[1].bits_after) == (False, 32)
    row = dict(cost_rows(load_run(copied)))["Levels of the weights"]
    assert row == "4 (2 bits), but weights are not on them"


def test_rows_of_several_banks_bear_their_names(copied):
    with h5py.File(copied / "run.h5", "a") as file:
        file.copy("banks/main", "banks/second")
        del file["banks/second/events"]  # nor has it any of the test images
    names = [name for name, _ in cost_rows(load_run(copied))]
    assert "main: Synaptic events, a test image" in names
    assert "second: Synapses left" in names
    assert not any("second: Synaptic" in name for name in names)
    figure = draw_figure(load_run(copied), "compression")
    assert [part.get_suptitle() for part in figure.subfigs] == ["main", "second"]


@pytest.mark.parametrize(
    ("joules", "text"),
    [(2.5, "2.5 J"), (3.54e-5, "35.4 uJ"), (9.999e-4, "1 mJ"), (0.0, "0 pJ")],
)
def test_energies_are_readable(joules, text):
    assert energy(joules) == text


# -- figures --------------------------------------------------------------------------


def test_synapses_left_begin_with_all():
    ax = plot_connectivity(np.array([50, 100, 150]), np.array([0.8, 0.4, 0.4]))
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_xdata(), [0, 50, 100, 150])
    np.testing.assert_allclose(line.get_ydata(), [100, 80, 40, 40])
    assert line.get_drawstyle() == "steps-post"
    assert words(ax) == ["40 %"]
    with pytest.raises(ValueError, match=r"one shape \(n_chunks,\), got \(2,\) and"):
        plot_connectivity(np.arange(2), np.ones(3))


def test_weights_on_levels_are_bars():
    weights = np.array([0.25, 0.5, 0.5, 1.0])
    ax = plot_levels(weights, np.array([0.25, 0.5, 0.75, 1.0]))
    heights = [path.vertices[1, 1] for path in ax.collections[0].get_paths()]
    assert heights == [25, 50, 0, 25]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0.25, 0.5, 0.75, 1])
    assert words(ax) == ["4 levels"]


def test_other_weights_are_a_histogram():
    ax = plot_levels(np.array([0.25, 0.5, 0.6]), np.array([0.25, 0.5]), bins=10)
    assert ax.patches[0].get_data().values.sum() == pytest.approx(100)
    assert words(ax) == ["2 levels"]
    ax = plot_levels(np.array([0.1, 0.2]))
    assert (words(ax), len(ax.lines)) == ([], 0)


def test_savings_are_shares_with_their_values(compressed):
    (cost,) = bank_costs(load_run(compressed)).values()
    figure = draw_figure(load_run(compressed), "compression")
    figure.canvas.draw()
    left, weights, saved = figure.subfigs[0].axes
    percent = 100 * array(compressed, "banks/main/history/connectivity")
    np.testing.assert_allclose(left.lines[0].get_ydata()[1:], percent)
    np.testing.assert_array_equal(weights.lines[0].get_xdata(), cost.levels)
    found = savings(cost)
    assert [bar.get_width() for bar in saved.patches[1::2]] == pytest.approx(
        [100 * one.after / one.before for one in found]
    )
    assert words(saved)[0] == "Bytes of weights"
    assert words(saved)[1] == f"2,560 → {cost.learning[1].bytes_after}"


def test_nothing_saved_is_not_a_ratio():
    same, none = (Saving("x", 3, after, str) for after in (3, 0))
    assert (same.ratio, same.text, none.ratio) == ("", "3", "")


def test_a_cost_without_history_has_no_course(copied):
    with h5py.File(copied / "run.h5", "a") as file:
        del file["banks/main/history"], file["banks/main/events"], file["test/events"]
    (cost,) = bank_costs(load_run(copied)).values()
    assert [saving.name for saving in savings(cost)] == ["Bytes of weights"]
    assert len(plot_compression(cost)) == 2


def test_neurons_are_in_the_order_of_their_classes(plain):
    run = load_run(plain)
    labels, kernels = array(plain, "test/neuron_labels"), array(plain, "kernels")
    figure = draw_figure(run, "receptive-fields")
    figure.canvas.draw()
    ax = figure.axes[0]
    order = sorted(range(10), key=lambda n: (labels[n] < 0, labels[n], n))
    mosaic = ax.images[0].get_array()
    for place, neuron in enumerate(order):
        row, column = divmod(place, 4)
        shown = mosaic[9 * row : 9 * row + 8, 9 * column : 9 * column + 8]
        np.testing.assert_allclose(shown, kernel_images(kernels)[neuron])
    assert words(ax) == [str(labels[n]) for n in order if labels[n] >= 0]
    assert ax.images[0].get_clim() == (0, pytest.approx(kernels.max()))


# -- commands and report --------------------------------------------------------------


@pytest.mark.parametrize("name", ["receptive-fields", "compression"])
def test_plot_writes_a_picture(name, compressed, capsys):
    assert main(["plot", name, str(compressed), "--json"]) == 0
    picture = compressed / "figures" / f"{name}.png"
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"figure": name, "path": str(picture)}
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_run_without_compression_says_so(plain, tmp_path, capsys):
    out = tmp_path / "new" / "a.svg"
    assert main(["plot", "compression", str(plain), "-o", str(out)]) == 2
    assert capsys.readouterr().err == (
        f"stdpnet plot compression: {plain} was trained without pruning or "
        "quantization; set network.pruning or network.quantization\n"
    )
    assert not out.parent.exists()


def test_kernels_of_a_convolution_are_receptive_fields(plain_conv, tmp_path):
    out = tmp_path / "a.svg"
    assert main(["plot", "receptive-fields", str(plain_conv), "-o", str(out)]) == 0
    assert out.read_bytes().startswith(b"<?xml")
    ax = draw_figure(load_run(plain_conv), "receptive-fields").axes[0]
    assert ax.images[0].get_array().shape == (3 * 6 - 1, 3 * 6 - 1)


@pytest.mark.parametrize(
    ("name", "has", "has_not"),
    [
        ("compressed", ("receptive-fields", "compression"), ("kernels",)),
        ("plain", ("receptive-fields",), ("kernels", "compression")),
        ("plain_conv", ("kernels",), ("receptive-fields", "compression")),
    ],
)
def test_the_report_has_what_suits(name, has, has_not, request, tmp_path):
    path = request.getfixturevalue(name)
    text = write_report(path, tmp_path / "a.html").read_text()
    for figure in (*has, *has_not):
        assert (f'<figure id="{figure}"' in text) == (figure in has)
    assert text.index(f'<figure id="{has[0]}"') < text.index("<h2>Figures</h2>")
    cost = text.partition("<h2>Cost</h2>")[2].partition("<h2>")[0]
    for row, value in cost_rows(load_run(path)):
        assert f"<tr><th>{row}</th><td>{value}</td></tr>" in cost
    assert "23.6 pJ a synaptic event" in cost
    assert "Davies et al. (2018)" in cost
    assert "trained without pruning" not in text
