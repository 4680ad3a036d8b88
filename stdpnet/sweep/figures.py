"""Figures of a sweep: which values were good, which parameters matter, what was learned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis import load_run
from stdpnet.analysis.drawing import CONTROL, INK, LEARNED, MUTED, new_figure, tidy
from stdpnet.analysis.kernel_plots import plot_kernels
from stdpnet.sweep.axes import WIDE, deviations_of, heights_of, label, scale, set_axis
from stdpnet.sweep.maps import draw_map, draw_parallel
from stdpnet.sweep.objectives import objective
from stdpnet.sweep.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"best": LEARNED, "median": MUTED, "worst": CONTROL}
#: Trials shown one by one at most, and kernels of each example.
RANKED, KERNELS = 20, 25


def draw_history(results: Results) -> Figure:
    """Draw each trial in its turn, and the best until then."""
    figure = new_figure(4.6, 3.0)
    ax, trials = figure.add_subplot(), results.complete
    numbers, heights = [trial.number for trial in trials], heights_of(results, trials)
    sign = objective(results.first).sign
    best = sign * np.maximum.accumulate(sign * heights)
    ax.errorbar(
        numbers, heights, deviations_of(results, trials), fmt="o", ms=4, color=MUTED
    )
    ax.step(numbers, best, where="post", color=LEARNED)
    ax.set(xlabel="Trial", ylabel=scale(results)[1])
    ax.locator_params(axis="x", integer=True)
    tidy(ax)
    return figure


def draw_ranking(results: Results) -> Figure:
    """Draw the best trials one by one: every seed a point, mean and deviation a bar."""
    trials = results.ranked[:RANKED]
    figure = new_figure(4.6, 1.0 + 0.2 * len(trials))
    ax, rows = figure.add_subplot(), np.arange(len(trials))
    factor, label = scale(results)
    for row, trial in zip(rows, trials, strict=True):
        values = factor * trial.values(results.first)
        ax.plot(values, np.full(len(values), row), ".", color=MUTED)
    ax.errorbar(
        heights_of(results, trials),
        rows,
        xerr=deviations_of(results, trials),
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


def draw_slices(results: Results) -> Figure:
    """Draw the objective against each parameter alone; bars are the spread of seeds."""
    keys, trials = list(results.definition.space.parameters), results.complete
    columns = max(min(len(keys), 3), 2)
    rows = math.ceil(len(keys) / columns)
    figure = new_figure(WIDE, 2.6 * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    heights, errors = heights_of(results, trials), deviations_of(results, trials)
    for ax, key in zip(axes[: len(keys)], keys, strict=True):
        ax.errorbar(
            results.axis(key), heights, errors, fmt="o", ms=4, color=LEARNED, alpha=0.8
        )
        set_axis(results, key, ax.xaxis, ax.set_xscale)
        ax.set_xlabel(label(results, key))
        tidy(ax)
    for ax in axes[len(keys) :]:
        ax.remove()
    for row in range(rows):
        axes[row * columns].set_ylabel(scale(results)[1])
    return figure


def draw_front(results: Results) -> Figure:
    """Draw the first two objectives against each other, and what nothing surpasses."""
    up, across = results.definition.objectives[:2]
    figure = new_figure(4.6, 3.2)
    ax = figure.add_subplot()
    for trials, colour in ((results.complete, MUTED), (results.front(), LEARNED)):
        points = sorted((trial.mean(across), trial.mean(up)) for trial in trials)
        ax.plot(*zip(*points, strict=True), "o", ms=4, color=colour)
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
            line = "-" if len(shown) > 1 else "o"
            ax.plot(shown, in_all, line, color=COLOURS[which], label=label, alpha=0.8)
    ax.set(xlabel="Images shown", ylabel="Spikes an image")
    ax.legend(frameon=False, fontsize=8)
    tidy(ax)
    return figure


def draw_kernels(results: Results) -> Figure:
    """Draw some kernels of the best, the median and the worst trial side by side."""
    examples = results.examples
    figure = new_figure(WIDE, 3.4)
    grid = {"wspace": 0.15}
    axes = figure.subplots(1, len(examples), squeeze=False, gridspec_kw=grid)[0]
    for ax, (which, trial) in zip(axes, examples.items(), strict=True):
        run = load_run(results.folder.run(trial.number, min(trial.runs)))
        kernels = run.need("kernels", "kernels")
        order = np.arange(min(len(kernels), KERNELS))
        columns = math.ceil(math.sqrt(len(order)))
        plot_kernels(
            kernels,
            run.channels(),
            columns=columns,
            order=order,
            colour_bar=False,
            ax=ax,
        )
        factor, _ = scale(results)
        height = factor * trial.mean(results.first)
        ax.set_title(
            f"{which}, trial {trial.number}: {height:.4g}", fontsize=9, color=INK
        )
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
        lambda results: (
            _several(results) and len(results.definition.space.parameters) > 1
        ),
    ),
    "slices": SweepFigure(
        draw_slices,
        "Each parameter alone; bars are the spread of the seeds.",
        _several,
        wide=True,
    ),
    "parallel": SweepFigure(
        draw_parallel,
        "Each trial a line through its values, the best on top.",
        lambda results: (
            _several(results) and len(results.definition.space.parameters) > 1
        ),
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
