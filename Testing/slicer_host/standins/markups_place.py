"""The button that places markups."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from slicer_host.standins.modules import qSlicerWidget
from slicer_host.standins.mrml_base import Observers
from slicer_host.standins.properties import stored

FORCE_SINGLE, FORCE_MULTIPLE = 2, 3


class qSlicerMarkupsPlaceWidget(qSlicerWidget):
    """Switches the application's place mode for one node, and shows whether it is on."""

    activeMarkupsPlaceModeChanged = Signal(bool)
    activeMarkupsFiducialPlaceModeChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._interaction: Any = None
        self._was_on = False
        self._observers = Observers()
        self._place, self._delete = QToolButton(self), QToolButton(self)
        self._place.setText("Place")
        self._place.setCheckable(True)
        self._delete.setText("Delete")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._place)
        row.addWidget(self._delete)
        self._place.clicked.connect(self.setPlaceModeEnabled)
        self._delete.clicked.connect(self.deleteLastPoint)

    placeMultipleMarkups = stored(int, "placeMultipleMarkups", 0)
    deleteAllMarkupsOptionVisible = stored(bool, "deleteAllMarkupsOptionVisible", True)
    defaultNodeColor = stored(QColor, "defaultNodeColor", QColor(0, 0, 0))

    @Slot(object)
    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self.setInteractionNode(scene.GetNodeByID("vtkMRMLInteractionNodeSingleton") if scene else None)

    def interactionNode(self) -> Any:
        return self._interaction

    @Slot(object)
    def setInteractionNode(self, node: Any) -> None:
        self._observers.clear()
        self._interaction = node
        if node is not None:
            for event in (node.InteractionModeChangedEvent, node.InteractionModePersistenceChangedEvent):
                self._observers.add(node, event, self._update)
            self._observers.add(self._selection(), "ModifiedEvent", self._update)
        self._update()

    def currentNode(self) -> Any:
        return self._node

    currentMarkupsNode = currentNode

    @Slot(object)
    def setCurrentNode(self, node: Any) -> None:
        self._node = node
        self._update()

    def placeButton(self) -> QToolButton:
        return self._place

    def deleteButton(self) -> QToolButton:
        return self._delete

    def _read_active(self) -> bool:
        is_known = self._node is not None and self._interaction is not None
        return is_known and self._selection().GetActivePlaceNodeID() == self._node.GetID()

    @Slot(bool)
    def setCurrentNodeActive(self, active: bool) -> None:
        selection = self._selection()
        if active and self._node is not None:
            selection.SetReferenceActivePlaceNodeClassName(self._node.GetClassName())
            selection.SetActivePlaceNodeID(self._node.GetID())
        elif self._read_active():
            selection.SetActivePlaceNodeID(None)

    currentNodeActive = Property(bool, _read_active, setCurrentNodeActive)

    def _read_on(self) -> bool:
        is_placing = self._interaction is not None and self._interaction.GetCurrentInteractionMode()
        return self._read_active() and is_placing == self._interaction.Place

    @Slot(bool)
    def setPlaceModeEnabled(self, enabled: bool) -> None:
        if enabled == self._read_on():
            return
        if not enabled:
            self._interaction.SwitchToViewTransformMode()
            return
        self.setCurrentNodeActive(True)
        if self.placeMultipleMarkups in (FORCE_SINGLE, FORCE_MULTIPLE):
            self.setPlaceModePersistency(self.placeMultipleMarkups == FORCE_MULTIPLE)
        self._interaction.SetCurrentInteractionMode(self._interaction.Place)

    placeModeEnabled = Property(bool, _read_on, setPlaceModeEnabled)

    def _read_persistency(self) -> bool:
        return bool(self._interaction is not None and self._interaction.GetPlaceModePersistence())

    @Slot(bool)
    def setPlaceModePersistency(self, persistent: bool) -> None:
        self._interaction.SetPlaceModePersistence(persistent)

    placeModePersistency = Property(bool, _read_persistency, setPlaceModePersistency)

    def _read_buttons(self) -> bool:
        return not self._place.isHidden()

    @Slot(bool)
    def setButtonsVisible(self, visible: bool) -> None:
        self._place.setVisible(visible)
        self._delete.setVisible(visible)

    buttonsVisible = Property(bool, _read_buttons, setButtonsVisible)

    @Slot()
    def deleteLastPoint(self) -> None:
        if self._node is not None and self._node.GetNumberOfControlPoints():
            self._node.RemoveNthControlPoint(self._node.GetNumberOfControlPoints() - 1)

    @Slot()
    def deleteAllPoints(self) -> None:
        if self._node is not None:
            self._node.RemoveAllControlPoints()

    def _selection(self) -> Any:
        return self.mrmlScene().GetNodeByID("vtkMRMLSelectionNodeSingleton")

    def _update(self) -> None:
        is_on = self._read_on()
        self._place.setChecked(is_on)
        self.setEnabled(self._node is not None)
        if is_on != self._was_on:
            self._was_on = is_on
            self.activeMarkupsPlaceModeChanged.emit(is_on)
            self.activeMarkupsFiducialPlaceModeChanged.emit(is_on)
