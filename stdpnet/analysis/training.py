"""What happened while the network learned: convergence, thresholds, spikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stdpnet.analysis.drawing import (
    INK,
    LEARNED,
    MUTED,
    axes_or_new,
    draw_side_by_side,
    label_at,
    thousands,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Labels of axes.
SHOWN = "Images shown"
SPIKES = "Spikes per image"
THRESHOLD = "Threshold"
#: More maps than this are not drawn one by one.
MANY = 64


def plot_convergence(
    n_shown: np.ndarray,
    convergence: np.ndarray,
    *,
    threshold: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Show how undecided the weights were in the course of learning.

    Parameters
    ----------
    n_shown : ndarray of int, shape (n_snapshots,)
        Images shown until each snapshot.
    convergence : ndarray, shape (n_snapshots,)
        Convergence index, the mean of w (1 - w).
    threshold : float, optional
        Index at which learning stops by itself.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with one line. Not shown or saved.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    n_shown, convergence = _paired(n_shown, convergence, "convergence", 1)
    ax = axes_or_new(ax)
    ax.plot(n_shown, convergence, color=LEARNED, linewidth=2, marker=_marker(n_shown))
    label_at(ax, n_shown[-1], convergence[-1], f"{convergence[-1]:.3f}", colour=LEARNED)
    if threshold is not None:
        ax.axhline(threshold, color=MUTED, linewidth=1, linestyle="--")
        label_at(
            ax,
            n_shown[0],
            threshold,
            f"stops at {threshold:g}",
            offset=(0, 3),
            va="bottom",
        )
    ax.set(xlabel=SHOWN, ylabel="Mean of w (1 - w)", ylim=(0, None))
    thousands(ax.xaxis)
    return tidy(ax)


def plot_per_map(
    values: np.ndarray,
    label: str,
    n_shown: np.ndarray | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Show a quantity of each map, in the course of learning or at its end.

    Parameters
    ----------
    values : ndarray, shape (n_snapshots, n_maps) or (n_maps,)
        For example thresholds, in the unit of the neuron's potential, or mean
        spikes an image.
    label : str
        What the values are.
    n_shown : ndarray of int, shape (n_snapshots,), optional
        Images shown until each snapshot; needed for two axes only.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a line a map, or for more than 64 maps with shades that hold half and
        nine tenths of them; or with a bar a map in falling order and the number of maps
        at zero. Not shown or saved.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    if n_shown is None:
        return _bars(values, label, axes_or_new(ax))
    n_shown, values = _paired(n_shown, values, "values", 2)
    return _lines(n_shown, values, label, axes_or_new(ax))


def _lines(n_shown: np.ndarray, values: np.ndarray, label: str, ax: Axes) -> Axes:
    marker, each = _marker(n_shown), f"{label}, each map"
    if values.shape[1] > MANY:
        each = f"{label}, {values.shape[1]} maps"
        _bands(n_shown, values, ax)
    else:
        alpha = float(np.clip(10 / values.shape[1], 0.15, 0.6))
        ax.plot(
            n_shown, values, color=LEARNED, linewidth=0.8, alpha=alpha, marker=marker
        )
    median = np.median(values, axis=1)
    ax.plot(n_shown, median, color=INK, linewidth=2, marker=marker)
    label_at(ax, n_shown[-1], median[-1], f"median {median[-1]:.3g}")
    ax.set(xlabel=SHOWN, ylabel=each)
    thousands(ax.xaxis)
    return tidy(ax)


def _bands(n_shown: np.ndarray, values: np.ndarray, ax: Axes) -> None:
    """Shade what most maps have: lines of hundreds would hide each other."""
    for share, name, alpha in ((0.9, "90 % of them", 0.25), (0.5, "half", 0.45)):
        ends = np.quantile(values, [0.5 - share / 2, 0.5 + share / 2], axis=1)
        ax.fill_between(n_shown, *ends, color=LEARNED, alpha=alpha, lw=0, label=name)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.3 * (high - low))
    ax.legend(frameon=False, loc="upper left")


def _bars(values: np.ndarray, label: str, ax: Axes) -> Axes:
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(
            f"values without n_shown must have shape (n_maps,), got {values.shape}"
        )
    falling = np.sort(values)[::-1]
    # Bars of thresholds below zero stand on the lowest, not upside down.
    floor = falling[-1] - 0.05 * np.ptp(falling) if falling[0] < 0 else 0
    ax.stairs(falling, fill=True, baseline=floor, color=LEARNED, alpha=0.85)
    median = float(np.median(falling))
    ax.axhline(median, color=INK, linewidth=1, linestyle="--")
    label_at(ax, len(falling), median, f"median {median:.3g}")
    n_zero = int(np.sum(falling == 0))
    if n_zero:
        text = f"{n_zero} at zero"
        label_at(ax, len(falling) - n_zero, 0, text, offset=(0, 4), va="bottom")
    ax.set(xlabel=f"{len(falling)} maps, in falling order", ylabel=label, xticks=[])
    ax.set_xlim(0, len(falling))
    if floor:
        ax.set_ylim(floor, None)
    return tidy(ax)


def plot_curves(
    n_shown: np.ndarray,
    *,
    convergence: np.ndarray | None = None,
    thresholds: np.ndarray | None = None,
    spikes: np.ndarray | None = None,
    figure: Figure | SubFigure | None = None,
) -> Sequence[Axes]:
    """Show the course of learning, one panel for each quantity given.

    Parameters
    ----------
    n_shown : ndarray of int, shape (n_snapshots,)
        Images shown until each snapshot.
    convergence : ndarray, shape (n_snapshots,), optional
        Mean of w (1 - w), see `plot_convergence`.
    thresholds, spikes : ndarray, shape (n_snapshots, n_maps), optional
        Threshold and mean spikes an image of each map.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Where to draw; default is a new figure.

    Returns
    -------
    sequence of matplotlib.axes.Axes
        One a panel, in the order of the parameters. Not shown or saved.

    Raises
    ------
    ValueError
        If there is nothing to show, or shapes disagree.
    """
    panels: list[Any] = []
    if convergence is not None:
        panels.append(lambda ax: plot_convergence(n_shown, convergence, ax=ax))
    if thresholds is not None:
        panels.append(lambda ax: plot_per_map(thresholds, THRESHOLD, n_shown, ax=ax))
    if spikes is not None:
        panels.append(lambda ax: plot_per_map(spikes, SPIKES, n_shown, ax=ax))
    if not panels:
        raise ValueError(
            "plot_curves must be given convergence, thresholds or spikes, got none"
        )
    return draw_side_by_side(panels, figure)


def _paired(
    n_shown: np.ndarray, values: np.ndarray, name: str, n_axes: int
) -> tuple[np.ndarray, np.ndarray]:
    n_shown, values = np.asarray(n_shown), np.asarray(values, dtype=float)
    fits = values.ndim == n_axes and values.shape[:1] == n_shown.shape
    if not fits or values.size == 0:
        shape = "(n_snapshots,)" if n_axes == 1 else "(n_snapshots, n_maps)"
        raise ValueError(
            f"{name} must have shape {shape} and n_shown (n_snapshots,), "
            f"got {values.shape} and {n_shown.shape}"
        )
    return n_shown, values


def _marker(n_shown: np.ndarray) -> str:
    # A line of one point would not be seen.
    return "o" if len(n_shown) == 1 else ""
