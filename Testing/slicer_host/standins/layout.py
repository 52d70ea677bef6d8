"""The layout of the views in the main window."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from slicer_host.standins.mrml_base import Observers
from slicer_host.standins.pausing import Pausing

# Row and column in the four-up layout; the 3D view would stand at (0, 1).
_PLACES = {"Red": (0, 0), "Green": (1, 0), "Yellow": (1, 1)}


AFTER_THE_LOGIC = -10.0
"""Priority of an observer: the layout logic makes its nodes first."""


class _No3DView(QWidget):
    """Where Slicer shows its 3D view."""

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = QLinearGradient(0, 0, 0, self.height())
        colours.setColorAt(0, QColor("#7477b8"))
        colours.setColorAt(1, QColor("#c0c3e4"))
        QPainter(self).fillRect(self.rect(), colours)


class qMRMLLayoutManager(Pausing, QObject):
    """Three slice views, each drawn from when it is first asked for.

    Attributes:
        viewport: the widget that holds them.
    """

    layoutChanged = Signal(int)
    nodeAboutToBeEdited = Signal(object)

    def __init__(self, host: Any) -> None:
        super().__init__()
        self._host = host
        self._widgets: dict[str, Any] = {}
        self._standing_in: dict[str, Any] = {}
        self._observers, self._kept_node = Observers(), None
        self._make_nodes()
        self.viewport = QWidget()
        grid = QGridLayout(self.viewport)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        grid.addWidget(_No3DView(), 0, 1)
        for index in (0, 1):
            grid.setRowStretch(index, 1)
            grid.setColumnStretch(index, 1)
        self._grid = grid

    def _make_nodes(self) -> None:
        scene, application = self._host.scene, self._host.application_logic
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(scene)
        node = self._logic.GetLayoutNode()
        node.SetViewArrangement(node.SlicerLayoutFourUpView)
        # The logic uses the layout node for a moment longer than the scene that is being cleared keeps it.
        self._observers.add(scene, scene.StartCloseEvent, self._keep_layout_node)
        self._observers.add(scene, scene.EndBatchProcessEvent, self._attach, AFTER_THE_LOGIC)
        for name in _PLACES:  # composite nodes are there before anything is drawn
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(application)
            logic.SetMRMLScene(scene)
            logic.SetSliceNode(self._node(name))
            application.GetSliceLogics().AddItem(logic)
            self._standing_in[name] = logic

    def _keep_layout_node(self) -> None:
        self._kept_node = self._logic.GetLayoutNode()

    def _attach(self) -> None:
        """Show the slice nodes that a clearing of everything, singletons too, has made anew."""
        for name in _PLACES:
            node = self._node(name)
            if name in self._widgets and node is not None:
                self._widgets[name].attach(node)
            elif name in self._standing_in and node is not self._standing_in[name].GetSliceNode():
                self._standing_in[name].SetSliceNode(node)

    def _node(self, name: str) -> Any:
        return self._host.scene.GetNodeByID(f"vtkMRMLSliceNode{name}")

    def sliceViewNames(self) -> list[str]:
        return list(_PLACES)

    def sliceWidget(self, name: str) -> Any:
        if name not in _PLACES:
            return None
        if name not in self._widgets:
            self._widgets[name] = self._make_widget(name)
        return self._widgets[name]

    def _make_widget(self, name: str) -> Any:
        from slicer_host.standins.rendering import has_opengl
        from slicer_host.standins.slice_views import qMRMLSliceWidget

        if not has_opengl():
            import pytest

            pytest.skip("drawing slice views needs the OpenGL libraries libegl1 and libgl1-mesa-dri")
        self._host.application_logic.GetSliceLogics().RemoveItem(self._standing_in.pop(name))
        widget = qMRMLSliceWidget(self._host, self._node(name))
        self._grid.addWidget(widget, *_PLACES[name])
        widget.show()
        self._grid.activate()  # at once, so that the view has its size before anybody asks
        return widget

    def viewWidget(self, node: Any) -> Any:
        return self.sliceWidget(node.GetLayoutName()) if node.IsA("vtkMRMLSliceNode") else None

    def views(self) -> list[Any]:
        """The widgets made so far."""
        return list(self._widgets.values())

    def close(self) -> None:
        """Let go of the scene, before it is emptied."""
        self._observers.clear()
        self._logic.SetMRMLScene(None)
        for widget in self.views():
            widget.sliceView().view.close()
        for logic in self._standing_in.values():
            logic.SetMRMLScene(None)
        self._host.application_logic.GetSliceLogics().RemoveAllItems()

    def mrmlScene(self) -> Any:
        return self._host.scene

    def mrmlSliceLogics(self) -> Any:
        return self._host.application_logic.GetSliceLogics()

    def layoutLogic(self) -> Any:
        return self._logic

    def _read_layout(self) -> int:
        return self._logic.GetLayoutNode().GetViewArrangement()

    @Slot(int)
    def setLayout(self, layout: int) -> None:
        self._logic.GetLayoutNode().SetViewArrangement(layout)
        self.layoutChanged.emit(layout)

    layout = Property(int, _read_layout, setLayout)
    threeDViewCount = Property(int, lambda self: 0)
    chartViewCount = Property(int, lambda self: 0)
    tableViewCount = Property(int, lambda self: 0)
    plotViewCount = Property(int, lambda self: 0)

    @Slot()
    def resetSliceViews(self) -> None:
        for widget in self.views():
            widget.fitSliceToBackground()

    @Slot()
    def resetThreeDViews(self) -> None:
        """There is none."""

    @Slot(bool)
    def setRenderPaused(self, paused: bool) -> None:
        for widget in self.views():
            widget.setRenderPaused(paused)


class qSlicerLayoutManager(qMRMLLayoutManager):
    """The layout manager of the application."""
