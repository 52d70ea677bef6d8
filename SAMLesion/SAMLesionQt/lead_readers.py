"""How far each reader of a study is, as a table."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from SAMLesionLib.study.status import ReaderStatus


def prepareReaders(table: Any) -> None:
    """Give the table its columns.

    Args:
        table: the `QTableWidget`.
    """
    table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
    table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    table.verticalHeader().visible = False
    titles = (_("Reader"), _("Finished"), _("Begun"), _("Skipped"), _("Open"), _("Last read"), _("Next"))
    table.setColumnCount(len(titles))
    table.setHorizontalHeaderLabels(titles)


def showReaders(table: Any, readers: tuple[ReaderStatus, ...]) -> None:
    """Show how far these readers are."""
    table.setRowCount(len(readers))
    for row, told in enumerate(readers):
        finished = f"{told.n_finished} / {told.n_readings}"
        last = told.last_read.astimezone().strftime("%Y-%m-%d %H:%M") if told.last_read else "–"
        cells = (told.reader, finished, told.n_begun, told.n_skipped, told.n_open, last, _next(told))
        for column, text in enumerate(cells):
            table.setItem(row, column, qt.QTableWidgetItem(str(text)))


def _next(told: ReaderStatus) -> str:
    if told.next.task is not None:
        return str(told.next.task.case)
    if told.next.wait_until is None:
        return _("done")
    when = told.next.wait_until.astimezone().strftime("%Y-%m-%d %H:%M")
    return _("rests until {when}").format(when=when)
