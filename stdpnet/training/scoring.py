"""Features of all banks side by side, and what a linear readout makes of them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone

from stdpnet.datasets import Dataset
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.features import compute_features, feature_dtype
from stdpnet.estimators.show import track
from stdpnet.readout import LinearReadout
from stdpnet.training.split import stratified

#: Numbers of labels at which accuracy is shown, and how many draws of each.
CURVE = (300, 1000, 3000, 10000)
CURVE_DRAWS = 3


@dataclass
class Features:
    """Counts (n, n_features), and spikes of each map of the first bank (n, n_maps)."""

    counts: np.ndarray
    spikes: np.ndarray


@dataclass
class Scores:
    """What a readout found."""

    y_true: np.ndarray
    y_pred: np.ndarray
    test_index: np.ndarray
    spikes: np.ndarray
    curve: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Share of the test images that were classified correctly."""
        return float(np.mean(self.y_true == self.y_pred))

    def metrics(self, control: "Scores | None", data: Dataset) -> dict[str, Any]:
        """Return further numbers of the score."""
        found: dict[str, Any] = {
            "spikes_per_image": float(self.spikes.sum(axis=1).mean())
        }
        irregular = np.isin(self.test_index, data.irregular_test)
        if irregular.any():
            kept = ~irregular
            found["accuracy_without_irregular"] = float(
                np.mean(self.y_true[kept] == self.y_pred[kept])
            )
            found["n_irregular"] = int(irregular.sum())
        if control is not None and control.accuracy < 1:
            found["fewer_errors"] = 1 - (1 - self.accuracy) / (1 - control.accuracy)
        return found


def features_of(banks: dict[str, ConvSTDP], images: np.ndarray, text: str) -> Features:
    """Return the features of all banks next to each other."""
    widths = [int(np.prod(bank.layer().features)) for bank in banks.values()]
    dtype = np.result_type(
        *(feature_dtype(b.layer(), b.n_steps()) for b in banks.values())
    )
    counts = np.empty((len(images), sum(widths)), dtype)
    spikes: list[np.ndarray] = []
    start = 0
    for width, bank in zip(widths, banks.values(), strict=True):
        steps = compute_features(bank, images, counts[:, start : start + width])
        shown = list(track(steps, len(images), text, bank.verbose))
        spikes = spikes or [np.concatenate([step.spikes for step in shown])]
        start += width
    return Features(counts, spikes[0])


def score(
    readout: LinearReadout,
    train: Features,
    y_train: np.ndarray,
    test: Features,
    y_test: np.ndarray,
    test_index: np.ndarray,
) -> Scores:
    """Fit the readout on labelled features and classify the test images."""
    readout.fit(train.counts, y_train)
    return Scores(y_test, readout.predict(test.counts), test_index, test.spikes)


def label_curve(
    readout: LinearReadout,
    train: Features,
    y_train: np.ndarray,
    test: Features,
    y_test: np.ndarray,
    seed: int,
) -> dict[str, np.ndarray]:
    """Return accuracy against the number of labels, on stratified draws."""
    sizes = [n for n in CURVE if n < len(y_train) and n >= 2 * len(np.unique(y_train))]
    accuracy = np.empty((len(sizes), CURVE_DRAWS))
    for row, n in enumerate(sizes):
        for draw in range(CURVE_DRAWS):
            rows = stratified(y_train, n, np.random.default_rng([seed, draw]))
            fitted = clone(readout).fit(train.counts[rows], y_train[rows])
            accuracy[row, draw] = fitted.score(test.counts, y_test)
    return {"n_labels": np.array(sizes), "accuracy": accuracy}
