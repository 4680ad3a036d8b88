"""Several data sets as one, whose examples are seen and heard at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from stdpnet.datasets.dataset import Dataset
from stdpnet.datasets.loading import load_dataset
from stdpnet.datasets.pairing import draw_partners
from stdpnet.datasets.places import Root

#: Between the names of data sets.
PLUS = "+"


@dataclass(frozen=True)
class Pairs:
    """Examples of several modalities; as an array, they have a length and rows.

    Parameters
    ----------
    parts : dict of ndarray, shape (m, height, width[, channels])
        What there is of each modality.
    rows : dict of ndarray of int, shape (n,)
        Which of it belongs together.
    """

    parts: Mapping[str, np.ndarray]
    rows: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.rows.values())))

    def __getitem__(self, chosen: Any) -> Self:
        rows = {name: rows[chosen] for name, rows in self.rows.items()}
        return type(self)(self.parts, rows)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the examples of each modality, as `MultimodalSTDP` takes them."""
        return {name: self.parts[name][rows] for name, rows in self.rows.items()}


@dataclass(frozen=True)
class PairedDataset:
    """Pairs to learn from and to test on; like `Dataset`, but for what an example is.

    Parameters
    ----------
    name : str
        Names of the data sets, with ``+`` between them.
    parts : dict of Dataset
        The data set of each modality.
    X_train, X_test : Pairs
        Every example of the first data set with one of the others of its class.
    y_train, y_test : ndarray of int64, shape (n,)
        Labels.
    """

    name: str
    parts: Mapping[str, Dataset]
    X_train: Pairs
    y_train: np.ndarray
    X_test: Pairs
    y_test: np.ndarray
    irregular_train: np.ndarray = field(default_factory=lambda: np.array([], np.int64))
    irregular_test: np.ndarray = field(default_factory=lambda: np.array([], np.int64))

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the labels stand for."""
        return self._first.class_names

    @property
    def image_shape(self) -> dict[str, tuple[int, ...]]:
        """Shape of one example of each modality."""
        return {name: data.image_shape for name, data in self.parts.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the results should know."""
        pairing = "Pairs are of the same class: labels decide what belongs together."
        return (pairing, *(note for data in self.parts.values() for note in data.notes))

    @cached_property
    def _first(self) -> Dataset:
        return next(iter(self.parts.values()))


#: What a run may learn from.
AnyDataset = Dataset | PairedDataset


def load_pairs(
    names: str,
    modalities: Sequence[str],
    *,
    root: Root = None,
    test_fraction: float = 0.2,
    seed: int = 0,
) -> PairedDataset:
    """Load a data set for each modality, and draw pairs of the same class.

    Parameters
    ----------
    names : str
        Names or paths of data sets in the order of the modalities, with ``+`` between
        them: ``"mnist+fsdd"``.
    modalities : sequence of str
        Their names.
    root, test_fraction
        As for `load_dataset`.
    seed : int
        Seed of the pairs. Those of training and of test examples are drawn apart.

    Raises
    ------
    ValueError
        If there is not one data set for each modality, one has no labels, or a class
        has no partners.
    """
    found = names.split(PLUS)
    if len(found) != len(modalities):
        raise ValueError(
            f"the network has the modalities {', '.join(modalities)}; give --dataset one "
            f"for each with {PLUS!r} between them, such as digits{PLUS}synthetic-digits, "
            f"got {names!r}"
        )
    parts = {
        modality: load_dataset(name, root=root, test_fraction=test_fraction)
        for modality, name in zip(modalities, found, strict=True)
    }
    return pair(parts, seed=seed)


def pair(parts: Mapping[str, Dataset], *, seed: int = 0) -> PairedDataset:
    """Draw for every example of the first data set partners of its class in the others.

    Classes are the same if they have the same name.

    Raises
    ------
    ValueError
        If a data set has no labels, or a class no partners.
    """
    first, *others = parts
    X: dict[str, Pairs] = {}
    labels = {name: _labels(name, data, parts[first]) for name, data in parts.items()}
    for number, part in enumerate(("train", "test")):
        y = labels[first][number]
        rows = {first: np.arange(len(y))}
        for place, name in enumerate(others):
            _check_partners(parts[first], y, parts[name], labels[name][number], part)
            draw = np.random.SeedSequence([seed, number, place]).generate_state(1)[0]
            rows[name] = draw_partners(y, labels[name][number], seed=int(draw))
        arrays = {name: getattr(data, f"X_{part}") for name, data in parts.items()}
        X[part] = Pairs(arrays, rows)
    return PairedDataset(
        PLUS.join(data.name for data in parts.values()),
        dict(parts),
        X["train"],
        labels[first][0],
        X["test"],
        labels[first][1],
    )


def _check_partners(
    first: Dataset, y: np.ndarray, other: Dataset, other_y: np.ndarray, part: str
) -> None:
    lonely = np.setdiff1d(y, other_y)
    if len(lonely):
        raise ValueError(
            f"class {first.class_names[lonely[0]]!r} of {first.name} has no partner among "
            f"the {part} examples of {other.name}, whose classes are "
            f"{', '.join(other.class_names)}; leave it out, or name classes alike"
        )


def _labels(modality: str, data: Dataset, first: Dataset) -> list[np.ndarray]:
    """Return labels of training and test examples, numbered as those of the first set."""
    if data.y_train is None or data.y_test is None:
        raise ValueError(
            f"modality {modality!r}: {data.name} has no labels, so nobody knows what "
            "belongs together; give data with a class for each example"
        )
    numbers = {name: number for number, name in enumerate(first.class_names)}
    # A class that the first set does not have is nobody's partner.
    table = np.array([numbers.get(name, -1) for name in data.class_names])
    return [table[y] for y in (data.y_train, data.y_test)]
