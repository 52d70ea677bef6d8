"""Charts of an evaluation: click curves, box plots by lesion size, and pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from SAMLesionLib.reports.charts import COLOURS, INK, MARKERS, add_legend, as_svg, colour_of, rgb, style


def click_curves(curves: Mapping[str, Sequence[Mapping[str, Any]]], tolerance_mm: float) -> str:
    """Dice and NSD over the steps, with intervals.

    Args:
        curves: for each model its steps, as `summary.json` holds them.
        tolerance_mm: of the NSD.
    """
    with style():
        figure = Figure(figsize=(9, 3.4))
        for axes, metric, title in zip(
            figure.subplots(1, 2), ("dice", "nsd"), ("Dice", f"NSD at {tolerance_mm:g} mm"), strict=True
        ):
            for number, steps in enumerate(curves.values()):
                _curve(axes, steps, metric, number)
            axes.set(xlabel="corrections", ylabel=f"{title}, mean over lesions")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(axis="y")
        add_legend(figure, list(curves))
        return as_svg(figure, "clicks")


def _curve(axes: Axes, steps: Sequence[Mapping[str, Any]], metric: str, number: int) -> None:
    told = [(s["step"], s["lesions"][metric]) for s in steps if s["lesions"][metric]["mean"] is not None]
    at = [step for step, _ in told]
    colour = colour_of(number)
    marker = MARKERS[number % len(MARKERS)]
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
    with style():
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
        add_legend(figure, models)
        return as_svg(figure, "sizes")


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
    parts["boxes"][0].set_facecolor((*rgb(colour), 0.18))
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
    with style():
        figure = Figure(figsize=(9, 3.6))
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
        low, high = min(map(min, pairs)), max(map(max, pairs))
        margin = 0.06 * (high - low) or 0.05
        span = (low - margin, high + margin)
        left.plot(span, span, color=INK, linewidth=0.8, alpha=0.5, linestyle="--")
        colours = [COLOURS[2] if b > a else COLOURS[3] if b < a else COLOURS[8] for a, b in pairs]
        left.scatter(*zip(*pairs, strict=True), color=colours, s=18, alpha=0.85, linewidths=0)
        left.set(xlabel=f"{metric}, {names[0]}", ylabel=f"{metric}, {names[1]}", xlim=span, ylim=span)
        left.set_aspect("equal")
        _differences(right, pairs, metric)
        for axes in (left, right):
            axes.grid(axis="y")
        figure.tight_layout()
        return as_svg(figure, name)


def _differences(axes: Axes, pairs: Sequence[tuple[float, float]], metric: str) -> None:
    changes = sorted(b - a for a, b in pairs)
    colours = [COLOURS[2] if change > 0 else COLOURS[3] for change in changes]
    axes.bar(range(len(changes)), changes, color=colours, width=0.8)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks([])
    axes.set(xlabel="cases, in order of the difference", ylabel=f"difference in {metric}")
