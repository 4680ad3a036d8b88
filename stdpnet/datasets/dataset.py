"""What every loader returns: images and labels, unscaled and unencoded."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stdpnet.datasets.checks import check_labels, check_pair, check_same_kind

NOT_ORIGINAL = "not the original bytes"
"""How a note begins that the user is warned of."""


class DataWarning(UserWarning):
    """Data that can be used, but are not what their name promises."""


def _no_records() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Images to learn from and to test on.

    The arrays are read-only, so that no estimator can change them by accident.

    Parameters
    ----------
    name : str
        Name in the catalogue, or the stem of the user's file or folder.
    X_train, X_test : ndarray, shape (n, height, width[, channels])
        Images as stored, uint8 or float, not scaled.
    y_train, y_test : ndarray of int64, shape (n,), or None
        Labels ``0 .. n_classes - 1``; None if the data have none.
    class_names : tuple of str
        What the labels stand for; empty without labels.
    max_value : float
        Full scale of the pixels: 255 for uint8 images, 16 for digits; for
        floats 1, or the largest value if that is larger.
    notes : tuple of str
        What a reader of the results should know about these data.
    irregular_train, irregular_test : ndarray of int64, shape (n_irregular,)
        Indices of records that are known not to be the original ones, so that
        accuracies can also be given without them.
    source : str
        Where the data were read from.

    Raises
    ------
    ValueError
        If the arrays do not fit each other.
    """

    name: str
    X_train: np.ndarray
    y_train: np.ndarray | None
    X_test: np.ndarray
    y_test: np.ndarray | None
    class_names: tuple[str, ...]
    max_value: float
    notes: tuple[str, ...] = ()
    irregular_train: np.ndarray = field(default_factory=_no_records)
    irregular_test: np.ndarray = field(default_factory=_no_records)
    source: str = ""

    def __post_init__(self) -> None:
        """Check that the parts fit, and make the arrays read-only."""
        check_pair(self.name, "train", self.X_train, self.y_train)
        check_pair(self.name, "test", self.X_test, self.y_test)
        check_same_kind(self.name, self.X_train, self.X_test)
        for part in ("y_train", "y_test"):
            labels = getattr(self, part)
            if labels is not None:
                check_labels(f"{self.name}: {part}", labels, len(self.class_names))
        for part in _ARRAYS:
            object.__setattr__(self, part, _read_only(getattr(self, part)))

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}, {len(self.X_train)} training and "
            f"{len(self.X_test)} test images of shape {self.image_shape}, "
            f"{self.X_train.dtype}, {len(self.class_names)} classes)"
        )

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image, (height, width) or (height, width, channels)."""
        return tuple(self.X_train.shape[1:])


_ARRAYS = (
    "X_train",
    "y_train",
    "X_test",
    "y_test",
    "irregular_train",
    "irregular_test",
)


def _read_only(array: np.ndarray | None) -> Any:
    if array is None:
        return None
    view = array.view()
    view.flags.writeable = False
    return view
