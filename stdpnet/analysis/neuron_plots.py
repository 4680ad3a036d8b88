"""Pictures of a neuron: its potential, what its rate follows, how its threshold moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis.drawing import (
    CONTROL,
    INK,
    LEARNED,
    MUTED,
    axes_or_new,
    draw_side_by_side,
    label_at,
    new_figure,
    tidy,
)
from stdpnet.analysis.neuron_numbers import Curve, NeuronNumbers, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_neuron(numbers: NeuronNumbers) -> Figure:
    """Draw trace, response and, if it adapts, threshold side by side in a new figure."""
    curves = [numbers.response]
    curves += [] if numbers.adaptation is None else [numbers.adaptation]
    panels: list[Callable[[Axes], Axes]] = [
        lambda ax: plot_trace(numbers.trace, ax=ax),
        *(lambda ax, curve=curve: plot_curve(curve, ax=ax) for curve in curves),  # type: ignore[misc]
    ]
    figure = new_figure(3.4 * len(panels), 2.9)
    draw_side_by_side(panels, figure)
    figure.suptitle(f"{numbers.neuron.title}{_how(curves)}", color=INK, size=10)
    return figure


def _how(curves: list[Curve]) -> str:
    formula = any(curve.expected is not None for curve in curves)
    counted = any(curve.interval is not None for curve in curves)
    parts = ["95 % intervals"] * counted + ["formula as a thin line"] * formula
    return f": {', '.join(parts)}" if parts else ""


def plot_trace(trace: Trace, *, ax: Axes | None = None) -> Axes:
    """Show the potential of a neuron during a step of input.

    Parameters
    ----------
    trace : Trace
        From `stdpnet.analysis.neuron_numbers.measure_neuron`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with potential, threshold, a tick a spike, and a bar for the input. Not
        shown or saved.
    """
    ax = axes_or_new(ax)
    ax.plot(trace.time_ms, trace.potential, color=LEARNED, linewidth=1.2)
    drawn = [trace.potential] if trace.threshold is None else [*_both(trace)]
    low, high = (float(f(np.concatenate(drawn))) for f in (np.min, np.max))
    unit = (high - low) or 1.0
    if trace.threshold is not None:
        ax.plot(trace.time_ms, trace.threshold, color=INK, linewidth=1, linestyle="--")
        end = float(trace.time_ms[-1])
        at = float(trace.threshold[-1])
        label_at(ax, end, at, "threshold", offset=(0, 3), ha="right", va="bottom")
    ax.vlines(
        trace.spikes_ms, high + 0.2 * unit, high + 0.3 * unit, color=CONTROL, lw=1.2
    )
    if len(trace.spikes_ms):
        last = float(trace.spikes_ms[-1])
        at, text = high + 0.25 * unit, "spikes" if len(trace.spikes_ms) > 1 else "spike"
        label_at(ax, last, at, text, colour=CONTROL, offset=(4, 0))
    bottom = low - 0.12 * unit
    ax.hlines(bottom, *trace.input_ms, color=MUTED, linewidth=4)
    text = f"input, {trace.input_hz:,.0f} Hz, weight {trace.w:.2g}"
    middle = sum(trace.input_ms) / 2
    label_at(ax, middle, bottom, text, offset=(0, -4), ha="center", va="top")
    ax.set_ylim(low - 0.32 * unit, high + 0.38 * unit)
    ax.set_xlim(0, trace.time_ms[-1])
    ax.set(xlabel="Time (ms)", ylabel=_with_unit("Potential", trace.unit))
    return tidy(ax)


def _both(trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    assert trace.threshold is not None
    return trace.potential, trace.threshold


def plot_curve(curve: Curve, *, ax: Axes | None = None) -> Axes:
    """Show something measured against something else, with its closed form.

    Parameters
    ----------
    curve : Curve
        From `stdpnet.analysis.neuron_numbers.measure_neuron`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with dots, intervals if it was counted, and a thin line. Not shown or
        saved.
    """
    ax = axes_or_new(ax)
    reach = None
    if curve.interval is not None:
        low, high = curve.interval
        reach = np.clip([curve.y - low, high - curve.y], 0, None)
    ax.errorbar(
        curve.x,
        curve.y,
        reach,
        color=LEARNED,
        linestyle="",
        marker="o",
        markersize=3 if len(curve.x) < 100 else 1.5,
        elinewidth=1,
    )
    if curve.expected is not None:
        x, y = curve.line or (curve.x, curve.expected)
        ax.plot(x, y, color=INK, linewidth=0.8, zorder=3)
    ax.set_xlabel(_with_unit(curve.x_name, curve.x_unit))
    ax.set_ylabel(_with_unit(curve.y_name, curve.y_unit))
    return tidy(ax)


def _with_unit(name: str, unit: str) -> str:
    return name if unit == "1" else f"{name} ({unit})"
