"""Trials that a process is at work on: which runs are still to do, what they found."""

import time
import warnings
from collections import deque
from typing import Any

from stdpnet.sweep.study import SEED
from stdpnet.sweep.trial import Outcome

#: Shares of the images after which a trial may be given up.
RUNGS = (0.25, 0.5)


class Running:
    """One trial, run after run.

    Parameters
    ----------
    trial : optuna.trial.Trial
        With its values; runs that an earlier process has finished are in its attributes.
    seeds : int
        How many networks there are to be.
    prunes : bool
        Whether the first network stops on the way, and the others wait for it.

    Attributes
    ----------
    values : dict
        Numbers of finished runs, by seed.
    failure : Outcome or None
        The first run that failed.
    pruned : bool
        Whether the trial is given up.
    """

    def __init__(self, trial: Any, seeds: int, *, prunes: bool) -> None:
        self.trial, self.number = trial, int(trial.number)
        self.started = time.monotonic()
        self.failure: Outcome | None = None
        self.pruned = False
        self.n_at_work = 0
        names = {seed: f"{SEED}{seed}" for seed in range(seeds)}
        known = trial.user_attrs
        self.values: dict[int, dict[str, float]] = {
            seed: known[name] for seed, name in names.items() if name in known
        }
        self._in_turn = prunes and 0 not in self.values
        self._todo = deque(
            (seed, until)
            for seed in range(seeds)
            if seed not in self.values
            for until in ((*RUNGS, 1.0) if self._in_turn and not seed else (1.0,))
        )

    def next(self) -> tuple[int, float] | None:
        """Take the seed and the share of images of the next run that can begin."""
        if not self._todo or (self._in_turn and self.n_at_work):
            return None
        self.n_at_work += 1
        return self._todo.popleft()

    def note(self, outcome: Outcome) -> None:
        """Take up what came of a run."""
        self.n_at_work -= 1
        task = outcome.task
        if outcome.error:
            self.failure = self.failure or outcome
            self._todo.clear()
        elif task.until < 1 and "seconds" not in outcome.values:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a resumed trial may report once more
                self.trial.report(outcome.values["accuracy"], round(100 * task.until))
            self.pruned = self.trial.should_prune()
            if self.pruned:
                self._todo.clear()
        else:
            self._finished(task.seed, outcome.values)

    def _finished(self, seed: int, values: dict[str, float]) -> None:
        self.values[seed] = values
        self.trial.set_user_attr(f"{SEED}{seed}", values)
        if not seed:  # learning may converge before its last part
            self._in_turn = False
            self._todo = deque(one for one in self._todo if one[0])

    @property
    def done(self) -> bool:
        """Whether nothing is at work and nothing to do."""
        return not self.n_at_work and not self._todo
