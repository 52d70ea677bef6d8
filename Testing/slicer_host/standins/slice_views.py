"""Slice views with their bars."""

from __future__ import annotations

from typing import Any

import vtk
from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtGui import QColor, QCursor, QPalette
from PySide6.QtWidgets import QLabel, QVBoxLayout

from slicer_host.standins.mrml_base import qMRMLWidget
from slicer_host.standins.pausing import Pausing
from slicer_host.standins.rendering import OffscreenSliceView
from slicer_host.standins.vtk_views import ctkVTKSliceView


class qMRMLSliceView(ctkVTKSliceView):
    """A view of the slice that a slice node names."""

    def __init__(self, host: Any, node: Any) -> None:
        self._node = node
        super().__init__(host)

    def _make_view(self) -> OffscreenSliceView:
        return OffscreenSliceView(self.host.scene, self.host.application_logic, self._node, self.frames)

    def attach(self, node: Any) -> None:
        """Show another slice node."""
        if node is not self._node:
            self._node = node
            self.view.attach(node)

    def mrmlSliceNode(self) -> Any:
        return self._node

    def sliceViewInteractorStyle(self) -> Any:
        return self.view.interactor_observer

    def displayableManagerByClassName(self, name: str) -> Any:
        return self.view.get_displayable_manager_by_class(name)

    def convertDeviceToXYZ(self, xy: list[int]) -> list[float]:
        return [float(xy[0]), float(xy[1]), 0.0]

    def convertXYZToRAS(self, xyz: list[float]) -> list[float]:
        return list(self._node.GetXYToRAS().MultiplyPoint((*xyz, 1.0))[:3])

    def convertRASToXYZ(self, ras: list[float]) -> list[float]:
        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self._node.GetXYToRAS(), inverse)
        return list(inverse.MultiplyPoint((*ras, 1.0))[:3])

    def setViewCursor(self, cursor: QCursor) -> None:
        self.setCursor(cursor)

    setDefaultViewCursor = setViewCursor

    def unsetViewCursor(self) -> None:
        self.unsetCursor()


class qMRMLAbstractViewWidget(Pausing, qMRMLWidget):
    """A view with its bar."""


class qMRMLSliceWidget(qMRMLAbstractViewWidget):
    """A slice view with its bar, in the colour of the view."""

    nodeAboutToBeEdited = Signal(object)

    def __init__(self, host: Any, node: Any) -> None:
        super().__init__()
        self._node = node
        self._view = qMRMLSliceView(host, node)
        bar = QLabel(f" {node.GetLayoutLabel()}", self)
        bar.setAutoFillBackground(True)
        bar.setPalette(QPalette(QColor.fromRgbF(*node.GetLayoutColor())))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self._view, 1)
        self.setMRMLScene(host.scene)

    def attach(self, node: Any) -> None:
        """Show another slice node."""
        self._node = node
        self._view.attach(node)

    def _read_orientation(self) -> str:
        return self._node.GetOrientation()

    @Slot(str)
    def setSliceOrientation(self, orientation: str) -> None:
        self._node.SetOrientation(orientation)

    sliceOrientation = Property(str, _read_orientation, setSliceOrientation)

    def _read_name(self) -> str:
        return self._node.GetLayoutName()

    sliceViewName = Property(str, _read_name)

    def sliceView(self) -> qMRMLSliceView:
        return self._view

    viewWidget = sliceView

    def mrmlSliceNode(self) -> Any:
        return self._node

    mrmlAbstractViewNode = mrmlSliceNode

    def sliceLogic(self) -> Any:
        return self._view.view.logic

    logic = sliceLogic

    def mrmlSliceCompositeNode(self) -> Any:
        return self.sliceLogic().GetSliceCompositeNode()

    def interactorStyle(self) -> Any:
        return self._view.interactorStyle()

    @Slot()
    def fitSliceToBackground(self) -> None:
        self.sliceLogic().FitSliceToBackground()

    @Slot(bool)
    def setRenderPaused(self, paused: bool) -> None:
        self._view.setRenderPaused(paused)
