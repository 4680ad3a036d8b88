"""What Optuna keeps of a sweep: trials, their values, and who is at work on them.

The number of trials is fixed when a sweep begins: each waits in the storage until a
process takes it, which only one can. A trial whose process has ended is put back.
"""

import contextlib
import socket
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from stdpnet.config import SpecError
from stdpnet.sweep.objectives import directions
from stdpnet.sweep.space import Space

#: Attributes of a study and of its trials in the storage.
READY, OWNER, BEAT, ERROR, DETAILS, SEED, TESTED = (
    f"stdpnet:{name}"
    for name in ("ready", "owner", "beat", "error", "details", "seed-", "tested")
)
#: Seconds between two signs of life, and after which an owner on another machine is gone.
BEAT_SECONDS, GONE_SECONDS = 15.0, 120.0
SAMPLERS = ("tpe", "random", "grid", "quasi-random", "nsga2")
PRUNERS = ("none", "median", "halving")


class StorageError(OSError):
    """A storage does not answer, or holds something else."""


def open_storage(url: str) -> Any:
    """Return Optuna's storage at a URL of SQLAlchemy.

    Raises
    ------
    StorageError
        If it does not answer.
    """
    import optuna
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        shown = make_url(url).render_as_string(hide_password=True)
    except ArgumentError as error:
        raise SpecError(
            f"storage {url!r} is not a URL such as sqlite:///FILE or "
            "postgresql://USER@HOST/NAME"
        ) from error
    # Two processes on one file of SQLite wait for each other.
    waits = {"timeout": 60} if shown.startswith("sqlite") else {}
    # No connection stays open that nobody uses.
    settings = {"connect_args": waits, "poolclass": NullPool}
    try:
        return optuna.storages.RDBStorage(url, engine_kwargs=settings)
    except ImportError as error:
        missing = error.__cause__ or error
        raise SpecError(
            f"storage {shown} needs a driver: {missing}; install it, for example with "
            "'pip install stdpnet[postgresql]'"
        ) from error
    except (SQLAlchemyError, RuntimeError) as error:
        raise StorageError(
            f"storage {shown} does not answer: {_reason(error)}"
        ) from error


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error.__cause__ or error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)


@contextlib.contextmanager
def answering(url: str | None) -> Iterator[None]:
    """Say in one line that a storage has ceased to answer.

    Raises
    ------
    StorageError
        Instead of what its library raises.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise StorageError(
            f"storage {url or 'of the sweep'} does not answer any more: {_reason(error)}; "
            "what was finished is kept, go on with --resume"
        ) from error


def without_password(url: str) -> str:
    """Return a URL as it may be written to a file."""
    from sqlalchemy.engine import URL, make_url

    found = make_url(url)
    kept = URL.create(
        found.drivername,
        found.username,
        None,
        found.host,
        found.port,
        found.database,
        found.query,
    )
    return kept.render_as_string()


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
        self.study: Any = None

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
        self.study.add_trials(
            [
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState.WAITING,
                    system_attrs={"fixed_params": dict(values)},
                )
                for values in waiting
            ]
        )
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
        from optuna.trial import Trial, TrialState

        for waiting in self._in_state("WAITING"):
            number = self._id(waiting)
            # False if another process was faster.
            if self._storage.set_trial_state_values(number, TrialState.RUNNING):
                # Processes, and those that resume, must not draw the same values again.
                self.study.sampler = _sampler(self._sampler, self._seed, waiting.number)
                trial = Trial(self.study, number)
                trial.set_user_attr(OWNER, owner())
                self.beat(trial)
                for name, distribution in self._distributions.items():
                    _suggest(trial, name, distribution)
                return trial
        return None

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
        orphans = [t for t in self._in_state("RUNNING") if is_gone(t.user_attrs)]
        for trial in orphans:
            self.put_back(trial)
        return len(orphans)

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


def is_gone(attributes: Mapping[str, Any]) -> bool:
    """Say whether the process that took a trial has ended."""
    who = attributes.get(OWNER)
    if who is None or who["host"] != socket.gethostname():
        return bool(time.time() - attributes.get(BEAT, 0) > GONE_SECONDS)
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


def sqlite_url(file: Path) -> str:
    """Return the URL of a file of SQLite."""
    return f"sqlite:///{file.absolute()}"
