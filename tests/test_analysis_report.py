"""Reports and figure files of run folders, whole, partial and damaged."""

import json
import re
import shutil
import tomllib
from html.parser import HTMLParser

import h5py
import numpy as np
import pytest
from PIL import Image

from stdpnet.analysis import (
    FIGURES,
    draw_figure,
    load_run,
    save_figure,
    write_report,
)
from stdpnet.analysis.numbers import result_sentence, summary_sentence

SPEC = {
    "about": {"source": "doi:10.1/x", "differs": None},
    "network": {"n_maps": 6, "pool": [3, 3]},
    "encoding": {"filter": {"type": "DifferenceOfGaussians", "sigmas": [1.0, 2.5]}},
}
RECORD = {
    "format": 1,
    "status": "finished",
    "command": "stdpnet train conv-stdp --set 'rule.offset=0.4' --out runs/<a>",
    "spec": SPEC,
    "spec_name": "conv-stdp",
    "dataset": {
        "name": "mnist",
        "classes": ["a", "b", "c"],
        "notes": ["<half> & half"],
    },
    "seed": 3,
    "versions": {"brian2": "2.9.0"},
    "machine": {"cores": 2},
    "metrics": {
        "accuracy": 0.981,
        "control_accuracy": 0.97,
        "n_fit": 2000,
        "n_fit_shown": 2000,
        "n_train": 10000,
        "n_test": 10000,
        "seconds_per_example": 0.0013,
        "peak_memory_mb": 1620.4,
        "converged": True,
        "extra_thing": 5,
    },
}


def _write_bank(group, rng):
    group["kernels"] = rng.random((6, 3, 3, 2))
    group["thresholds"] = rng.random(6)
    group["initial_kernels"] = rng.random((6, 3, 3, 2))
    # Kernels are kept more rarely than the rest.
    group["history/n_shown"] = [500, 1000, 2000]
    group["history/kernels_shown"] = [500, 2000]
    group["history/kernels"] = rng.random((2, 6, 3, 3, 2))
    group["history/convergence"] = [0.2, 0.15, 0.1]
    group["history/thresholds"] = rng.random((3, 6))
    group["history/spikes"] = rng.random((3, 6))


def _write_arrays(file, rng):
    file["kernels"] = rng.random((6, 3, 3, 2))
    file["kernels"].attrs["channels"] = "on-off"
    for bank in ("small", "large"):
        _write_bank(file.create_group(f"banks/{bank}"), rng)
    file["test/y_true"], file["test/y_pred"] = rng.integers(0, 3, (2, 50))
    file["test/spikes_per_map"] = rng.random(12)
    file["test/spikes_per_example"] = rng.integers(0, 30, 50)
    file["raster/image"] = rng.random((5, 5))
    file["raster/label"] = 1
    file["raster/inputs"] = [[0, 1], [3, 49]]
    file["raster/input_shape"] = [5, 5, 2]
    file["raster/features"] = [[4, 53]]
    file["raster/feature_shape"] = [3, 3, 6]
    file["label_curve/n_labels"] = [10, 100]
    file["label_curve/accuracy"] = rng.random((2, 3))
    file["label_curve/control"] = rng.random((2, 3))


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    path.mkdir()
    (path / "run.json").write_text(json.dumps(RECORD))
    with h5py.File(path / "run.h5", "w") as file:
        _write_arrays(file, np.random.default_rng(0))
    return path


@pytest.fixture
def run_path(whole_run, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(whole_run, tmp_path / "run")


@pytest.fixture
def small_run(run_path):
    """A run that recorded kernels and labels of its test images only."""
    with h5py.File(run_path / "run.h5", "a") as file:
        for group in ("banks", "raster", "label_curve"):
            del file[group]
    return run_path


def _edit(path, **changes):
    record = json.loads((path / "run.json").read_text()) | changes
    (path / "run.json").write_text(json.dumps(record))


def _edit_metrics(path, **changes):
    _edit(path, metrics=RECORD["metrics"] | changes)


class _Page(HTMLParser):
    """Links, identifiers and text of a page, and whether its tags are closed."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self, html):
        super().__init__()
        self.links, self.ids, self.tags, self.text, self.open = [], [], [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [
            v for k, v in attrs if k in ("src", "href", "xlink:href", "data")
        ]
        self.ids += [v for k, v in attrs if k == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def html(whole_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "new" / "page.html"
    assert write_report(whole_run, out) == out
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return _Page(html)


def test_report_needs_nothing_from_outside(html, page):
    inside = ("#", "data:image/png;base64,")
    assert page.links
    assert all(link.startswith(inside) for link in page.links)
    assert not {"script", "link", "iframe", "img", "object"} & set(page.tags)
    for target in re.findall(r"url\(([^)]*)\)", html):
        assert target.startswith("#")
    assert "http" not in html
    assert "@import" not in html


def test_report_is_well_formed(page):
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    targets = {link[1:] for link in page.links if link.startswith("#")}
    assert targets <= set(page.ids)


def test_report_has_every_figure_that_suits_the_run(page, whole_run):
    run = load_run(whole_run)
    suits = {name: figure for name, figure in FIGURES.items() if figure.suits(run)}
    others = {"receptive-fields", "compression", "senses", "recall", "patches"}
    assert set(FIGURES) - set(suits) == others
    assert set(suits) <= set(page.ids)
    assert page.tags.count("svg") == page.tags.count("figcaption") == len(suits)
    for figure in suits.values():
        assert figure.caption in page.text


def test_report_says_the_result_first(page):
    text = page.text.replace("\xa0", " ")
    assert "98.1 % of 10,000 test images, control 97.0 %, 37 % fewer errors" in text
    assert text.index("fewer errors") < text.index("Learned kernels")


def test_report_escapes_and_keeps_what_the_run_says(page):
    for words in (
        RECORD["command"],
        "<half> & half",
        "1.62 GB",
        "1.3 ms",
        "Extra thing",
    ):
        assert words in page.text
    assert "small: Kernels" in page.text


def test_report_shows_the_spec_as_it_was(page):
    shown = page.text.split("Specification, as resolved")[1].split("Made with")[0]
    spec = json.loads(json.dumps(SPEC))
    del spec["about"]["differs"]
    assert tomllib.loads(shown) == spec


def test_report_goes_into_the_run_folder_and_replaces_the_old_one(small_run):
    run_path = small_run
    (run_path / "report.html").write_text("old")
    out = write_report(run_path)
    assert out == run_path / "report.html"
    assert out.read_text().startswith("<!DOCTYPE html>")
    assert sorted(p.name for p in run_path.iterdir()) == [
        "report.html",
        "run.h5",
        "run.json",
    ]
    with pytest.raises(
        IsADirectoryError, match=r"is a folder; give the name of a file$"
    ):
        write_report(run_path, run_path)


def test_run_with_kernels_alone_still_has_a_report(small_run):
    run_path = small_run
    with h5py.File(run_path / "run.h5", "a") as file:
        del file["test"]
    _edit(run_path, metrics={"n_fit": 100}, dataset={}, versions={}, machine=None)
    page = _Page(write_report(run_path).read_text())
    assert {"kernels", "weights"} <= set(page.ids)
    assert page.tags.count("svg") == 2
    assert "6 kernels learned, no labels to test them with" in page.text
    for missing in ("banks", "test/y_true", "raster/image", "label_curve/n_labels"):
        assert f"/{missing} to show" in page.text


def test_report_without_control_says_so(small_run):
    _edit_metrics(small_run, control_accuracy=None)
    text = _Page(write_report(small_run).read_text()).text
    assert "test images, no control was run" in text
    assert "The control is" not in text


@pytest.mark.parametrize(
    ("accuracy", "control", "end"),
    [
        (0.96, 0.98, "96.0 % of 10,000 test images, control 98.0 %, 100 % more errors"),
        (0.98, 0.98, "control 98.0 %, as many errors"),
        (0.98013, 0.97954, "98.01 % of 10,000 test images, control 97.95 %, 3 % fewer"),
        (1.0, 1.0, "100.0 % of 10,000 test images, control 100.0 %"),
    ],
)
def test_result_is_one_honest_sentence(run_path, accuracy, control, end):
    _edit_metrics(run_path, accuracy=accuracy, control_accuracy=control)
    assert end in result_sentence(load_run(run_path))


@pytest.mark.parametrize(
    ("given", "shown", "images"), [(500, 1500, 500), (500, 300, 300)]
)
def test_images_that_were_shown_again_are_not_more(run_path, given, shown, images):
    _edit_metrics(run_path, n_fit=given, n_fit_shown=shown)
    sentence = summary_sentence(load_run(run_path))
    assert f"learned from {images} unlabelled images" in sentence


@pytest.mark.parametrize("name", ["kernels", "spikes"])
def test_figures_become_pictures(whole_run, tmp_path, name):
    path = tmp_path / "new" / f"{name}.png"
    assert save_figure(load_run(whole_run), name, path) == path
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert min(pixels.shape) > 300
    assert pixels.std() > 10


def test_a_figure_that_cannot_be_drawn_leaves_nothing(run_path, tmp_path):
    with h5py.File(run_path / "run.h5", "a") as file:
        del file["test/y_pred"]
    with pytest.raises(ValueError, match=r"to show confusions, got none; train again"):
        save_figure(load_run(run_path), "confusion", tmp_path / "new" / "confusion.png")
    with pytest.raises(ValueError, match=r"[Ff]ormat 'xyz' is not supported"):
        save_figure(load_run(run_path), "kernels", tmp_path / "new" / "kernels.xyz")
    assert not (tmp_path / "new").exists()


def test_unknown_figure_is_named(run_path, tmp_path):
    with pytest.raises(
        ValueError, match=r"^figure must be one of kernels, .*'kernel'$"
    ):
        save_figure(load_run(run_path), "kernel", tmp_path / "x.png")


def test_history_begins_with_the_start(run_path):
    ax = draw_figure(load_run(run_path), "history").axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0", "500", "2,000"]


def test_missing_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none"))):
        write_report(tmp_path / "none")


def test_unfinished_run_is_refused(run_path):
    _edit(run_path, status="running")
    with pytest.raises(
        ValueError, match=r"run: status must be 'finished', got 'running'; go on with"
    ):
        write_report(run_path)


def test_newer_run_is_refused(run_path):
    _edit(run_path, format=99)
    with pytest.raises(ValueError, match=r"format 99.*upgrade stdpnet$"):
        write_report(run_path)


@pytest.mark.parametrize("name", ["run.json", "run.h5"])
@pytest.mark.parametrize("keep", [0, 0.5])
def test_cut_file_is_named_in_one_line(run_path, name, keep):
    file = run_path / name
    content = file.read_bytes()
    file.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(ValueError, match=rf"{name} is damaged") as caught:
        write_report(run_path)
    assert "\n" not in str(caught.value)
    assert not (run_path / "report.html").exists()


def test_spikes_are_shown_beside_the_thresholds_of_all_banks(whole_run):
    axes = draw_figure(load_run(whole_run), "spikes").axes
    labels = ["Spikes per image", "Images", "Threshold"]
    assert [ax.get_ylabel() for ax in axes] == labels
    for ax in (axes[0], axes[2]):
        assert ax.get_xlabel() == "12 maps, in falling order"


def test_label_curve_without_control_is_drawn(run_path):
    with h5py.File(run_path / "run.h5", "a") as file:
        del file["label_curve/control"]
    ax = draw_figure(load_run(run_path), "label_curve").axes[0]
    assert len(ax.texts) == 1


def test_array_of_wrong_shape_is_named_in_one_line(run_path):
    with h5py.File(run_path / "run.h5", "a") as file:
        del file["banks"], file["kernels"]
        file["kernels"] = np.ones((6, 18))
    with pytest.raises(
        ValueError, match=r"run.h5 is damaged, no kernels figure: .*got \(6, 18\)$"
    ):
        write_report(run_path)


def test_damaged_array_is_named_in_one_line(run_path):
    data = np.random.default_rng(0).random((6, 3, 3, 2))
    with h5py.File(run_path / "run.h5", "a") as file:
        del file["kernels"]
        array = file.create_dataset(
            "kernels", data=data, chunks=data.shape, fletcher32=True
        )
        start = array.id.get_chunk_info(0).byte_offset
    content = bytearray((run_path / "run.h5").read_bytes())
    content[start : start + 8] = b"garbage!"
    (run_path / "run.h5").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"run.h5 is damaged: .*; train again$"
    ) as caught:
        write_report(run_path)
    assert "\n" not in str(caught.value)
