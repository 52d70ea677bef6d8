"""Items of the subject hierarchy for new nodes, which in Slicer a plugin of Qt makes."""

from __future__ import annotations

from typing import Any

from slicer_host.standins.mrml_base import Observers

_CLASSES = ("vtkMRMLDisplayableNode", "vtkMRMLTableNode", "vtkMRMLTextNode")


class SubjectHierarchyItems:
    """Gives each node of data an item, and takes it away with the node."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._observers = Observers()
        self._observers.add_with_node(scene, scene.NodeAddedEvent, self._added)
        self._observers.add_with_node(scene, scene.NodeAboutToBeRemovedEvent, self._leaves)
        self._observers.add(scene, scene.EndImportEvent, self._complete)

    def close(self) -> None:
        """Follow the scene no more."""
        self._observers.clear()

    def _added(self, node: Any) -> None:
        if not self._scene.IsImporting():  # a saved scene brings its own items
            self._give_item(node)

    def _complete(self) -> None:
        for index in range(self._scene.GetNumberOfNodes()):
            self._give_item(self._scene.GetNthNode(index))

    def _give_item(self, node: Any) -> None:
        if node.GetHideFromEditors() or not any(map(node.IsA, _CLASSES)):
            return
        hierarchy = self._scene.GetSubjectHierarchyNode()
        if not hierarchy.GetItemByDataNode(node):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

    def _leaves(self, node: Any) -> None:
        if self._scene.IsClosing() or not any(map(node.IsA, _CLASSES)):
            return
        hierarchy = self._scene.GetSubjectHierarchyNode()
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.RemoveItem(item, False, False)
