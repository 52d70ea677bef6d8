"""The table of a segmentation's segments."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, QItemSelection, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from slicer_host.standins.mrml_base import Observers, qMRMLWidget
from slicer_host.standins.properties import stored

_COLUMNS = ("visibility", "color", "name", "status")
_STATUS = ("Not started", "In progress", "Completed", "Flagged")
_EVENTS = ("SegmentAdded", "SegmentRemoved", "SegmentModified", "SegmentsOrderModified")
ID_ROLE = Qt.ItemDataRole.UserRole


def _column(name: str) -> Any:
    """Whether a column is shown."""

    def read(self: Any) -> bool:
        return not self._table.isColumnHidden(_COLUMNS.index(name))

    def write(self: Any, visible: bool) -> None:
        self._table.setColumnHidden(_COLUMNS.index(name), not visible)

    return Property(bool, read, write)


class qMRMLSegmentsTableView(qMRMLWidget):
    """Shows the segments; a selection of rows is a selection of segments."""

    selectionChanged = Signal(QItemSelection, QItemSelection)
    segmentAboutToBeModified = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._observers = Observers()
        self._table = QTableWidget(0, len(_COLUMNS), self)
        self._table.setHorizontalHeaderLabels(["Visible", "Color", "Name", "Status"])
        self._table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self._table.verticalHeader().hide()
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._table)
        self._table.selectionModel().selectionChanged.connect(self.selectionChanged.emit)

    visibilityColumnVisible = _column("visibility")
    colorColumnVisible = _column("color")
    statusColumnVisible = _column("status")
    opacityColumnVisible = stored(bool, "opacityColumnVisible", False)
    layerColumnVisible = stored(bool, "layerColumnVisible", False)
    filterBarVisible = stored(bool, "filterBarVisible", False)
    readOnly = stored(bool, "readOnly", False)
    textFilter = stored(str, "textFilter", "", "_refresh")

    def _read_header(self) -> bool:
        return not self._table.horizontalHeader().isHidden()

    @Slot(bool)
    def setHeaderVisible(self, visible: bool) -> None:
        self._table.horizontalHeader().setVisible(visible)

    headerVisible = Property(bool, _read_header, setHeaderVisible)

    def _read_mode(self) -> int:
        return self._table.selectionMode().value

    @Slot(int)
    def setSelectionMode(self, mode: int) -> None:
        self._table.setSelectionMode(QAbstractItemView.SelectionMode(mode))

    selectionMode = Property(int, _read_mode, setSelectionMode)

    def _read_count(self) -> int:
        return self._table.rowCount()

    segmentCount = Property(int, _read_count)

    def tableWidget(self) -> QTableWidget:
        return self._table

    def segmentationNode(self) -> Any:
        return self._node

    @Slot(object)
    def setSegmentationNode(self, node: Any) -> None:
        if node is self._node:
            return
        self._observers.clear()
        self._node = node
        if node is not None:
            for name in _EVENTS:
                self._observers.add(
                    node.GetSegmentation(), getattr(slicer.vtkSegmentation, name), self._refresh
                )
        self._refresh()

    def selectedSegmentIDs(self) -> list[str]:
        rows = sorted({index.row() for index in self._table.selectedIndexes()})
        return [self.segmentIDForRow(row) for row in rows]

    def setSelectedSegmentIDs(self, segment_ids: list[str]) -> None:
        self._table.clearSelection()
        for row in range(self._table.rowCount()):
            if self.segmentIDForRow(row) in segment_ids:
                self._table.selectRow(row)

    def clearSelection(self) -> None:
        self._table.clearSelection()

    def displayedSegmentIDs(self) -> list[str]:
        return [self.segmentIDForRow(row) for row in range(self._table.rowCount())]

    def rowForSegmentID(self, segment_id: str) -> int:
        return (
            self.displayedSegmentIDs().index(segment_id) if segment_id in self.displayedSegmentIDs() else -1
        )

    def segmentIDForRow(self, row: int) -> str:
        item = self._table.item(row, 2)
        return item.data(ID_ROLE) if item is not None else ""

    def _refresh(self) -> None:
        selected = self.selectedSegmentIDs()
        with QSignalBlocker(self._table), QSignalBlocker(self._table.selectionModel()):
            self._table.setRowCount(0)
            for segment_id in self._shown_ids():
                self._add_row(segment_id)
        self.setSelectedSegmentIDs(selected)

    def _shown_ids(self) -> list[str]:
        if self._node is None:
            return []
        segmentation = self._node.GetSegmentation()
        ids = list(segmentation.GetSegmentIDs())
        wanted = self.textFilter.lower()
        return [i for i in ids if wanted in segmentation.GetSegment(i).GetName().lower()]

    def _add_row(self, segment_id: str) -> None:
        row = self._table.rowCount()
        self._table.insertRow(row)
        segment = self._node.GetSegmentation().GetSegment(segment_id)
        display = self._node.GetDisplayNode()
        is_visible = display is None or display.GetSegmentVisibility(segment_id)
        swatch = QPixmap(14, 14)
        swatch.fill(QColor.fromRgbF(*segment.GetColor()))
        status = slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentStatus(segment)
        name = QTableWidgetItem(segment.GetName())
        name.setData(ID_ROLE, segment_id)
        self._table.setItem(row, 0, QTableWidgetItem("●" if is_visible else "○"))
        self._table.setItem(row, 1, QTableWidgetItem(QIcon(swatch), ""))
        self._table.setItem(row, 2, name)
        self._table.setItem(row, 3, QTableWidgetItem(_STATUS[status]))
