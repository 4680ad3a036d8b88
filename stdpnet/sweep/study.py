"""What Optuna keeps of a sweep: trials, their values, and who is at work on them.

The number of trials is fixed when a sweep begins: each waits in the storage until a
process takes it, which only one can. A trial whose process has ended is put back.
"""

import contextlib
import socket
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import psutil

from stdpnet.sweep.objectives import directions
from stdpnet.sweep.space import Space
from stdpnet.sweep.storage import StorageError

#: Attributes of a study and of its trials in the storage.
READY, OWNER, BEAT, SEED = (
    f"stdpnet:{name}" for name in ("ready", "owner", "beat", "seed-")
)
ERROR, DETAILS, TESTED, AGAIN = (
    f"stdpnet:{name}" for name in ("error", "details", "tested", "again")
)
#: Seconds between two signs of life, and after which an owner on another machine is gone.
BEAT_SECONDS, GONE_SECONDS = 15.0, 120.0
SAMPLERS = ("tpe", "random", "grid", "quasi-random", "nsga2")
#: Those whose values depend on what earlier trials found.
LEARNING = ("tpe", "nsga2")
PRUNERS = ("none", "median", "halving")


class SweepStudy:
    """The trials of a sweep in a storage.

    Parameters
    ----------
    storage : optuna.storages.BaseStorage
        Where they are kept.
    name : str
        Name of the sweep in it.
    space : Space
        What is varied.
    objectives : sequence of str
        What is compared.
    sampler : {"tpe", "random", "grid", "quasi-random", "nsga2"}
        How values are chosen.
    pruner : {"none", "median", "halving"}
        Which trials are given up.
    seed : int
        Seed of the choice.

    Attributes
    ----------
    learns : bool
        Whether values depend on what earlier trials found.
    """

    def __init__(
        self,
        storage: Any,
        name: str,
        space: Space,
        objectives: tuple[str, ...],
        *,
        sampler: str = "tpe",
        pruner: str = "none",
        seed: int = 0,
    ) -> None:
        self._storage, self._sampler, self._seed = storage, sampler, seed
        self._distributions = space.distributions()
        self._settings = {
            "storage": storage,
            "study_name": name,
            "directions": directions(objectives),
            "sampler": _sampler(sampler, seed, 0),
            "pruner": _pruner(pruner),
        }
        self.objectives = objectives
        self.learns = sampler in LEARNING
        self.study: Any = None
        self._waiting: list[Any] = []

    def create(self, waiting: Sequence[Mapping[str, Any]]) -> None:
        """Make the study with all its trials, those that are given values included.

        Raises
        ------
        StorageError
            If the storage has a study of this name.
        """
        import optuna

        try:
            self.study = optuna.create_study(**self._settings)
        except optuna.exceptions.DuplicatedStudyError as error:
            name = self._settings["study_name"]
            raise StorageError(
                f"the storage has a sweep {name!r} already; give --name another one, or "
                "--resume with its folder"
            ) from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # still called experimental after years
            self.study.set_metric_names(list(self.objectives))
        self.study.add_trials([_waiting(values) for values in waiting])
        self.study.set_user_attr(READY, len(waiting))

    def open(self, waiting: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Open the study that another process has made.

        Parameters
        ----------
        waiting : list of mapping, optional
            To make the trials if that process was killed before it could.

        Raises
        ------
        StorageError
            If there is none, or it is not complete.
        """
        import optuna

        settings = {k: v for k, v in self._settings.items() if k != "directions"}
        name = settings["study_name"]
        with contextlib.suppress(KeyError):
            self.study = optuna.load_study(**settings)
            if READY in self.study.user_attrs:
                return
            if waiting is not None:
                optuna.delete_study(study_name=name, storage=self._storage)
        if waiting is None:
            raise StorageError(f"sweep {name!r} was stopped before it began; resume it")
        self.create(waiting)

    # -- trials -----------------------------------------------------------------------

    def take(self) -> Any | None:
        """Return the next trial that waits, with values, or None if none does."""
        from optuna.trial import Trial

        while waiting := self._next_waiting():
            number = self._id(waiting)
            if self._claim(number):
                # Processes, and those that resume, must not draw the same values again.
                self.study.sampler = _sampler(self._sampler, self._seed, waiting.number)
                trial = Trial(self.study, number)
                trial.set_user_attr(OWNER, owner())
                for name, distribution in self._distributions.items():
                    _suggest(trial, name, distribution)
                return trial
        return None

    def _claim(self, number: int) -> bool:
        """Take a trial; say whether no other process was faster."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        try:
            return bool(
                self._storage.set_trial_state_values(number, TrialState.RUNNING)
            )
        except UpdateFinishedTrialError:  # it has even finished it
            return False

    def _next_waiting(self) -> Any | None:
        """Return a trial that waited when the storage was last asked."""
        self._waiting = self._waiting or self._in_state("WAITING")[::-1]
        return self._waiting.pop() if self._waiting else None

    def _in_state(self, state: str) -> list[Any]:
        from optuna.trial import TrialState

        found: list[Any] = self.study.get_trials(
            deepcopy=False, states=(TrialState[state],)
        )
        return found

    def _id(self, trial: Any) -> int:
        study = self._storage.get_study_id_from_name(self.study.study_name)
        found: int = self._storage.get_trial_id_from_study_id_trial_number(
            study, trial.number
        )
        return found

    def beat(self, trial: Any) -> None:
        """Give a sign of life of a trial."""
        trial.set_user_attr(BEAT, time.time())

    def put_back(self, trial: Any) -> None:
        """Let a trial that nobody is at work on wait again."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        with contextlib.suppress(UpdateFinishedTrialError):
            self._storage.set_trial_state_values(self._id(trial), TrialState.WAITING)

    def put_back_orphans(self) -> int:
        """Let the trials of processes that have ended wait again; return how many."""
        orphans = [
            trial
            for trial in self._in_state("RUNNING")
            if is_gone(trial.user_attrs, trial.datetime_start.timestamp())
        ]
        for trial in orphans:
            self.put_back(trial)
        return len(orphans)

    def retry_failed(self) -> int:
        """Let trials wait with the values of those that failed; return how many.

        A trial that has been tried again is not once more, unless that failed too.
        """
        failed = {trial.number: trial for trial in self._in_state("FAIL")}
        for trial in self.study.get_trials(deepcopy=False):
            failed.pop(trial.user_attrs.get(AGAIN), None)
        self.study.add_trials(
            [
                _waiting(trial.params, user_attrs={AGAIN: number})
                for number, trial in failed.items()
            ]
        )
        return len(failed)

    # -- what came of them ------------------------------------------------------------

    def complete(self, trial: Any, values: list[float]) -> None:
        """Note the objectives of a trial."""
        self.study.tell(trial, values, skip_if_finished=True)

    def prune(self, trial: Any) -> None:
        """Note that a trial was given up."""
        self._tell(trial, "PRUNED")

    def fail(self, trial: Any, error: str, details: str = "") -> None:
        """Note that a trial failed, and why."""
        trial.set_user_attr(ERROR, error)
        trial.set_user_attr(DETAILS, details)
        self._tell(trial, "FAIL")

    def _tell(self, trial: Any, state: str) -> None:
        from optuna.trial import TrialState

        self.study.tell(trial, state=TrialState[state], skip_if_finished=True)

    def best(self) -> Any | None:
        """Return the trial with the best first objective; None if none is complete."""
        complete = self._in_state("COMPLETE")
        sign = 1 if self.study.directions[0].name == "MAXIMIZE" else -1
        return max(complete, key=lambda t: sign * t.values[0]) if complete else None

    def tested(self) -> dict[str, Any]:
        """Return the number and the test accuracies of the best trial, by seed."""
        return dict(self.study.user_attrs.get(TESTED, {}))

    def set_tested(self, number: int, accuracies: Mapping[int, float]) -> None:
        """Note the test accuracies of the best trial."""
        by_seed = {str(seed): accuracy for seed, accuracy in accuracies.items()}
        self.study.set_user_attr(TESTED, {"trial": number, "accuracies": by_seed})

    def n_unfinished(self) -> int:
        """Return how many trials wait or are at work, here or elsewhere."""
        found = self.counts()
        return found["waiting"] + found["running"]

    def counts(self) -> dict[str, int]:
        """Return how many trials are in each state, in lower case."""
        found = {"waiting": 0, "running": 0, "complete": 0, "pruned": 0, "fail": 0}
        for trial in self.study.get_trials(deepcopy=False):
            found[trial.state.name.lower()] += 1
        return found


def _waiting(values: Mapping[str, Any], **attributes: Any) -> Any:
    """Return a trial that waits to be taken, with values that are given."""
    from optuna.trial import TrialState, create_trial

    return create_trial(
        state=TrialState.WAITING,
        system_attrs={"fixed_params": dict(values)},
        **attributes,
    )


def _suggest(trial: Any, name: str, distribution: Any) -> Any:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    suggest = (
        trial.suggest_int
        if isinstance(distribution, IntDistribution)
        else trial.suggest_float
    )
    return suggest(
        name,
        distribution.low,
        distribution.high,
        step=distribution.step,
        log=distribution.log,
    )


def owner() -> dict[str, Any]:
    """Return what tells this process from all others."""
    process = psutil.Process()
    return {
        "host": socket.gethostname(),
        "pid": process.pid,
        "started": process.create_time(),
    }


def is_gone(attributes: Mapping[str, Any], since: float) -> bool:
    """Say whether the process that took a trial at some time has ended."""
    who = attributes.get(OWNER)
    if who is None or who["host"] != socket.gethostname():
        return bool(time.time() - attributes.get(BEAT, since) > GONE_SECONDS)
    if who == owner():
        return False
    try:
        return bool(psutil.Process(who["pid"]).create_time() != who["started"])
    except psutil.NoSuchProcess:
        return True


def _sampler(name: str, seed: int, number: int) -> Any:
    """Return what draws the values that a trial is not given."""
    from optuna import samplers

    seed = int(np.random.default_rng([seed, number]).integers(2**31))
    if name == "nsga2":
        return samplers.NSGAIISampler(seed=seed)
    # Trials that are still at work count as bad: others are tried meanwhile.
    return samplers.TPESampler(seed=seed, constant_liar=True)


def _pruner(name: str) -> Any:
    from optuna import pruners

    if name == "median":
        return pruners.MedianPruner(n_startup_trials=4)
    if name == "halving":
        return pruners.SuccessiveHalvingPruner()
    return pruners.NopPruner()
