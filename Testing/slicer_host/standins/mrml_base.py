"""What Slicer's widgets share: a scene, and observers that end with the widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QWidget

from slicer_host.errors import guarded


class Observers:
    """Observers of VTK objects, to be removed together."""

    def __init__(self) -> None:
        self._tags: list[tuple[Any, int]] = []

    def add(self, target: Any, event: Any, callback: Callable[[], Any]) -> None:
        """Call back, without arguments, at each such event."""
        self._tags.append((target, target.AddObserver(event, guarded(lambda *_: callback()))))

    def add_with_node(self, scene: Any, event: int, callback: Callable[[Any], Any]) -> None:
        """Call back with the node that an event of the scene is about."""
        from vtkmodules.util.misc import calldata_type
        from vtkmodules.vtkCommonCore import VTK_OBJECT

        @calldata_type(VTK_OBJECT)
        def call(_caller: Any, _event: str, node: Any) -> None:
            guarded(callback)(node)

        self._tags.append((scene, scene.AddObserver(event, call)))

    def clear(self) -> None:
        """Remove them all."""
        for target, tag in self._tags:
            target.RemoveObserver(tag)
        self._tags.clear()


class qMRMLWidget(QWidget):
    """A widget with a scene; what it holds gets the scene by the connections of its `.ui` file."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene: Any = None

    @Slot(object)
    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self._scene

    @staticmethod
    def pixmapFromIcon(icon: QIcon) -> QPixmap:
        return icon.pixmap(icon.availableSizes()[0]) if icon.availableSizes() else QPixmap()
