"""What a reader's hands do in the views, for the recorder of a study: seen by looking, a few times a second.

Slices, zoom, window and tools are compared with what they were. Looking costs some microseconds, leaves no
observer behind, and misses nothing that lasts as long as a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Note = Callable[..., None]
"""Receives a kind and plain facts, as `Recorder.note` does."""

SCROLL_MM = 1e-3


class Watch:
    """Looks at the views of a scene.

    Args:
        scene: whose slice views, windows and editors are looked at.
        note: told of each change.
    """

    def __init__(self, scene: Any, note: Note) -> None:
        self._scene, self._note = scene, note
        self._seen = dict(self._looks())

    def look(self) -> None:
        """Tell what has changed since the last look; what is new is only remembered.

        An editor that is new is told with its tool: hosts make one when a tool is first taken up.
        """
        now = dict(self._looks())
        for (kind, name), value in now.items():
            before = self._seen.get((kind, name), "" if kind == "tool" else value)
            if before != value:
                self._tell(kind, name, value)
        self._seen = now

    def _looks(self) -> Iterator[tuple[tuple[str, str], Any]]:
        for node in self._nodes("vtkMRMLSliceNode"):
            yield ("scroll", node.GetName()), round(node.GetSliceOffset() / SCROLL_MM)
            yield ("zoom", node.GetName()), round(node.GetFieldOfView()[0], 3)
        for node in self._nodes("vtkMRMLScalarVolumeDisplayNode"):
            yield ("window", node.GetID()), (node.GetWindow(), node.GetLevel())
        for node in self._nodes("vtkMRMLSegmentEditorNode"):
            yield ("tool", node.GetID()), node.GetActiveEffectName() or ""
        for node in self._nodes("vtkMRMLInteractionNode"):
            yield ("mode", node.GetID()), node.GetCurrentInteractionMode()

    def _tell(self, kind: str, name: str, value: Any) -> None:
        if kind == "window":
            self._note("window", window=float(value[0]), level=float(value[1]))
        elif kind == "tool":
            self._note("tool", name=value)
        elif kind == "mode":
            self._note("tool", mode=int(value))
        elif kind == "scroll":
            self._note("scroll", view=name, mm=value * SCROLL_MM)
        else:
            self._note("zoom", view=name, mm=float(value))

    def _nodes(self, class_name: str) -> Iterator[Any]:
        for n in range(self._scene.GetNumberOfNodesByClass(class_name)):
            yield self._scene.GetNthNodeByClass(n, class_name)
