"""Pictures of kernels: as they are, how they came, how their weights lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stdpnet.analysis.drawing import (
    INK,
    LEARNED,
    axes_or_new,
    label_at,
    no_axes,
    signed_colours,
    tidy,
    tidy_labels,
    unsigned_colours,
    with_transparent_gaps,
)
from stdpnet.analysis.kernels import (
    ON_OFF,
    as_kernels,
    channel_kind,
    kernel_images,
    mosaic_columns,
    tile,
    weight_histogram,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

#: What is seen between kernels in colour.
BEHIND = "#d4d8dd"


def plot_kernels(
    kernels: np.ndarray,
    channels: str | None = None,
    *,
    columns: int | None = None,
    order: np.ndarray | None = None,
    colour_bar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Show what each map has learned to prefer.

    Parameters
    ----------
    kernels : ndarray, shape (n_maps, height, width, n_channels)
        Weights, dimensionless.
    channels : {"on-off", "raw"}, optional
        Meaning of the channels, see `kernel_images`.
    columns : int, optional
        Kernels in a row.
    order : ndarray of int, shape (n_shown,), optional
        Which maps to show, in which order, for example from `order_kernels`.
    colour_bar : bool
        Whether signed weights get a scale (colours never do).
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with the mosaic, one tile a kernel. Not shown or saved.

    Raises
    ------
    ValueError
        If the shape, `channels` or `columns` is wrong.
    """
    kernels = as_kernels(kernels)
    kind = channel_kind(kernels, channels)
    images = kernel_images(kernels, kind)
    images = images if order is None else images[order]
    columns = mosaic_columns(len(images)) if columns is None else columns
    mosaic = tile(images, columns, gap=1)
    ax = axes_or_new(ax, *mosaic_size(mosaic))
    drawn = _show(ax, mosaic, signed=_is_signed(images, kind))
    if colour_bar and images.ndim == 3:
        _scale(ax, drawn, "ON minus OFF weight" if kind == ON_OFF else "Weight")
    return no_axes(ax)


def _is_signed(images: np.ndarray, kind: str) -> bool:
    return kind == ON_OFF or bool(images.min() < 0)


def mosaic_size(mosaic: np.ndarray, width: float = 9.6) -> tuple[float, float]:
    """Return width and height in inches of a figure for a mosaic."""
    height = width * mosaic.shape[0] / mosaic.shape[1]
    return width, float(np.clip(height, 0.8, 1.2 * width))


def _show(ax: Axes, mosaic: np.ndarray, signed: bool) -> AxesImage:
    if mosaic.ndim == 3:
        ax.set_facecolor(BEHIND)  # or white kernels would have no edge
        return ax.imshow(with_transparent_gaps(mosaic), interpolation="nearest")
    largest = float(np.nanmax(np.abs(mosaic))) or 1.0
    return ax.imshow(
        np.ma.masked_invalid(mosaic),
        vmin=-largest if signed else 0,
        vmax=largest,
        cmap=signed_colours() if signed else unsigned_colours(),
        interpolation="nearest",
    )


def _scale(ax: Axes, drawn: AxesImage, label: str) -> None:
    low, high = drawn.get_clim()
    ticks = [low, 0, high] if low < 0 else [0, high]
    figure: Any = ax.figure
    bar = figure.colorbar(drawn, ax=ax, shrink=0.9, aspect=28, pad=0.015, ticks=ticks)
    bar.ax.set_yticklabels(
        [f"{tick:+.2g}" if low < 0 and tick else f"{tick:.2g}" for tick in ticks]
    )
    bar.outline.set_visible(False)
    bar.set_label(label)
    tidy_labels(bar.ax)


def plot_kernel_history(
    history: np.ndarray,
    n_shown: np.ndarray,
    channels: str | None = None,
    *,
    n_kernels: int = 6,
    n_times: int = 9,
    ax: Axes | None = None,
) -> Axes:
    """Show how a few kernels came about: one row a kernel, time to the right.

    Parameters
    ----------
    history : ndarray, shape (n_snapshots, n_maps, height, width, n_channels)
        Weights at each snapshot, dimensionless.
    n_shown : ndarray of int, shape (n_snapshots,)
        Images shown until then.
    channels : {"on-off", "raw"}, optional
        Meaning of the channels, see `kernel_images`.
    n_kernels, n_times : int
        At most so many rows and columns, evenly spread over maps and snapshots.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with the mosaic. Not shown or saved.

    Raises
    ------
    ValueError
        If the shapes are wrong or disagree.
    """
    history, n_shown = np.asarray(history, dtype=float), np.asarray(n_shown)
    if history.ndim != 5 or n_shown.shape != history.shape[:1]:
        raise ValueError(
            "history must have shape (n_snapshots, n_maps, height, width, n_channels) "
            f"and n_shown (n_snapshots,), got {history.shape} and {n_shown.shape}"
        )
    times = _spread(history.shape[0], n_times)
    maps = _spread(history.shape[1], n_kernels)
    chosen = history[np.ix_(times, maps)].swapaxes(0, 1)
    kernels = as_kernels(chosen.reshape(-1, *history.shape[2:]))
    kind = channel_kind(kernels, channels)
    images = kernel_images(kernels, kind)
    mosaic = tile(images, columns=len(times), gap=1)
    ax = axes_or_new(ax, *mosaic_size(mosaic, width=4.6))
    _show(ax, mosaic, signed=_is_signed(images, kind))
    no_axes(ax)
    centres = np.arange(len(times)) * (images.shape[2] + 1) + (images.shape[2] - 1) / 2
    ax.set_xticks(centres, [f"{n:,}" for n in n_shown[times]])
    ax.set_xlabel("Images shown")
    return ax


def _spread(n: int, at_most: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, at_most)).round().astype(int))


def plot_weight_histogram(
    weights: np.ndarray,
    initial: np.ndarray | None = None,
    *,
    bins: int = 40,
    ax: Axes | None = None,
) -> Axes:
    """Show how the weights are distributed, before and after learning.

    Parameters
    ----------
    weights : ndarray, any shape
        Learned weights, dimensionless.
    initial : ndarray, any shape, optional
        Weights at the start.
    bins : int
        Number of bins.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with the share of weights a bin in percent. Not shown or saved.

    Raises
    ------
    ValueError
        If there is no weight, or `bins` is not positive.
    """
    share, edges = weight_histogram(weights, bins)
    ax = axes_or_new(ax)
    ax.stairs(100 * share, edges, fill=True, color=LEARNED, alpha=0.85)
    if initial is not None:
        start, edges_start = weight_histogram(initial, bins)
        ax.stairs(100 * start, edges_start, color=INK, linewidth=1.2)
        # Not at the peak of the learned ones, whose label is there.
        elsewhere = np.arange(bins) != int(share.argmax())
        peak = int(np.where(elsewhere, start, 0).argmax())
        middle = (edges_start[peak] + edges_start[peak + 1]) / 2
        label_at(
            ax,
            middle,
            100 * start[peak],
            "start",
            offset=(0, 3),
            ha="center",
            va="bottom",
        )
        label_at(
            ax, *_highest(share, edges), "learned", colour=LEARNED, **_beside(share)
        )
    ax.set(xlabel="Weight", ylabel="% of weights", ylim=(0, None))
    ax.set_xlim(edges[0], edges[-1])
    return tidy(ax)


def _highest(share: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    peak = int(share.argmax())
    left = peak < len(share) / 2
    return float(edges[peak + 1] if left else edges[peak]), 100 * float(share[peak])


def _beside(share: np.ndarray) -> dict[str, Any]:
    left = int(share.argmax()) < len(share) / 2
    side = 1 if left else -1
    return {"offset": (5 * side, -2), "ha": "left" if left else "right", "va": "top"}
