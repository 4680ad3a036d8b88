"""What the features were good for: confusions, accuracy against labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis.drawing import (
    CONTROL,
    LEARNED,
    axes_or_new,
    label_at,
    tidy,
    tidy_labels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def confusion(y_true: np.ndarray, y_pred: np.ndarray, n_classes: int) -> np.ndarray:
    """Count how often each class was taken for each other.

    Parameters
    ----------
    y_true, y_pred : ndarray of int, shape (n,)
        Labels and predictions, ``0 .. n_classes - 1``.
    n_classes : int
        Number of classes.

    Returns
    -------
    ndarray of int, shape (n_classes, n_classes)
        Rows are true classes, columns are predicted ones.

    Raises
    ------
    ValueError
        If the shapes disagree, or a label is out of range.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.ndim != 1 or y_true.shape != y_pred.shape:
        raise ValueError(
            f"y_true and y_pred must have one shape (n,), got {y_true.shape} "
            f"and {y_pred.shape}"
        )
    for name, labels in (("y_true", y_true), ("y_pred", y_pred)):
        wrong = labels[(labels < 0) | (labels >= n_classes)]
        if wrong.size:
            raise ValueError(f"{name} must be in 0 .. {n_classes - 1}, got {wrong[0]}")
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (y_true.astype(int), y_pred.astype(int)), 1)
    return counts


def fewer_errors(accuracy: float, control_accuracy: float) -> float | None:
    """Return the fraction of the control's errors that learning removed.

    Parameters
    ----------
    accuracy, control_accuracy : float
        Between 0 and 1.

    Returns
    -------
    float or None
        Negative if there are more errors; None if the control made none.
    """
    if control_accuracy >= 1:
        return None
    return 1 - (1 - accuracy) / (1 - control_accuracy)


def plot_confusion(
    matrix: np.ndarray,
    class_names: Sequence[str] = (),
    *,
    ax: Axes | None = None,
) -> Axes:
    """Show which classes were mistaken for which.

    The colour of a cell is the share of its row that went there by mistake;
    right answers are left pale, so that errors stand out.

    Parameters
    ----------
    matrix : ndarray of int, shape (n_classes, n_classes)
        Rows are true classes, columns are predicted ones; see `confusion`.
    class_names : sequence of str
        Names of the classes; default are their numbers.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with the matrix; up to 12 classes with counts. Not shown or saved.

    Raises
    ------
    ValueError
        If the matrix is not square, or the names do not fit.
    """
    matrix = np.asarray(matrix)
    n_classes = len(matrix)
    if matrix.ndim != 2 or matrix.shape != (n_classes, n_classes) or not matrix.size:
        raise ValueError(
            f"matrix must have shape (n_classes, n_classes), got {matrix.shape}"
        )
    names = list(class_names) or [str(i) for i in range(n_classes)]
    if len(names) != n_classes:
        raise ValueError(
            f"class_names must have one name for each of the {n_classes} classes, "
            f"got {len(names)}"
        )
    ax = axes_or_new(ax, 4.6, 4.2)
    mistaken = _share_mistaken(matrix)
    top = float(mistaken.max()) or 1.0
    ax.imshow(mistaken, vmin=0, vmax=1.1 * top, cmap="OrRd", interpolation="nearest")
    if n_classes <= 12:
        _write_counts(ax, matrix, mistaken > 0.65 * top)
    return _label_classes(ax, names)


def _share_mistaken(matrix: np.ndarray) -> np.ndarray:
    totals = matrix.sum(axis=1, keepdims=True)
    mistaken = matrix / np.where(totals > 0, totals, 1)
    np.fill_diagonal(mistaken, 0)
    return mistaken


def _write_counts(ax: Axes, matrix: np.ndarray, dark: np.ndarray) -> None:
    for row, column in np.argwhere(matrix):
        right = row == column
        ax.text(
            column,
            row,
            f"{matrix[row, column]}",
            ha="center",
            va="center",
            fontsize=8,
            fontweight="bold" if right else "normal",
            color="#fffffe" if dark[row, column] else "#222222",
        )


def _label_classes(ax: Axes, names: list[str]) -> Axes:
    long = max(len(name) for name in names) > 2
    every = max(1, len(names) // 30)
    places = range(0, len(names), every)
    ax.set_xticks(places, names[::every], rotation=90 if long else 0)
    ax.set_yticks(places, names[::every])
    ax.set(xlabel="Predicted", ylabel="True")
    ax.spines[:].set_visible(False)
    return tidy_labels(ax)


def plot_label_curve(
    n_labels: np.ndarray,
    accuracy: np.ndarray,
    control: np.ndarray | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Show how many labels the readout needs, with and without learning.

    Parameters
    ----------
    n_labels : ndarray of int, shape (n_sizes,)
        Labelled images that the readout was trained on.
    accuracy : ndarray, shape (n_sizes, n_draws)
        Test accuracy with the learned kernels, between 0 and 1.
    control : ndarray, shape (n_sizes, n_draws), optional
        Test accuracy with the kernels of the control.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a line through the means and a dot a draw of labels,
        accuracies in percent. Not shown or saved.

    Raises
    ------
    ValueError
        If shapes disagree.
    """
    n_labels = np.asarray(n_labels)
    ax = axes_or_new(ax)
    learned = _percent("learned", n_labels, accuracy)
    if control is None:
        _curve(ax, n_labels, learned, "learned", LEARNED, "center")
    else:
        other = _percent("control", n_labels, control)
        # The labels of curves that end close together must not cover each other.
        higher = learned[-1].mean() >= other[-1].mean()
        places = ("bottom", "top") if higher else ("top", "bottom")
        _curve(ax, n_labels, learned, "learned", LEARNED, places[0])
        _curve(ax, n_labels, other, "control", CONTROL, places[1])
    ax.set_xscale("log")
    ax.set_xticks(n_labels, [f"{n:,}" for n in n_labels])
    ax.set_xticks([], minor=True)
    ax.set(xlabel="Labelled images", ylabel="Test accuracy (%)")
    return tidy(ax)


def _percent(name: str, n_labels: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    percent = 100 * np.asarray(accuracy, dtype=float)
    if percent.ndim != 2 or percent.shape[:1] != n_labels.shape or not percent.size:
        raise ValueError(
            f"{name} accuracy must have shape ({len(n_labels)}, n_draws) like the "
            f"{len(n_labels)} n_labels, got {percent.shape}"
        )
    return percent


def _curve(
    ax: Axes,
    n_labels: np.ndarray,
    percent: np.ndarray,
    name: str,
    colour: str,
    va: str,
) -> None:
    mean = percent.mean(axis=1)
    ax.plot(n_labels, percent, "o", color=colour, markersize=3.5, alpha=0.6)
    ax.plot(n_labels, mean, color=colour, linewidth=2)
    label_at(ax, n_labels[-1], mean[-1], f"{name} {mean[-1]:.1f}", colour=colour, va=va)
