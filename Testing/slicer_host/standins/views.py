"""The slice views and the layout that holds them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QCursor, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from slicer_host.standins.mrml_base import qMRMLWidget
from slicer_host.standins.properties import stored
from slicer_host.standins.rendering import Frames, OffscreenSliceView, forward, picture_of

_FORWARDED = {
    QEvent.Type.Enter,
    QEvent.Type.Leave,
    QEvent.Type.MouseMove,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseButtonRelease,
    QEvent.Type.MouseButtonDblClick,
    QEvent.Type.Wheel,
    QEvent.Type.KeyPress,
    QEvent.Type.KeyRelease,
}


class ctkVTKAbstractView(QWidget):
    """A widget that shows what VTK has drawn."""

    renderEnabled = stored(bool, "renderEnabled", True)
    cornerAnnotationText = stored(str, "cornerAnnotationText", "")

    def __init__(self, host: Any) -> None:
        super().__init__()
        self.host = host
        self._paused = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.frames = Frames(self._is_wanted, self.update)
        self.view = self._make_view()

    def _make_view(self) -> Any:
        raise NotImplementedError

    def _is_wanted(self) -> bool:
        is_seen = self.renderEnabled and not self._paused and self.isVisible()
        return bool(is_seen and self.host.draws_views)

    def renderWindow(self) -> Any:
        return self.view.render_window()

    def interactor(self) -> Any:
        return self.view.interactor()

    def interactorStyle(self) -> Any:
        return self.view.interactor_style()

    @Slot()
    def scheduleRender(self) -> None:
        self.frames.schedule_render()

    @Slot()
    def forceRender(self) -> None:
        if self.renderEnabled:
            self.view.render()

    @Slot(bool, result=int)
    def setRenderPaused(self, paused: bool) -> int:
        self._paused = max(0, self._paused + (1 if paused else -1))
        if not self._paused and self.frames.is_due:
            self.scheduleRender()
        return self._paused

    @Slot(result=int)
    def pauseRender(self) -> int:
        return self.setRenderPaused(True)

    @Slot(result=int)
    def resumeRender(self) -> int:
        return self.setRenderPaused(False)

    @Slot(result=bool)
    def isRenderPaused(self) -> bool:
        return self._paused > 0

    def draw_now(self) -> None:
        """Draw what is due, for a picture."""
        if self.frames.is_due and self.renderEnabled:
            self.view.render()

    def event(self, event: QEvent) -> bool:
        if event.type() in _FORWARDED and forward(event, self.interactor()):
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.view.resize(self.width(), self.height())
        self.scheduleRender()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.frames.is_due:
            painter.fillRect(self.rect(), QColor("black"))
        else:
            painter.drawImage(0, 0, picture_of(self.renderWindow()))


class ctkVTKSliceView(ctkVTKAbstractView):
    """A view of slices of images."""

    resized = Signal(QSize)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit(event.size())

    @Slot()
    def resetCamera(self) -> None:
        self.view.reset_camera()


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
        import vtk

        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self._node.GetXYToRAS(), inverse)
        return list(inverse.MultiplyPoint((*ras, 1.0))[:3])

    def setViewCursor(self, cursor: QCursor) -> None:
        self.setCursor(cursor)

    setDefaultViewCursor = setViewCursor

    def unsetViewCursor(self) -> None:
        self.unsetCursor()


class qMRMLAbstractViewWidget(qMRMLWidget):
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

    @Slot()
    def pauseRender(self) -> None:
        self._view.pauseRender()

    @Slot()
    def resumeRender(self) -> None:
        self._view.resumeRender()
