"""Charts of a study: times of each reader, savings with their intervals, practice, and quality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from SAMLesionLib.reports.charts import COLOURS, INK, MARKERS, add_legend, as_svg, colour_of, style
from SAMLesionLib.study.design import StudyDesign
from SAMLesionLib.study.rows import ReadingRow
from SAMLesionLib.study.summary import EVERYONE, Summary

ROW_INCHES = 0.34


def times_chart(design: StudyDesign, rows: Sequence[ReadingRow]) -> str:
    """Minutes of every reading, a panel a reader; a line joins the readings of one case."""
    with style():
        readers = design.readers
        figure = Figure(figsize=(9, 3.6))
        panels = np.atleast_1d(figure.subplots(1, len(readers), sharey=True))
        for axes, reader in zip(panels, readers, strict=True):
            _reader_panel(axes, design, [row for row in rows if row.counts and row.reader == reader])
            axes.set_title(reader, fontsize=9)
        longest = max(row.work_s for row in rows if row.counts) / 60
        panels[0].set(ylabel="minutes per case", ylim=(0, 1.06 * longest or 1))  # of all panels
        figure.tight_layout()
        return as_svg(figure, "times")


def _reader_panel(axes: Axes, design: StudyDesign, rows: Sequence[ReadingRow]) -> None:
    arms = [arm.id for arm in design.arms]
    for case in dict.fromkeys(row.case for row in rows):
        own = sorted((arms.index(row.arm), row.work_s / 60) for row in rows if row.case == case)
        axes.plot(*zip(*own, strict=True), color=INK, alpha=0.25, linewidth=0.8, zorder=1)
    for at, arm in enumerate(arms):
        minutes = [row.work_s / 60 for row in rows if row.arm == arm]
        axes.scatter(
            [at] * len(minutes), minutes, s=16, color=colour_of(at), alpha=0.85, linewidths=0, zorder=2
        )
        if minutes:
            axes.plot([at - 0.22, at + 0.22], [np.median(minutes)] * 2, color=colour_of(at), linewidth=2.4)
    axes.set_xticks(range(len(arms)), arms)
    axes.set(xlim=(-0.5, len(arms) - 0.5))
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")


def savings_chart(design: StudyDesign, summary: Summary) -> str:
    """The saving of all readers and of each, with its interval."""
    told = [s for s in summary.savings if s.saving.saving is not None]
    with style():
        figure = Figure(figsize=(9, 0.9 + ROW_INCHES * len(told)))
        axes = figure.subplots()
        arms = [arm.id for arm in design.arms]
        for at, entry in enumerate(told):
            number, saving = arms.index(entry.arm), entry.saving
            is_all = entry.reader == EVERYONE
            if saving.low is not None and saving.high is not None:
                axes.plot(
                    [100 * saving.low, 100 * saving.high],
                    [at, at],
                    color=colour_of(number),
                    linewidth=2.6 if is_all else 1.4,
                )
            axes.plot(
                100 * (saving.saving or 0.0),
                at,
                color=colour_of(number),
                marker="D" if is_all else "o",
                markersize=8 if is_all else 5,
            )
        several = len(design.others) > 1
        axes.set_yticks(range(len(told)), [f"{e.arm}, {e.reader}" if several else e.reader for e in told])
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set(xlabel=f"time saved against {design.baseline.id} (%)", ylim=(len(told) - 0.4, -0.6))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        figure.tight_layout()
        return as_svg(figure, "savings")


def practice_chart(design: StudyDesign, rows: Sequence[ReadingRow]) -> str:
    """How each reader's pace in an arm changes: time over the case's mean, against the place in the arm."""
    with style():
        figure = Figure(figsize=(9, 3.4))
        axes = figure.subplots()
        for number, arm in enumerate(design.arms):
            places, shares = _practice(rows, arm.id)
            axes.scatter(places, shares, s=12, color=colour_of(number), alpha=0.4, linewidths=0)
            at = sorted(set(places))
            means = [
                np.exp(np.mean([np.log(s) for p, s in zip(places, shares, strict=True) if p == x]))
                for x in at
            ]
            axes.plot(at, means, color=colour_of(number), marker=MARKERS[number % len(MARKERS)], markersize=4)
        axes.axhline(1, color=INK, linewidth=0.8, alpha=0.6)
        axes.set(
            xlabel="reading in this arm", ylabel="time over that of\nall readers on the case", yscale="log"
        )
        axes.set_yticks([0.5, 0.7, 1, 1.4, 2], ["0.5", "0.7", "1", "1.4", "2"])
        axes.minorticks_off()
        axes.grid(axis="y")
        add_legend(figure, [arm.id for arm in design.arms])
        return as_svg(figure, "practice")


def _practice(rows: Sequence[ReadingRow], arm: str) -> tuple[list[int], list[float]]:
    own = [row for row in rows if row.counts and row.arm == arm and row.work_s > 0]
    logs: dict[str, list[float]] = {}
    for row in own:
        logs.setdefault(row.case, []).append(np.log(row.work_s))
    shares = [float(np.exp(np.log(row.work_s) - np.mean(logs[row.case]))) for row in own]
    return [row.order_in_arm for row in own], shares


def margin_chart(design: StudyDesign, summary: Summary) -> str:
    """Differences in Dice with the margin that was laid down."""
    told = [
        (arm, v.difference, (v.low, v.high))
        for arm, v in summary.verdicts.items()
        if v.difference is not None and v.low is not None and v.high is not None
    ]
    if not told:
        return ""
    with style():
        figure = Figure(figsize=(9, 1.0 + ROW_INCHES * len(told)))
        axes = figure.subplots()
        arms = [arm.id for arm in design.arms]
        margin = design.analysis.dice_margin
        for at, (arm, difference, span) in enumerate(told):
            colour = colour_of(arms.index(arm))
            axes.plot(span, [at, at], color=colour, linewidth=2.2)
            axes.plot(difference, at, "o", color=colour, markersize=6)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.axvline(-margin, color=COLOURS[3], linewidth=1.2, linestyle="--")
        axes.text(-margin, -0.62, " margin", ha="left", va="center", color=COLOURS[3], fontsize=8)
        axes.set_yticks(range(len(told)), [arm for arm, *_ in told])
        axes.set(xlabel=f"difference in Dice against {design.baseline.id}", ylim=(len(told) - 0.3, -0.9))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        figure.tight_layout()
        return as_svg(figure, "margin")
