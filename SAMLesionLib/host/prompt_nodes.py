"""The prompts of one lesion as markups that the reader can see, drag and delete.

The nodes are our own: hidden from editors, not saved, and the only ones ever removed here. The prompts in
the annotation are the truth; a node that was dragged is read, and then shows exactly what was understood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.events import LesionEvent, WorkFailed
from SAMLesionLib.host.controller import Controller
from SAMLesionLib.host.prompt_shapes import create_shape, place_shape, read_shape
from SAMLesionLib.lesions import Lesion
from SAMLesionLib.prompts import Prompt


@dataclass(eq=False)
class _Shape:
    """A node and the prompt it shows; None for a prompt that is not shown as a node."""

    prompt: Prompt
    node: Any
    observations: tuple[int, ...] = ()


class PromptNodes:
    """Shows the prompts of one lesion at a time."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._lesion_id: str | None = None
        self._shapes: list[_Shape] = []
        self._retired: list[Any] = []  # a node is not removed inside one of its own events
        self._disconnect = controller.annotation.changed.connect(self._follow)

    @property
    def nodes(self) -> tuple[Any, ...]:
        """The markup of each prompt in order, None for a mask, which its segment shows."""
        return tuple(shape.node for shape in self._shapes)

    def show(self, lesion_id: str | None) -> None:
        """Show the prompts of a lesion instead of another's; None shows none."""
        self._lesion_id = lesion_id
        self._refresh()

    def close(self) -> None:
        """Remove our nodes."""
        self._disconnect()
        self.show(None)
        self._sweep()

    def _follow(self, event: LesionEvent) -> None:
        if event.lesion_id == self._lesion_id:
            self._refresh()

    def _refresh(self) -> None:
        self._sweep()
        lesion = self._controller.annotation.snapshot.find(self._lesion_id or "")
        prompts = lesion.prompts.prompts if lesion is not None else ()
        kept = [
            old.prompt is new or old.prompt == new for old, new in zip(self._shapes, prompts, strict=False)
        ]
        n_kept = kept.index(False) if False in kept else len(kept)
        for shape in self._shapes[n_kept:]:
            self._retire(shape)
        del self._shapes[n_kept:]
        if lesion is not None:
            self._shapes += [self._shape(lesion, prompt) for prompt in prompts[n_kept:]]
            self._lock(lesion.is_accepted)

    def _shape(self, lesion: Lesion, prompt: Prompt) -> _Shape:
        volume_node = self._controller.segments.volume_node
        node = create_shape(prompt, volume_node, self._controller.colour(lesion.lesion_id))
        shape = _Shape(prompt, node)
        if node is not None:
            shape.observations = (
                node.AddObserver(node.PointEndInteractionEvent, lambda *_: self._dragged(shape)),
                node.AddObserver(node.PointRemovedEvent, lambda *_: self._deleted(shape)),
            )
        return shape

    def _dragged(self, shape: _Shape) -> None:
        lesion_id, volume_node = self._lesion_id, self._controller.segments.volume_node
        if lesion_id is None or shape not in self._shapes:
            return
        before = shape.prompt
        try:
            shape.prompt = read_shape(shape.node, before, volume_node)
            if shape.prompt != before:
                self._controller.annotation.replace_prompt(lesion_id, self._shapes.index(shape), shape.prompt)
        except SAMLesionError as refused:
            shape.prompt = before
            self._controller.failed.emit(WorkFailed(lesion_id, "edit", str(refused)))
        place_shape(shape.node, shape.prompt, volume_node)

    def _deleted(self, shape: _Shape) -> None:
        if self._lesion_id is not None and shape in self._shapes:
            try:
                self._controller.annotation.remove_prompt(self._lesion_id, self._shapes.index(shape))
            except SAMLesionError as refused:
                self._controller.failed.emit(WorkFailed(self._lesion_id, "edit", str(refused)))

    def _lock(self, is_locked: bool) -> None:
        for shape in self._shapes:
            if shape.node is not None and shape.node.GetLocked() != is_locked:
                shape.node.SetLocked(is_locked)

    def _retire(self, shape: _Shape) -> None:
        if shape.node is not None:
            for observation in shape.observations:
                shape.node.RemoveObserver(observation)
            shape.node.SetDisplayVisibility(False)
            self._retired.append(shape.node)

    def _sweep(self) -> None:
        retired, self._retired = self._retired, []
        for node in retired:
            scene = node.GetScene()
            if scene is not None:
                scene.RemoveNode(node)
