"""The Segment Editor's widget over Slicer's own editor logic."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QToolButton, QWidget

from slicer_host.standins.mrml_base import Observers
from slicer_host.standins.properties import stored
from slicer_host.standins.segment_editor_effects import SegmentEditorEffects


class qMRMLSegmentEditorWidget(SegmentEditorEffects):
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
        self._observers = Observers()
        undo, redo = self._history.findChildren(QToolButton)
        undo.clicked.connect(self.undo)
        redo.clicked.connect(self.redo)
        self._segmentations.currentNodeChanged[object].connect(self.setSegmentationNode)
        self._volumes.currentNodeChanged[object].connect(self.setSourceVolumeNode)
        self._table.selectionChanged.connect(self._segment_selected)

    autoShowSourceVolumeNode = stored(bool, "autoShowSourceVolumeNode", True)
    jumpToSelectedSegmentEnabled = stored(bool, "jumpToSelectedSegmentEnabled", False)
    defaultTerminologyEntry = stored(str, "defaultTerminologyEntry", "")
    defaultTerminologyEntrySettingsKey = stored(str, "defaultTerminologyEntrySettingsKey", "")
    undoEnabled = stored(bool, "undoEnabled", True)
    readOnly = stored(bool, "readOnly", False, "_show_state")

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

    @Slot()
    def installKeyboardShortcuts(self, parent: QWidget | None = None) -> None:
        """The host presses none of the editor's keys."""

    @Slot()
    def uninstallKeyboardShortcuts(self) -> None:
        """There are none."""

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
