"""Patches of images that drive the maps of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis.drawing import (
    INK,
    axes_or_new,
    new_figure,
    no_axes,
    with_transparent_gaps,
)
from stdpnet.analysis.kernels import tile
from stdpnet.analysis.recorded import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Maps shown at most, and columns of them.
MOST = 32
COLUMNS = 4
WIDTH = 9.6


def has_layers(run: Run) -> bool:
    """Say whether a run recorded what drives the maps of its layers."""
    return any(run.bank_array(bank, "driving") is not None for bank in run.banks)


def draw_patches(run: Run) -> Figure:
    """Draw the patches of images that drive each map most, one mosaic a layer."""
    what = "what drives the maps"
    banks = [bank for bank in run.banks if run.bank_array(bank, "driving") is not None]
    if not banks:
        run.need(f"banks/{next(iter(run.banks), 'main')}/driving", what)
    found = [run.need(f"banks/{bank}/driving", what) for bank in banks]
    heights = [patches_height(patches) for patches in found]
    figure = new_figure(9.6, sum(heights) + 0.3 * len(banks))
    axes = figure.subplots(len(banks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, bank, patches in zip(axes, banks, found, strict=True):
        plot_patches(patches, ax=ax)
        ax.set_title(bank, loc="left", color=INK, fontsize=10)
    return figure


def plot_patches(patches: np.ndarray, *, ax: Axes | None = None) -> Axes:
    """Show what drives each map: the patches of one map in a row, maps in four columns.

    Parameters
    ----------
    patches : ndarray, shape (n_maps, n_patches, height, width, channels)
        Pixels, at least zero. Of more than 32 maps some are shown, evenly spread.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with the mosaic. Not shown or saved.

    Raises
    ------
    ValueError
        If the shape is wrong.
    """
    mosaic = _mosaic(patches)
    ax = axes_or_new(ax, WIDTH, patches_height(patches))
    if mosaic.ndim == 3:
        ax.imshow(with_transparent_gaps(mosaic), interpolation="nearest")
    else:
        shown = np.ma.masked_invalid(mosaic)
        ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    return no_axes(ax)


def patches_height(patches: np.ndarray) -> float:
    """Return the height in inches of a figure `WIDTH` wide."""
    height, width = _mosaic(patches).shape[:2]
    return max(0.6, WIDTH * height / width)


def _mosaic(patches: np.ndarray) -> np.ndarray:
    """Return all patches as one picture from 0 to 1, with gaps between maps."""
    if np.ndim(patches) != 5 or not np.size(patches):
        raise ValueError(
            "patches must have shape (n_maps, n_patches, height, width, channels) without "
            f"an empty axis, got {np.shape(patches)}"
        )
    n_maps = len(patches)
    some = np.unique(np.linspace(0, n_maps - 1, min(n_maps, MOST)).round().astype(int))
    pixels = np.asarray(patches)[some] / max(float(np.max(patches)), 1e-9)
    pixels = pixels if pixels.shape[-1] == 3 else pixels.mean(axis=-1)
    rows = np.array([tile(of_map, len(of_map), gap=1) for of_map in pixels])
    return tile(rows, min(COLUMNS, len(rows)), gap=3)
