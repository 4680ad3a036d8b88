"""Receptive fields of neurons in a square, those of one class side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis.drawing import INK, LEARNED, MUTED, TEXT_SIZE, axes_or_new
from stdpnet.analysis.kernel_plots import plot_kernels
from stdpnet.analysis.kernels import as_kernels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Neurons shown at most.
MOST = 1600
#: Columns up to which every neuron bears the name of its class.
_NAMED_COLUMNS = 20
FIELDS_WIDTH = 9.6


def columns_of(n_neurons: int, height: int = 1, width: int = 1) -> int:
    """Return the columns of the square that so many fields of a shape are shown in."""
    n = min(n_neurons, MOST)
    return min(n, math.ceil(math.sqrt(n * height / width)))


def field_height(kernels: np.ndarray) -> float:
    """Return the height in inches of a figure of receptive fields `FIELDS_WIDTH` wide."""
    n, height, width = np.shape(kernels)[:3]
    columns = columns_of(n, height, width)
    rows = -(-min(n, MOST) // columns)
    # The scale takes a part of the width, words below take some height.
    square = 0.88 * FIELDS_WIDTH * rows * height / (columns * width)
    return max(square, 1.0) + 0.3


def labels_of_banks(
    labels: np.ndarray | None, kernels: Sequence[np.ndarray]
) -> list[np.ndarray | None]:
    """Return the labels of each bank's neurons, None where features are no neurons.

    Parameters
    ----------
    labels : ndarray of int, shape (n_features,), or None
        Classes of all features, banks side by side.
    kernels : sequence of ndarray, shapes (n_neurons, ...)
        Those of each bank.
    """
    sizes = [len(fields) for fields in kernels]
    if labels is None or len(labels) != sum(sizes):
        return [None] * len(sizes)
    return list(np.split(labels, np.cumsum(sizes)[:-1]))


def order_by_class(labels: np.ndarray) -> np.ndarray:
    """Return the neurons in the order of their classes, those without one at the end.

    Parameters
    ----------
    labels : ndarray of int, shape (n_neurons,)
        Class of each neuron; negative if it has none.

    Returns
    -------
    ndarray of int, shape (n_neurons,)
        Permutation of the neurons; those of a class keep their order.
    """
    labels = np.asarray(labels)
    last = labels.max(initial=0) + 1
    return np.argsort(np.where(labels < 0, last, labels), kind="stable")


def plot_receptive_fields(
    kernels: np.ndarray,
    channels: str | None = None,
    *,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Show what each neuron has learned to answer, in a square.

    Parameters
    ----------
    kernels : ndarray, shape (n_neurons, height, width, n_channels)
        Weights, dimensionless. Of more than 1,600 neurons the first are shown.
    channels : {"on-off", "raw"}, optional
        Meaning of the channels, see `kernel_images`.
    labels : ndarray of int, shape (n_neurons,), optional
        Class that each neuron was labelled with, negative if none; neurons are shown
        in this order.
    class_names : sequence of str
        Names of the classes; numbers stand for them where one is long.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with the mosaic, one tile a neuron. Not shown or saved.

    Raises
    ------
    ValueError
        If the shape, `channels` or the number of labels is wrong.
    """
    kernels = as_kernels(kernels)
    if labels is not None and np.shape(labels) != (len(kernels),):
        raise ValueError(
            f"labels must have shape ({len(kernels)},), one a neuron, got "
            f"{np.shape(labels)}"
        )
    shown = kernels[:MOST]
    columns = columns_of(*shown.shape[:3])
    ax = axes_or_new(ax, FIELDS_WIDTH, field_height(shown))
    order = None if labels is None else order_by_class(labels[:MOST])
    plot_kernels(shown, channels, columns=columns, order=order, ax=ax)
    if len(kernels) > MOST:
        title = f"The first {MOST:,} of {len(kernels):,} neurons"
        ax.set_title(title, color=INK, fontsize=TEXT_SIZE)
    if labels is not None and order is not None:
        _mark_classes(ax, labels[order], columns, kernels.shape[1:3], class_names)
    return ax


def _mark_classes(
    ax: Axes,
    labels: np.ndarray,
    columns: int,
    tile: tuple[int, ...],
    class_names: Sequence[str],
) -> None:
    """Draw borders between classes, and the names of classes in corners."""
    from matplotlib.patheffects import withStroke

    height, width = tile[0] + 1, tile[1] + 1
    short = all(len(name) <= 2 for name in class_names)
    size = min(80 / columns, 8) if columns <= _NAMED_COLUMNS else 7
    halo = [withStroke(linewidth=1.5, foreground="white")]
    for place, label in enumerate(labels):
        row, column = divmod(place, columns)
        is_first = place == 0 or labels[place - 1] != label
        if label >= 0 and (is_first or columns <= _NAMED_COLUMNS):
            known = short and label < len(class_names)
            name = class_names[label] if known else f"{label}"
            corner = (column * width, row * height)
            ax.text(
                *corner, name, color=LEARNED, size=size, va="top", path_effects=halo
            )
    _draw_borders(ax, labels, columns, height, width)
    n_none = int(np.sum(labels < 0))
    rest = f"; the last {n_none:,} spiked for no labelled image" if n_none else ""
    ax.set_xlabel(f"Neurons in the order of their classes{rest}")


def _draw_borders(
    ax: Axes, labels: np.ndarray, columns: int, height: int, width: int
) -> None:
    """Draw faint lines between all tiles, and clear ones between classes."""
    from matplotlib.collections import LineCollection

    rows = -(-len(labels) // columns)
    filled = np.full(rows * columns, -2)
    filled[: len(labels)] = labels
    grid = filled.reshape(rows, columns)
    # Pixels are centred on integers; a gap is a pixel wide.
    x, y = np.arange(columns + 1) * width - 1, np.arange(rows + 1) * height - 1
    upright = [
        [(x[column + 1], y[row]), (x[column + 1], y[row + 1])]
        for row, column in np.argwhere(grid[:, 1:] != grid[:, :-1])
    ]
    level = [
        [(x[column], y[row + 1]), (x[column + 1], y[row + 1])]
        for row, column in np.argwhere(grid[1:] != grid[:-1])
    ]
    faint = [[(a, y[0]), (a, y[-1])] for a in x] + [[(x[0], b), (x[-1], b)] for b in y]
    wide = min(1.2, 20 / columns)
    for lines, colour, linewidth in (
        (faint, MUTED, 0.3 * wide),
        (upright + level, LEARNED, wide),
    ):
        made = LineCollection(lines, colors=colour, linewidths=linewidth)
        ax.add_collection(made, autolim=False)
