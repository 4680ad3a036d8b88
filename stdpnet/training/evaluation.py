"""``evaluate``: score a finished run once more, or on other data."""

from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.analysis import Run, load_run
from stdpnet.datasets import Dataset
from stdpnet.datasets.paired import AnyDataset, PairedDataset
from stdpnet.estimators.spec import make_readout
from stdpnet.training.data import load_data
from stdpnet.training.results import read_banks
from stdpnet.training.scoring import Scores, score, task_of
from stdpnet.training.senses import score_views, views
from stdpnet.training.split import Split, choose, is_labelled, specified


def evaluate(
    run_path: Path | str,
    *,
    dataset: str | None = None,
    data: Path | None = None,
    n_test: int | None = None,
    jobs: int = 1,
    visible: bool = True,
) -> dict[str, Any]:
    """Fit the readout of a run on its learned features again, and score it.

    Parameters
    ----------
    run_path : path
        A finished run.
    dataset : str, optional
        Data set to score instead of the run's own; its images must have the
        same shape. The readout is fitted on its labels, the kernels stay.
    data : path, optional
        Folder of data sets.
    n_test : int, optional
        Test images; default as in the run, all of another data set.
    jobs : int
        Parallel shards.
    visible : bool
        Whether to show progress.

    Returns
    -------
    dict
        ``accuracy``, ``n_train``, ``n_test``, ``dataset``, ``run`` and ``per_class``.

    Raises
    ------
    ValueError
        If the run is damaged or not finished, or the data have no labels or
        another image shape.
    """
    run = load_run(run_path)
    options = run.record["options"]
    banks = load_banks(run)
    for bank in banks.values():
        bank.set_params(n_jobs=jobs, verbose=visible)
    found = data_of(run, data, dataset)
    _check(found, run, banks)
    n_train = None
    if dataset is None:
        n_train, n_test = _n_train(run, found), n_test or options["n_test"]
    split = choose(found, options["seed"], None, n_train, n_test)
    scores = _scored(run, banks, found, split, jobs)
    return {
        "run": str(run.path),
        "dataset": found.name,
        "accuracy": scores.accuracy,
        "n_train": len(split.train),
        "n_test": len(split.test),
        "per_class": shares_right(scores.y_true, scores.y_pred, found.class_names),
    }


def accuracy_on_test(run_path: Path | str, data: AnyDataset) -> float:
    """Return the accuracy of a finished run on the test set of its data.

    As many images as in the run, which may have been scored on others.
    """
    run = load_run(run_path)
    options, banks = run.record["options"], load_banks(run)
    n_train, n_test = _n_train(run, data), options["n_test"]
    split = choose(
        data, options["seed"], None, n_train, n_test and min(n_test, len(data.X_test))
    )
    return _scored(run, banks, data, split).accuracy


def _scored(
    run: Run, banks: dict[str, Any], data: AnyDataset, split: Split, jobs: int = 1
) -> Scores:
    """Return scores of the readout of a run, fitted again."""
    readout = make_readout(run.record["spec"], n_jobs=jobs)
    if not isinstance(data, PairedDataset):
        return score(readout, task_of(banks, data, split, "features"))
    joint = banks["main"]
    view = next(views(list(joint.members_)))
    models = {view.model: joint}
    return score_views(readout, models, [view], data, split)[view.name]


def data_of(run: Run, root: Path | None, dataset: str | None = None) -> Any:
    """Return the data of a run, or another set split as they were."""
    options = run.record["options"]
    return load_data(
        run.record["spec"],
        dataset or options["dataset"],
        root=root,
        test_fraction=options["test_fraction"],
        seed=options["seed"],
    )


def labelled_images(run: Run, data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of its data that the readout of a run learned from."""
    if data.y_train is None:
        raise ValueError(
            f"{data.name} has no labels for the readout; 'stdpnet transform' writes "
            "features without them"
        )
    split = choose(data, run.record["options"]["seed"], None, _n_train(run, data), None)
    return data.X_train[split.train], data.y_train[split.train]


def _n_train(run: Run, data: AnyDataset) -> int | None:
    """Return how many labelled images the readout of a run was fitted on."""
    n_train: int | None = run.record["options"]["n_train"]
    most = specified(run.record["spec"], "n_train")
    return n_train or (most and min(most, len(data.X_train)))


def load_banks(run: Run) -> dict[str, Any]:
    """Return the fitted estimators of a run, in their order."""
    with run.arrays() as file:
        return read_banks(file)


def _check(data: AnyDataset, run: Run, banks: dict[str, Any]) -> None:
    if not is_labelled(data):
        raise ValueError(
            f"{data.name} has no labels to score; give --dataset data that have"
        )
    shapes, networks = data.image_shape, banks
    if isinstance(shapes, dict):
        networks = banks["main"].members_
    for name, bank in networks.items():
        of_bank = shapes[name] if isinstance(shapes, dict) else shapes
        shape = (*of_bank, 1)[:3]
        if shape != bank.image_shape_:
            raise ValueError(
                f"{data.name} has images of shape {shape}, but the network of {run.path} "
                f"learned from {bank.image_shape_}; give --dataset images of that shape"
            )


def shares_right(
    y_true: np.ndarray, y_pred: np.ndarray, names: tuple[str, ...]
) -> dict[str, float]:
    """Return the share of the images of each class that were classified correctly."""
    right = y_true == y_pred
    return {
        names[label]: float(np.mean(right[y_true == label]))
        for label in np.unique(y_true)
    }
