"""Charts of a page as SVG that takes the page's own font and ink, so that they suit light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

INK = "#010203"
"""Drawn with, and then replaced by the ink of the page."""
COLOURS = (
    "#2f7de1",
    "#e08a00",
    "#12a150",
    "#e5484d",
    "#9b5de5",
    "#0fa3b1",
    "#d6409f",
    "#7a9a01",
    "#8b8d98",
    "#b07d62",
)
MARKERS = "osD^vPX*<>"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "samlesion",
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.13,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


def colour_of(number: int) -> str:
    """The colour of the model, arm or reader of this number."""
    return COLOURS[number % len(COLOURS)]


def add_legend(figure: Figure, names: Sequence[str]) -> None:
    """A line of names with their colours and markers below the chart."""
    lines = [
        Line2D([], [], color=colour_of(n), marker=MARKERS[n % len(MARKERS)], markersize=5, label=name)
        for n, name in enumerate(names)
    ]
    n_columns = min(len(lines), 5)
    n_rows = -(-len(lines) // n_columns)
    figure.tight_layout(rect=(0, 0.075 * n_rows, 1, 1))
    figure.legend(handles=lines, loc="lower center", ncols=n_columns, bbox_to_anchor=(0.5, -0.01))


def style() -> AbstractContextManager[None]:
    """Charts drawn inside take the look of all pages."""
    return rc_context(_STYLE)


def rgb(colour: str) -> tuple[float, float, float]:
    """The parts of `#rrggbb`, 0 to 1."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def as_svg(figure: Figure, name: str) -> str:
    """The chart as an element of a page, with names of its own."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg.replace(INK, "currentColor")
