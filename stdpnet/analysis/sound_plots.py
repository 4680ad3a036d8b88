"""The figure of a sound: waveform, cochleagram and spikes over one time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stdpnet.analysis.drawing import INK, LEARNED, MUTED, TEXT_SIZE, new_figure, tidy
from stdpnet.analysis.sound_numbers import SoundNumbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

#: More points than a figure is wide show nothing more.
_COLUMNS = 2000
#: More dots than this make a vector drawing slow to show.
_MANY = 3000


def draw_sound(numbers: SoundNumbers) -> Figure:
    """Draw a sound, what the ear makes of it, and the spikes that a network gets.

    Parameters
    ----------
    numbers : SoundNumbers
        From `measure_sound`.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels with a common axis of time.
    """
    figure = new_figure(7.2, 5.4)
    axes = figure.subplots(3, 1, sharex=True, height_ratios=[1, 2, 2])
    _draw_wave(axes[0], numbers)
    _draw_image(axes[1], numbers)
    _draw_spikes(axes[2], numbers)
    seconds = len(numbers.wave) / numbers.rate
    axes[2].set(xlim=(0, max(seconds, numbers.end)), xlabel="Time (s)")
    for ax in axes:
        tidy(ax)
        ax.yaxis.set_label_coords(-0.085, 0.5)
    for ax in axes[:2]:
        ax.tick_params(axis="x", length=0)
        ax.spines["bottom"].set_visible(False)
    title = f"{numbers.name}: {seconds:.2f} s, {len(numbers.spike_times):,} spikes"
    axes[0].set_title(title, loc="left", color=INK, fontsize=TEXT_SIZE + 1)
    return figure


def _draw_wave(ax: Axes, numbers: SoundNumbers) -> None:
    """Draw the range of the waveform in every column of the figure."""
    wave = numbers.wave / np.abs(numbers.wave).max()
    n_columns = min(_COLUMNS, len(wave))
    starts = np.linspace(0, len(wave), n_columns, endpoint=False).astype(int)
    low, high = (f.reduceat(wave, starts) for f in (np.minimum, np.maximum))
    # Neighbouring columns share a sample, so that the curve has no gaps.
    first = wave[starts]
    low[:-1], high[:-1] = (
        np.minimum(low[:-1], first[1:]),
        np.maximum(high[:-1], first[1:]),
    )
    ax.fill_between(starts / numbers.rate, low, high, color=MUTED, lw=0.6, ec=MUTED)
    ax.set(ylim=(-1.05, 1.05), yticks=[-1, 0, 1], ylabel="Sound")


def _draw_image(ax: Axes, numbers: SoundNumbers) -> None:
    n_channels = len(numbers.image)
    picture = ax.imshow(
        numbers.image,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=_colours(),
        vmin=0,
        vmax=1,
        extent=(numbers.begin, numbers.end, -0.5, n_channels - 0.5),
    )
    _name_channels(ax, numbers)
    ax.set_ylabel("Cochleagram (Hz)")
    bar = ax.figure.colorbar(picture, ax=ax, pad=0.015, fraction=0.03, ticks=[0, 1])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=TEXT_SIZE, labelcolor=INK)


def _colours() -> Colormap:
    """Return colours from white over that of the spikes to black."""
    from matplotlib.colors import LinearSegmentedColormap

    stops = [(0, "white"), (0.15, "#cfe3f1"), (0.6, LEARNED), (1, "#00131f")]
    return LinearSegmentedColormap.from_list("levels", stops)


def _draw_spikes(ax: Axes, numbers: SoundNumbers) -> None:
    n_spikes = len(numbers.spike_times)
    ax.scatter(
        numbers.spike_times,
        numbers.spike_channels,
        s=float(np.clip(4000 / max(n_spikes, 1), 1.5, 7)),
        color=LEARNED,
        linewidths=0,
        rasterized=n_spikes > _MANY,
    )
    _name_channels(ax, numbers)
    ax.set_ylabel("Poisson spikes (Hz)")


def _name_channels(ax: Axes, numbers: SoundNumbers) -> None:
    """Write round frequencies where their channels are."""
    frequencies = numbers.frequencies
    last = len(frequencies) - 1
    round_ones = (100, 200, 500, 1000, 2000, 3000, 5000, 10_000)
    shown = [f for f in round_ones if frequencies[0] * 0.99 <= f <= frequencies[-1]]
    places = np.interp(shown, frequencies, np.arange(last + 1))
    ax.set_yticks(places, [f"{f:,}" for f in shown])
    ax.set_ylim(-0.5, last + 0.5)
