"""``Sweep``: many runs of a specification, and what their numbers are."""

import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from stdpnet.analysis.numbers import spec_text
from stdpnet.cluster import LocalWorkers, given, local_cluster, remote_cluster
from stdpnet.estimators.spec import load_models
from stdpnet.extras import require
from stdpnet.runs import locked
from stdpnet.sweep.folder import SweepFolder
from stdpnet.sweep.options import LIMITS, Definition, SweepOptions, define
from stdpnet.sweep.programs import Programs
from stdpnet.sweep.running import Running
from stdpnet.sweep.storage import (
    StorageError,
    answering,
    open_storage,
    sqlite_url,
    without_password,
)
from stdpnet.sweep.study import BEAT_SECONDS, SweepStudy
from stdpnet.sweep.trial import Outcome, Task, read_files, score_files, write_files
from stdpnet.sweep.workers import Workers
from stdpnet.training import TrainOptions
from stdpnet.training.data import data_name, load_data
from stdpnet.training.job import versions
from stdpnet.training.split import choose, held_out, is_labelled

#: Seconds between two looks at what is running.
LOOK = 0.5

Watcher = Callable[["Sweep"], None]


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C after a sweep has begun.

    Attributes
    ----------
    path : pathlib.Path
        Folder of the sweep.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"interrupted; what was finished is kept in {path}")
        self.path = path


class Sweep:
    """Trials of a specification with values of its parameters, each with some seeds.

    Parameters
    ----------
    spec : str
        Name in the catalogue, or a TOML file.
    parameters : mapping, optional
        What is varied.
    watch : callable, optional
        Called with the sweep about twice a second while it is at work.
    workers : LocalWorkers, optional
        Those of this machine, if they have been started already.
    **options
        The others of `SweepOptions`.

    Attributes
    ----------
    folder : SweepFolder
        Where everything is kept.
    running : dict of Running
        Trials that this process is at work on, by number.

    Raises
    ------
    ValueError, OSError
        If an option cannot be used; nothing has been written then.

    Examples
    --------
    >>> sweep = Sweep(
    ...     "conv-stdp", {"rule.learning_rate": "0.001:0.1:log"}, n_trials=8, jobs=2
    ... )  # doctest: +SKIP
    >>> sweep.run().frame()  # doctest: +SKIP
    """

    def __init__(
        self,
        spec: str,
        parameters: Any = None,
        /,
        watch: Watcher | None = None,
        workers: LocalWorkers | None = None,
        **options: Any,
    ) -> None:
        require("sweep", "optuna", "distributed")
        self._watch, self._workers = watch, workers
        self.options = SweepOptions(spec=spec, parameters=parameters or {}, **options)
        self.running: dict[int, Running] = {}
        self.n_ended = 0
        self._programs: Programs | None = None
        if self.options.resume:
            self._open()
        else:
            self._create()

    # -- what it is -------------------------------------------------------------------

    def _create(self) -> None:
        """Refuse what cannot be used, then make the folder and the trials."""
        options = self.options
        self.definition = define(options)
        spec = load_models(options.spec, options.overrides)
        options = replace(options, dataset=data_name(spec, options.dataset))
        self.options = options
        self._load_data(spec)
        storage = options.storage and open_storage(options.storage)
        shown = options.storage and without_password(options.storage)
        if options.scheduler:
            with remote_cluster(options.scheduler):
                pass  # it is there
        name = Path(options.spec).stem
        record = {
            "spec": name,
            "command": options.command.replace(options.storage or "", shown or ""),
            "definition": self.definition.to_dict(),
            "storage": shown,
            "options": options.plain(),
            "versions": versions(),
        }
        if options.name:
            record["name"] = options.name
        spec.pop("sweep", None)
        self.folder = folder = SweepFolder.create(
            options.out,
            f"{name}-{Path(str(options.dataset)).stem}",
            record,
            spec_text(spec) + "\n",
        )
        self._study(storage or open_storage(self._url))
        try:
            self.study.create(self.definition.waiting(self.options.seed))
        except StorageError:  # another sweep has the name
            shutil.rmtree(folder.path)
            raise

    def _open(self) -> None:
        """Take everything that decides from the folder of an earlier sweep."""
        asked = self.options
        assert asked.out is not None  # checked by the options
        self.folder = SweepFolder.open(asked.out)
        record = self.folder.record
        self.definition = Definition.from_dict(
            record["definition"], str(self.folder.spec_file)
        )
        kept = dict(record["options"])
        kept |= {name: getattr(asked, name) or kept[name] for name in LIMITS}
        self.options = replace(asked, resume=False, retry_failed=False, **kept)
        self._load_data(load_models(self.folder.spec_file))
        self._study(open_storage(asked.storage or record["storage"] or self._url))
        self.study.open(self.definition.waiting(self.options.seed))
        if asked.retry_failed:
            with locked(self.folder.path / ".retry.lock"):
                self.study.retry_failed()

    @property
    def _url(self) -> str:
        return sqlite_url(self.folder.path / "study.db")

    def _study(self, storage: Any) -> None:
        asked = self.definition
        self.study = SweepStudy(
            storage,
            self.folder.record["name"],
            asked.space,
            asked.objectives,
            sampler=asked.sampler,
            pruner=asked.pruner,
            seed=self.options.seed,
        )

    def _load_data(self, spec: dict[str, Any]) -> None:
        options = self.options
        assert options.dataset is not None  # the specification's, when it was made
        self.data = load_data(
            spec,
            options.dataset,
            root=options.data,
            test_fraction=options.test_fraction,
            seed=options.seed,
        )
        if "accuracy" in self.definition.objectives and not is_labelled(self.data):
            raise ValueError(
                f"{self.data.name} has no labels, so there is no accuracy to compare; "
                "give --objective another number"
            )
        self.shown = held_out(self.data, options.validation, options.seed)
        choose(self.shown, 0, options.n_fit, options.n_train, options.n_test)

    # -- work -------------------------------------------------------------------------

    def run(self) -> Self:
        """Work until every trial is finished, and score the best on the test set.

        Raises
        ------
        SweepInterrupted
            On Ctrl-C; finished runs are kept, `resume` goes on.
        """
        self.started = time.monotonic()
        try:
            with answering(self.folder.record["storage"]):
                self.study.put_back_orphans()
                with self._cluster() as client, self._put_back_at_end():
                    if self.options.scheduler:
                        spec = str(self.folder.spec_file)
                        self._programs = Programs(client, spec, self.shown)
                    self._work(Workers(client, self.shown))
                    self._test(client)
        except KeyboardInterrupt as interrupt:
            raise SweepInterrupted(self.folder.path) from interrupt
        return self

    @contextmanager
    def _put_back_at_end(self) -> Iterator[None]:
        try:
            yield
        finally:
            for running in self.running.values():
                self.study.put_back(running.trial)

    def _cluster(self) -> AbstractContextManager[Any]:
        if self.options.scheduler:
            return remote_cluster(self.options.scheduler)
        n_left = self.study.n_unfinished() * self.definition.seeds
        jobs = min(self.options.jobs, max(n_left, 1))
        return local_cluster(jobs, self._workers)

    def _work(self, workers: Workers) -> None:
        """Keep all workers busy until no trial is left, here or elsewhere."""
        last = time.monotonic()
        while True:
            self._hand_out(workers)
            if not workers.n_at_work and not self.study.n_unfinished():
                return
            if (outcome := workers.finished(LOOK)) is not None:
                if not self.study.learns:
                    self._hand_out(workers)  # no worker waits until that is noted
                self._note(outcome)
            if time.monotonic() - last > BEAT_SECONDS:
                last = time.monotonic()
                self._beat()
            if self._watch is not None:
                self._watch(self)

    def _hand_out(self, workers: Workers) -> None:
        while (free := workers.free()) and (task := self._next()) is not None:
            workers.submit(task, free)

    def _beat(self) -> None:
        for running in self.running.values():
            self.study.beat(running.trial)
        self.study.put_back_orphans()

    def _next(self) -> Task | None:
        """Return what to train next: of a trial that has begun, else of another one."""
        for running in self.running.values():
            if (found := running.next()) is not None:
                return self._task(running, *found)
        trial = self.study.take()
        if trial is None:
            return None
        if self._programs is not None:
            self._programs.send(self.definition.space.overrides(trial.params))
        prunes = self.definition.pruner != "none"
        running = Running(trial, self.definition.seeds, prunes=prunes)
        self.running[running.number] = running
        if running.done:  # killed between the last run and the end of the trial
            self._end(running)
            return self._next()
        found = running.next()
        assert found is not None  # a trial that has begun just now is not waiting
        return self._task(running, *found)

    def _task(self, running: Running, seed: int, until: float) -> Task:
        options = self.options
        folder = self.folder.run(running.number, seed)
        asked = TrainOptions(
            spec=str(self.folder.spec_file.absolute()),
            dataset=options.dataset,
            n_fit=options.n_fit,
            n_train=options.n_train,
            n_test=options.n_test,
            overrides=self.definition.space.overrides(running.trial.params),
            seed=seed,
            out=folder,
            control=options.control,
            test_fraction=options.test_fraction,
            visible=False,
        )
        return Task(
            trial=running.number,
            seed=seed,
            options=asked,
            sweep=self.folder.record["id"],
            until=until,
            seconds=options.seconds,
            megabytes=options.megabytes,
            spec=self.folder.spec_file.read_text(),
            files=read_files(folder) if options.scheduler else {},
        )

    def _note(self, outcome: Outcome) -> None:
        """Take up what came of a run; end its trial if that was the last."""
        if outcome.files:
            assert outcome.task.options.out is not None  # `_task` says where
            write_files(outcome.task.options.out, outcome.files)
        running = self.running[outcome.task.trial]
        running.note(outcome)
        if running.done:
            self._end(running)

    def _end(self, running: Running) -> None:
        """Tell the storage what came of a trial."""
        del self.running[running.number]
        self.n_ended += 1
        missing = [
            name
            for name in self.definition.objectives
            if any(name not in found for found in running.values.values())
        ]
        if running.failure is not None:
            error, details = running.failure.error, running.failure.details
            self.study.fail(running.trial, error, details)
        elif running.pruned:
            self.study.prune(running.trial)
        elif missing:
            self.study.fail(running.trial, f"its runs have no {missing[0]}")
        else:
            found = list(running.values.values())
            self.study.complete(
                running.trial,
                [
                    float(np.mean([one[name] for one in found]))
                    for name in self.definition.objectives
                ],
            )

    # -- the best ---------------------------------------------------------------------

    def _test(self, client: Any) -> None:
        """Score the best trial on the test set, if no other process has done it."""
        best = self.study.best()
        if best is None or not is_labelled(self.data):
            return
        if self.study.tested().get("trial") == best.number:
            return
        data = given(client, self.data)
        folders = {
            seed: self.folder.run(best.number, seed)
            for seed in range(self.definition.seeds)
        }
        futures = {
            seed: client.submit(
                score_files, folder.name, read_files(folder), data, pure=False
            )
            for seed, folder in folders.items()
        }
        try:
            found = {seed: future.result() for seed, future in futures.items()}
        except Exception as error:  # the trials are finished all the same
            warnings.warn(
                f"trial {best.number}, the best, could not be scored on the test set: "
                f"{error}",
                stacklevel=3,
            )
        else:
            self.study.set_tested(best.number, found)

    def seconds_left(self, n_left: int) -> float | None:
        """Return how long the trials that are left may take; None until one is done."""
        if not self.n_ended:
            return None
        return (time.monotonic() - self.started) / self.n_ended * n_left

    # -- results ----------------------------------------------------------------------

    def frame(self, *, runs: bool = False) -> Any:
        """Return the trials, or with `runs` every network, as a pandas DataFrame."""
        from stdpnet.sweep.frame import frame

        return frame(self.folder.path, runs=runs)
