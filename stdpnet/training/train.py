"""``train``: from what was asked for to a finished run folder."""

import json
import os
import platform
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from stdpnet.analysis import load_run, save_figure
from stdpnet.analysis.compression import is_dense
from stdpnet.datasets.paired import AnyDataset, PairedDataset
from stdpnet.estimators.spec import load_models, make_banks, make_readout
from stdpnet.runs import RunFolder, check_replaceable
from stdpnet.training.checkpoint import CHECKPOINT
from stdpnet.training.data import check_features, data_name, layers_of, load_data
from stdpnet.training.job import TrainingJob, versions
from stdpnet.training.memory import PeakMemory
from stdpnet.training.options import TrainOptions
from stdpnet.training.senses import JointJob
from stdpnet.training.split import choose, specified


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C after a run has begun.

    Attributes
    ----------
    path : pathlib.Path
        The run folder, with what was learned so far.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"interrupted; what was learned is kept in {path}")
        self.path = path


def train(options: TrainOptions, data: AnyDataset | None = None) -> RunFolder:
    """Carry out a training run and return its folder.

    Parameters
    ----------
    options : TrainOptions
        What is asked for.
    data : Dataset or PairedDataset, optional
        Instead of those that `options` name.

    Raises
    ------
    ValueError, OSError
        If an option, the specification or the data cannot be used.
    ProgramError
        If the network cannot be built or a chunk fails.
    TrainingInterrupted
        On Ctrl-C, once there is a run to go on with.
    """
    start = time.perf_counter()
    with PeakMemory() as memory:
        job = _prepared(options, data)
        try:
            _import_drawing_meanwhile()
            metrics = job.run()
            metrics["total_seconds"] = time.perf_counter() - start
            metrics["peak_memory_mb"] = memory.megabytes
            _finish(job.folder, metrics)
        except KeyboardInterrupt as interrupt:
            raise TrainingInterrupted(job.folder.path) from interrupt
    return job.folder


def train_part(options: TrainOptions, data: AnyDataset, until: float) -> float | None:
    """Learn from a share of the images, as far as a run that can be resumed.

    Returns
    -------
    float or None
        Accuracy so far, of few images (`PROBED`); None once learning has ended.
    """
    return _prepared(options, data).learn_part(until)


def _prepared(options: TrainOptions, data: AnyDataset | None) -> TrainingJob:
    """Refuse what cannot be used, then make the folder."""
    spec = _plain_spec(options)
    options = replace(options, dataset=data_name(spec, options.dataset))
    banks = make_banks(
        spec, seed=options.seed, n_jobs=options.jobs, verbose=options.visible
    )
    make_readout(spec).check_parameters()
    at_most = {name: specified(spec, name) for name in ("n_fit", "n_train")}
    earlier = _earlier_run(options, spec)
    if data is None:
        data = load_data(
            spec,
            str(options.dataset),
            root=options.data,
            test_fraction=options.test_fraction,
            seed=options.seed,
        )
    n_fit, n_train = (
        getattr(options, name) or (most and min(most, len(data.X_train)))
        for name, most in at_most.items()
    )
    split = choose(data, options.seed, n_fit, n_train, options.n_test)
    layers = {name: layers_of(bank, data.X_train) for name, bank in banks.items()}
    if not (options.on_disk or isinstance(data, PairedDataset)):
        check_features(banks, layers, len(split.train) + len(split.test))
    if options.on_disk and isinstance(data, PairedDataset):
        raise ValueError("--on-disk is for networks of one sense; leave it out")
    if options.control_kernels != "shuffled" and isinstance(data, PairedDataset):
        raise ValueError("--control-kernels is for networks of one sense; leave it out")
    # Only now: an option that is refused must not cost an earlier run.
    folder = earlier or _new_folder(options, spec)
    folder.metadata["dataset"] = _dataset(data)
    folder.write_metadata()
    job: Any = JointJob if isinstance(data, PairedDataset) else TrainingJob
    made: TrainingJob = job(options, spec, folder, data, split, banks)
    return made


def _plain_spec(options: TrainOptions) -> dict[str, Any]:
    """Return the specification as ``run.json`` holds it: TOML has dates, JSON has not."""
    spec = load_models(options.spec, options.overrides)
    plain: dict[str, Any] = json.loads(json.dumps(spec, default=str))
    return plain


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


def _check_same(folder: RunFolder, options: TrainOptions, spec: dict[str, Any]) -> None:
    if folder.finished:
        raise ValueError(
            f"{folder.path} is finished; give --out a new folder to train again"
        )
    before = {"spec": folder.metadata["spec"], **folder.metadata["options"]}
    now = {"spec": spec, **options.plain()}
    for name, value in now.items():
        # Runs of earlier versions do not tell what could not be chosen.
        if before.get(name, getattr(TrainOptions, name, None)) != value:
            raise ValueError(
                f"{folder.path} was started with another {name}; resume with the same "
                "command, or give --out a new folder"
            )


def _new_folder(options: TrainOptions, spec: dict[str, Any]) -> RunFolder:
    metadata = {
        "command": options.command,
        "spec_name": Path(options.spec).stem,
        "spec": spec,
        "options": options.plain(),
        "seed": options.seed,
        "versions": versions(),
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
    }
    if options.out is not None:
        return RunFolder.create(options.out, metadata, force=options.force)
    name = f"{Path(options.spec).stem}-{Path(str(options.dataset)).stem}"
    return RunFolder.create_next(name, metadata)


def _dataset(data: AnyDataset) -> dict[str, Any]:
    shapes = data.image_shape
    return {
        "name": data.name,
        "classes": [str(name) for name in data.class_names or ()],
        "notes": list(data.notes),
        "image_shape": shapes if isinstance(shapes, dict) else list(shapes),
    }


def _import_drawing_meanwhile() -> None:
    """Import what the pictures need, a second's work, while programs are running."""
    thread = Thread(target=import_module, args=("matplotlib.figure",), daemon=True)
    thread.start()


def _finish(folder: RunFolder, metrics: dict[str, Any]) -> None:
    folder.metadata |= {"status": "finished", "metrics": metrics}
    folder.write_metadata()
    (folder.path / CHECKPOINT).unlink(missing_ok=True)
    run = load_run(folder.path)
    figure = "receptive-fields" if is_dense(run) else "kernels"
    save_figure(run, figure, folder.path / "kernels.png")
