"""Axes of figures of a sweep: objectives and parameters as numbers and words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stdpnet.sweep.results import Results, TrialResult
from stdpnet.sweep.space import Choices

#: Width of a figure that takes the whole width of a page, in inches.
WIDE = 9.6


def short(key: str) -> str:
    """Return a parameter without its section."""
    return key.partition(".")[2]


def scale(results: Results) -> tuple[float, str]:
    """Return the factor and the label of the first objective on an axis."""
    if results.first in ("accuracy", "connectivity"):
        return 100.0, f"{results.first.capitalize()} (%)"
    return 1.0, results.first.capitalize()


def heights_of(results: Results, trials: list[TrialResult]) -> np.ndarray:
    """Return the first objective of trials as it is drawn, shape (n_trials,)."""
    factor, _ = scale(results)
    return factor * np.array([trial.mean(results.first) for trial in trials])


def deviations_of(results: Results, trials: list[TrialResult]) -> np.ndarray:
    """Return what the seeds of trials deviate by, as it is drawn, shape (n_trials,)."""
    factor, _ = scale(results)
    return factor * np.array([trial.deviation(results.first) for trial in trials])


def set_axis(
    results: Results, key: str, axis: Any, set_scale: Callable[[str], Any]
) -> None:
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


def label(results: Results, key: str) -> str:
    """Return what an axis of a parameter is called."""
    unit = getattr(results.definition.space.parameters[key], "unit", "")
    return f"{short(key)} ({unit})" if unit else short(key)


def names(results: Results, key: str, values: np.ndarray) -> list[str]:
    """Return values of a parameter, as they lie on its axis, in words."""
    known = results.definition.space.parameters[key]
    if isinstance(known, Choices):
        return [known.values[int(value)] for value in values]
    return [f"{value:.4g}" for value in values]


def unit_places(results: Results, key: str) -> np.ndarray:
    """Return where the values of a parameter lie between the lowest, 0, and the highest, 1."""
    values = results.axis(key)
    return to_unit(np.log(values) if results.is_log(key) else values)


def to_unit(values: np.ndarray) -> np.ndarray:
    """Return where values lie between the lowest, 0, and the highest, 1."""
    extent = np.ptp(values)
    return (values - values.min()) / extent if extent else np.full(len(values), 0.5)
