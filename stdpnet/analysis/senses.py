"""What several senses tell alone and together, and what one evokes in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis.drawing import (
    CONTROL,
    INK,
    LEARNED,
    MUTED,
    TEXT_SIZE,
    axes_or_new,
    label_at,
    new_figure,
    no_axes,
    tidy,
)
from stdpnet.analysis.recorded import MissingArraysError, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Inches that a bar, and a picture of what is recalled, are high.
BAR_HEIGHT, PICTURE_HEIGHT = 0.3, 0.95


def has_senses(run: Run) -> bool:
    """Say whether a run is of a network of several modalities."""
    return "modalities" in (run.record.get("spec") or {})


def plot_accuracies(accuracies: Mapping[str, float], *, ax: Axes | None = None) -> Axes:
    """Show what is recognized with which modalities and connections.

    Parameters
    ----------
    accuracies : dict of float
        Share of test examples that were right, by what was given; the first is the
        one that matters, names that end with ``shuffled`` are controls.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a bar each. Not shown or saved.

    Raises
    ------
    ValueError
        If there is nothing to show.
    """
    if not accuracies:
        raise ValueError("accuracies must have one or more entries, got none")
    ax = axes_or_new(ax, 6.4, BAR_HEIGHT * len(accuracies) + 0.5)
    names, values = list(accuracies), 100 * np.array(list(accuracies.values()))
    colours = [CONTROL if name.endswith("shuffled") else MUTED for name in names]
    colours[0] = LEARNED
    ax.barh(names, values, color=colours, alpha=0.85, height=0.7)
    for row, value in enumerate(values):
        label_at(ax, value, row, f"{value:.1f} %", colour=INK)
    ax.invert_yaxis()
    ax.set(xlabel="Accuracy (%)", xlim=(0, 112), xticks=range(0, 101, 20))
    tidy(ax)
    ax.tick_params(axis="y", length=0)
    return ax


def plot_recall(
    shown: np.ndarray,
    recalled: np.ndarray,
    names: tuple[str, str],
    labels: Sequence[str] = (),
    *,
    figure: Figure | SubFigure | None = None,
) -> Sequence[Axes]:
    """Show examples of one modality, and below them what they evoke in another.

    Parameters
    ----------
    shown : ndarray, shape (n, height, width[, channels])
        What was given; of several channels the mean is drawn.
    recalled : ndarray, shape (n, height, width, channels)
        Expected receptive fields (`MultimodalSTDP.recall`).
    names : tuple of str
        Names of the two modalities.
    labels : sequence of str
        What each example is.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Where to draw; default is a new figure.

    Returns
    -------
    sequence of matplotlib.axes.Axes
        Those of the upper row, then those of the lower. Not shown or saved.

    Raises
    ------
    ValueError
        If there are not equally many of both.
    """
    if len(shown) != len(recalled) or not len(shown):
        raise ValueError(
            "shown and recalled must have equally many examples, one or more, got "
            f"{len(shown)} and {len(recalled)}"
        )
    figure = figure or new_figure(9.6, 2 * PICTURE_HEIGHT)
    axes = figure.subplots(2, len(shown), squeeze=False)
    rows = (shown, f"{names[0]}\ngiven"), (recalled, f"{names[1]}\nevoked")
    for row, (pictures, title) in zip(axes, rows, strict=True):
        for ax, picture in zip(row, pictures, strict=True):
            ax.imshow(_flat(picture), cmap="gray_r", aspect="auto")
            no_axes(ax)
        row[0].set_ylabel(title, color=INK, fontsize=TEXT_SIZE)
    for ax, label in zip(axes[0], labels, strict=False):
        ax.set_title(label, color=INK, fontsize=TEXT_SIZE)
    return list(axes.ravel())


def _flat(picture: np.ndarray) -> np.ndarray:
    return picture.mean(axis=-1) if picture.ndim == 3 else picture


def draw_accuracies(run: Run) -> Figure:
    """Draw what is recognized with which modalities and connections."""
    accuracies = run.metrics.get("accuracies")
    if not accuracies:
        raise MissingArraysError(
            f"{run.path / 'run.json'} must have metrics.accuracies to show what each "
            "sense tells, got none; train a network of several modalities"
        )
    figure = new_figure(6.4, BAR_HEIGHT * len(accuracies) + 0.5)
    plot_accuracies(accuracies, ax=figure.add_subplot())
    return figure


def draw_recall(run: Run) -> Figure:
    """Draw what each modality evokes in the others, an example of each class."""
    with run.arrays() as file:
        pairs = [
            (source, target)
            for source in file.get("recall", ())
            for target in file[f"recall/{source}"]
        ]
    if not pairs:
        run.need("recall", "what one sense evokes in another")
    figure = new_figure(9.6, 2 * PICTURE_HEIGHT * len(pairs))
    parts = figure.subfigures(len(pairs), 1, squeeze=False)[:, 0]
    for part, (source, target) in zip(parts, pairs, strict=True):
        where, what = f"recall/{source}/{target}", "what is recalled"
        labels = run.need(f"{where}/label", what)
        plot_recall(
            run.need(f"{where}/shown", what),
            run.need(f"{where}/recalled", what),
            (source, target),
            [run.classes[int(label)] for label in labels],
            figure=part,
        )
    return figure
