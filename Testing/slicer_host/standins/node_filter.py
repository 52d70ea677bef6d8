"""Which nodes of a scene a selector shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class NodeFilter:
    """The choices of `qMRMLSortFilterProxyModel` that a selector of nodes hands through.

    Attributes:
        types: class names; the first is what a new node becomes.
        shows_hidden: also nodes that are hidden from editors.
        shows_children: also nodes of classes derived from a type.
        hidden_types: derived classes that are left out all the same.
    """

    types: tuple[str, ...] = ()
    shows_hidden: bool = False
    shows_children: bool = True
    hidden_types: tuple[str, ...] = ()
    _attributes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def nodes(self, scene: Any) -> list[Any]:
        """The nodes shown, in the scene's order."""
        if scene is None:
            return []
        return [n for n in (scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())) if self.accepts(n)]

    def accepts(self, node: Any) -> bool:
        """Whether a node is shown."""
        if node.GetHideFromEditors() and not self.shows_hidden:
            return False
        return any(self._is_of(node, node_type) for node_type in self.types)

    def attributes(self, node_type: str) -> dict[str, Any]:
        """The attributes that nodes of a type must have; None as value asks for any value."""
        return self._attributes.get(node_type, {})

    def add_attribute(self, node_type: str, name: str, value: Any) -> None:
        """Ask for an attribute."""
        self._attributes.setdefault(node_type, {})[name] = value

    def remove_attribute(self, node_type: str, name: str) -> None:
        """Ask for it no more."""
        self._attributes.get(node_type, {}).pop(name, None)

    def _is_of(self, node: Any, node_type: str) -> bool:
        if not node.IsA(node_type):
            return False
        is_child = node.GetClassName() != node_type
        if is_child and (not self.shows_children or any(map(node.IsA, self.hidden_types))):
            return False
        return all(self._has(node, name, value) for name, value in self.attributes(node_type).items())

    @staticmethod
    def _has(node: Any, name: str, value: Any) -> bool:
        found = node.GetAttribute(name)
        return found is not None and (value is None or found == str(value))
