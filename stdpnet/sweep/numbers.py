"""What came out of a sweep, in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stdpnet.analysis.numbers import percent
from stdpnet.sweep.results import Results

#: Objectives that are shares.
_SHARES = ("accuracy", "connectivity", "control_accuracy")


def shown(name: str, value: float) -> str:
    """Return a number of a run as people read it."""
    return percent(value) if name in _SHARES else f"{value:.4g}"


def spread_text(name: str, values: list[float]) -> str:
    """Return the mean of some seeds, and what they deviate by."""
    mean = shown(name, float(np.mean(values)))
    if len(values) < 2:
        return mean
    deviation = float(np.std(values, ddof=1))
    spread = f"{100 * deviation:.1f}" if name in _SHARES else f"{deviation:.2g}"
    return f"{mean.removesuffix(' %')} ± {spread}{' %' if name in _SHARES else ''}"


def tested_text(tested: Mapping[str, Any]) -> str:
    """Return the accuracy of the best trial on the test set; nothing if it has none."""
    if not tested:
        return ""
    values = list(tested["accuracies"].values())
    return f"test accuracy {spread_text('accuracy', values)} (trial {tested['trial']})"


def failure_lines(results: Results) -> list[str]:
    """Return how many trials were given up or failed, and why the first one did."""
    lines = []
    failed = [trial for trial in results.trials if trial.state == "fail"]
    n_pruned = sum(trial.state == "pruned" for trial in results.trials)
    if n_pruned:
        lines.append(f"{n_pruned} trials were given up on the way")
    if failed:
        first = failed[0]
        lines.append(
            f"{len(failed)} trials failed, the first (trial {first.number}): "
            f"{first.error or 'no reason is known'}"
        )
    return lines


def result_lines(results: Results) -> list[str]:
    """Return what to print of a sweep: the best trial, and what failed."""
    lines = []
    for best in results.ranked[:1]:
        numbers = [
            f"{name} {spread_text(name, list(best.values(name)))}"
            for name in results.definition.objectives
        ]
        settings = " ".join(results.definition.space.overrides(best.parameters))
        lines.append(
            f"best of {len(results.trials)} trials: {', '.join(numbers)} of the "
            f"validation images, trial {best.number}: {settings}"
        )
    tested = tested_text(results.tested)
    return [*lines, *([tested] if tested else []), *failure_lines(results)]
