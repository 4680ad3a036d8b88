"""Figures as SVG inside a page, in the page's own colours."""

from __future__ import annotations

import re
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from stdpnet.analysis.drawing import CONTROL, DPI, INK, LEARNED, MUTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colours of the figures that follow the reader's light or dark theme.
THEME = {
    INK: "currentColor",
    MUTED: "var(--muted)",
    LEARNED: "var(--learned)",
    CONTROL: "var(--control)",
}


def inline_svg(figure: Figure, label: str, prefix: str) -> str:
    """Return a figure as an SVG element without any reference to the outside.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to embed.
    label : str
        What readers who do not see the figure are told.
    prefix : str
        Put before all identifiers, so that several figures share a page.

    Returns
    -------
    str
        One ``<svg>`` element.
    """
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, dpi=DPI)
    svg = buffer.getvalue().decode("utf-8")
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    for colour, replacement in THEME.items():
        svg = svg.replace(colour, replacement)
    size = r'(<svg) [^>]*?(viewBox="[^"]*")[^>]*>'
    return re.sub(
        size, rf'\1 \2 role="img" aria-label="{escape(label)}">', svg, count=1
    )
