"""Features of all banks side by side, and what a linear readout makes of them."""

from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Protocol

import numpy as np
from sklearn.base import clone

from stdpnet.analysis import fewer_errors
from stdpnet.datasets import Dataset
from stdpnet.datasets.paired import AnyDataset
from stdpnet.estimators.features import check_memory, compute_features, feature_dtype
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.learning import added
from stdpnet.estimators.show import count_steps, track
from stdpnet.estimators.spec import Readout
from stdpnet.readout import LinearReadout, MLPReadout
from stdpnet.training.split import Split, stratified

#: Numbers of labels at which accuracy is shown, and how many draws of each.
CURVE = (300, 1000, 3000, 10000)
CURVE_DRAWS = 3
#: What to do about features that do not fit into memory.
ON_DISK = "keep them on disk with --on-disk, or use fewer maps or larger windows"
#: Rows of features on disk that are read at a time.
ROWS_READ = 1000


class Store(Protocol):
    """Keeps features on disk."""

    def features(
        self, name: str, banks: dict[str, Any], images: np.ndarray, text: str
    ) -> "Features":
        """Return features whose counts stay on disk."""


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
    banks: dict[str, Learner],
    images: np.ndarray,
    text: str,
    first: int = 0,
    *,
    visible: bool = True,
) -> Features:
    """Return the features of all banks next to each other; `text` names the progress.

    `first` is the number of the first image if they are a part of more; without
    `visible`, no progress is shown.

    Raises
    ------
    ValueError
        If they do not fit into memory.
    """
    banks = {name: bank.top_ for name, bank in banks.items()}
    widths = [int(np.prod(bank.layer().features)) for bank in banks.values()]
    dtypes = [feature_dtype(bank.layer(), bank.n_steps()) for bank in banks.values()]
    dtype = np.result_type(*dtypes)
    check_memory(len(images), sum(widths), dtype, ON_DISK)
    counts = np.empty((len(images), sum(widths)), dtype)
    columns = np.split(counts, np.cumsum(widths)[:-1], axis=1)
    spikes, events = [], {}
    for (name, bank), part in zip(banks.items(), columns, strict=True):
        steps = compute_features(bank, images, part, first=first)
        which = f"{text}, {name}" if len(banks) > 1 else text
        shown = list(track(steps, len(images), which, visible and bank.verbose))
        spikes.append(np.concatenate([step.spikes for step in shown]))
        events[name] = reduce(added, (step.events for step in shown))
    return Features(counts, np.concatenate(spikes, axis=1), events)


def task_of(
    banks: dict[str, Learner],
    data: Dataset,
    split: Split,
    text: str,
    store: Store | None = None,
) -> Task:
    """Return what a readout of labelled data learns from and is scored on.

    With a store, features stay on disk.
    """
    assert data.y_train is not None  # `is_labelled`
    assert data.y_test is not None

    def features(images: np.ndarray, which: str) -> Features:
        title = f"{text}, {which}"
        if store is None:
            return features_of(banks, images, title)
        return store.features(f"{text.replace(' ', '-')}-{which}", banks, images, title)

    return Task(
        features(data.X_train[split.train], "train"),
        data.y_train[split.train],
        features(data.X_test[split.test], "test"),
        data.y_test[split.test],
        split.test,
    )


def score(
    readout: Readout, task: Task, text: str = "", *, visible: bool = False
) -> Scores:
    """Fit the readout on labelled features and classify the test images.

    `text` names the progress, which is shown if `visible`.
    """
    _fit(readout, task, text, visible)
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


def _fit(readout: Readout, task: Task, text: str, visible: bool) -> None:
    counts, labels = task.train.counts, task.y_train
    if isinstance(readout, MLPReadout):
        epochs = readout.fit_epochs(counts, labels)
        for _ in track(epochs, readout.n_epochs, text, visible):
            pass
    elif isinstance(readout, LinearReadout):
        with count_steps(text, visible) as callback:
            readout.set_params(callback=callback).fit(counts, labels)
        readout.callback = None
    else:
        readout.fit(counts, labels)


def rows_of(counts: Any, rows: np.ndarray) -> np.ndarray:
    """Return some rows of features, in memory or on disk, in the order given."""
    if isinstance(counts, np.ndarray):
        return counts[rows]
    found = np.empty((len(rows), counts.shape[1]), counts.dtype)
    for start in range(0, len(counts), ROWS_READ):
        here = (rows >= start) & (rows < start + ROWS_READ)
        found[here] = counts[start : start + ROWS_READ][rows[here] - start]
    return found


def label_curve(
    readout: Readout, task: Task, seed: int, text: str = "", *, visible: bool = False
) -> dict[str, np.ndarray]:
    """Return accuracy against the number of labels, on stratified draws.

    `text` names the progress, which is shown if `visible`.

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
    cells = list(np.ndindex(*accuracy.shape))
    for row, draw in track(cells, len(cells), text, visible and bool(cells)):
        rows = stratified(labels, sizes[row], np.random.default_rng([seed, draw]))
        fitted = clone(readout).fit(rows_of(task.train.counts, rows), labels[rows])
        accuracy[row, draw] = fitted.score(task.test.counts, task.y_test)
    return {"n_labels": np.array(sizes), "accuracy": accuracy}
