"""The box in 3D: placed with the host's own two clicks, then handed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _


class RoiPlacing:
    """Lets the reader place one box after the other, until it is stopped.

    Args:
        onPlaced: receives the node of each box; it is gone again afterwards.
        onLeft: called when the reader has left the host's placing by other means, such as Esc.
    """

    def __init__(self, onPlaced: Callable[[Any], None], onLeft: Callable[[], None]) -> None:
        self._onPlaced, self._onLeft = onPlaced, onLeft
        self._node: Any = None
        self._interaction: Any = None
        self._tags: list[tuple[Any, int]] = []

    @property
    def isOn(self) -> bool:
        """Whether the reader is placing a box."""
        return self._node is not None

    def start(self) -> None:
        """Let the reader place a box."""
        self.stop()
        scene = slicer.mrmlScene
        self._node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", _("Box"))
        self._node.HideFromEditorsOn()
        self._node.SaveWithSceneOff()
        self._node.CreateDefaultDisplayNodes()
        self._node.GetDisplayNode().SetFillVisibility(False)
        application = slicer.app.applicationLogic()
        selection, self._interaction = application.GetSelectionNode(), application.GetInteractionNode()
        selection.SetReferenceActivePlaceNodeClassName(self._node.GetClassName())
        selection.SetActivePlaceNodeID(self._node.GetID())
        self._interaction.SetPlaceModePersistence(0)
        self._interaction.SetCurrentInteractionMode(self._interaction.Place)
        self._observe(self._interaction, self._interaction.InteractionModeChangedEvent, self._onMode)

    def stop(self) -> None:
        """Put the tool away; a box that is not finished is gone."""
        for node, tag in self._tags:
            node.RemoveObserver(tag)
        self._tags = []
        node, self._node = self._node, None
        if node is None:
            return
        if self._interaction.GetCurrentInteractionMode() == self._interaction.Place:
            self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)
        if node.GetScene() is not None:
            node.GetScene().RemoveNode(node)

    def _observe(self, node: Any, event: int, handler: Callable[[Any, str], None]) -> None:
        self._tags.append((node, node.AddObserver(event, handler)))

    def _onMode(self, _caller: Any, _event: str) -> None:
        if self._interaction.GetCurrentInteractionMode() == self._interaction.Place:
            return
        node = self._node
        isPlaced = node.GetNumberOfDefinedControlPoints() > 0 and min(node.GetSize()) > 0
        if isPlaced:
            self._onPlaced(node)
        self.stop()
        if isPlaced:
            self.start()
        else:
            self._onLeft()
