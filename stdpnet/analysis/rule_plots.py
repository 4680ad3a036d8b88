"""Pictures of a learning rule: what pairs and trains of spikes do to a weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stdpnet.analysis.closed_forms import pair_change, pair_change_probability
from stdpnet.analysis.drawing import (
    CONTROL,
    INK,
    LEARNED,
    MUTED,
    TEXT_SIZE,
    axes_or_new,
    draw_side_by_side,
    label_at,
    new_figure,
    tidy,
)
from stdpnet.analysis.rule_numbers import AT_STEPS, DT, TRAIN_SECONDS, RuleNumbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito again, for the third and fourth curve.
COLOURS = (LEARNED, CONTROL, "#009e73", "#cc79a7")
#: Of curves that may lie on each other.
WIDTHS = (7, 4.5, 2, 1)
CHANGE, SWITCHES = "Weight change", "Probability of a switch"


def draw_rule(numbers: RuleNumbers) -> Figure:
    """Draw time differences, weights and rates side by side in a new figure."""
    figure = new_figure(10.2, 3.1)
    draw_side_by_side(
        [
            lambda ax: plot_pairs_over_time(numbers, ax=ax),
            lambda ax: plot_pairs_over_weight(numbers, ax=ax),
            lambda ax: plot_trains(numbers, ax=ax),
        ],
        figure,
    )
    figure.suptitle(f"{numbers.rule.title}: {_protocol(numbers)}", color=INK, size=10)
    return figure


def _protocol(numbers: RuleNumbers) -> str:
    line = "" if numbers.expected is None else ", formula as thin lines"
    if not numbers.stochastic:
        return f"one pair of spikes{line}; Poisson trains"
    trials = f"{numbers.n_trials:,} trials a point, 95 % intervals"
    return f"one pair of spikes, {trials}{line}; Poisson trains"


def plot_pairs_over_time(numbers: RuleNumbers, *, ax: Axes | None = None) -> Axes:
    """Show what one pair of spikes does, against the spike-time difference.

    Parameters
    ----------
    numbers : RuleNumbers
        From `stdpnet.analysis.rule_numbers.measure_rules`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a curve for each of a few weights. Not shown or saved.
    """
    ax = axes_or_new(ax)
    late = numbers.delta_ms >= 0
    for colour, width, k in zip(COLOURS, WIDTHS, numbers.curves, strict=False):
        if numbers.stochastic:
            _points(ax, numbers.delta_ms, numbers, (slice(None), k), colour)
        for side in () if numbers.stochastic else (~late, late):
            x, y = numbers.delta_ms[side], numbers.measured[side, k]
            ax.plot(x, y, color=colour, linewidth=width, solid_capstyle="butt")
        for start, end in ((numbers.delta_ms[0], -1e-6), (0, numbers.delta_ms[-1])):
            delta_ms = np.linspace(start, end, 400)
            formula = _formula(numbers, delta_ms * 1e-3, numbers.w[k : k + 1])
            if formula is not None:
                _thin(ax, delta_ms, formula[:, 0])
    ax.axvline(0, color=MUTED, linewidth=0.6, linestyle=":")
    _what(ax, numbers)
    ax.set_xlabel("Time of post minus pre spike (ms)")
    _legend(ax, [f"w = {numbers.w[k]:.2g}" for k in numbers.curves])
    return tidy(ax)


def plot_pairs_over_weight(numbers: RuleNumbers, *, ax: Axes | None = None) -> Axes:
    """Show what one pair of spikes does, against the weight before.

    Parameters
    ----------
    numbers : RuleNumbers
        From `stdpnet.analysis.rule_numbers.measure_rules`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a curve for a pair in either order. Not shown or saved.
    """
    ax = axes_or_new(ax)
    for colour, step in zip(COLOURS, AT_STEPS, strict=False):
        delta = step * float(DT.value)
        row = int(np.abs(numbers.delta_ms - delta * 1e3).argmin())
        w = numbers.w if numbers.rule.levels else np.linspace(0, numbers.w[-1], 200)
        # Side by side, where both begin at the same few levels.
        aside = -0.015 * np.sign(step) * numbers.w[-1] * numbers.stochastic
        _points(ax, numbers.w + aside, numbers, (row, slice(None)), colour)
        formula = _formula(numbers, np.array([delta]), w)
        if formula is not None:
            _thin(ax, w + aside, formula[0], marks=numbers.stochastic)
    _what(ax, numbers)
    ax.set_xlabel(f"Weight before a pair, {abs(AT_STEPS[0])} ms apart")
    _legend(ax, ["pre first", "post first"])
    return tidy(ax)


def plot_trains(numbers: RuleNumbers, *, ax: Axes | None = None) -> Axes:
    """Show the mean weight after Poisson trains, against the rate of the target.

    Parameters
    ----------
    numbers : RuleNumbers
        From `stdpnet.analysis.rule_numbers.measure_rules`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a line for each rate of the source, bars of one standard error,
        and the mean weight at the start. Not shown or saved.
    """
    ax = axes_or_new(ax)
    for k, colour in zip(range(len(numbers.pre_hz)), COLOURS, strict=False):
        ax.errorbar(
            numbers.post_hz,
            numbers.mean_w[k],
            numbers.error_w[k],
            color=colour,
            linewidth=1.5,
            marker="o",
            markersize=3,
        )
    ax.axhline(numbers.start_w, color=MUTED, linewidth=1, linestyle="--")
    ax.set_xlim(right=1.05 * numbers.post_hz[-1])
    label_at(ax, 1.05 * numbers.post_hz[-1], numbers.start_w, "start", offset=(2, 0))
    ax.set_xlabel("Rate of the target (Hz)")
    ax.set_ylabel(f"Mean weight after {TRAIN_SECONDS:g} s")
    _legend(ax, [f"pre {rate:g} Hz" for rate in numbers.pre_hz])
    low, high = ax.get_ylim()
    # Noise about the start should look like noise.
    reach = 0.05 * numbers.rule.w_max
    ax.set_ylim(min(low, numbers.start_w - reach), max(high, numbers.start_w + reach))
    return tidy(ax)


def _formula(
    numbers: RuleNumbers, delta: np.ndarray, w: np.ndarray
) -> np.ndarray | None:
    if numbers.stochastic:
        return pair_change_probability(numbers.rule, delta, w)
    return pair_change(numbers.rule, delta[:, np.newaxis], w)


def _thin(ax: Axes, x: np.ndarray, y: np.ndarray, marks: bool = False) -> None:
    style: dict[str, Any] = {"color": INK, "linewidth": 0.8, "zorder": 3}
    if marks:
        style |= {"linestyle": "", "marker": "_", "markersize": 9}
    ax.plot(x, y, **style)


def _points(
    ax: Axes, x: np.ndarray, numbers: RuleNumbers, where: Any, colour: str
) -> None:
    measured = numbers.measured[where]
    # The interval of a probability of zero begins a rounding error above it.
    reach = np.clip(
        [measured - numbers.low[where], numbers.high[where] - measured], 0, None
    )
    style: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 3}
    ax.errorbar(x, measured, reach, color=colour, elinewidth=1, **style)


def _what(ax: Axes, numbers: RuleNumbers) -> None:
    if numbers.stochastic:
        ax.set_ylabel(SWITCHES)
        ax.set_ylim(0, None)
        return
    ax.axhline(0, color=MUTED, linewidth=0.6, linestyle=":")
    largest = float(np.abs(numbers.measured).max()) or 1.0
    power = min(0, 3 * int(np.floor((np.log10(largest) + 1) / 3)))
    ax.yaxis.set_major_formatter(
        lambda y, _: f"{y / 10.0**power:.4g}".replace("-", "\N{MINUS SIGN}")
    )
    ax.set_ylabel(f"{CHANGE} ($10^{{{power}}}$)" if power else CHANGE)


def _legend(ax: Axes, labels: list[str]) -> None:
    """Name the colours in a row above the axes, where no curve is."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, linewidth=3)
        for colour, _ in zip(COLOURS, labels, strict=False)
    ]
    ax.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(labels),
        frameon=False,
        fontsize=TEXT_SIZE - 1,
        labelcolor=INK,
        handlelength=0.9,
        handletextpad=0.5,
        columnspacing=1.2,
        borderaxespad=0.2,
    )
