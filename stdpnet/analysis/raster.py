"""Spikes of single images: rasters, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis.drawing import (
    CONTROL,
    INK,
    LEARNED,
    axes_or_new,
    label_at,
    new_figure,
    no_axes,
    tidy,
)
from stdpnet.analysis.kernels import RAW

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# More dots than this make a vector drawing slow to show.
MANY = 3000


def plot_raster(
    spikes: np.ndarray,
    shape: tuple[int, int, int],
    *,
    group_names: Sequence[str] = (),
    n_steps: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Show which neurons spiked when, those of one map (or channel) together.

    Parameters
    ----------
    spikes : ndarray of int, shape (n_spikes, 2)
        Time step and neuron of each spike. Neurons count channels last:
        ``(y * width + x) * n_groups + group``.
    shape : (int, int, int)
        Height, width and number of maps or channels of the population.
    group_names : sequence of str
        Names of the maps or channels; those that begin with "ON" are red.
        Default are numbers.
    n_steps : int, optional
        Time steps to show; default ends with the last spike.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a dot a spike: time to the right, one lane a map, positions
        from the top left of the image downwards within it. Not shown or saved.

    Raises
    ------
    ValueError
        If shapes are wrong, a neuron lies outside `shape`, or the names do not fit.
    """
    steps, lanes = _lanes(spikes, shape)
    if group_names and len(group_names) != shape[2]:
        raise ValueError(
            f"group_names must have one name for each of the {shape[2]} groups, "
            f"got {len(group_names)}"
        )
    ax = axes_or_new(ax)
    size = float(np.clip(4000 / max(len(steps), 1), 1.5, 9))
    colours = _lane_colours(lanes, group_names)
    ax.scatter(
        steps, lanes, s=size, c=colours, linewidths=0, rasterized=len(steps) > MANY
    )
    last = int(steps.max(initial=0)) if n_steps is None else n_steps - 1
    ax.set(xlim=(-0.5, last + 0.5), ylim=(shape[2] - 0.5, -0.5), xlabel="Time step")
    _name_lanes(ax, shape[2], group_names)
    return tidy(ax)


def _lanes(
    spikes: np.ndarray, shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    spikes = np.asarray(spikes)
    if spikes.ndim != 2 or spikes.shape[1] != 2:
        raise ValueError(f"spikes must have shape (n_spikes, 2), got {spikes.shape}")
    if len(shape) != 3:
        raise ValueError(f"shape must be (height, width, n_groups), got {tuple(shape)}")
    steps, neurons = spikes.T.astype(int)
    n_neurons = int(np.prod(shape))
    outside = neurons[(neurons < 0) | (neurons >= n_neurons)]
    if outside.size:
        raise ValueError(
            f"spikes must come from neurons 0 .. {n_neurons - 1} of shape "
            f"{tuple(shape)}, got {outside[0]}"
        )
    position, group = np.divmod(neurons, shape[2])
    n_positions = shape[0] * shape[1]
    return steps, group + 0.8 * ((position + 0.5) / n_positions - 0.5)


def _lane_colours(lanes: np.ndarray, names: Sequence[str]) -> list[str] | str:
    # Red is ON, blue is OFF, as in the pictures of kernels.
    colours = [CONTROL if name.startswith("ON") else LEARNED for name in names]
    return [colours[round(lane)] for lane in lanes] if colours else LEARNED


def _name_lanes(ax: Axes, n_groups: int, names: Sequence[str]) -> None:
    names = list(names) or [str(group) for group in range(n_groups)]
    every = -(-n_groups // 9)
    ax.set_yticks(range(0, n_groups, every), names[::every])


def plot_example(
    image: np.ndarray,
    inputs: np.ndarray,
    input_shape: tuple[int, int, int],
    features: np.ndarray,
    feature_shape: tuple[int, int, int],
    *,
    channels: str | None = None,
    title: str = "",
    figure: Figure | None = None,
) -> Sequence[Axes]:
    """Show one image, the spikes that encode it and the spikes of the maps.

    Parameters
    ----------
    image : ndarray, shape (height, width) or (height, width, 3)
        The image.
    inputs, features : ndarray of int, shape (n_spikes, 2)
        Time step and neuron of each spike, see `plot_raster`.
    input_shape, feature_shape : (int, int, int)
        Height, width and number of channels or maps.
    channels : {"on-off", "raw"}, optional
        Meaning of the input channels, see `channel_names`.
    title : str
        Shown below the image.
    figure : matplotlib.figure.Figure, optional
        Where to draw; default is a new figure.

    Returns
    -------
    sequence of matplotlib.axes.Axes
        Image, input spikes, feature spikes. Not shown or saved.

    Raises
    ------
    ValueError
        If a shape is wrong, or a neuron lies outside its population.
    """
    figure = figure or new_figure(9.6, 2.9)
    axes = figure.subplots(1, 3, width_ratios=[0.8, 1.5, 1.5])
    _plot_image(axes[0], image, title)
    last = max(np.max(spikes[:, 0], initial=0) for spikes in (inputs, features))
    n_steps = int(last) + 1
    names = channel_names(input_shape[2], channels)
    _plot_population(axes[1], inputs, input_shape, n_steps, "Input channel", names)
    _plot_population(axes[2], features, feature_shape, n_steps, "Map")
    return list(axes)


def _plot_image(ax: Axes, image: np.ndarray, title: str) -> None:
    image = np.asarray(image, dtype=float)
    image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    low, high = float(image.min()), float(image.max())
    scaled = (image - low) / ((high - low) or 1.0)
    ax.imshow(scaled, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_xlabel(title)
    no_axes(ax)


def _plot_population(
    ax: Axes,
    spikes: np.ndarray,
    shape: tuple[int, int, int],
    n_steps: int,
    label: str,
    names: Sequence[str] = (),
) -> None:
    plot_raster(spikes, shape, group_names=names, n_steps=n_steps, ax=ax)
    unit = "spike" if len(spikes) == 1 else "spikes"
    ax.set(ylabel=label, title=f"{len(spikes):,} {unit}")
    tidy(ax)


def channel_names(n_channels: int, channels: str | None = None) -> tuple[str, ...]:
    """Return names of input channels: ON and OFF, with colours if there are three.

    Parameters
    ----------
    n_channels : int
        Number of channels.
    channels : {"on-off", "raw"}, optional
        Meaning of the channels; default is ``"on-off"`` for two and for six.

    Returns
    -------
    tuple of str
        One name a channel, empty if numbers serve better.
    """
    if channels == RAW or n_channels not in (2, 6):
        return ()
    colours = ("",) if n_channels == 2 else (" red", " green", " blue")
    return tuple(f"{part}{colour}" for part in ("ON", "OFF") for colour in colours)


def plot_spikes_per_example(counts: np.ndarray, *, ax: Axes | None = None) -> Axes:
    """Show how many spikes an image causes.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        Spikes of all maps together, for each image.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a histogram, its median, and the number of images without a
        spike. Not shown or saved.

    Raises
    ------
    ValueError
        If there is no image.
    """
    counts = np.asarray(counts)
    if counts.ndim != 1 or counts.size == 0:
        raise ValueError(f"counts must have shape (n,) with n > 0, got {counts.shape}")
    ax = axes_or_new(ax)
    ax.hist(counts, bins=list(_whole_bins(counts)), color=LEARNED, alpha=0.85)
    median = float(np.median(counts))
    ax.axvline(median, color=INK, linewidth=1, linestyle="--")
    top = ax.get_ylim()[1]
    text = f"median {median:,.0f}" if median >= 1000 else f"median {median:.4g}"
    label_at(ax, median, top, text, offset=(0, 2), ha="center", va="bottom")
    silent = int(np.sum(counts == 0))
    if silent:
        text = f"{silent:,} without a spike"
        label_at(ax, 0, top / 2, text, colour=CONTROL, va="bottom")
    ax.set(xlabel="Spikes per image", ylabel="Images")
    return tidy(ax)


def _whole_bins(counts: np.ndarray) -> np.ndarray:
    low, high = int(np.floor(counts.min())), int(np.ceil(counts.max()))
    width = max(1, -(-(high - low + 1) // 40))
    return np.arange(low, high + width + 1, width) - 0.5
