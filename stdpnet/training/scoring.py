"""Features of all banks side by side, and what a linear readout makes of them."""

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from sklearn.base import clone

from stdpnet.analysis import fewer_errors
from stdpnet.datasets import Dataset
from stdpnet.datasets.paired import AnyDataset
from stdpnet.estimators.features import compute_features, feature_dtype
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.learning import added
from stdpnet.estimators.show import track
from stdpnet.estimators.spec import Readout
from stdpnet.training.split import Split, stratified

#: Numbers of labels at which accuracy is shown, and how many draws of each.
CURVE = (300, 1000, 3000, 10000)
CURVE_DRAWS = 3


@dataclass(frozen=True)
class Features:
    """What all banks answer to some images.

    Attributes
    ----------
    counts : ndarray, shape (n, n_features)
        Pooled spike counts.
    spikes : ndarray, shape (n, n_maps)
        Spikes of each map.
    events : dict of dict
        Numbers of spikes and synaptic events of each bank.
    """

    counts: np.ndarray
    spikes: np.ndarray
    events: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """Features and labels that teach a readout, and those that it is scored on."""

    train: Features
    y_train: np.ndarray
    test: Features
    y_test: np.ndarray
    test_index: np.ndarray


@dataclass
class Scores:
    """What a readout found."""

    y_true: np.ndarray
    y_pred: np.ndarray
    test_index: np.ndarray
    spikes: np.ndarray
    curve: dict[str, np.ndarray] = field(default_factory=dict)
    neuron_labels: np.ndarray | None = None
    events: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Share of the test images that were classified correctly."""
        return float(np.mean(self.y_true == self.y_pred))

    def metrics(self, control: "Scores | None", data: AnyDataset) -> dict[str, Any]:
        """Return further numbers of the score."""
        found: dict[str, Any] = {
            "spikes_per_image": float(self.spikes.sum(axis=1).mean())
        }
        irregular = np.isin(self.test_index, data.irregular_test)
        if irregular.any() and not irregular.all():
            right = self.y_true == self.y_pred
            found["accuracy_without_irregular"] = float(np.mean(right[~irregular]))
            found["n_irregular"] = int(irregular.sum())
        fewer = (
            None if control is None else fewer_errors(self.accuracy, control.accuracy)
        )
        if fewer is not None:
            found["fewer_errors"] = fewer
        return found


def features_of(
    banks: dict[str, Learner], images: np.ndarray, text: str, first: int = 0
) -> Features:
    """Return the features of all banks next to each other; `text` names the progress.

    `first` is the number of the first image if they are a part of more.
    """
    banks = {name: bank.top_ for name, bank in banks.items()}
    widths = [int(np.prod(bank.layer().features)) for bank in banks.values()]
    dtypes = [feature_dtype(bank.layer(), bank.n_steps()) for bank in banks.values()]
    counts = np.empty((len(images), sum(widths)), np.result_type(*dtypes))
    columns = np.split(counts, np.cumsum(widths)[:-1], axis=1)
    spikes, events = [], {}
    for (name, bank), part in zip(banks.items(), columns, strict=True):
        steps = compute_features(bank, images, part, first=first)
        shown = list(track(steps, len(images), text, bank.verbose))
        spikes.append(np.concatenate([step.spikes for step in shown]))
        events[name] = reduce(added, (step.events for step in shown))
    return Features(counts, np.concatenate(spikes, axis=1), events)


def task_of(banks: dict[str, Learner], data: Dataset, split: Split, text: str) -> Task:
    """Return what a readout of labelled data learns from and is scored on."""
    assert data.y_train is not None  # `is_labelled`
    assert data.y_test is not None
    return Task(
        features_of(banks, data.X_train[split.train], text),
        data.y_train[split.train],
        features_of(banks, data.X_test[split.test], text),
        data.y_test[split.test],
        split.test,
    )


def score(readout: Readout, task: Task) -> Scores:
    """Fit the readout on labelled features and classify the test images."""
    readout.fit(task.train.counts, task.y_train)
    found = readout.predict(task.test.counts)
    labels = getattr(readout, "neuron_labels_", None)
    return Scores(
        task.y_test,
        found,
        task.test_index,
        task.test.spikes,
        neuron_labels=labels,
        events=task.test.events,
    )


def label_curve(readout: Readout, task: Task, seed: int) -> dict[str, np.ndarray]:
    """Return accuracy against the number of labels, on stratified draws.

    Returns
    -------
    dict
        ``"n_labels"``, shape (n_sizes,), and ``"accuracy"``, shape
        (n_sizes, `CURVE_DRAWS`).
    """
    labels = task.y_train
    rarest = np.unique(labels, return_counts=True)[1].min()
    # Below, a draw might miss a class.
    least = len(labels) / rarest
    sizes = [n for n in CURVE if least <= n < len(labels)]
    accuracy = np.empty((len(sizes), CURVE_DRAWS))
    for row, n in enumerate(sizes):
        for draw in range(CURVE_DRAWS):
            rows = stratified(labels, n, np.random.default_rng([seed, draw]))
            fitted = clone(readout).fit(task.train.counts[rows], labels[rows])
            accuracy[row, draw] = fitted.score(task.test.counts, task.y_test)
    return {"n_labels": np.array(sizes), "accuracy": accuracy}
