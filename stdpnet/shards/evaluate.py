"""Accuracy of a run on more images than fit into memory, shard by shard."""

import shutil
from typing import Any

import numpy as np

from stdpnet.analysis import Run
from stdpnet.datasets import Dataset
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.spec import Readout, make_readout
from stdpnet.shards.parts import Parts
from stdpnet.shards.sources import Source
from stdpnet.shards.transform import (
    SHARD,
    Watcher,
    check_source,
    features_of_shard,
    identity,
    shard_size,
)
from stdpnet.training import load_banks
from stdpnet.training.evaluation import labelled_images, shares_right

#: Where a run keeps shards until all are finished.
PARTS = ".evaluate.parts"


def evaluate_shards(
    run: Run,
    images: Source,
    labels: Source,
    data: Dataset,
    client: Any,
    *,
    size: int = SHARD,
    watch: Watcher | None = None,
) -> dict[str, Any]:
    """Score a run on the images of a file, with its readout fitted again.

    Shards that are finished are kept in the run's folder until all are: the same call
    goes on after an interruption.

    Parameters
    ----------
    run : Run
        A finished run.
    images : Source
        Of the shape that the run learned from.
    labels : Source
        Number of the class of each, as in the run's data.
    data : Dataset
        The run's data, from whose labelled images the readout learns as it did.
    client : distributed.Client
        Of the workers.
    size : int
        Images of a shard, about.
    watch : callable, optional
        Called with the images done and those in all, labelled ones included.

    Returns
    -------
    dict
        As that of `stdpnet.training.evaluate`.

    Raises
    ------
    ValueError
        If the images have another shape than those of the run, or labels are not among
        its classes.
    """
    banks = load_banks(run)
    check_source(run, banks, images)
    y_true = read_labels(labels, images, data)
    size = shard_size(banks, size)
    X_train, y_train = labelled_images(run, data)
    n_all, folder = len(X_train) + len(images), run.path / PARTS

    fitting = Parts(folder / "train", {"size": size, "images": len(X_train)})
    shards = (X_train[i : i + size] for i in range(0, len(X_train), size))
    for done in fitting.compute(client, features_of_shard, banks, shards):
        if watch is not None:
            watch(done, n_all)
    readout = make_readout(run.record["spec"]).fit(fitting.joined(), y_train)

    found = Parts(folder / "test", identity(run, images, size))
    shared = banks, readout
    for done in found.compute(client, classes_of_shard, shared, images.shards(size)):
        if watch is not None:
            watch(len(X_train) + done, n_all)
    y_pred = found.joined()
    shutil.rmtree(folder)
    return {
        "run": str(run.path),
        "dataset": images.path.name,
        "accuracy": float(np.mean(y_true == y_pred)),
        "n_train": len(y_train),
        "n_test": len(y_pred),
        "per_class": shares_right(y_true, y_pred, data.class_names),
    }


def classes_of_shard(
    shared: tuple[dict[str, Learner], Readout], images: np.ndarray, first: int
) -> np.ndarray:
    """Return the predicted classes of images of which the first has this number."""
    banks, readout = shared
    return np.asarray(readout.predict(features_of_shard(banks, images, first)))


def read_labels(labels: Source, images: Source, data: Dataset) -> np.ndarray:
    """Return all labels, which must be one a row and classes of the data."""
    check_labels(labels, images)
    found = np.concatenate(list(labels.shards(SHARD)))
    n_classes = len(data.class_names)
    wrong = found[~np.isin(found, np.arange(n_classes))]
    if len(wrong):
        raise ValueError(
            f"{labels.path}: {labels.key} must hold classes 0 to {n_classes - 1} of "
            f"{data.name}, got {wrong[0]}"
        )
    return found.astype(int)


def check_labels(labels: Source, images: Source) -> None:
    """Raise ValueError unless there is one label for each image."""
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"{images.path}: {labels.key} must have the shape {images.shape[:1]}, got "
            f"{labels.shape}"
        )
