"""What came out of a sweep, in words."""

from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis.numbers import percent
from stdpnet.sweep.frame import run_values
from stdpnet.sweep.study import ERROR

if TYPE_CHECKING:
    from stdpnet.sweep.sweep import Sweep

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


def result_lines(sweep: "Sweep") -> list[str]:
    """Return what to print of a finished sweep: the best trial, and what failed."""
    counts, best = sweep.study.counts(), sweep.study.best()
    lines = []
    if best is not None:
        runs = list(run_values(best, sweep.definition.seeds).values())
        numbers = [
            f"{name} {spread_text(name, [run[name] for run in runs])}"
            for name in sweep.definition.objectives
        ]
        settings = " ".join(sweep.definition.space.overrides(best.params))
        n_trials = sum(counts.values())
        lines.append(
            f"best of {n_trials} trials: {', '.join(numbers)} of the validation images, "
            f"trial {best.number}: {settings}"
        )
    tested = sweep.study.tested()
    if tested:
        values = list(tested["accuracies"].values())
        lines.append(f"test accuracy {spread_text('accuracy', values)}")
    if counts["pruned"]:
        lines.append(f"{counts['pruned']} trials were given up on the way")
    if counts["fail"]:
        failed = next(t for t in sweep.study.study.trials if t.state.name == "FAIL")
        lines.append(
            f"{counts['fail']} trials failed, the first (trial {failed.number}): "
            f"{failed.user_attrs.get(ERROR, 'no reason is known')}"
        )
    return lines
