"""Figures of a sweep that show several parameters at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stdpnet.analysis.drawing import INK, MUTED, new_figure, tidy
from stdpnet.sweep.axes import (
    WIDE,
    heights_of,
    label,
    names,
    scale,
    set_axis,
    short,
    to_unit,
    unit_places,
)
from stdpnet.sweep.objectives import objective
from stdpnet.sweep.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Trials from which on lines of equal value are drawn between the points.
ENOUGH = 8

Places = tuple[np.ndarray, np.ndarray]


def most_important(results: Results) -> list[str]:
    """Return the parameters, those that matter most first."""
    keys = list(results.definition.space.parameters)
    return sorted(keys, key=lambda key: -results.importance.get(key, 0.0))


def draw_map(results: Results) -> Figure:
    """Draw the objective over the two parameters that matter most.

    A cell for each pair of values where there are few, else a point for each trial and
    lines of equal value between them.
    """
    across, up = keys = most_important(results)[:2]
    places = results.axis(across), results.axis(up)
    figure = new_figure(4.6, 3.4)
    ax = figure.add_subplot()
    n_cells = np.prod([len(np.unique(values)) for values in places])
    draw = _cells if n_cells <= 2 * len(places[0]) else _contours
    drawn = draw(ax, results, keys, places)
    ax.set(xlabel=label(results, across), ylabel=label(results, up))
    tidy(ax)
    figure.colorbar(drawn, ax=ax, label=scale(results)[1])
    return figure


def _cells(ax: Axes, results: Results, keys: list[str], places: Places) -> Any:
    (x, y), heights = places, heights_of(results, results.complete)
    columns, rows = np.unique(x), np.unique(y)
    sums, counts = np.zeros((2, len(rows), len(columns)))
    place = np.searchsorted(rows, y), np.searchsorted(columns, x)
    np.add.at(sums, place, heights)
    np.add.at(counts, place, 1)
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    drawn = ax.imshow(means, origin="lower", aspect="auto", cmap="viridis")
    middle = np.nanmean([np.nanmin(means), np.nanmax(means)])
    for (row, column), mean in np.ndenumerate(means):
        if np.isfinite(mean):
            colour = "white" if mean < middle else "black"
            ax.text(column, row, f"{mean:.3g}", ha="center", va="center", color=colour)
    for axis, key, values in ((ax.xaxis, keys[0], columns), (ax.yaxis, keys[1], rows)):
        axis.set_ticks(range(len(values)), names(results, key, values))
    return drawn


def _contours(ax: Axes, results: Results, keys: list[str], places: Places) -> Any:
    (x, y), heights = places, heights_of(results, results.complete)
    set_axis(results, keys[0], ax.xaxis, ax.set_xscale)
    set_axis(results, keys[1], ax.yaxis, ax.set_yscale)
    apart = len(np.unique(x)) > 2 and len(np.unique(y)) > 2 and np.ptp(heights) > 0
    if len(x) >= ENOUGH and apart:
        drawn = [unit_places(results, key) for key in keys]
        settings: dict[str, Any] = {"levels": 10, "cmap": "viridis", "alpha": 0.6}
        ax.tricontourf(_joined(x, y, *drawn), heights, **settings)
    return ax.scatter(x, y, c=heights, cmap="viridis", edgecolors=INK, linewidths=0.5)


def _joined(x: np.ndarray, y: np.ndarray, across: np.ndarray, up: np.ndarray) -> Any:
    """Return triangles between points that are well shaped where these are drawn."""
    from matplotlib.tri import Triangulation

    return Triangulation(x, y, Triangulation(across, up).triangles)


def draw_parallel(results: Results) -> Figure:
    """Draw each trial as a line through the values of all its parameters."""
    from matplotlib import colormaps

    keys, trials = list(results.definition.space.parameters), results.complete
    figure = new_figure(WIDE, 3.0)
    ax = figure.add_subplot()
    heights = heights_of(results, trials)
    places = np.stack([*(unit_places(results, key) for key in keys), to_unit(heights)])
    order = np.argsort(heights * objective(results.first).sign)
    colours = colormaps["viridis"](to_unit(heights))
    for line in order:
        ax.plot(places[:, line], color=colours[line], alpha=0.7)
    for x, values in enumerate([*(results.axis(key) for key in keys), heights]):
        ax.axvline(x, color=MUTED, linewidth=0.6)
        ends = [f"{end:.4g}" for end in (values.min(), values.max())]
        if x < len(keys):
            ends = names(results, keys[x], np.array([values.min(), values.max()]))
        for y, name, va in zip((0, 1), ends, ("top", "bottom"), strict=True):
            ax.text(
                x,
                y + 0.04 * (2 * y - 1),
                name,
                ha="center",
                va=va,
                fontsize=8,
                color=INK,
            )
    ax.set_xticks(range(len(keys) + 1), [*map(short, keys), results.first])
    ax.set(yticks=[], ylim=(-0.15, 1.15))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelcolor=INK, labelsize=9)
    return figure
