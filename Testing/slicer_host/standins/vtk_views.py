"""Widgets that show what VTK draws."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from slicer_host.standins.pausing import Pausing
from slicer_host.standins.properties import stored
from slicer_host.standins.rendering import Frames, picture_of
from slicer_host.standins.view_events import forward

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


class ctkVTKAbstractView(Pausing, QWidget):
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
