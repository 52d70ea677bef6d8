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
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)

    def clear(self) -> None:
        """Show nothing."""
        self._table.setRowCount(0)
        self._table.setColumnCount(0)
        self._legend.text = ""

    def show(self, design: StudyDesign) -> None:
        """Show a design that can be carried out."""
        readings = schedule(design)
        colours = {arm.id: COLOURS[n % len(COLOURS)] for n, arm in enumerate(design.arms)}
        longest = max(len(each) for each in readings.values())
        breaks = _periodRows(next(iter(readings.values())))
        rows = [n for n in range(longest) if n < MOST_ROWS]
        self._table.clear()
        self._table.setColumnCount(len(readings))
        self._table.setHorizontalHeaderLabels(list(readings))
        self._table.setRowCount(0)
        for n in rows:
            if n in breaks:
                self._addBreak(breaks[n], design, len(readings))
            self._addRow(n, [each[n] for each in readings.values()], colours)
        self._legend.text = _legend(design, colours, longest)

    def _addBreak(self, period: int, design: StudyDesign, nColumns: int) -> None:
        row = self._newRow("")
        item = qt.QTableWidgetItem(_breakText(period, design))
        item.setTextAlignment(qt.Qt.AlignCenter)
        font = item.font()
        font.setBold(True)
        item.setFont(font)
        self._table.setItem(row, 0, item)
        if nColumns > 1:
            self._table.setSpan(row, 0, 1, nColumns)

    def _addRow(self, n: int, readings: list[PlannedReading], colours: Mapping[str, str]) -> None:
        row = self._newRow(str(n + 1))
        for column, reading in enumerate(readings):
            item = qt.QTableWidgetItem(f"{reading.case} · {reading.arm}")
            item.setBackground(qt.QBrush(qt.QColor(colours[reading.arm])))
            item.setForeground(qt.QBrush(qt.QColor("#000000")))
            self._table.setItem(row, column, item)

    def _newRow(self, title: str) -> int:
        row = int(self._table.rowCount)
        self._table.insertRow(row)
        self._table.setVerticalHeaderItem(row, qt.QTableWidgetItem(title))
        return row


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
