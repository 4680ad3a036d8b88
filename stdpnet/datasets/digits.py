"""The embedded default: scikit-learn's copy of the UCI digits."""

from pathlib import Path

import numpy as np

from stdpnet.datasets.cards import Card
from stdpnet.datasets.dataset import Dataset
from stdpnet.datasets.reading import FileCheck, Format
from stdpnet.datasets.splitting import split_indices

# Part of the definition of the data set, so not the user's seed.
_SPLIT_SEED = 0
_TEST_FRACTION = 0.2
_SOURCE = "sklearn.datasets.load_digits"


def _no_files(card: Card, folder: Path) -> list[Path]:
    return []


def _load(card: Card, folder: Path) -> Dataset:
    from sklearn.datasets import load_digits  # takes a second to import

    digits = load_digits()
    images = digits.images.astype(np.uint8)
    labels = digits.target.astype(np.int64)
    train, test = split_indices(
        len(images), labels, test_fraction=_TEST_FRACTION, seed=_SPLIT_SEED
    )
    return Dataset(
        name=card.name,
        X_train=images[train],
        y_train=labels[train],
        X_test=images[test],
        y_test=labels[test],
        class_names=card.classes,
        max_value=card.max_value,
        source=_SOURCE,
    )


def _check(card: Card, folder: Path) -> list[FileCheck]:
    return [FileCheck(card.name, None, "ok", f"embedded: {_SOURCE}")]


EMBEDDED = Format(present=_no_files, missing=_no_files, load=_load, check=_check)
