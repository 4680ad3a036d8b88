"""Pictures of compression: synapses left, their weights, what that saves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis.compression import BankCost, Saving, savings
from stdpnet.analysis.drawing import (
    CONTROL,
    LEARNED,
    MUTED,
    axes_or_new,
    label_at,
    new_figure,
    thousands,
    tidy,
)
from stdpnet.analysis.kernels import weight_histogram
from stdpnet.analysis.training import SHOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


def plot_connectivity(
    n_shown: np.ndarray, connectivity: np.ndarray, *, ax: Axes | None = None
) -> Axes:
    """Show how many synapses were left in the course of learning.

    Parameters
    ----------
    n_shown : ndarray of int, shape (n_chunks,)
        Images shown until each chunk's end.
    connectivity : ndarray, shape (n_chunks,)
        Share of the synapses that was left then, between 0 and 1.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with one line in percent, from all synapses on. Not shown or saved.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    n_shown, connectivity = np.asarray(n_shown), np.asarray(connectivity, dtype=float)
    if n_shown.ndim != 1 or n_shown.shape != connectivity.shape or not n_shown.size:
        raise ValueError(
            "n_shown and connectivity must have one shape (n_chunks,), got "
            f"{n_shown.shape} and {connectivity.shape}"
        )
    ax = axes_or_new(ax)
    times, percent = np.append(0, n_shown), 100 * np.append(1, connectivity)
    ax.plot(times, percent, color=LEARNED, linewidth=2, drawstyle="steps-post")
    end = f"{percent[-1]:.3g} %"
    label_at(
        ax,
        times[-1],
        percent[-1],
        end,
        colour=LEARNED,
        offset=(0, 4),
        ha="right",
        va="bottom",
    )
    ax.set(xlabel=SHOWN, ylabel="% of synapses left", ylim=(0, 104))
    ax.set_xlim(0, None)
    thousands(ax.xaxis)
    return tidy(ax)


def plot_levels(
    weights: np.ndarray,
    levels: np.ndarray | None = None,
    *,
    bins: int = 40,
    ax: Axes | None = None,
) -> Axes:
    """Show how the weights that are left are distributed, and their levels.

    Parameters
    ----------
    weights : ndarray, any shape
        Weights that are left.
    levels : ndarray, shape (n_levels,), optional
        What weights were rounded to.
    bins : int
        Number of bins, if not all weights are on levels.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a bar a level, or a histogram with a mark a level; in percent. Not
        shown or saved.

    Raises
    ------
    ValueError
        If there is no weight, or `bins` is not positive.
    """
    weights = np.asarray(weights).ravel()
    share, edges = weight_histogram(weights, bins)
    ax, top = axes_or_new(ax), float(weights.max())
    if levels is None or not np.isin(weights, levels).all():
        ax.stairs(100 * share, edges, fill=True, color=LEARNED, alpha=0.85)
    else:
        share = np.array([np.mean(weights == level) for level in levels])
        ax.vlines(levels, 0, 100 * share, color=LEARNED, linewidth=2.5)
    ax.set(xlabel="Weight", ylabel="% of the synapses left", ylim=(0, None))
    if levels is not None:
        top = max(top, float(np.max(levels)))
        _mark_levels(ax, levels)
    ax.set_xlim(min(0.0, float(weights.min())), 1.05 * top or 1.0)
    return tidy(ax)


def _mark_levels(ax: Axes, levels: np.ndarray) -> None:
    """Draw a tick a level above the data, and say how many there are."""
    high = 1.06 * ax.get_ylim()[1]
    ax.plot(levels, np.full(len(levels), high), "|", color=CONTROL, markersize=5)
    ax.set_ylim(0, 1.04 * high)
    n = len(levels)
    text = f"{n} level" + "s" * (n != 1)
    middle, offset = (levels.min() + levels.max()) / 2, (0, 4)
    label_at(
        ax, middle, high, text, colour=CONTROL, offset=offset, ha="center", va="bottom"
    )


def plot_savings(found: Sequence[Saving], *, ax: Axes | None = None) -> Axes:
    """Show what is needed after compression, of what was needed before.

    Parameters
    ----------
    found : sequence of Saving
        Quantities before and after, from `savings`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a bar a quantity in percent, values above it. Not shown or saved.
    """
    ax = axes_or_new(ax)
    for row, saving in enumerate(found):
        _bar(ax, row, saving)
    ax.set(xlabel="% of what it was before", yticks=[], xlim=(0, 100))
    ax.set_ylim(len(found) - 0.6, -0.7)
    tidy(ax).spines["left"].set_visible(False)
    return ax


def _bar(ax: Axes, row: int, saving: Saving) -> None:
    """Draw one quantity, its name and its values above the bar."""
    percent = 100 * saving.after / saving.before if saving.before else 100.0
    ax.barh(row, 100, 0.34, color=MUTED, alpha=0.25)
    ax.barh(row, percent, 0.34, color=LEARNED, alpha=0.85)
    values = [saving.shown(saving.before), saving.shown(saving.after)]
    text = " → ".join(dict.fromkeys(values))
    above = row - 0.17
    label_at(ax, 0, above, saving.name, offset=(0, 2), va="bottom")
    label_at(ax, 100, above, text, offset=(0, 2), ha="right", va="bottom")
    label_at(ax, min(percent, 100), row, saving.ratio, colour=LEARNED, offset=(4, -1))


def plot_compression(
    cost: BankCost, *, figure: Figure | SubFigure | None = None
) -> list[Axes]:
    """Show what compression left of a bank, and what that saves.

    Parameters
    ----------
    cost : BankCost
        From `compressed_banks`.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Where to draw; default is a new figure.

    Returns
    -------
    list of matplotlib.axes.Axes
        Synapses left if any were pruned, weights, savings. Not shown or saved.
    """
    figure = figure or new_figure(9.6, 3.4)
    panels: list[Callable[[Axes], Axes]] = [
        lambda ax: plot_levels(cost.weights, cost.levels, ax=ax),
        lambda ax: plot_savings(savings(cost), ax=ax),
    ]
    shown, connectivity = cost.n_shown, cost.connectivity
    if shown is not None and connectivity is not None:
        panels.insert(0, lambda ax: plot_connectivity(shown, connectivity, ax=ax))
    widths = [1.0] * (len(panels) - 1) + [1.5]
    axes = figure.subplots(1, len(panels), width_ratios=widths)
    return [draw(ax) for draw, ax in zip(panels, axes, strict=True)]
