"""What a selector of nodes knows: the scene, the nodes that pass its filter, and the chosen one."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtWidgets import QComboBox, QWidget

from slicer_host.standins.mrml_base import Observers
from slicer_host.standins.node_filter import NodeFilter
from slicer_host.standins.properties import in_a_row, stored

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


class NodeChoice(QWidget):
    """Follows the scene, and tells when another node is chosen; a subclass shows the choices."""

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
        self._observers, self._names = Observers(), Observers()
        self._combo = QComboBox(self)
        self._combo.setEnabled(False)
        in_a_row(self, self._combo)

    nodeTypes = _filtered("QStringList", "types")
    showHidden = _filtered(bool, "shows_hidden")
    showChildNodeTypes = _filtered(bool, "shows_children")
    hideChildNodeTypes = _filtered("QStringList", "hidden_types")
    noneEnabled = stored(bool, "noneEnabled", False, "_refresh")

    def _show(self) -> None:
        """Show the choices and the chosen one."""
        raise NotImplementedError

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

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        self._filter.add_attribute(node_type, name, value)
        self._refresh()

    def removeAttribute(self, node_type: str, name: str) -> None:
        self._filter.remove_attribute(node_type, name)
        self._refresh()

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
