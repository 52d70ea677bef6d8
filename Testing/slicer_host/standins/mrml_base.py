"""What Slicer's widgets share: a scene, and observers that end with the widget."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import shiboken6
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QWidget
from vtkmodules.util.misc import calldata_type
from vtkmodules.vtkCommonCore import VTK_OBJECT

from slicer_host.errors import guarded


class Observers:
    """Observers of VTK objects, to be removed together; those of a widget end with it."""

    _all: ClassVar[weakref.WeakSet[Observers]] = weakref.WeakSet()

    def __init__(self) -> None:
        self._tags: list[tuple[Any, int]] = []
        self._all.add(self)

    @classmethod
    def clear_all(cls) -> None:
        """Remove those of all widgets: VTK would call them while Python takes the widgets apart."""
        for observers in tuple(cls._all):
            observers.clear()

    def add(self, target: Any, event: Any, callback: Callable[[], Any], priority: float = 0.0) -> None:
        """Call back, without arguments, at each such event; those of low priority come last."""
        weak = _weak(callback)
        self._tags.append((target, target.AddObserver(event, guarded(lambda *_: weak()), priority)))

    def add_with_node(self, scene: Any, event: int, callback: Callable[[Any], Any]) -> None:
        """Call back with the node that an event of the scene is about."""
        weak = _weak(callback)

        @calldata_type(VTK_OBJECT)
        def call(_caller: Any, _event: str, node: Any) -> None:
            guarded(weak)(node)

        self._tags.append((scene, scene.AddObserver(event, call)))

    def clear(self) -> None:
        """Remove them all."""
        for target, tag in self._tags:
            target.RemoveObserver(tag)
        self._tags.clear()


def _weak(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that does not keep its widget alive, and does nothing when the widget has gone."""
    reference = weakref.WeakMethod(method)

    def call(*arguments: Any) -> Any:
        alive = reference()
        owner = getattr(alive, "__self__", None)
        is_alive = alive is not None and (not isinstance(owner, QObject) or shiboken6.isValid(owner))
        return alive(*arguments) if is_alive else None

    return call


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
