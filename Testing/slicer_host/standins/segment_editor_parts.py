"""The parts of the Segment Editor's widget, and which of them are shown."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from slicer_host.standins.mrml_base import qMRMLWidget
from slicer_host.standins.node_combo_box import qMRMLNodeComboBox
from slicer_host.standins.segments_table import qMRMLSegmentsTableView


def _shown(part: str, setter: str) -> tuple[Any, Any]:
    """A property, and the slot that sets it: whether a part of the widget is shown."""

    def read(self: Any) -> bool:
        return not getattr(self, part).isHidden()

    @Slot(bool)
    def write(self: Any, visible: bool) -> None:
        getattr(self, part).setVisible(visible)

    write.__name__ = setter
    return Property(bool, read, write), write


class SegmentEditorParts(qMRMLWidget):
    """Selectors, table, effects, masking and history, from top to bottom."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make_parts()

    segmentationNodeSelectorVisible, setSegmentationNodeSelectorVisible = _shown(
        "_segmentation_row", "setSegmentationNodeSelectorVisible"
    )
    sourceVolumeNodeSelectorVisible, setSourceVolumeNodeSelectorVisible = _shown(
        "_volume_row", "setSourceVolumeNodeSelectorVisible"
    )
    addRemoveSegmentButtonsVisible, setAddRemoveSegmentButtonsVisible = _shown(
        "_add_remove", "setAddRemoveSegmentButtonsVisible"
    )
    show3DButtonVisible, setShow3DButtonVisible = _shown("_show_3d", "setShow3DButtonVisible")
    maskingSectionVisible, setMaskingSectionVisible = _shown("_masking", "setMaskingSectionVisible")
    specifyGeometryButtonVisible, setSpecifyGeometryButtonVisible = _shown(
        "_geometry", "setSpecifyGeometryButtonVisible"
    )
    switchToSegmentationsButtonVisible, setSwitchToSegmentationsButtonVisible = _shown(
        "_switch", "setSwitchToSegmentationsButtonVisible"
    )

    def _make_parts(self) -> None:
        self._segmentation_row, self._segmentations = _selector("Segmentation:", "vtkMRMLSegmentationNode")
        self._volume_row, self._volumes = _selector("Source volume:", "vtkMRMLScalarVolumeNode")
        self._add_remove, self._show_3d, self._switch = (
            _buttons("Add", "Remove"),
            _buttons("Show 3D"),
            _buttons("⇒"),
        )
        self._geometry = _buttons("Specify geometry")
        self._table = qMRMLSegmentsTableView(self)
        self._table.setMinimumHeight(90)
        self._effects_area = QWidget(self)
        self._effect_grid = QGridLayout(self._effects_area)
        self._history = _buttons("Undo", "Redo")
        self._masking = QLabel("Masking")
        bar = QHBoxLayout()
        for part in (self._add_remove, self._show_3d, self._geometry, self._switch):
            bar.addWidget(part)
        column = QVBoxLayout(self)
        for part in (self._segmentation_row, self._volume_row, bar, self._table, self._effects_area):
            column.addLayout(part) if part is bar else column.addWidget(part)
        column.addWidget(self._masking)
        column.addWidget(self._history)


def _selector(label: str, node_type: str) -> tuple[QWidget, qMRMLNodeComboBox]:
    row, selector = QWidget(), qMRMLNodeComboBox()
    selector.nodeTypes = [node_type]
    selector.noneEnabled = True
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.addWidget(QLabel(label))
    line.addWidget(selector, 1)
    return row, selector


def _buttons(*texts: str) -> QWidget:
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    for text in texts:
        button = QToolButton()
        button.setText(text)
        line.addWidget(button)
    line.addStretch(1)
    return row
