"""Figures of a sweep: which values were good, which parameters matter, what was learned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stdpnet.analysis import load_run
from stdpnet.analysis.drawing import CONTROL, INK, LEARNED, MUTED, new_figure, tidy
from stdpnet.analysis.kernel_plots import plot_kernels
from stdpnet.sweep.objectives import objective
from stdpnet.sweep.results import Results, TrialResult
from stdpnet.sweep.space import Choices

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"best": LEARNED, "median": MUTED, "worst": CONTROL}
#: Trials shown one by one at most, and kernels of each example.
RANKED, KERNELS = 20, 25
#: Width of a figure that takes the whole width of a page, in inches.
WIDE = 9.6
#: Trials from which on lines of equal value are drawn between the points.
ENOUGH = 8


def short(key: str) -> str:
    """Return a parameter without its section."""
    return key.partition(".")[2]


def _scale(results: Results) -> tuple[float, str]:
    """Return the factor and the label of the first objective on an axis."""
    if results.first in ("accuracy", "connectivity"):
        return 100.0, f"{results.first.capitalize()} (%)"
    return 1.0, results.first.capitalize()


def _heights(results: Results, trials: list[TrialResult]) -> np.ndarray:
    factor, _ = _scale(results)
    return factor * np.array([trial.mean(results.first) for trial in trials])


def _errors(results: Results, trials: list[TrialResult]) -> np.ndarray:
    factor, _ = _scale(results)
    return factor * np.array([trial.deviation(results.first) for trial in trials])


def draw_history(results: Results) -> Figure:
    """Draw each trial in its turn, and the best until then."""
    figure = new_figure(4.6, 3.0)
    ax, trials = figure.add_subplot(), results.complete
    numbers, heights = [trial.number for trial in trials], _heights(results, trials)
    sign = objective(results.first).sign
    best = sign * np.maximum.accumulate(sign * heights)
    ax.errorbar(numbers, heights, _errors(results, trials), fmt="o", ms=4, color=MUTED)
    ax.step(numbers, best, where="post", color=LEARNED)
    ax.set(xlabel="Trial", ylabel=_scale(results)[1])
    tidy(ax)
    return figure


def draw_ranking(results: Results) -> Figure:
    """Draw the best trials one by one: every seed a point, mean and deviation a bar."""
    trials = results.ranked[:RANKED]
    figure = new_figure(4.6, 1.0 + 0.2 * len(trials))
    ax, rows = figure.add_subplot(), np.arange(len(trials))
    factor, label = _scale(results)
    for row, trial in zip(rows, trials, strict=True):
        values = factor * trial.values(results.first)
        ax.plot(values, np.full(len(values), row), ".", color=MUTED)
    ax.errorbar(
        _heights(results, trials),
        rows,
        xerr=_errors(results, trials),
        fmt="|",
        color=LEARNED,
        capsize=2,
    )
    ax.set_yticks(rows, [str(trial.number) for trial in trials])
    ax.invert_yaxis()
    ax.set(xlabel=label, ylabel="Trial")
    tidy(ax)
    return figure


def draw_importance(results: Results) -> Figure:
    """Draw which share of the variance each parameter has."""
    shares = sorted(results.importance.items(), key=lambda pair: pair[1])
    figure = new_figure(4.6, 1.0 + 0.3 * len(shares))
    ax = figure.add_subplot()
    ax.barh([key for key, _ in shares], [share for _, share in shares], color=LEARNED)
    ax.set(xlabel="Importance", xlim=(0, 1))
    tidy(ax)
    return figure


def _set_axis(results: Results, key: str, axis: Any, set_scale: Callable[[str], Any]) -> None:
    """Give an axis the scale of a parameter, or the names of its choices."""
    values = results.definition.space.parameters[key]
    if isinstance(values, Choices):
        axis.set_ticks(range(len(values.values)), list(values.values))
    elif results.is_log(key):
        set_scale("log")
        _few_ticks(axis)


def _few_ticks(axis: Any) -> None:
    """Write so few numbers on a logarithmic axis that they fit side by side."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=6))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _label(results: Results, key: str) -> str:
    unit = getattr(results.definition.space.parameters[key], "unit", "")
    return f"{short(key)} ({unit})" if unit else short(key)


def draw_slices(results: Results) -> Figure:
    """Draw the objective against each parameter alone; bars are the spread of seeds."""
    keys, trials = list(results.definition.space.parameters), results.complete
    columns = max(min(len(keys), 3), 2)
    rows = math.ceil(len(keys) / columns)
    figure = new_figure(WIDE, 2.6 * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    heights, errors = _heights(results, trials), _errors(results, trials)
    for ax, key in zip(axes[: len(keys)], keys, strict=True):
        ax.errorbar(
            results.axis(key), heights, errors, fmt="o", ms=4, color=LEARNED, alpha=0.8
        )
        _set_axis(results, key, ax.xaxis, ax.set_xscale)
        ax.set_xlabel(_label(results, key))
        tidy(ax)
    for ax in axes[len(keys) :]:
        ax.remove()
    for row in range(rows):
        axes[row * columns].set_ylabel(_scale(results)[1])
    return figure


def most_important(results: Results) -> list[str]:
    """Return the parameters, those that matter most first."""
    keys = list(results.definition.space.parameters)
    return sorted(keys, key=lambda key: -results.importance.get(key, 0.0))


def draw_map(results: Results) -> Figure:
    """Draw the objective over the two parameters that matter most.

    A cell for each pair of values where there are few, else a point for each trial and
    lines of equal value between them.
    """
    across, up = most_important(results)[:2]
    x, y, heights = results.axis(across), results.axis(up), _heights(
        results, results.complete
    )
    figure = new_figure(4.6, 3.4)
    ax = figure.add_subplot()
    n_cells = len(np.unique(x)) * len(np.unique(y))
    drawn = (
        _cells(ax, results, (across, up), x, y, heights)
        if n_cells <= 2 * len(x)
        else _contours(ax, results, (across, up), x, y, heights)
    )
    ax.set(xlabel=_label(results, across), ylabel=_label(results, up))
    tidy(ax)
    figure.colorbar(drawn, ax=ax, label=_scale(results)[1])
    return figure


def _cells(
    ax: Axes,
    results: Results,
    keys: tuple[str, str],
    x: np.ndarray,
    y: np.ndarray,
    heights: np.ndarray,
) -> Any:
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
        axis.set_ticks(range(len(values)), _names(results, key, values))
    return drawn


def _names(results: Results, key: str, values: np.ndarray) -> list[str]:
    known = results.definition.space.parameters[key]
    if isinstance(known, Choices):
        return [known.values[int(value)] for value in values]
    return [f"{value:.4g}" for value in values]


def _contours(
    ax: Axes,
    results: Results,
    keys: tuple[str, str],
    x: np.ndarray,
    y: np.ndarray,
    heights: np.ndarray,
) -> Any:
    _set_axis(results, keys[0], ax.xaxis, ax.set_xscale)
    _set_axis(results, keys[1], ax.yaxis, ax.set_yscale)
    apart = len(np.unique(x)) > 2 and len(np.unique(y)) > 2 and np.ptp(heights) > 0
    if len(x) >= ENOUGH and apart:
        flat = [
            np.log(values) if results.is_log(key) else values
            for key, values in zip(keys, (x, y), strict=True)
        ]
        with np.errstate(all="ignore"):
            triangles = _triangulation(*flat, x, y)
        ax.tricontourf(triangles, heights, levels=10, cmap="viridis", alpha=0.6)
    return ax.scatter(x, y, c=heights, cmap="viridis", edgecolors=INK, linewidths=0.5)


def _triangulation(u: np.ndarray, v: np.ndarray, x: np.ndarray, y: np.ndarray) -> Any:
    """Return triangles that are well shaped as drawn, between points as they are."""
    from matplotlib.tri import Triangulation

    flat = Triangulation((u - u.min()) / np.ptp(u), (v - v.min()) / np.ptp(v))
    return Triangulation(x, y, flat.triangles)


def draw_parallel(results: Results) -> Figure:
    """Draw each trial as a line through the values of all its parameters."""
    from matplotlib import colormaps

    keys, trials = list(results.definition.space.parameters), results.complete
    figure = new_figure(WIDE, 3.0)
    ax = figure.add_subplot()
    heights = _heights(results, trials)
    places = np.stack([*(_unit(results, key) for key in keys), _to_unit(heights)])
    order = np.argsort(heights * objective(results.first).sign)
    colours = colormaps["viridis"](_to_unit(heights))
    for line in order:
        ax.plot(places[:, line], color=colours[line], alpha=0.7)
    for x, values in enumerate([*(results.axis(key) for key in keys), heights]):
        ax.axvline(x, color=MUTED, linewidth=0.6)
        names = [f"{end:.4g}" for end in (values.min(), values.max())]
        if x < len(keys):
            names = _names(results, keys[x], np.array([values.min(), values.max()]))
        for y, name, va in zip((0, 1), names, ("top", "bottom"), strict=True):
            ax.text(x, y + 0.04 * (2 * y - 1), name, ha="center", va=va, fontsize=8, color=INK)
    ax.set_xticks(range(len(keys) + 1), [*map(short, keys), results.first])
    ax.set(yticks=[], ylim=(-0.15, 1.15))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelcolor=INK, labelsize=9)
    return figure


def _unit(results: Results, key: str) -> np.ndarray:
    values = results.axis(key)
    return _to_unit(np.log(values) if results.is_log(key) else values)


def _to_unit(values: np.ndarray) -> np.ndarray:
    extent = np.ptp(values)
    return (values - values.min()) / extent if extent else np.full(len(values), 0.5)


def draw_front(results: Results) -> Figure:
    """Draw the first two objectives against each other, and what nothing surpasses."""
    up, across = results.definition.objectives[:2]
    figure = new_figure(4.6, 3.2)
    ax = figure.add_subplot()
    for trials, style in ((results.complete, {"color": MUTED}), (results.front(), {"color": LEARNED})):
        points = sorted((trial.mean(across), trial.mean(up)) for trial in trials)
        ax.plot(*zip(*points, strict=True), "o", ms=4, **style)
    ax.set(xlabel=across.capitalize(), ylabel=up.capitalize())
    tidy(ax)
    return figure


def draw_steps(results: Results) -> Figure:
    """Draw the accuracy on the way, of trials that were given up and of others."""
    figure = new_figure(4.6, 3.0)
    ax = figure.add_subplot()
    for trial in results.trials:
        steps = dict(sorted(trial.steps.items()))
        if trial.runs.get(0):
            steps[100] = trial.runs[0].get("accuracy", np.nan)
        colour = CONTROL if trial.state == "pruned" else LEARNED
        heights = [100 * accuracy for accuracy in steps.values()]
        ax.plot(list(steps), heights, "o-", ms=3, color=colour, alpha=0.6)
    ax.set(xlabel="Images learned from (%)", ylabel="Accuracy (%)", xlim=(0, 103))
    tidy(ax)
    return figure


def draw_learning(results: Results) -> Figure:
    """Draw how the best, the median and the worst trial learned, every seed a line."""
    figure = new_figure(4.6, 3.0)
    ax = figure.add_subplot()
    for which, trial in results.examples.items():
        for seed in trial.runs:
            run = load_run(results.folder.run(trial.number, seed))
            bank = run.banks[0]
            shown = run.bank_array(bank, "history/n_images_shown")
            spikes = run.bank_array(bank, "history/spikes")
            if shown is None or spikes is None:
                continue
            label = None if seed else f"{which}, trial {trial.number}"
            in_all = spikes.reshape(len(shown), -1).sum(axis=1)
            ax.plot(shown, in_all, color=COLOURS[which], label=label, alpha=0.8)
    ax.set(xlabel="Images shown", ylabel="Spikes an image")
    ax.legend(frameon=False, fontsize=8)
    tidy(ax)
    return figure


def draw_kernels(results: Results) -> Figure:
    """Draw some kernels of the best, the median and the worst trial side by side."""
    examples = results.examples
    figure = new_figure(WIDE, 3.4)
    axes = figure.subplots(1, len(examples), squeeze=False)[0]
    for ax, (which, trial) in zip(axes, examples.items(), strict=True):
        run = load_run(results.folder.run(trial.number, min(trial.runs)))
        kernels = run.need("kernels", "kernels")
        order = np.arange(min(len(kernels), KERNELS))
        columns = math.ceil(math.sqrt(len(order)))
        plot_kernels(
            kernels, run.channels(), columns=columns, order=order, colour_bar=False, ax=ax
        )
        factor, _ = _scale(results)
        height = factor * trial.mean(results.first)
        ax.set_title(f"{which}, trial {trial.number}: {height:.4g}", fontsize=9, color=INK)
    return figure


@dataclass(frozen=True)
class SweepFigure:
    """A figure and what it shows.

    Parameters
    ----------
    draw : callable
        Makes it from results.
    caption : str
        What it shows, in one sentence.
    suits : callable
        Says whether results have something to show.
    wide : bool
        Whether it takes the whole width of a page.
    """

    draw: Callable[[Results], Figure]
    caption: str
    suits: Callable[[Results], bool]
    wide: bool = False


def _several(results: Results) -> bool:
    return len(results.complete) > 1


FIGURES = {
    "sweep-kernels": SweepFigure(
        draw_kernels,
        "Kernels of the best, the median and the worst trial (first seed).",
        lambda results: bool(results.complete),
        wide=True,
    ),
    "history": SweepFigure(
        draw_history,
        "Trials in their order, mean and deviation of the seeds, and the best until then.",
        _several,
    ),
    "ranking": SweepFigure(
        draw_ranking,
        f"The best trials, {RANKED} at most: every seed, mean and standard deviation. Bars "
        "that overlap tell no difference.",
        _several,
    ),
    "importance": SweepFigure(
        draw_importance,
        "Share of each parameter in the variance between trials.",
        lambda results: len(results.importance) > 1,
    ),
    "map": SweepFigure(
        draw_map,
        "The two parameters that matter most, and what came of them.",
        lambda results: _several(results) and len(results.definition.space.parameters) > 1,
    ),
    "slices": SweepFigure(
        draw_slices, "Each parameter alone; bars are the spread of the seeds.", _several, wide=True
    ),
    "parallel": SweepFigure(
        draw_parallel,
        "Each trial a line through its values, the best on top.",
        lambda results: _several(results) and len(results.definition.space.parameters) > 1,
        wide=True,
    ),
    "front": SweepFigure(
        draw_front,
        "The first two objectives; coloured trials are surpassed by none in all objectives.",
        lambda results: _several(results) and len(results.definition.objectives) > 1,
    ),
    "steps": SweepFigure(
        draw_steps,
        "Accuracy on the way (few images); trials that were given up in the other colour.",
        lambda results: any(trial.steps for trial in results.trials),
    ),
    "learning": SweepFigure(
        draw_learning,
        "Spikes an image while the best, the median and the worst trial learned, every seed.",
        lambda results: bool(results.complete),
    ),
}
