"""Single strokes of the reader's hand in the Segment Editor, for the recorder of a study.

A stroke is what one press of a mouse button in a view did to the mask while a hand tool was active: painting
while the button is held is one, whether the brush changes the mask as it moves or when it is let go; an
outline of many clicks is one, when it is closed. A press that changes nothing is none, and neither is what
model, undo or another tool does to the mask.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import slicer

Note = Callable[..., None]
"""Receives a kind and plain facts, as `Recorder.note` does."""

HAND_TOOLS = frozenset(("Paint", "Draw", "Erase", "Scissors", "Level tracing"))
"""Effects that follow the hand, by the names the Segment Editor knows them by."""
PRIORITY = 100.0
"""Before the Segment Editor, which lets nobody see an event that it takes."""
PRESSES = ("LeftButtonPressEvent", "RightButtonPressEvent")
OTHERS = (
    "MouseMoveEvent",
    "LeftButtonReleaseEvent",
    "RightButtonReleaseEvent",
    "LeftButtonDoubleClickEvent",
    "KeyPressEvent",
)


class StrokeWatch:
    """Tells of each stroke on the lesions of one segmentation.

    Args:
        segmentation_node: holds the lesions.
        interactors: gives those of the views that are there now.
        note: told of each stroke: its tool, the lesion, and for how many seconds the button was down.
    """

    def __init__(self, segmentation_node: Any, interactors: Callable[[], Sequence[Any]], note: Note) -> None:
        self._node, self._interactors, self._note = segmentation_node, interactors, note
        self._observations: list[tuple[Any, int]] = []
        self._observed: list[Any] = []
        self._press, self._counted = 0, 0
        self._pressed_s = 0.0
        self._is_hand = False
        segmentation = segmentation_node.GetSegmentation()
        tag = segmentation.AddObserver(slicer.vtkSegmentation.SourceRepresentationModified, self._changed)
        self._own = (segmentation, tag)
        self.look()

    def look(self) -> None:
        """Watch the views that are there now; a viewer's timer calls this now and then."""
        interactors = list(self._interactors())
        if interactors == self._observed:
            return
        self._let_go()
        self._observed = interactors
        for interactor in interactors:
            for event in PRESSES:
                self._observations.append(
                    (interactor, interactor.AddObserver(event, self._on_press, PRIORITY))
                )
            for event in OTHERS:
                self._observations.append(
                    (interactor, interactor.AddObserver(event, self._on_event, PRIORITY))
                )

    def turn(self) -> None:
        """A viewer's timer calls this first of all: what changes a mask from here on is no hand."""
        self._is_hand = False

    def close(self) -> None:
        """Watch no more."""
        self._let_go()
        segmentation, tag = self._own
        segmentation.RemoveObserver(tag)

    def _let_go(self) -> None:
        for interactor, tag in self._observations:
            interactor.RemoveObserver(tag)
        self._observations, self._observed = [], []

    def _on_press(self, _interactor: Any, _event: str) -> None:
        self._press += 1
        self._pressed_s = time.monotonic()
        self._is_hand = True

    def _on_event(self, _interactor: Any, _event: str) -> None:
        self._is_hand = True

    def _changed(self, _segmentation: Any, _event: str) -> None:
        if not self._is_hand or self._counted == self._press:
            return
        editor = self._editor()
        if editor is not None:
            self._counted = self._press
            held_s = round(time.monotonic() - self._pressed_s, 3)
            self._note(
                "stroke",
                tool=editor.GetActiveEffectName(),
                lesion=editor.GetSelectedSegmentID() or "",
                held_s=held_s,
            )

    def _editor(self) -> Any:
        """The editor with a hand tool on these lesions, None for none."""
        scene = self._node.GetScene()
        for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") if scene else 0):
            editor = scene.GetNthNodeByClass(n, "vtkMRMLSegmentEditorNode")
            if editor.GetSegmentationNode() is self._node and editor.GetActiveEffectName() in HAND_TOOLS:
                return editor
        return None
