"""The table of lesions: rows of the session's list as cells, renewed where they changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from SAMLesionLib.host.budget import Budget
from SAMLesionLib.host.lesion_table import LesionRow
from SAMLesionLib.lesions import Status

COLOUR, NAME, ORGAN, STATUS, VOLUME, DIAMETERS, MEAN, PROMPTS = range(8)
SWATCH_PX = 14
FILL_S = 0.006
"""A row takes about a millisecond; the views must not wait for a whole table."""


class LesionTable:
    """Shows lesions; the reader chooses rows and renames them in place.

    Args:
        table: the `QTableWidget`.
        iconFolder: where the icons of the states are.
        onChosen: receives the id of the row that was chosen, None for none.
        onRenamed: receives the id and the new name.
    """

    def __init__(
        self,
        table: Any,
        iconFolder: Path,
        onChosen: Callable[[str | None], None],
        onRenamed: Callable[[str, str], None],
    ) -> None:
        self._table, self._onChosen, self._onRenamed = table, onChosen, onRenamed
        self._icons = {
            status: _icon(iconFolder / f"Status{status.value.capitalize()}.svg") for status in Status
        }
        self._rows: list[LesionRow] = []
        self._shown: list[LesionRow | None] = []
        self._prepare()
        table.connect("itemSelectionChanged()", self._onSelection)
        table.connect("itemChanged(QTableWidgetItem*)", self._onItemChanged)

    @property
    def chosenIds(self) -> list[str]:
        """The lesions whose rows are chosen, from top to bottom."""
        chosen = {index.row() for index in self._table.selectionModel().selectedRows()}
        return [row.lesion_id for n, row in enumerate(self._rows) if n in chosen]

    @property
    def ids(self) -> list[str]:
        """All lesions that are shown."""
        return [row.lesion_id for row in self._rows]

    def show(self, rows: Sequence[LesionRow], chosenId: str | None) -> bool:
        """Show these lesions; rows that stay the same are left alone.

        Returns:
            False when more rows changed than can be renewed at once: call it again soon.
        """
        # Only what the reader does is listened to.
        wereBlocked = self._table.blockSignals(True)
        try:
            self._rows = list(rows)
            self._table.setRowCount(len(rows))
            self._shown = [*self._shown[: len(rows)], *[None] * (len(rows) - len(self._shown))]
            isWhole = Budget(FILL_S).spend(self._renewing(rows))
            self._choose(chosenId)
        finally:
            self._table.blockSignals(wereBlocked)
        return isWhole

    def rename(self, lesionId: str) -> None:
        """Let the reader type another name for a lesion."""
        if lesionId in self.ids:
            self._table.editItem(self._table.item(self.ids.index(lesionId), NAME))

    def _renewing(self, rows: Sequence[LesionRow]) -> Iterator[None]:
        for n, row in enumerate(rows):
            if self._shown[n] != row:
                self._fill(n, row)
                self._shown[n] = row
                yield

    def _prepare(self) -> None:
        table = self._table
        titles = ["", _("Name"), _("Organ"), "", _("ml"), _("mm"), _("Mean"), "#"]
        tips = [
            _("Colour of the segment"),
            _("Name of the segment; a double click changes it"),
            _("Organ that holds the lesion"),
            _("Draft, accepted or flagged"),
            _("Volume in millilitres"),
            _("Longest diameter in a slice and the longest across it, in millimetres"),
            _("Mean of the scan's grey values inside the mask"),
            _("Number of prompts"),
        ]
        table.setColumnCount(len(titles))
        for column, (title, tip) in enumerate(zip(titles, tips, strict=True)):
            item = qt.QTableWidgetItem(title)
            item.setToolTip(tip)
            table.setHorizontalHeaderItem(column, item)
        table.verticalHeader().visible = False
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        header = table.horizontalHeader()
        header.setMinimumSectionSize(22)
        for column in range(len(titles)):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(NAME, qt.QHeaderView.Stretch)

    def _fill(self, n: int, row: LesionRow) -> None:
        for column, text in cells(row).items():
            item = self._item(n, column)
            item.setText(text)
        self._item(n, COLOUR).setIcon(_swatch(row.colour))
        status = self._item(n, STATUS)
        status.setIcon(self._icons[row.status])
        status.setToolTip(statusText(row.status))
        isSoft = row.is_busy or row.is_outdated or not row.is_measured
        tip = _("The mask is not that of the prompts yet: press Segment.") if row.is_outdated else ""
        tip = _("The mask is on its way.") if row.is_busy else tip
        for column in (VOLUME, DIAMETERS, MEAN):
            item = self._item(n, column)
            item.setToolTip(tip)
            font = item.font()
            font.setItalic(isSoft)
            item.setFont(font)

    def _item(self, n: int, column: int) -> Any:
        item = self._table.item(n, column)
        if item is None:
            item = qt.QTableWidgetItem()
            flags = qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled
            item.setFlags(flags | qt.Qt.ItemIsEditable if column == NAME else flags)
            if column in (VOLUME, DIAMETERS, MEAN, PROMPTS):
                item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            self._table.setItem(n, column, item)
        return item

    def _choose(self, lesionId: str | None) -> None:
        if lesionId not in self.ids:
            self._table.clearSelection()
        elif lesionId not in self.chosenIds:
            self._table.selectRow(self.ids.index(lesionId))

    def _onSelection(self) -> None:
        chosen = self.chosenIds
        self._onChosen(chosen[0] if chosen else None)

    def _onItemChanged(self, item: Any) -> None:
        if item.column() == NAME:
            row = self._rows[item.row()]
            if item.text() != row.name:
                self._onRenamed(row.lesion_id, item.text())


def cells(row: LesionRow) -> Mapping[int, str]:
    """What the cells of a row say."""
    mean = "" if row.mean_intensity is None else f"{row.mean_intensity:.0f}"
    return {
        NAME: row.name,
        ORGAN: row.organ,
        VOLUME: "…" if row.is_busy else _amount(row.volume_ml),
        DIAMETERS: ""
        if row.long_mm is None or row.short_mm is None
        else f"{row.long_mm:.1f} × {row.short_mm:.1f}",
        MEAN: mean,
        PROMPTS: str(row.n_prompts),
    }


def statusText(status: Status) -> str:
    """A state for people."""
    return {
        Status.DRAFT: _("Draft"),
        Status.ACCEPTED: _("Accepted: protected from every change"),
        Status.FLAGGED: _("Flagged for a second look"),
    }[status]


def _amount(ml: float | None) -> str:
    if ml is None:
        return ""
    return f"{ml:.2f}" if ml < 10 else f"{ml:.1f}"


def _swatch(colour: tuple[float, float, float]) -> Any:
    pixels = qt.QPixmap(SWATCH_PX, SWATCH_PX)
    pixels.fill(qt.QColor(*(round(255 * part) for part in colour)))
    icon = qt.QIcon(pixels)
    icon.addPixmap(pixels, qt.QIcon.Selected)
    return icon


def _icon(path: Path) -> Any:
    """An icon that keeps its colours in a chosen row, where Qt would tint it."""
    icon = qt.QIcon(str(path))
    icon.addFile(str(path), qt.QSize(), qt.QIcon.Selected)
    return icon
