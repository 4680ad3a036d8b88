"""The look that all figures share: colours, axes, labels beside the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stdpnet.runs import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure, SubFigure

# Blue, vermillion: Okabe and Ito (2008), https://jfly.uni-koeln.de/color/.
LEARNED = "#0072b2"
CONTROL = "#d55e00"
INK = "#1f2328"
MUTED = "#747b84"

TEXT_SIZE = 9
#: Pixels per inch of pictures, and of what vector drawings hold as pixels.
DPI = 200
#: The same of the documentation's pages, and their colours.
PAGE_DPI, PAGE_COLOURS = 110, 200


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of a size in inches that belongs to no window."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_drawing(figure: Figure, path: Path | str, dpi: int = DPI) -> Path:
    """Write a figure to a file, which appears when it is complete; return its path.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    path : path
        File, replaced if it exists; its ending says the format. Its folder is made if
        there is none.
    dpi : int
        Pixels per inch of pictures.
    """
    path, picture = Path(path), BytesIO()
    ending = path.suffix.removeprefix(".") or None
    figure.savefig(picture, format=ending, dpi=dpi, facecolor="white")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, picture.getvalue())
    return path


def save_small_picture(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file for a page: few pixels, a palette of colours."""
    from PIL import Image

    picture, small = BytesIO(), BytesIO()
    figure.savefig(picture, dpi=PAGE_DPI, facecolor="white")
    image = Image.open(picture).convert("RGB").quantize(PAGE_COLOURS)
    image.save(small, format="png", optimize=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, small.getvalue())


def axes_or_new(ax: Axes | None, width: float = 4.6, height: float = 3.0) -> Axes:
    """Return `ax`, or the axes of a new figure of a size in inches."""
    return new_figure(width, height).add_subplot() if ax is None else ax


def draw_side_by_side(
    panels: Sequence[Callable[[Axes], Axes]], figure: Figure | SubFigure | None = None
) -> list[Axes]:
    """Let each panel draw into axes of its own, all in one row of a figure."""
    figure = figure or new_figure(3.2 * len(panels), 2.7)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    return [draw(ax) for draw, ax in zip(panels, axes, strict=True)]


def tidy(ax: Axes) -> Axes:
    """Give axes the common look: two spines, quiet ticks, one text colour."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[:].set_color(MUTED)
    ax.tick_params(color=MUTED)
    return _tidy_text(ax)


def no_axes(ax: Axes) -> Axes:
    """Hide frame and ticks, for pictures."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return tidy_labels(ax)


def tidy_labels(ax: Axes) -> Axes:
    """Give axes labels in the common size and colour, without ticks."""
    ax.tick_params(length=0)
    return _tidy_text(ax)


def _tidy_text(ax: Axes) -> Axes:
    ax.tick_params(labelcolor=INK, labelsize=TEXT_SIZE)
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        text.set(color=INK, fontsize=TEXT_SIZE)
    return ax


def label_at(
    ax: Axes,
    x: float,
    y: float,
    text: str,
    *,
    colour: str = INK,
    offset: tuple[float, float] = (6, 0),
    ha: str = "left",
    va: str = "center",
) -> None:
    """Write beside a point of the data, `offset` in points."""
    ax.annotate(
        text,
        (x, y),
        xytext=offset,
        textcoords="offset points",
        color=colour,
        fontsize=TEXT_SIZE,
        ha=ha,
        va=va,
        annotation_clip=False,
    )


def thousands(axis: object) -> None:
    """Write the numbers of an axis as 20,000, so few that they fit side by side."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis.set_major_locator(MaxNLocator(3, integer=True))  # type: ignore[attr-defined]
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))  # type: ignore[attr-defined]


def signed_colours() -> Colormap:
    """Return the diverging colour map of signed weights, gaps transparent."""
    return _map_with_gaps("RdBu_r")


def unsigned_colours() -> Colormap:
    """Return the sequential colour map of weights >= 0, gaps transparent."""
    return _map_with_gaps("Greys")


def _map_with_gaps(name: str) -> Colormap:
    from matplotlib import colormaps

    return colormaps[name].with_extremes(bad=(0, 0, 0, 0))


def with_transparent_gaps(mosaic: np.ndarray) -> np.ndarray:
    """Return colours with an alpha channel that is zero where they are NaN.

    Parameters
    ----------
    mosaic : ndarray, shape (height, width, 3)
        Colours in [0, 1], NaN in gaps.

    Returns
    -------
    ndarray, shape (height, width, 4)
    """
    alpha = np.isfinite(mosaic[..., :1]).astype(float)
    return np.concatenate([np.nan_to_num(mosaic), alpha], axis=-1)
