"""Who reads what and when, as a table: a column a reader, a row a reading, a colour an arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

from SAMLesionLib.study.design import StudyDesign
from SAMLesionLib.study.schedule import PlannedReading, schedule

# Okabe and Ito's colours, which the colour-blind tell apart, made light for black text.
COLOURS = ("#f2dfb0", "#bfe0f5", "#c3e6d9", "#f6d0de", "#e3e3e3", "#f9f3ba", "#d5d0ea", "#f5cdb8")
ROW_PX = 20
MOST_ROWS = 400
"""A larger table would make the window wait."""


class LeadSchedule:
    """Shows a design's schedule.

    Args:
        table: the `QTableWidget`.
        legend: the label for the colours.
    """

    def __init__(self, table: Any, legend: Any) -> None:
        self._table, self._legend = table, legend
        self._shown: Any = None
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.Fixed)
        table.verticalHeader().setDefaultSectionSize(ROW_PX)

    def clear(self) -> None:
        """Show nothing."""
        self._shown = None
        self._table.setRowCount(0)
        self._table.setColumnCount(0)
        self._legend.text = ""

    def show(self, design: StudyDesign) -> None:
        """Show a design that can be carried out; one with the same schedule is left alone."""
        wanted = (design.readers, design.arms, len(design.cases), design.order, design.seed)
        if wanted == self._shown:
            return
        self._shown = wanted
        readings = schedule(design)
        colours = {arm.id: COLOURS[n % len(COLOURS)] for n, arm in enumerate(design.arms)}
        longest = max(len(each) for each in readings.values())
        breaks = _periodRows(next(iter(readings.values())))
        shown = min(longest, MOST_ROWS)
        table = self._table
        table.setUpdatesEnabled(False)  # a table that draws itself with each row takes seconds
        table.clear()
        table.clearSpans()
        table.setColumnCount(len(readings))
        table.setHorizontalHeaderLabels(list(readings))
        table.setRowCount(shown + sum(n < shown for n in breaks))
        row = 0
        for n in range(shown):
            if n in breaks:
                self._showBreak(row, _breakText(breaks[n], design))
                row += 1
            self._showRow(row, n, [each[n] for each in readings.values()], colours)
            row += 1
        table.setUpdatesEnabled(True)
        self._legend.text = _legend(design, colours, longest)

    def _showBreak(self, row: int, text: str) -> None:
        item = qt.QTableWidgetItem(text)
        item.setTextAlignment(qt.Qt.AlignCenter)
        font = item.font()
        font.setBold(True)
        item.setFont(font)
        self._table.setItem(row, 0, item)
        self._table.setVerticalHeaderItem(row, qt.QTableWidgetItem(""))
        if self._table.columnCount > 1:
            self._table.setSpan(row, 0, 1, self._table.columnCount)

    def _showRow(self, row: int, n: int, readings: list[PlannedReading], colours: Mapping[str, str]) -> None:
        self._table.setVerticalHeaderItem(row, qt.QTableWidgetItem(str(n + 1)))
        for column, reading in enumerate(readings):
            item = qt.QTableWidgetItem(f"{reading.case} · {reading.arm}")
            item.setBackground(qt.QBrush(qt.QColor(colours[reading.arm])))
            item.setForeground(qt.QBrush(qt.QColor("#000000")))
            self._table.setItem(row, column, item)


def _periodRows(readings: tuple[PlannedReading, ...]) -> dict[int, int]:
    """The rows at which a period begins; the same for all readers."""
    first: dict[int, int] = {}
    for n, reading in enumerate(readings):
        first.setdefault(reading.period, n)
    return {n: period for period, n in first.items()}


def _breakText(period: int, design: StudyDesign) -> str:
    days = f"{design.order.washout_days:g}"
    if period == 1:
        return _("Period 1")
    if period > len(design.arms):
        return _("Repeats, each case after {days} days of rest").format(days=days)
    return _("Period {n}, each case after {days} days of rest").format(n=period, days=days)


def _legend(design: StudyDesign, colours: Mapping[str, str], nReadings: int) -> str:
    box = '<span style="background-color:{colour};color:#000000">&nbsp;{id}&nbsp;</span> {title}'
    boxes = "&nbsp;&nbsp; ".join(
        box.format(colour=colours[arm.id], id=arm.id, title=arm.title) for arm in design.arms
    )
    told = _("{n} readings for each of {readers} readers.").format(n=nReadings, readers=len(design.readers))
    if nReadings > MOST_ROWS:
        told += " " + _("The first {n} are shown.").format(n=MOST_ROWS)
    return f"{told}<br>{boxes}"
