"""``evaluate``: score a finished run once more, or on other data."""

from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.datasets import Dataset, load_dataset
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.spec import make_readout
from stdpnet.runs import RunFolder
from stdpnet.training.scoring import features_of, score
from stdpnet.training.split import choose


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
        Test images; default as in the run.
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
        If the data have no labels or another image shape.
    """
    folder = RunFolder.open(run_path)
    banks = load_banks(folder)
    for bank in banks.values():
        bank.set_params(n_jobs=jobs, verbose=visible)
    options = folder.metadata["options"]
    found = load_dataset(
        dataset or options["dataset"], root=data, test_fraction=options["test_fraction"]
    )
    if found.y_train is None or found.y_test is None:
        raise ValueError(f"{found.name} has no labels to score")
    for bank in banks.values():
        _check_shape(found, bank, folder)
    n_train = options["n_train"] if dataset is None else None
    n_test = n_test or (options["n_test"] if dataset is None else None)
    split = choose(found, options["seed"], None, n_train, n_test)
    train = features_of(banks, found.X_train[split.train], "features")
    test = features_of(banks, found.X_test[split.test], "features")
    readout = make_readout(folder.metadata["spec"], n_jobs=jobs)
    y_train, y_test = found.y_train[split.train], found.y_test[split.test]
    scores = score(readout, train, y_train, test, y_test, split.test)
    right = scores.y_true == scores.y_pred
    return {
        "run": str(folder.path),
        "dataset": found.name,
        "accuracy": scores.accuracy,
        "n_train": len(y_train),
        "n_test": len(y_test),
        "per_class": {
            str(found.class_names[label]): float(np.mean(right[y_test == label]))
            for label in np.unique(y_test)
        },
    }


def _check_shape(data: Dataset, bank: ConvSTDP, folder: RunFolder) -> None:
    shape = (*data.image_shape, 1)[:3]
    if shape != bank.image_shape_:
        raise ValueError(
            f"{data.name} has images of shape {shape}, but the network of {folder.path} "
            f"learned from {bank.image_shape_}; give --dataset images of that shape"
        )


def load_banks(folder: RunFolder) -> dict[str, ConvSTDP]:
    """Return the fitted estimators of a run, in their order."""
    with folder.arrays() as arrays:
        group = arrays["estimators"]
        return {name: ConvSTDP.read_from(group[name]) for name in group}
