"""The Segment Editor's widget over Slicer's own editor logic."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from slicer_host.standins.mrml_base import Observers, qMRMLWidget
from slicer_host.standins.node_combo_box import qMRMLNodeComboBox
from slicer_host.standins.properties import stored
from slicer_host.standins.segment_effects import BRUSHES, NAMES, qSlicerSegmentEditorAbstractEffect
from slicer_host.standins.segments_table import qMRMLSegmentsTableView
from slicer_host.standins.strokes import Strokes

EFFECT_COLUMNS = 4


def _shown(part: str, setter: str) -> tuple[Any, Any]:
    """A property, and the slot that sets it: whether a part of the widget is shown."""

    def read(self: Any) -> bool:
        return not getattr(self, part).isHidden()

    @Slot(bool)
    def write(self: Any, visible: bool) -> None:
        getattr(self, part).setVisible(visible)

    write.__name__ = setter
    return Property(bool, read, write), write


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """Edits one segment; what it works on is kept in a segment editor node.

    Attributes:
        logic: the `vtkSlicerSegmentEditorLogic` that masks, undoes and redoes.
    """

    currentSegmentIDChanged = Signal(str)
    sourceVolumeNodeChanged = Signal(object)
    segmentationNodeChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self._editor_node: Any = None
        self._effects = {name: qSlicerSegmentEditorAbstractEffect(name, self) for name in NAMES}
        self._order: list[str] = []
        self._strokes: Strokes | None = None
        self._observers = Observers()
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
    autoShowSourceVolumeNode = stored(bool, "autoShowSourceVolumeNode", True)
    jumpToSelectedSegmentEnabled = stored(bool, "jumpToSelectedSegmentEnabled", False)
    defaultTerminologyEntry = stored(str, "defaultTerminologyEntry", "")
    defaultTerminologyEntrySettingsKey = stored(str, "defaultTerminologyEntrySettingsKey", "")
    unorderedEffectsVisible = stored(bool, "unorderedEffectsVisible", True, "updateEffectList")
    effectButtonStyle = stored(int, "effectButtonStyle", 2)
    effectColumnCount = stored(int, "effectColumnCount", EFFECT_COLUMNS, "updateEffectList")
    undoEnabled = stored(bool, "undoEnabled", True)
    readOnly = stored(bool, "readOnly", False, "_show_state")

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
        undo, redo = self._history.findChildren(QToolButton)
        undo.clicked.connect(self.undo)
        redo.clicked.connect(self.redo)
        self._segmentations.currentNodeChanged[object].connect(self.setSegmentationNode)
        self._volumes.currentNodeChanged[object].connect(self.setSourceVolumeNode)
        self._table.selectionChanged.connect(self._segment_selected)
        self.updateEffectList()

    # what it works on

    @Slot(object)
    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self.logic.SetMRMLScene(scene)
        with QSignalBlocker(self._segmentations), QSignalBlocker(self._volumes):
            self._segmentations.setMRMLScene(scene)
            self._volumes.setMRMLScene(scene)
        self._table.setMRMLScene(scene)

    def mrmlSegmentEditorNode(self) -> Any:
        return self._editor_node

    @Slot(object)
    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        if node is self._editor_node:
            return
        self._observers.clear()
        self._editor_node = node
        self.logic.SetSegmentEditorNode(node)
        if node is not None:
            self._observers.add(node, "ModifiedEvent", self._show_state)
        self._show_state()

    def segmentationNode(self) -> Any:
        return self._editor_node.GetSegmentationNode() if self._editor_node is not None else None

    @Slot(object)
    def setSegmentationNode(self, node: Any) -> None:
        if node is not self.segmentationNode():
            self._need_editor_node()
            self.logic.SetSegmentationNode(node)
            self._show_state()
            self.segmentationNodeChanged.emit(node)

    def sourceVolumeNode(self) -> Any:
        return self._editor_node.GetSourceVolumeNode() if self._editor_node is not None else None

    @Slot(object)
    def setSourceVolumeNode(self, node: Any) -> None:
        if node is not self.sourceVolumeNode():
            self._need_editor_node()
            self.logic.SetSourceVolumeNode(node)
            self._show_state()
            self.sourceVolumeNodeChanged.emit(node)

    def currentSegmentID(self) -> str:
        return (self._editor_node.GetSelectedSegmentID() or "") if self._editor_node is not None else ""

    @Slot(str)
    def setCurrentSegmentID(self, segment_id: str) -> None:
        if segment_id != self.currentSegmentID():
            self._need_editor_node()
            self.logic.SetCurrentSegmentID(segment_id)
            self._show_state()
            self.currentSegmentIDChanged.emit(segment_id)

    def segmentationNodeID(self) -> str:
        return self.segmentationNode().GetID() if self.segmentationNode() is not None else ""

    def sourceVolumeNodeID(self) -> str:
        return self.sourceVolumeNode().GetID() if self.sourceVolumeNode() is not None else ""

    def _need_editor_node(self) -> None:
        if self._editor_node is None:
            raise RuntimeError(
                "qMRMLSegmentEditorWidget has no segment editor node, so it keeps no choice. "
                "Call setMRMLSegmentEditorNode first."
            )

    # effects

    def activeEffect(self) -> Any:
        name = self._editor_node.GetActiveEffectName() if self._editor_node is not None else ""
        return self._effects.get(name or "")

    @Slot(str)
    def setActiveEffectByName(self, name: str) -> None:
        if self._editor_node is not None:
            self._editor_node.SetActiveEffectName(name)

    def setActiveEffect(self, effect: Any) -> None:
        self.setActiveEffectByName(effect.property("name") if effect is not None else "")

    def effectByName(self, name: str) -> Any:
        return self._effects.get(name)

    def availableEffectNames(self) -> list[str]:
        return list(self._effects)

    def setEffectNameOrder(self, names: list[str]) -> None:
        self._order = list(names)
        self.updateEffectList()

    def effectNameOrder(self) -> list[str]:
        return self._order

    def effectCount(self) -> int:
        return len(self._shown_effects())

    def effectByIndex(self, index: int) -> Any:
        return self._effects[self._shown_effects()[index]]

    def _shown_effects(self) -> list[str]:
        ordered = [name for name in self._order if name in self._effects]
        others = [name for name in self._effects if name not in ordered]
        return ordered + (others if self.unorderedEffectsVisible else [])

    @Slot()
    def updateEffectList(self) -> None:
        while self._effect_grid.count():
            self._effect_grid.takeAt(0).widget().deleteLater()
        for place, name in enumerate(("None", *self._shown_effects())):
            button = QToolButton(self._effects_area)
            button.setText(name)
            button.setCheckable(True)
            button.clicked.connect(
                lambda checked=False, name=name: self.setActiveEffectByName("" if name == "None" else name)
            )
            self._effect_grid.addWidget(button, *divmod(place, self.effectColumnCount))

    def setupViewObservations(self) -> None:
        if self._strokes is None:
            self._strokes = Strokes(slicer.app.layoutManager, self._brush)

    def removeViewObservations(self) -> None:
        if self._strokes is not None:
            self._strokes.close()
            self._strokes = None

    def _brush(self) -> Any:
        """The brush in the user's hand, None when a click is none of the editor's business."""
        effect = self.activeEffect()
        if self.readOnly or effect is None or effect.property("name") not in BRUSHES:
            return None
        return effect if self.currentSegmentID() and self.sourceVolumeNode() is not None else None

    # history

    def _read_states(self) -> int:
        return self.logic.GetMaximumNumberOfUndoStates()

    @Slot(int)
    def setMaximumNumberOfUndoStates(self, count: int) -> None:
        self.logic.SetMaximumNumberOfUndoStates(count)

    maximumNumberOfUndoStates = Property(int, _read_states, setMaximumNumberOfUndoStates)

    @Slot()
    def saveStateForUndo(self) -> None:
        if self.undoEnabled:
            self.logic.SaveStateForUndo()

    @Slot()
    def undo(self) -> None:
        self.logic.Undo()

    @Slot()
    def redo(self) -> None:
        self.logic.Redo()

    # keys

    @Slot()
    def installKeyboardShortcuts(self, parent: QWidget | None = None) -> None:
        """The host presses none of the editor's keys."""

    @Slot()
    def uninstallKeyboardShortcuts(self) -> None:
        """There are none."""

    # drawing itself

    @Slot()
    def updateWidgetFromMRML(self) -> None:
        self._show_state()

    def _show_state(self) -> None:
        with QSignalBlocker(self._segmentations), QSignalBlocker(self._volumes), QSignalBlocker(self._table):
            self._segmentations.setCurrentNode(self.segmentationNode())
            self._volumes.setCurrentNode(self.sourceVolumeNode())
            self._table.setSegmentationNode(self.segmentationNode())
            self._table.setSelectedSegmentIDs([self.currentSegmentID()])
        active = self.activeEffect()
        can_edit = bool(self.currentSegmentID()) and not self.readOnly
        for button in self._effects_area.findChildren(QToolButton):
            name = active.property("name") if active is not None else "None"
            button.setChecked(button.text() == name)
            button.setEnabled(can_edit)

    def _segment_selected(self, *_: Any) -> None:
        selected = self._table.selectedSegmentIDs()
        if selected and self._editor_node is not None:
            self.setCurrentSegmentID(selected[0])


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
