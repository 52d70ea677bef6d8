"""The selector of nodes of a scene."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from slicer_host.dialogs import ask
from slicer_host.standins.mrml_base import Observers
from slicer_host.standins.node_filter import NodeFilter
from slicer_host.standins.node_menu import Entry, entry_at, show
from slicer_host.standins.properties import forwarded, stored

_SCENE_CHANGES = ("NodeRemovedEvent", "EndBatchProcessEvent", "EndCloseEvent", "EndImportEvent")


def _filtered(kind: Any, field: str) -> Any:
    """A property of the filter."""

    def read(self: Any) -> Any:
        value = getattr(self._filter, field)
        return list(value) if isinstance(value, tuple) else value

    def write(self: Any, value: Any) -> None:
        setattr(self._filter, field, tuple(value) if isinstance(value, (list, tuple)) else value)
        self._refresh()

    return Property(kind, read, write)


class qMRMLNodeComboBox(QWidget):
    """A combo box of the scene's nodes of some types, with entries that add, rename or delete one."""

    currentNodeChanged = Signal((object,), (bool,))
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAddedByUserAction = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    nodeAboutToBeEdited = Signal(object)
    currentNodeRenamed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filter = NodeFilter()
        self._scene: Any = None
        self._current: Any = None
        self._nodes: list[Any] = []
        self._labels: dict[str, str] = {}
        self._actions: list[QAction] = []
        self._entries: list[Entry] = []
        self._observers, self._names = Observers(), Observers()
        self._combo = QComboBox(self)
        self._combo.setEnabled(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._combo)
        self._combo.activated.connect(self._activated)

    nodeTypes = _filtered("QStringList", "types")
    showHidden = _filtered(bool, "shows_hidden")
    showChildNodeTypes = _filtered(bool, "shows_children")
    hideChildNodeTypes = _filtered("QStringList", "hidden_types")
    noneEnabled = stored(bool, "noneEnabled", False, "_refresh")
    addEnabled = stored(bool, "addEnabled", True, "_refresh")
    removeEnabled = stored(bool, "removeEnabled", True, "_refresh")
    editEnabled = stored(bool, "editEnabled", False, "_refresh")
    renameEnabled = stored(bool, "renameEnabled", False, "_refresh")
    noneDisplay = stored(str, "noneDisplay", "None", "_refresh")
    baseName = stored(str, "baseName", "")
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    interactionNodeSingletonTag = stored(str, "interactionNodeSingletonTag", "Singleton")
    sizeAdjustPolicy = forwarded(int, "_combo", "sizeAdjustPolicy")

    def currentNode(self) -> Any:
        return self._current

    @Slot(object)
    def setCurrentNode(self, node: Any) -> None:
        if isinstance(node, str):
            self.setCurrentNodeID(node)
        else:
            self._choose(node if node in self._nodes else None)

    def _read_id(self) -> str:
        return self._current.GetID() if self._current is not None else ""

    @Slot(str)
    def setCurrentNodeID(self, node_id: str) -> None:
        self._choose(next((n for n in self._nodes if n.GetID() == node_id), None))

    currentNodeID = Property(str, _read_id, setCurrentNodeID)
    currentNodeId = Property(str, _read_id, setCurrentNodeID)

    @Slot(int)
    def setCurrentNodeIndex(self, index: int) -> None:
        self._choose(self.nodeFromIndex(index))

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def nodeCount(self) -> int:
        return len(self._nodes)

    def mrmlScene(self) -> Any:
        return self._scene

    @Slot(object)
    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._observers.clear()
        self._scene = scene
        self._combo.setEnabled(scene is not None)
        if scene is not None:
            self._observers.add_with_node(scene, scene.NodeAddedEvent, self._node_added)
            self._observers.add_with_node(scene, scene.NodeAboutToBeRemovedEvent, self._node_leaves)
            for event in _SCENE_CHANGES:
                self._observers.add(scene, getattr(scene, event), self._refresh)
        self._refresh()

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

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        self._filter.add_attribute(node_type, name, value)
        self._refresh()

    def removeAttribute(self, node_type: str, name: str) -> None:
        self._filter.remove_attribute(node_type, name)
        self._refresh()

    def setNodeTypeLabel(self, label: str, node_type: str) -> None:
        self._labels[node_type] = label
        self._refresh()

    def nodeTypeLabel(self, node_type: str) -> str:
        return self._labels.get(node_type, "")

    def _node_added(self, node: Any) -> None:
        self._refresh()
        if node in self._nodes:
            self.nodeAdded.emit(node)
            self.nodeAddedByUser.emit(node)

    def _node_leaves(self, node: Any) -> None:
        if node in self._nodes:
            self.nodeAboutToBeRemoved.emit(node)

    def _refresh(self) -> None:
        if self._scene is not None and self._scene.IsBatchProcessing():
            return
        row = self._nodes.index(self._current) if self._current in self._nodes else 0
        self._nodes = self._filter.nodes(self._scene)
        self._names.clear()
        for node in self._nodes:
            self._names.add(node, "ModifiedEvent", self._show)
        current = self._current
        if (
            current not in self._nodes
        ):  # as a QComboBox does: the row that took its place, else "None" or nothing
            nearest = self.nodeFromIndex(min(row, len(self._nodes) - 1))
            current = None if self.noneEnabled else nearest
        self._choose(current)

    def _choose(self, node: Any) -> None:
        changed = node is not self._current
        self._current = node
        self._show()
        if changed:
            self.currentNodeChanged[object].emit(node)
            self.currentNodeChanged[bool].emit(node is not None)
            self.currentNodeIDChanged.emit(self._read_id())

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
