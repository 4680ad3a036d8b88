"""What every readout demands of features, labels and choices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from stdpnet.catalog import unknown_name


def checked_examples(
    estimator: BaseEstimator, X: Any, y: ArrayLike
) -> tuple[Any, np.ndarray]:
    """Return features and labels to learn from, after scikit-learn's checks.

    Parameters
    ----------
    estimator : BaseEstimator
        Its number of features is set.
    X : array-like, memmap or h5py.Dataset, shape (n_samples, n_features)
        Features; a data set on disk is not read.
    y : array-like, shape (n_samples,)
        Labels.

    Returns
    -------
    ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
        Features that can be sliced.
    ndarray, shape (n_samples,)
        Labels.

    Raises
    ------
    ValueError
        If `X` is not a numeric matrix, finite as far as it is in memory, or `y` is
        not one class for each of its rows.
    """
    if _is_on_disk(estimator, X):
        validate_data(estimator, X, y=y, skip_check_array=True)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
    else:
        X, y = validate_data(estimator, X, y)
    check_classification_targets(y)
    return X, np.asarray(y)


def checked_features(estimator: BaseEstimator, X: Any) -> Any:
    """Return features that can be sliced, as many columns as the fitted ones.

    Parameters
    ----------
    estimator : BaseEstimator
        Fitted.
    X : array-like, memmap or h5py.Dataset, shape (n_samples, n_features)
        Features; a data set on disk is not read.

    Returns
    -------
    ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)

    Raises
    ------
    ValueError
        If `X` is not a numeric matrix, finite as far as it is in memory, with the
        right number of features.
    """
    on_disk = _is_on_disk(estimator, X)
    return validate_data(estimator, X, reset=False, skip_check_array=on_disk)


def _is_on_disk(estimator: BaseEstimator, X: Any) -> bool:
    on_disk = type(X).__module__.startswith("h5py")
    if on_disk and (X.ndim != 2 or 0 in X.shape):
        raise ValueError(
            f"{type(estimator).__name__}: features must have shape (n_samples, "
            f"n_features), both at least 1, got a data set of shape {X.shape}"
        )
    return on_disk


def check_choice(estimator: BaseEstimator, name: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError if a parameter is none of its choices."""
    value = getattr(estimator, name)
    if value not in choices:
        what = f"{type(estimator).__name__}.{name}"
        raise ValueError(unknown_name(what, str(value), choices))


def check_classes(estimator: BaseEstimator, classes: np.ndarray) -> None:
    """Raise ValueError unless there are at least two classes."""
    if len(classes) < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs at least two classes in y, got one "
            f"class ({classes[0]!s})"
        )
