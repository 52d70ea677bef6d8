"""What an editor sees of the mouse in the slice views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer_host.errors import guarded

PRIORITY = 10.0
"""That of the Segment Editor: before the views' own handlers."""


class Strokes:
    """Follows the left button in all slice views and hands each stroke to the brush.

    Args:
        layout_manager: gives the layout manager.
        brush: gives the effect in the user's hand, or None.
    """

    def __init__(self, layout_manager: Callable[[], Any], brush: Callable[[], Any]) -> None:
        self._brush = brush
        self._points: list[tuple[float, float, float]] = []
        self._undo: list[Callable[[], None]] = []
        manager = layout_manager()
        for name in manager.sliceViewNames():
            widget = manager.sliceWidget(name)
            self._observe(widget.sliceView().interactor(), widget.mrmlSliceNode())

    def close(self) -> None:
        """Leave the views as they were."""
        for undo in self._undo:
            undo()

    def _observe(self, interactor: Any, node: Any) -> None:
        for event, handle in (
            ("LeftButtonPressEvent", self._press),
            ("MouseMoveEvent", self._move),
            ("LeftButtonReleaseEvent", self._release),
        ):
            tags: list[int] = []

            def call(*_: Any, handle: Any = handle, tags: list[int] = tags) -> None:
                if guarded(handle)(interactor, node):
                    interactor.GetCommand(tags[0]).SetAbortFlag(1)

            tags.append(interactor.AddObserver(event, call, PRIORITY))
            self._undo.append(lambda tag=tags[0]: interactor.RemoveObserver(tag))

    def _press(self, interactor: Any, node: Any) -> bool:
        if self._brush() is None:
            return False
        self._points = [_place(interactor, node)]
        return True

    def _move(self, interactor: Any, node: Any) -> bool:
        if self._points:
            self._points.append(_place(interactor, node))
        return bool(self._points)

    def _release(self, interactor: Any, node: Any) -> bool:
        points, self._points = self._points, []
        brush = self._brush()
        if points and brush is not None:
            brush.stroke(node, points)
        return bool(points)


def _place(interactor: Any, node: Any) -> tuple[float, float, float]:
    r, a, s, _ = node.GetXYToRAS().MultiplyPoint((*interactor.GetEventPosition(), 0.0, 1.0))
    return r, a, s
