"""The results of a sweep as arrays, for figures and reports."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.sweep.folder import SweepFolder
from stdpnet.sweep.frame import open_sweep, run_values
from stdpnet.sweep.objectives import objective
from stdpnet.sweep.options import Definition
from stdpnet.sweep.space import Choices, Range
from stdpnet.sweep.study import ERROR


@dataclass(frozen=True)
class TrialResult:
    """What came of one trial.

    Parameters
    ----------
    number : int
        Its number.
    state : str
        ``"complete"``, ``"pruned"``, ``"fail"``, ``"running"`` or ``"waiting"``.
    parameters : dict
        Values of what is varied.
    runs : dict of dict
        Numbers of each finished run, by seed.
    error : str
        Why it failed.
    steps : dict of float
        Accuracy after a percentage of the images.
    """

    number: int
    state: str
    parameters: dict[str, Any]
    runs: dict[int, dict[str, float]]
    error: str = ""
    steps: dict[int, float] = field(default_factory=dict)

    def values(self, name: str) -> np.ndarray:
        """Return a number of each run, shape (n_seeds,)."""
        return np.array([run[name] for run in self.runs.values() if name in run])

    def mean(self, name: str) -> float:
        """Return the mean of a number over the seeds; NaN if no run has it."""
        values = self.values(name)
        return float(values.mean()) if len(values) else np.nan

    def deviation(self, name: str) -> float:
        """Return the standard deviation over the seeds; zero for one seed."""
        values = self.values(name)
        return float(values.std(ddof=1)) if len(values) > 1 else 0.0


@dataclass(frozen=True)
class Results:
    """All of a sweep.

    Parameters
    ----------
    folder : SweepFolder
        Where the runs are.
    definition : Definition
        What was varied and compared.
    trials : list of TrialResult
        In their order.
    tested : dict
        Number of the best trial and its accuracies on the test set, by seed.
    study : optuna.study.Study
        What Optuna keeps.
    """

    folder: SweepFolder
    definition: Definition
    trials: list[TrialResult]
    tested: dict[str, Any]
    study: Any = field(repr=False)

    @property
    def first(self) -> str:
        """Name of the first objective."""
        return self.definition.objectives[0]

    @cached_property
    def importance(self) -> dict[str, float]:
        """Share of each parameter in the variance of the first objective.

        Empty for less than four trials, or where all are equal.
        """
        return _importance(self.study, objective(self.first).sign)

    @property
    def complete(self) -> list[TrialResult]:
        """Trials that came to their end, in their order."""
        return [trial for trial in self.trials if trial.state == "complete"]

    @property
    def ranked(self) -> list[TrialResult]:
        """Trials that came to their end, the best by the first objective first."""
        sign = objective(self.first).sign
        return sorted(self.complete, key=lambda trial: -sign * trial.mean(self.first))

    @property
    def examples(self) -> dict[str, TrialResult]:
        """The best, the median and the worst trial, where they are not the same."""
        ranked = self.ranked
        if not ranked:
            return {}
        found = {"best": ranked[0]}
        if len(ranked) > 2:
            found["median"] = ranked[len(ranked) // 2]
        if len(ranked) > 1:
            found["worst"] = ranked[-1]
        return found

    def front(self) -> list[TrialResult]:
        """Return the trials that no other surpasses in all objectives."""
        names = self.definition.objectives
        signs = np.array([objective(name).sign for name in names])
        points = np.array(
            [[trial.mean(name) for name in names] for trial in self.complete]
        ).reshape(-1, len(names))
        points = points * signs
        beaten = [
            bool(((points >= point).all(axis=1) & (points > point).any(axis=1)).any())
            for point in points
        ]
        pairs = zip(self.complete, beaten, strict=True)
        return [trial for trial, is_beaten in pairs if not is_beaten]

    def axis(self, key: str) -> np.ndarray:
        """Return where the values of a parameter lie on an axis, shape (n_complete,).

        Choices are numbered in their order.
        """
        values = self.definition.space.parameters[key]
        found = [trial.parameters[key] for trial in self.complete]
        if isinstance(values, Choices):
            return np.array([values.values.index(value) for value in found], float)
        return np.array(found, float)

    def is_log(self, key: str) -> bool:
        """Say whether a parameter is varied by ratios."""
        values = self.definition.space.parameters[key]
        return isinstance(values, Range) and values.log


def load_results(path: Path | str, storage: str | None = None) -> Results:
    """Read the results of a sweep, finished or not.

    Raises
    ------
    FileNotFoundError, ValueError, OSError
        If there is no sweep, or its storage does not answer.
    """
    folder, definition, study = open_sweep(path, storage)
    trials = [
        TrialResult(
            trial.number,
            trial.state.name.lower(),
            dict(trial.params),
            run_values(trial, definition.seeds),
            trial.user_attrs.get(ERROR, ""),
            dict(trial.intermediate_values),
        )
        for trial in study.study.get_trials(deepcopy=False)
    ]
    return Results(folder, definition, trials, study.tested(), study.study)


def _importance(study: Any, sign: int) -> dict[str, float]:
    from optuna.importance import get_param_importances
    from optuna.trial import TrialState

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < 4 or len({trial.values[0] for trial in complete}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks what makes values low; so do we
        found = get_param_importances(
            study, target=lambda trial: -sign * trial.values[0]
        )
    return {key: float(share) for key, share in found.items()}
