"""The selector of nodes of a scene."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from slicer_host.dialogs import ask
from slicer_host.standins.node_choice import NodeChoice
from slicer_host.standins.node_menu import Entry, entry_at, show
from slicer_host.standins.properties import forwarded, stored


class qMRMLNodeComboBox(NodeChoice):
    """A combo box of the scene's nodes of some types, with entries that add, rename or delete one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: dict[str, str] = {}
        self._actions: list[QAction] = []
        self._entries: list[Entry] = []
        self._combo.activated.connect(self._activated)

    addEnabled = stored(bool, "addEnabled", True, "_refresh")
    removeEnabled = stored(bool, "removeEnabled", True, "_refresh")
    editEnabled = stored(bool, "editEnabled", False, "_refresh")
    renameEnabled = stored(bool, "renameEnabled", False, "_refresh")
    noneDisplay = stored(str, "noneDisplay", "None", "_refresh")
    baseName = stored(str, "baseName", "")
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    interactionNodeSingletonTag = stored(str, "interactionNodeSingletonTag", "Singleton")
    sizeAdjustPolicy = forwarded(int, "_combo", "sizeAdjustPolicy")

    @Slot(result=object)
    def addNode(self, node_type: str | None = None) -> Any:
        types = self._filter.types
        node_type = node_type or (types[0] if types else None)
        if self._scene is None or node_type not in types:
            return None
        node = self._scene.CreateNodeByClass(node_type)
        node.UnRegister(None)
        node.SetName(self._scene.GenerateUniqueName(self.baseName or node.GetNodeTagName()))
        for name, value in self._filter.attributes(node_type).items():
            node.SetAttribute(name, "" if value is None else str(value))
        node = self._scene.AddNode(node)
        if self.selectNodeUponCreation:
            self._choose(node)
        return node

    @Slot()
    def removeCurrentNode(self) -> None:
        if self._current is not None:
            self._scene.RemoveNode(self._current)

    @Slot()
    def renameCurrentNode(self) -> None:
        if self._current is not None:
            name = ask("QInputDialog", f"Rename {self._current.GetName()}")
            if name is not None:
                self._current.SetName(name)
                self.currentNodeRenamed.emit(name)

    @Slot()
    def editCurrentNode(self) -> None:
        self.nodeAboutToBeEdited.emit(self._current)

    def addMenuAction(self, action: QAction) -> None:
        if action.text() not in [a.text() for a in self._actions]:
            self._actions.append(action)
            self._refresh()

    def setNodeTypeLabel(self, label: str, node_type: str) -> None:
        self._labels[node_type] = label
        self._refresh()

    def nodeTypeLabel(self, node_type: str) -> str:
        return self._labels.get(node_type, "")

    def _show(self) -> None:
        self._entries = self._make_entries()
        show(self._combo, self._entries, self._current)

    def _make_entries(self) -> list[Entry]:
        none = [Entry(self.noneDisplay)] if self.noneEnabled else []
        entries = none + [Entry(node.GetName() or "", node) for node in self._nodes]
        if self._current is not None:
            what = self._label(self._current.GetClassName())
            if self.renameEnabled:
                entries.append(Entry(f"Rename current {what}", action=self.renameCurrentNode))
            if self.editEnabled:
                entries.append(Entry(f"Edit current {what}", action=self.editCurrentNode))
            if self.removeEnabled:
                entries.append(Entry(f"Delete current {what}", action=self.removeCurrentNode))
        if self.addEnabled:
            entries += [self._adding(node_type) for node_type in self._filter.types]
        return entries + [Entry(a.text(), action=a.trigger) for a in self._actions]

    def _adding(self, node_type: str) -> Entry:
        def add() -> None:
            node = self.addNode(node_type)
            if node is not None:
                self.nodeAddedByUserAction.emit(node)

        return Entry(f"Create new {self._label(node_type)}", action=add)

    def _label(self, node_type: str) -> str:
        if node_type in self._labels:
            return self._labels[node_type]
        node = self._scene.CreateNodeByClass(node_type) if self._scene is not None else None
        if node is None:
            return node_type
        node.UnRegister(None)
        return str(node.GetNodeTagName())

    def _activated(self, row: int) -> None:
        entry = entry_at(self._entries, row)
        if entry.action is None:
            self._choose(entry.node)
            self.nodeActivated.emit(entry.node)
        else:
            self._show()  # an action is no choice
            entry.action()
