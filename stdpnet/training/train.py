"""``train``: learn, make features, score, and leave everything in a run folder."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from stdpnet import __version__
from stdpnet.analysis import load_run, save_figure
from stdpnet.config import load_spec
from stdpnet.datasets import Dataset, load_dataset
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.spec import make_banks, make_readout
from stdpnet.runs import RunFolder, check_replaceable, open_hdf5
from stdpnet.training import results
from stdpnet.training.memory import PeakMemory
from stdpnet.training.options import TrainOptions
from stdpnet.training.scoring import Scores, features_of, label_curve, score
from stdpnet.training.split import Split, choose

#: Seconds between checkpoints while learning.
CHECKPOINT_SECONDS = 2.0
CHECKPOINT = "checkpoint.h5"


def train(options: TrainOptions) -> RunFolder:
    """Carry out a training run and return its folder.

    Raises
    ------
    ValueError, OSError
        If an option, the specification or the data cannot be used.
    ProgramError
        If the network cannot be built or a chunk fails.
    """
    start = time.perf_counter()
    options = options.with_folder()
    spec = load_spec(options.spec, options.overrides)
    banks = make_banks(
        spec, seed=options.seed, n_jobs=options.jobs, verbose=options.visible
    )
    make_readout(spec)  # refuses a wrong section before any work is done
    earlier = _earlier_run(options, spec)
    data = load_dataset(
        options.dataset, root=options.data, test_fraction=options.test_fraction
    )
    n_fit = options.n_fit or spec.get("about", {}).get("n_fit")
    if n_fit is not None and options.n_fit is None:
        n_fit = min(n_fit, len(data.X_train))
    split = choose(data, options.seed, n_fit, options.n_train, options.n_test)
    # Only now: an option that is refused must not cost an earlier run.
    folder = earlier or _new_folder(options, spec)
    folder.metadata["dataset"] = _dataset(data)
    folder.write_metadata()
    _import_drawing_meanwhile()
    with PeakMemory() as memory:
        job = TrainingJob(options, spec, folder, data, split, banks)
        metrics = job.run()
    metrics |= {
        "total_seconds": time.perf_counter() - start,
        "peak_memory_mb": memory.megabytes,
    }
    folder.metadata |= {"status": "finished", "metrics": metrics}
    folder.write_metadata()
    (folder.path / CHECKPOINT).unlink(missing_ok=True)
    save_figure(load_run(folder.path), "kernels", folder.path / "kernels.png")
    return folder


def _import_drawing_meanwhile() -> None:
    """Import what the pictures need, a second's work, while programs are running."""
    thread = Thread(target=import_module, args=("matplotlib.figure",), daemon=True)
    thread.start()


def _earlier_run(options: TrainOptions, spec: dict[str, Any]) -> RunFolder | None:
    """Return the run to go on with, or make sure that a new one may be written."""
    if options.out is None:
        return None
    if not options.resume:
        check_replaceable(options.out, force=options.force)
        return None
    folder = RunFolder.open(options.out)
    _check_same(folder, options, spec)
    return folder


def _new_folder(options: TrainOptions, spec: dict[str, Any]) -> RunFolder:
    assert options.out is not None  # `with_folder` has made sure
    metadata = {
        "command": options.command,
        "spec_name": Path(options.spec).stem,
        "spec": spec,
        "options": options.plain(),
        "seed": options.seed,
        "versions": versions(),
        "machine": machine(),
    }
    return RunFolder.create(options.out, metadata, force=options.force)


def _check_same(folder: RunFolder, options: TrainOptions, spec: dict[str, Any]) -> None:
    if folder.finished:
        raise ValueError(
            f"{folder.path} is finished; give --out a new folder to train again"
        )
    before = {"spec": folder.metadata["spec"], **folder.metadata["options"]}
    now = {"spec": spec, **options.plain()}
    for name, value in now.items():
        if before.get(name) != value:
            raise ValueError(
                f"{folder.path} was started with another {name}; resume with the same "
                "command, or give --out a new folder"
            )


class TrainingJob:
    """One run, step by step."""

    def __init__(
        self,
        options: TrainOptions,
        spec: dict[str, Any],
        folder: RunFolder,
        data: Dataset,
        split: Split,
        banks: dict[str, ConvSTDP],
    ) -> None:
        self.options, self.spec, self.folder = options, spec, folder
        self.data, self.split, self.banks = data, split, banks
        self.seconds: dict[str, float] = {}
        self.fit_start = time.perf_counter()

    def run(self) -> dict[str, Any]:
        """Learn, score and write ``run.h5``; return the numbers."""
        images = self.data.X_train[self.split.fit]
        for name in self.banks:
            self._fit(name, images)
        fit_seconds = self._fit_seconds()
        scores = control = None
        controls: dict[str, ConvSTDP] = {}
        labelled = self.data.y_train is not None and self.data.y_test is not None
        if labelled:
            scores = self._score(self.banks, "features")
        if labelled and self.options.control:
            with self._timed("control"):
                controls = {
                    name: shuffled_control(bank, images)
                    for name, bank in self.banks.items()
                }
                control = self._score(controls, "control features")
        with self.folder.writing("run.h5") as file:
            results.write_banks(file, self.banks, controls)
            results.write_scores(file, scores, control)
            results.write_example(file, next(iter(self.banks.values())), self.data)
        return self._metrics(fit_seconds, scores, control, controls)

    # -- learning -------------------------------------------------------------------

    def _fit(self, name: str, images: np.ndarray) -> None:
        """Learn one bank, from the last checkpoint if there is one."""
        saved = self._checkpointed(name)
        if saved is not None:
            self.banks[name] = saved
            if saved.fitted_:
                return
        bank = self.banks[name]
        last = time.perf_counter()
        try:
            for _ in bank.fit_steps(images, resume=saved is not None):
                if time.perf_counter() - last > CHECKPOINT_SECONDS:
                    self._checkpoint()
                    last = time.perf_counter()
        finally:
            if hasattr(bank, "kernels_"):
                self._checkpoint()

    def _checkpoint(self) -> None:
        with self.folder.writing(CHECKPOINT) as file:
            file.attrs["fit_seconds"] = self._fit_seconds()
            for name, bank in self.banks.items():
                if hasattr(bank, "kernels_"):
                    bank.write_to(file.require_group(name))

    def _checkpointed(self, name: str) -> ConvSTDP | None:
        path = self.folder.path / CHECKPOINT
        if not self.options.resume or not path.exists():
            return None
        with open_hdf5(path) as file:
            self.seconds.setdefault("fit before", file.attrs["fit_seconds"])
            if name not in file:
                return None
            bank = ConvSTDP.read_from(file[name])
        bank.set_params(n_jobs=self.options.jobs, verbose=self.options.visible)
        return bank

    # -- scoring --------------------------------------------------------------------

    def _score(self, banks: dict[str, ConvSTDP], text: str) -> Scores:
        data, split = self.data, self.split
        with self._timed(text):
            train = features_of(banks, data.X_train[split.train], text)
            test = features_of(banks, data.X_test[split.test], text)
        with self._timed("readout"):
            readout = make_readout(self.spec, n_jobs=self.options.jobs)
            y_train, y_test = data.y_train[split.train], data.y_test[split.test]  # type: ignore[index]
            scores = score(readout, train, y_train, test, y_test, split.test)
        with self._timed("label curve"):
            scores.curve = label_curve(
                readout, train, y_train, test, y_test, self.options.seed
            )
        return scores

    # -- numbers --------------------------------------------------------------------

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] = (
                self.seconds.get(what, 0.0) + time.perf_counter() - start
            )

    def _build_seconds(self) -> float:
        # A bank that a resumed run found finished has built nothing.
        return sum(getattr(b, "build_seconds_", 0.0) for b in self.banks.values())

    def _fit_seconds(self) -> float:
        """Return the time spent on learning, also before the run was resumed."""
        elapsed = time.perf_counter() - self.fit_start - self._build_seconds()
        return float(self.seconds.get("fit before", 0.0) + elapsed)

    def _metrics(
        self,
        fit_seconds: float,
        scores: Scores | None,
        control: Scores | None,
        controls: dict[str, ConvSTDP],
    ) -> dict[str, Any]:
        shown = sum(bank.n_shown_ for bank in self.banks.values())
        metrics: dict[str, Any] = {
            "run": str(self.folder.path),
            "accuracy": None if scores is None else scores.accuracy,
            "control_accuracy": None if control is None else control.accuracy,
            "n_fit": len(self.split.fit),
            "n_train": len(self.split.train),
            "n_test": len(self.split.test),
            "n_fit_shown": shown,
            "converged": all(bank.converged_ for bank in self.banks.values()),
            "fit_seconds": fit_seconds,
            "seconds_per_example": fit_seconds / max(shown, 1),
            "build_seconds": self._build_seconds(),
            "feature_seconds": self.seconds.get("features"),
            "control_seconds": self.seconds.get("control"),
            "readout_seconds": self.seconds.get("readout"),
            "seed": self.options.seed,
            "versions": versions(),
        }
        if scores is not None:
            metrics |= scores.metrics(control, self.data)
        metrics["control_spikes"] = {
            name: list(bank.control_spikes_) for name, bank in controls.items()
        }
        return metrics


def _dataset(data: Dataset) -> dict[str, Any]:
    return {
        "name": data.name,
        "classes": [str(name) for name in data.class_names or ()],
        "notes": list(data.notes),
        "image_shape": list(data.image_shape),
    }


def versions() -> dict[str, str]:
    """Return the versions that decide a result."""
    names = ("brian2", "numpy", "scipy", "scikit-learn", "h5py")
    return {
        "stdpnet": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


def machine() -> dict[str, Any]:
    """Return what the times of a run depend on."""
    import os

    return {"system": platform.platform(), "cores": os.cpu_count()}
