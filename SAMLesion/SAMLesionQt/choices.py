"""The reader's choices: shown by widgets, saved with the scene, and read by the session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import vtk
from slicer.i18n import tr as _

from SAMLesionLib.host.parameters import Parameters
from SAMLesionQt.desk import Desk

OWN_WINDOW, DISPLAYED_WINDOW = 0, 1


class Choices:
    """Holds the choices and keeps widgets, parameter node and session in step.

    Args:
        ui: the panel's widgets by name.
        desk: the session that reads them.
    """

    def __init__(self, ui: Any, desk: Desk) -> None:
        self._ui, self._desk = ui, desk
        self._node: Any = None
        self._guiTag: Any = None
        self._observer: int | None = None
        self._onNodes: Any = None
        self.parameters = Parameters()
        ui.windowSelector.addItems([_("As the model prefers"), _("As displayed")])
        ui.autoRunCheckBox.connect("toggled(bool)", lambda isOn: self.change(auto_run=isOn))
        ui.windowSelector.connect("activated(int)", lambda _index: self.takeWindow())

    @property
    def node(self) -> Any:
        """The parameter node, None while the panel is not shown."""
        return self._node

    def follow(self, node: Any, onNodes: Any) -> None:
        """Show a parameter node, and tell when another volume or segmentation is chosen.

        Args:
            node: a `PanelParameters`.
            onNodes: called then.
        """
        self.leave()
        self._node, self._onNodes = node, onNodes
        self.parameters = Parameters.from_text(node.choices)
        self._guiTag = node.connectGui(self._ui)
        self._observer = node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._onModified)
        self._ui.autoRunCheckBox.checked = self.parameters.auto_run
        isDisplayed = self.parameters.window is not None
        self._ui.windowSelector.currentIndex = DISPLAYED_WINDOW if isDisplayed else OWN_WINDOW

    def leave(self) -> None:
        """Show no parameter node any more."""
        if self._node is not None:
            self._node.disconnectGui(self._guiTag)
            self._node.RemoveObserver(self._observer)
        self._node = None

    def change(self, **changes: Any) -> None:
        """Choose something else."""
        self.parameters = replace(self.parameters, **changes)
        if self._node is not None:
            self._node.choices = self.parameters.to_text()
        if self._desk.session is not None:
            self._desk.session.controller.parameters = self.parameters

    def takeWindow(self) -> None:
        """Read the window that the views show now, where the reader wants the model to see it."""
        window = None
        if self._ui.windowSelector.currentIndex == DISPLAYED_WINDOW and self._desk.session is not None:
            display = self._desk.session.controller.segments.volume_node.GetDisplayNode()
            if display is not None and display.GetWindow() > 0:
                window = (display.GetWindowLevelMin(), display.GetWindowLevelMax())
        if window != self.parameters.window:
            self.change(window=window)

    def _onModified(self, _caller: Any, _event: str) -> None:
        self._onNodes()
