"""Choose the readout's C on training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from stdpnet.readout.blocks import feature_blocks
from stdpnet.readout.checks import check_classes, checked_examples
from stdpnet.readout.linear import LinearReadout


class ChosenC(NamedTuple):
    """The best C and what it was chosen from.

    Attributes
    ----------
    C : float
        Value with the highest validation accuracy, of equal ones the smallest.
    table : ndarray of records, shape (n_Cs,)
        Fields `C`, `accuracy`, `n_errors`, `n_validation`, in increasing C.
    """

    C: float
    table: np.ndarray


def choose_C(
    features: Any,
    labels: ArrayLike,
    *,
    Cs: Sequence[float],
    n_validation: int,
    random_state: int | None = None,
    readout: LinearReadout | None = None,
) -> ChosenC:
    """Choose C on a part of the training set that is held out.

    Solutions follow a path of increasing C, each started from the one before. Refit
    with the chosen C on all training examples afterwards.

    Parameters
    ----------
    features : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
        Training features. Never pass test features.
    labels : array-like, shape (n_samples,)
        Their labels.
    Cs : sequence of float
        Values to compare.
    n_validation : int
        Number of examples held out.
    random_state : int, optional
        Seed of a stratified random split; default holds out the last examples.
    readout : LinearReadout, optional
        Every other parameter; default is ``LinearReadout()``. The streamed solver is
        used whatever its `solver`.

    Returns
    -------
    ChosenC

    Raises
    ------
    ValueError
        If `Cs` is empty or has a value <= 0, or the split is impossible.
    """
    path = _increasing(Cs)
    machine = clone(readout or LinearReadout()).set_params(C=path[0], solver="streamed")
    machine.check_parameters()
    source, known = checked_examples(machine, features, labels)
    train, held_out = _split(known, n_validation, random_state)
    machine.classes_, codes = np.unique(known[train], return_inverse=True)
    check_classes(machine, machine.classes_)
    machine.solver_ = "streamed"
    options = machine._block_options()
    blocks = machine._prepared(feature_blocks(source, rows=train, **options))
    unseen = feature_blocks(source, rows=held_out, **options)
    n_errors, start = [], None
    for C in path:
        start = machine.set_params(C=C)._fit_streamed(blocks, codes, start).weights
        predicted = machine._labels(machine._scores(unseen))
        n_errors.append(int((predicted != known[held_out]).sum()))
    return _chosen(path, n_errors, len(held_out))


def _increasing(Cs: Sequence[float]) -> list[float]:
    path = sorted(float(C) for C in Cs)
    if not path or not path[0] > 0:
        raise ValueError(f"choose_C.Cs must be values > 0, at least one, got {Cs!r}")
    return path


def _split(
    labels: np.ndarray, n_validation: int, random_state: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted row numbers to train on and to validate with."""
    rows = np.arange(len(labels))
    if not 0 < n_validation < len(labels):
        raise ValueError(
            f"choose_C.n_validation must be between 1 and {len(labels) - 1} (one less "
            f"than the training examples), got {n_validation}"
        )
    if random_state is None:
        return rows[:-n_validation], rows[-n_validation:]
    from sklearn.model_selection import train_test_split  # slow to import

    train, held_out = train_test_split(
        rows, test_size=n_validation, stratify=labels, random_state=random_state
    )
    return np.sort(train), np.sort(held_out)


def _chosen(path: list[float], n_errors: list[int], n_validation: int) -> ChosenC:
    fields = [("C", float), ("accuracy", float), ("n_errors", int)]
    table = np.zeros(len(path), dtype=[*fields, ("n_validation", int)])
    table["C"], table["n_errors"] = path, n_errors
    table["n_validation"] = n_validation
    table["accuracy"] = 1 - table["n_errors"] / n_validation
    return ChosenC(path[int(np.argmin(n_errors))], table)
