"""What the reader draws with the left mouse button in the slice views, while a tool is on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from SAMLesionQt.rubber_band import RubberBand

PRIORITY = 10.0
"""Before the views' own handlers, which would change the window and level."""
MIN_STEP_PX = 2

Position = tuple[float, float, float]


@dataclass(frozen=True)
class Drag:
    """One stroke of the mouse with its button held down; a click is a stroke of one point.

    Attributes:
        sliceNode: the view it was drawn in.
        points_ras: the places passed, at least one.
    """

    sliceNode: Any
    points_ras: tuple[Position, ...]


class ViewDrags:
    """Follows drags in all slice views between `start` and `stop`; other buttons and keys stay the host's.

    Args:
        sliceWidgets: gives the slice widgets that are shown now.
        onDrag: receives each finished drag.
    """

    def __init__(self, sliceWidgets: Callable[[], list[Any]], onDrag: Callable[[Drag], None]) -> None:
        self._sliceWidgets, self._onDrag = sliceWidgets, onDrag
        self._views: list[_View] = []

    @property
    def isOn(self) -> bool:
        """Whether drags are followed."""
        return bool(self._views)

    def start(self, shape: str) -> None:
        """Follow drags from now on.

        Args:
            shape: how they are shown: "point", "box", "line", "path" or "outline".
        """
        self.stop()
        self._views = [_View(widget, shape, self._onDrag) for widget in self._sliceWidgets()]

    def stop(self) -> None:
        """Leave the views as they were."""
        for view in self._views:
            view.close()
        self._views = []


class _View:
    """One slice view."""

    def __init__(self, sliceWidget: Any, shape: str, onDrag: Callable[[Drag], None]) -> None:
        self._node = sliceWidget.mrmlSliceNode()
        self._onDrag = onDrag
        view = sliceWidget.sliceView()
        self._band = RubberBand(view, shape)
        self._interactor = view.interactor()
        self._points: list[tuple[int, int]] | None = None
        handlers = {
            "LeftButtonPressEvent": self._onPress,
            "MouseMoveEvent": self._onMove,
            "LeftButtonReleaseEvent": self._onRelease,
        }
        self._tags = [self._interactor.AddObserver(*item, PRIORITY) for item in handlers.items()]

    def close(self) -> None:
        self._band.clear()
        for tag in self._tags:
            self._interactor.RemoveObserver(tag)

    def _onPress(self, _caller: Any, _event: str) -> None:
        self._points = [self._position()]
        self._consume()

    def _onMove(self, _caller: Any, _event: str) -> None:
        if self._points is None:
            return
        (x, y), (lastX, lastY) = self._position(), self._points[-1]
        if abs(x - lastX) + abs(y - lastY) >= MIN_STEP_PX:
            self._points.append((x, y))
            self._band.show(self._points)
        self._consume()

    def _onRelease(self, _caller: Any, _event: str) -> None:
        points, self._points = self._points, None
        if points is None:
            return
        self._band.clear()
        self._consume()
        if points[-1] != self._position():
            points.append(self._position())
        self._onDrag(Drag(self._node, tuple(self._toRas(point) for point in points)))

    def _position(self) -> tuple[int, int]:
        x, y = self._interactor.GetEventPosition()
        return x, y

    def _toRas(self, point: tuple[int, int]) -> Position:
        r, a, s, _ = self._node.GetXYToRAS().MultiplyPoint((*point, 0.0, 1.0))
        return r, a, s

    def _consume(self) -> None:
        for tag in self._tags:
            self._interactor.GetCommand(tag).SetAbortFlag(1)
