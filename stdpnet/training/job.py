"""One training run, step by step: from loaded data to arrays and numbers."""

import math
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from stdpnet import __version__
from stdpnet.datasets import Dataset
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.spec import make_readout
from stdpnet.estimators.stack import ConvStack
from stdpnet.runs import RunFolder
from stdpnet.training import results
from stdpnet.training.checkpoint import read_checkpoint, write_checkpoint
from stdpnet.training.options import TrainOptions
from stdpnet.training.scoring import Scores, label_curve, score, task_of
from stdpnet.training.split import Split, is_labelled
from stdpnet.training.store import FeatureStore

#: Seconds between checkpoints while learning.
CHECKPOINT_SECONDS = 2.0
#: At most so many labelled and so many test images tell how learning gets on.
PROBED = 1000


class TrainingJob:
    """What a run does once nothing is left that could be refused.

    Parameters
    ----------
    options : TrainOptions
        What was asked for.
    spec : dict
        Sections of the specification.
    folder : RunFolder
        Where the results go.
    data : Dataset
        Examples, perhaps with labels.
    split : Split
        Which images are used for what.
    banks : dict of str to Learner
        Networks that are to learn, by name.
    """

    def __init__(
        self,
        options: TrainOptions,
        spec: dict[str, Any],
        folder: RunFolder,
        data: Dataset,
        split: Split,
        banks: dict[str, Learner],
    ) -> None:
        self.options, self.spec, self.folder = options, spec, folder
        self.data, self.split, self.banks = data, split, banks
        self.controls: dict[str, Learner] = {}
        self.scores: Scores | None = None
        self.control_scores: Scores | None = None
        self.seconds: dict[str, float] = {}

    def run(self) -> dict[str, Any]:
        """Learn, score and write ``run.h5``; return the numbers."""
        images = self.data.X_train[self.split.fit]
        self._learn(images)
        if is_labelled(self.data):
            self.scores = self._score(self.banks)
            if self.options.control:
                self._run_control(images)
        with self.folder.writing("run.h5") as file:
            results.write_banks(file, self.banks, self.controls)
            for bank in self.banks.values():
                if isinstance(bank, ConvStack):
                    results.write_preferred(file, bank, images)
            results.write_scores(file, self.scores, self.control_scores)
            results.write_example(file, next(iter(self.banks.values())), self.data)
        return self._metrics()

    def learn_part(self, until: float) -> float | None:
        """Learn from a share of the images; return the accuracy, None at the end."""
        images = self.data.X_train[self.split.fit]
        self._learn(images, until)
        if all(getattr(bank, "fitted_", False) for bank in self.banks.values()):
            return None
        task = task_of(self.banks, self.data, few_of(self.split), "features")
        return score(make_readout(self.spec), task).accuracy

    # -- learning -------------------------------------------------------------------

    def _learn(self, images: np.ndarray, until: float = 1.0) -> None:
        """Let every bank learn, from the last checkpoint if there is one."""
        saved: dict[str, Learner] = {}
        if self.options.resume:
            saved, self.seconds["fit before"] = read_checkpoint(self.folder)
        self._start = time.perf_counter()
        for name in self.banks:
            if name in saved:
                self.banks[name] = saved[name].set_params(
                    n_jobs=self.options.jobs, verbose=self.options.visible
                )
            if len(self.banks) > 1:
                self.banks[name].progress_text = f"learning {name}"
            if not getattr(self.banks[name], "fitted_", False):
                self._fit(self.banks[name], images, until, resume=name in saved)
        self.seconds["fit"] = self._fit_seconds()

    def _fit(
        self, bank: Learner, images: np.ndarray, until: float, *, resume: bool
    ) -> None:
        last = time.perf_counter()
        enough = until * len(images) * getattr(bank, "n_epochs", 1)
        try:
            for _ in bank.fit_steps(images, resume=resume):
                if until < 1 and bank.n_images_shown_ >= enough:
                    break
                if time.perf_counter() - last > CHECKPOINT_SECONDS:
                    self._checkpoint()
                    last = time.perf_counter()
        finally:
            if bank.has_started:
                self._checkpoint()

    def _checkpoint(self) -> None:
        write_checkpoint(self.folder, self.banks, self._fit_seconds())

    def _fit_seconds(self) -> float:
        """Return the time spent on learning, also before the run was resumed."""
        elapsed = time.perf_counter() - self._start - self._build_seconds()
        return self.seconds.get("fit before", 0.0) + elapsed

    def _build_seconds(self) -> float:
        # A bank that a resumed run found finished has built nothing.
        return sum(getattr(b, "build_seconds_", 0.0) for b in self.banks.values())

    # -- scoring --------------------------------------------------------------------

    def _run_control(self, images: np.ndarray) -> None:
        with self._timed("control"):
            self.controls = {
                name: shuffled_control(
                    bank, images, kernels=self.options.control_kernels
                )
                for name, bank in self.banks.items()
            }
            self.control_scores = self._score(self.controls, "control ")

    def _score(self, banks: dict[str, Learner], whose: str = "") -> Scores:
        store = FeatureStore(self.folder.path / "features")
        with self._timed(f"{whose}features"):
            task = task_of(
                banks,
                self.data,
                self.split,
                f"{whose}features",
                store if self.options.on_disk else None,
            )
        readout = make_readout(self.spec, n_jobs=self.options.jobs)
        with self._timed(f"{whose}readout"):
            scores = score(
                readout, task, f"{whose}readout", visible=self.options.visible
            )
        scores.curve = label_curve(
            readout,
            task,
            self.options.seed,
            f"{whose}readout, fewer labels",
            visible=self.options.visible,
        )
        return scores

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[what] = time.perf_counter() - start

    # -- numbers --------------------------------------------------------------------

    def _metrics(self) -> dict[str, Any]:
        labelled = self.scores is not None
        shown = sum(bank.n_shown_ for bank in self.banks.values())
        metrics: dict[str, Any] = {
            "run": str(self.folder.path),
            "accuracy": _accuracy(self.scores),
            "control_accuracy": _accuracy(self.control_scores),
            "n_fit": len(self.split.fit),
            "n_train": len(self.split.train) if labelled else None,
            "n_test": len(self.split.test) if labelled else None,
            "n_fit_shown": shown,
            "converged": all(bank.converged_ for bank in self.banks.values()),
            "fit_seconds": self.seconds["fit"],
            "seconds_per_example": self.seconds["fit"] / max(shown, 1),
            "build_seconds": self._build_seconds(),
            "feature_seconds": self.seconds.get("features"),
            "control_seconds": self.seconds.get("control"),
            "readout_seconds": self.seconds.get("readout"),
            "seed": self.options.seed,
            "versions": versions(),
        }
        if self.scores is not None:
            metrics |= self.scores.metrics(self.control_scores, self.data)
        metrics["control_spikes"] = {
            name: list(bank.control_spikes_) for name, bank in self.controls.items()
        }
        return metrics


def few_of(split: Split) -> Split:
    """Return at most `PROBED` of the images of a split that teach and test a readout."""

    def few(indices: np.ndarray) -> np.ndarray:
        return indices[:: math.ceil(len(indices) / PROBED)]

    return replace(split, train=few(split.train), test=few(split.test))


def _accuracy(scores: Scores | None) -> float | None:
    return None if scores is None else scores.accuracy


def versions() -> dict[str, str]:
    """Return the versions that decide a result."""
    names = ("brian2", "numpy", "scipy", "scikit-learn", "h5py")
    return {
        "stdpnet": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }
