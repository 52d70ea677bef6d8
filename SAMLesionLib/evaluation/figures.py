"""Charts of a report as SVG that takes the page's own font and ink, so that they suit light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_INK = "#010203"
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
_MARKERS = "osD^vPX*<>"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "samlesion",
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.13,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


def colour_of(number: int) -> str:
    """The colour of the model of this number."""
    return COLOURS[number % len(COLOURS)]


def click_curves(curves: Mapping[str, Sequence[Mapping[str, Any]]], tolerance_mm: float) -> str:
    """Dice and NSD over the steps, with intervals.

    Args:
        curves: for each model its steps, as `summary.json` holds them.
        tolerance_mm: of the NSD.
    """
    with _style():
        figure = Figure(figsize=(9, 3.4))
        for axes, metric, title in zip(
            figure.subplots(1, 2), ("dice", "nsd"), ("Dice", f"NSD at {tolerance_mm:g} mm"), strict=True
        ):
            for number, steps in enumerate(curves.values()):
                _curve(axes, steps, metric, number)
            axes.set(xlabel="corrections", ylabel=f"{title}, mean over lesions")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(axis="y")
        _legend(figure, list(curves))
        return _svg(figure, "clicks")


def _curve(axes: Axes, steps: Sequence[Mapping[str, Any]], metric: str, number: int) -> None:
    told = [(s["step"], s["lesions"][metric]) for s in steps if s["lesions"][metric]["mean"] is not None]
    at = [step for step, _ in told]
    colour = colour_of(number)
    marker = _MARKERS[number % len(_MARKERS)]
    axes.plot(at, [m["mean"] for _, m in told], color=colour, marker=marker, markersize=4.5, linewidth=1.8)
    if told and all(m["low"] is not None for _, m in told):
        low, high = [m["low"] for _, m in told], [m["high"] for _, m in told]
        axes.fill_between(at, low, high, color=colour, alpha=0.08, linewidth=0)


def size_boxes(groups: Sequence[tuple[str, Mapping[str, Sequence[float]]]], label: str) -> str:
    """Box plots by lesion size, one box a model; every lesion is a dot.

    Args:
        groups: for each size its name and the values of each model.
        label: what the values are.
    """
    with _style():
        models = list(groups[0][1])
        figure = Figure(figsize=(9, 3.8))
        axes = figure.subplots()
        width = 0.82 / len(models)
        for at, (_, by_model) in enumerate(groups):
            for number, values in enumerate(by_model.values()):
                _box(axes, values, at + (number - (len(models) - 1) / 2) * width, width * 0.78, number)
        axes.set_xticks(range(len(groups)), [name for name, _ in groups])
        axes.set(ylabel=label, xlim=(-0.5, len(groups) - 0.5), ylim=(-0.02, 1.02))
        axes.tick_params(axis="x", length=0)
        axes.grid(axis="y")
        _legend(figure, models)
        return _svg(figure, "sizes")


def _box(axes: Axes, values: Sequence[float], at: float, width: float, number: int) -> None:
    colour = colour_of(number)
    line = {"color": colour, "linewidth": 1.2}
    parts = axes.boxplot(
        [values],
        positions=[at],
        widths=width,
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        medianprops=line | {"linewidth": 2.2},
        whiskerprops=dict(line),
        capprops=dict(line),
        boxprops=dict(line),  # a dict each: matplotlib renames the keys of this one
    )
    parts["boxes"][0].set_facecolor((*_rgb(colour), 0.18))
    axes.scatter([at] * len(values), values, s=7, color=colour, alpha=0.55, linewidths=0, zorder=3)


def scatter_pairs(
    pairs: Sequence[tuple[float, float]], names: tuple[str, str], metric: str, name: str
) -> str:
    """Both runs of each case against each other, and the difference of each case, largest loss first.

    Args:
        pairs: for each case the value of the first and of the second run.
        names: of the two runs.
        metric: what the values are.
        name: of the chart within its page.
    """
    with _style():
        figure = Figure(figsize=(9, 3.6))
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
        low, high = min(map(min, pairs)), max(map(max, pairs))
        margin = 0.06 * (high - low) or 0.05
        span = (low - margin, high + margin)
        left.plot(span, span, color=_INK, linewidth=0.8, alpha=0.5, linestyle="--")
        colours = [COLOURS[2] if b > a else COLOURS[3] if b < a else COLOURS[8] for a, b in pairs]
        left.scatter(*zip(*pairs, strict=True), color=colours, s=18, alpha=0.85, linewidths=0)
        left.set(xlabel=f"{metric}, {names[0]}", ylabel=f"{metric}, {names[1]}", xlim=span, ylim=span)
        left.set_aspect("equal")
        _differences(right, pairs, metric)
        for axes in (left, right):
            axes.grid(axis="y")
        figure.tight_layout()
        return _svg(figure, name)


def _differences(axes: Axes, pairs: Sequence[tuple[float, float]], metric: str) -> None:
    changes = sorted(b - a for a, b in pairs)
    colours = [COLOURS[2] if change > 0 else COLOURS[3] for change in changes]
    axes.bar(range(len(changes)), changes, color=colours, width=0.8)
    axes.axhline(0, color=_INK, linewidth=0.8)
    axes.set_xticks([])
    axes.set(xlabel="cases, in order of the difference", ylabel=f"difference in {metric}")


def _legend(figure: Figure, models: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=colour_of(n), marker=_MARKERS[n % len(_MARKERS)], markersize=5, label=model)
        for n, model in enumerate(models)
    ]
    n_columns = min(len(lines), 5)
    n_rows = -(-len(lines) // n_columns)
    figure.tight_layout(rect=(0, 0.075 * n_rows, 1, 1))
    figure.legend(handles=lines, loc="lower center", ncols=n_columns, bbox_to_anchor=(0.5, -0.01))


def _style() -> AbstractContextManager[None]:
    return rc_context(_STYLE)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _svg(figure: Figure, name: str) -> str:
    """The chart as an element of a page, with names of its own."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg.replace(_INK, "currentColor")
