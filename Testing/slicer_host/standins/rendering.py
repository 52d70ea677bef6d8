"""Slicer's slice views, drawn off the screen."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

# VTK asks for a display otherwise.
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

from trame_slicer.views.abstract_view import AbstractView
from trame_slicer.views.render_scheduler import ScheduledRenderStrategy
from trame_slicer.views.slice_view import SliceView

FRAME_MS = 17


@cache
def has_opengl() -> bool:
    """Whether this machine can draw views: with libegl1 and libgl1-mesa-dri."""
    from vtkmodules.vtkRenderingOpenGL2 import vtkEGLRenderWindow

    return bool(vtkEGLRenderWindow().SupportsOpenGL())


class Frames(ScheduledRenderStrategy):
    """Draws at most once a frame, and only while somebody wants to see it.

    Args:
        is_wanted: asked before each frame.
        drawn: called after each frame.
    """

    def __init__(self, is_wanted: Callable[[], bool], drawn: Callable[[], None]) -> None:
        super().__init__()
        self.is_due = True
        self._is_wanted, self._drawn = is_wanted, drawn
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)

    def schedule_render(self) -> None:
        self.is_due = True
        if self._is_wanted() and not self._timer.isActive():
            self._timer.start(FRAME_MS)

    def did_render(self) -> None:
        self.is_due = False
        self._drawn()

    def stop(self) -> None:
        """Forget the frame that is due."""
        self._timer.stop()

    def _draw(self) -> None:
        if self._is_wanted() and self.abstract_view is not None:
            self.abstract_view.render()


class OffscreenSliceView(SliceView):
    """A slice view on a slice node that the scene has already."""

    def __init__(self, scene: Any, application_logic: Any, node: Any, frames: Frames) -> None:
        self._existing_node = node
        super().__init__(scene, application_logic, node.GetLayoutName(), frames)

    def set_scene(self, scene: Any) -> None:
        AbstractView.set_scene(self, scene)
        self._logic.SetMRMLScene(scene)
        self.attach(self._existing_node)

    def attach(self, node: Any) -> None:
        """Show another slice node."""
        self._existing_node = node
        self._logic.SetSliceNode(node)
        self.set_view_node(node)

    def _reset_node_view_properties(self) -> None:
        """The node keeps the orientation and the label that the layout gave it."""

    def resize(self, width: int, height: int) -> None:
        """Draw at this size, and let the slice node show as much more or less."""
        self.update_size(width, height)
        self._logic.ResizeSliceNode(width, height)

    def close(self) -> None:
        """Let go of the scene and the window."""
        for observed in (self._scene, self._view_node, self._logic):
            self._event_observer.RemoveObservations(observed)
        self._displayable_manager_group.RemoveAllObservers()
        self._displayable_manager_group.SetMRMLDisplayableNode(None)
        self._interactor_observer.SetInteractor(None)
        self._logic.SetMRMLScene(None)
        self._scheduled_render.stop()
        self.finalize()

    @property
    def logic(self) -> Any:
        """The `vtkMRMLSliceLogic`."""
        return self._logic

    @property
    def interactor_observer(self) -> Any:
        """The `vtkMRMLSliceViewInteractorStyle`."""
        return self._interactor_observer


def picture_of(render_window: Any) -> QImage:
    """What was drawn last."""
    grab = vtkWindowToImageFilter()
    grab.SetInput(render_window)
    grab.ReadFrontBufferOff()
    grab.ShouldRerenderOff()
    grab.Update()
    width, height, _ = grab.GetOutput().GetDimensions()
    pixels = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars()).reshape(height, width, 3)
    upright = np.ascontiguousarray(pixels[::-1])  # VTK counts rows from the bottom
    return QImage(upright.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
