"""The figures of a run: which arrays go into which plot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stdpnet.analysis.compression import compressed_banks, is_compressed, is_dense
from stdpnet.analysis.compression_plots import plot_compression
from stdpnet.analysis.drawing import (
    INK,
    TEXT_SIZE,
    draw_side_by_side,
    new_figure,
    save_drawing,
)
from stdpnet.analysis.kernel_plots import (
    mosaic_size,
    plot_kernel_history,
    plot_kernels,
    plot_weight_histogram,
)
from stdpnet.analysis.kernels import kernel_images, tile
from stdpnet.analysis.patches import draw_patches, has_layers
from stdpnet.analysis.raster import plot_example, plot_spikes_per_example
from stdpnet.analysis.readout import confusion, plot_confusion, plot_label_curve
from stdpnet.analysis.receptive_fields import (
    FIELDS_WIDTH,
    field_height,
    labels_of_banks,
    plot_receptive_fields,
)
from stdpnet.analysis.recorded import MissingArraysError, Run
from stdpnet.analysis.senses import draw_accuracies, draw_recall, has_senses
from stdpnet.analysis.training import SPIKES, THRESHOLD, plot_curves, plot_per_map
from stdpnet.runs import RunError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_kernels(run: Run) -> Figure:
    """Draw the kernels of all banks, one mosaic a bank; of upper layers, what they prefer."""
    run.need("kernels", "kernels")
    banks = run.banks or ("",)
    kernels = [_bank_pictures(run, bank) for bank in banks]
    sizes = [
        mosaic_size(tile(kernel_images(bank_kernels, run.channels(bank))))
        for bank, bank_kernels in zip(banks, kernels, strict=True)
    ]
    heights = [height for _, height in sizes]
    figure = new_figure(9.6, sum(heights) + 0.3 * len(banks))
    axes = figure.subplots(len(banks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, bank, bank_kernels in zip(axes, banks, kernels, strict=True):
        plot_kernels(bank_kernels, run.channels(bank), ax=ax)
        if len(banks) > 1:
            upper = bank != banks[0] and run.bank_array(bank, "preferred") is not None
            title = f"{bank}, through the kernels below" if upper else bank
            ax.set_title(title, loc="left", color=INK, fontsize=10)
    return figure


def _bank_pictures(run: Run, bank: str) -> np.ndarray:
    preferred = run.bank_array(bank, "preferred")
    return _bank_kernels(run, bank) if preferred is None else preferred


def _bank_kernels(run: Run, bank: str) -> np.ndarray:
    kernels = run.bank_array(bank, "kernels")
    return run.need(f"banks/{bank}/kernels", "kernels") if kernels is None else kernels


def draw_receptive_fields(run: Run) -> Figure:
    """Draw the receptive fields of all neurons, one square a bank."""
    run.need("kernels", "receptive fields")
    banks = run.banks or ("",)
    kernels = [_bank_kernels(run, bank) for bank in banks]
    labels = labels_of_banks(run.array("test/neuron_labels"), kernels)
    heights = [field_height(fields) for fields in kernels]
    figure = new_figure(FIELDS_WIDTH, sum(heights))
    axes = figure.subplots(len(banks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, bank, fields, of_bank in zip(axes, banks, kernels, labels, strict=True):
        plot_receptive_fields(
            fields, run.channels(bank), labels=of_bank, class_names=run.classes, ax=ax
        )
        if len(banks) > 1:
            title = f"{bank}: {ax.get_title()}".removesuffix(": ")
            ax.set_title(title, color=INK, fontsize=TEXT_SIZE)
    return figure


def draw_compression(run: Run) -> Figure:
    """Draw what compression left of each bank, one row of panels a bank."""
    found = compressed_banks(run)
    figure = new_figure(9.6, 3.0 * len(found))
    parts = figure.subfigures(len(found), 1, squeeze=False)[:, 0]
    for part, (bank, cost) in zip(parts, found.items(), strict=True):
        plot_compression(cost, figure=part)
        if len(run.banks) > 1:
            part.suptitle(bank, color=INK, fontsize=10)
    return figure


def draw_history(run: Run) -> Figure:
    """Draw how a few kernels of the first bank came about."""
    what = "how kernels came about"
    bank = _banks(run, what)[0]
    history = run.need(f"banks/{bank}/history/kernels", what)
    n_shown = run.need(f"banks/{bank}/history/kernels_shown", what)
    initial = run.bank_array(bank, "initial_kernels")
    if initial is not None and (not len(n_shown) or n_shown[0] > 0):
        shown = initial[: history.shape[1]]  # a history may have only some of them
        history = np.concatenate([shown[np.newaxis], history])
        n_shown = np.concatenate([[0], n_shown])
    figure = new_figure(4.6, 3.4)
    plot_kernel_history(history, n_shown, run.channels(bank), ax=figure.add_subplot())
    return figure


def draw_weights(run: Run) -> Figure:
    """Draw the distribution of the first bank's weights."""
    run.need("kernels", "the distribution of weights")
    bank = next(iter(run.banks), "")
    figure = new_figure(4.6, 3.0)
    initial = run.bank_array(bank, "initial_kernels")
    plot_weight_histogram(_bank_kernels(run, bank), initial, ax=figure.add_subplot())
    return figure


def draw_curves(run: Run) -> Figure:
    """Draw the course of learning, one row of panels a bank."""
    what = "the course of learning"
    banks = _banks(run, what)
    figure = new_figure(9.6, 2.7 * len(banks))
    parts = figure.subfigures(len(banks), 1, squeeze=False)[:, 0]
    for part, bank in zip(parts, banks, strict=True):
        plot_curves(
            run.need(f"banks/{bank}/history/n_shown", what),
            convergence=run.bank_array(bank, "history/convergence"),
            thresholds=run.bank_array(bank, "history/thresholds"),
            spikes=run.bank_array(bank, "history/spikes"),
            figure=part,
        )
        if len(banks) > 1:
            part.suptitle(bank, color=INK, fontsize=10)
    return figure


def _banks(run: Run, what: str) -> tuple[str, ...]:
    """Return the names of the banks; there must be one to show `what`."""
    banks = run.banks
    if not banks:
        run.need("banks", what)
    return banks


def draw_confusion(run: Run) -> Figure:
    """Draw which classes of the test images were mistaken for which."""
    y_true = run.need("test/y_true", "confusions")
    y_pred = run.need("test/y_pred", "confusions")
    n_classes = len(run.classes) or int(max(y_true.max(), y_pred.max())) + 1
    figure = new_figure(4.6, 4.3)
    matrix = confusion(y_true, y_pred, n_classes)
    plot_confusion(matrix, run.classes, ax=figure.add_subplot())
    return figure


def draw_spikes(run: Run) -> Figure:
    """Draw the spikes of the test images, and the thresholds that shape them."""
    panels: list[Callable[[Any], Any]] = []
    per_map = run.array("test/spikes_per_map")
    per_example = run.array("test/spikes_per_example")
    if per_map is not None:
        panels.append(lambda ax: plot_per_map(per_map, SPIKES, ax=ax))
    if per_example is not None:
        panels.append(lambda ax: plot_spikes_per_example(per_example, ax=ax))
    if not panels:
        run.need("test/spikes_per_map", "spikes")
    of_banks = [run.bank_array(bank, "thresholds") for bank in run.banks]
    thresholds = [values for values in of_banks if values is not None]
    if thresholds:
        each = np.concatenate(thresholds)
        panels.append(lambda ax: plot_per_map(each, THRESHOLD, ax=ax))
    figure = new_figure(3.2 * len(panels), 2.7)
    draw_side_by_side(panels, figure)
    return figure


def draw_example(run: Run) -> Figure:
    """Draw one test image with the spikes that it causes."""
    names = ("image", "inputs", "input_shape", "features", "feature_shape")
    image, inputs, input_shape, features, feature_shape = (
        run.need(f"raster/{name}", "the spikes of an image") for name in names
    )
    figure = new_figure(9.6, 2.9)
    plot_example(
        image,
        inputs,
        _shape(input_shape),
        features,
        _shape(feature_shape),
        channels=run.channels(),
        title=_label_text(run),
        figure=figure,
    )
    return figure


def _shape(values: np.ndarray) -> tuple[int, int, int]:
    height, width, n_groups = (int(value) for value in values)
    return height, width, n_groups


def _label_text(run: Run) -> str:
    label = run.array("raster/label")
    if label is None:
        return ""
    known = 0 <= int(label) < len(run.classes)
    return f"true class: {run.classes[int(label)] if known else int(label)}"


def draw_label_curve(run: Run) -> Figure:
    """Draw accuracy against the number of labelled images."""
    what = "accuracy against the number of labels"
    figure = new_figure(4.6, 3.2)
    plot_label_curve(
        run.need("label_curve/n_labels", what),
        run.need("label_curve/accuracy", what),
        run.array("label_curve/control"),
        ax=figure.add_subplot(),
    )
    return figure


@dataclass(frozen=True)
class RunFigure:
    """A figure that a run may have.

    Parameters
    ----------
    draw : callable
        Makes the figure of a `Run`; raises `MissingArraysError` if it cannot.
    caption : str
        One line for the reader.
    wide : bool
        Whether it needs the width of the page.
    suits : callable
        Says whether a report shows it of a `Run`.
    """

    draw: Callable[[Run], Figure]
    caption: str
    wide: bool = False
    suits: Callable[[Run], bool] = lambda run: True


FIGURES: dict[str, RunFigure] = {
    "kernels": RunFigure(
        draw_kernels,
        "Learned kernels: what makes each map spike.",
        wide=True,
        suits=lambda run: not is_dense(run),
    ),
    "receptive-fields": RunFigure(
        draw_receptive_fields,
        "Receptive fields of the neurons, in the order of the class that each was "
        "labelled with.",
        wide=True,
        suits=is_dense,
    ),
    "senses": RunFigure(
        draw_accuracies,
        "Test pairs recognized with both senses or one alone: connections that learned "
        "(joined), none (not joined), and the same weights in another order (shuffled).",
        suits=has_senses,
    ),
    "recall": RunFigure(
        draw_recall,
        "What one sense evokes in the other: receptive fields, weighted by what the "
        "learned connections deliver.",
        wide=True,
        suits=has_senses,
    ),
    "patches": RunFigure(
        draw_patches,
        "Patches of images at which maps of each layer spike first, one map a row of a "
        "column.",
        wide=True,
        suits=has_layers,
    ),
    "curves": RunFigure(
        draw_curves,
        "Course of learning: how undecided the weights are, thresholds, spikes.",
        wide=True,
    ),
    "history": RunFigure(draw_history, "How kernels came about, one a row."),
    "weights": RunFigure(draw_weights, "Distribution of the weights."),
    "compression": RunFigure(
        draw_compression,
        "Compression: synapses left, their weights, and what an image costs.",
        wide=True,
        suits=is_compressed,
    ),
    "confusion": RunFigure(
        draw_confusion,
        "Test images by true and predicted class; colour is the share mistaken.",
    ),
    "label_curve": RunFigure(
        draw_label_curve,
        "Accuracy against labelled images; a dot is a draw of labels.",
        suits=lambda run: not has_senses(run),
    ),
    "spikes": RunFigure(
        draw_spikes, "Spikes of the test images; thresholds at the end.", wide=True
    ),
    "example": RunFigure(
        draw_example,
        "One test image: its input spikes, and the spikes of the maps.",
        wide=True,
    ),
}


def draw_figure(run: Run, name: str) -> Figure:
    """Draw one figure of a run.

    Parameters
    ----------
    run : Run
        From `load_run`.
    name : str
        Key of `FIGURES`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingArraysError
        If the run did not record what the figure shows.
    RunError
        If what it recorded has a wrong shape.
    ValueError
        If there is no such figure.
    """
    if name not in FIGURES:
        known = ", ".join(FIGURES)
        raise ValueError(f"figure must be one of {known}, got {name!r}")
    try:
        return FIGURES[name].draw(run)
    except (MissingArraysError, RunError):
        raise
    except (ValueError, TypeError, IndexError) as error:
        file = run.path / "run.h5"
        raise RunError(f"{file} is damaged, no {name} figure: {error}") from error


def save_figure(run: Run, name: str, path: Path | str) -> Path:
    """Draw one figure of a run into a file, which appears when it is complete.

    Parameters
    ----------
    run : Run
        From `load_run`.
    name : str
        Key of `FIGURES`.
    path : path
        File to write, replaced if it exists; its ending says the format. Its
        folder is made if there is none.

    Returns
    -------
    pathlib.Path
        `path`.

    Raises
    ------
    ValueError
        If there is no such figure, the run did not record what it shows, or
        the ending is not known.
    """
    return save_drawing(draw_figure(run, name), path)
