"""What a reader does becomes requests, and answers become segments: the main job, for any viewer.

A lesion of the annotation and its segment have the same id. The controller follows the annotation's
events, so that an action, its undo and its redo take the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.errors import SAMLesionError, VolumeNotLoaded
from SAMLesionLib.events import (
    LesionAccepted,
    LesionAdded,
    LesionDeleted,
    LesionEvent,
    LesionReopened,
    PromptAdded,
    PromptRemoved,
    Signal,
    WorkFailed,
)
from SAMLesionLib.host.dispatch import Dispatch, Job
from SAMLesionLib.host.markups import prompts_from_markup
from SAMLesionLib.host.results import ResultHistory, ResultStep
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.host.volumes import volume_from_node, world_affine
from SAMLesionLib.lesions import Lesion
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import PromptSet
from SAMLesionLib.protocol import Segmenter, SegmentRequest
from SAMLesionLib.volume import Volume


@dataclass
class Settings:
    """What the reader chose in the panel.

    Attributes:
        model: name of the model.
        window: grey values (low, high) between which the model sees, None for the model's own recipe.
    """

    model: str
    window: tuple[float, float] | None = None


class Controller:
    """One reader, one volume, one segmentation.

    Attributes:
        annotation: the lesions and their history; may also be changed directly, `pump` then catches up.
        segments: where the masks go.
        settings: read when a request is made.
        failed: emits `WorkFailed` when no mask comes; direct calls raise instead.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        segments: LesionSegments,
        settings: Settings,
        annotation: Annotation | None = None,
        dispatch: Dispatch | None = None,
    ) -> None:
        self.annotation = annotation or Annotation()
        self.segments = segments
        self.settings = settings
        self.failed: Signal[WorkFailed] = Signal()
        self._segmenter = segmenter
        self._dispatch = dispatch or Dispatch()
        self._histories: dict[str, ResultHistory] = {}
        self._unfinished: dict[str, ResultStep] = {}
        self._removed: dict[str, Any] = {}
        self._changed: dict[str, None] = {}  # in the order of their changes
        self._seen: tuple[Any, Volume] | None = None
        self._disconnect = self.annotation.changed.connect(self._follow)

    @property
    def is_busy(self) -> bool:
        """Whether a mask is on its way."""
        return self._dispatch.is_busy

    def add_lesion(self, name: str | None = None) -> str:
        """Begin a lesion with an empty segment; returns the id of both."""
        segment_id = self.segments.add(self.annotation.new_id(self.segments.segment_ids), name)
        return self.annotation.add_lesion(segment_id, self.segments.segment(segment_id).GetName()).lesion_id

    def add_markup(self, node: Any, lesion_id: str) -> Lesion:
        """Give a markup the reader has just drawn to a lesion and ask for its mask.

        Raises:
            PromptError: the markup is unfinished, off the image, or no prompt.
            ImageError: the volume cannot be segmented.
            InputError: the lesion is accepted or gone.
        """
        lesion = self.annotation.lesion(lesion_id)
        for prompt in prompts_from_markup(node, self.segments.volume_node):
            lesion = self.annotation.add_prompt(lesion_id, prompt)
        self._catch_up()
        return lesion

    def undo(self) -> bool:
        """Take the last action back, its mask with it; False when there is none."""
        return self._then_catch_up(self.annotation.undo())

    def redo(self) -> bool:
        """Do it again; False when there is nothing."""
        return self._then_catch_up(self.annotation.redo())

    def run_again(self, lesion_id: str) -> None:
        """Ask for a lesion's mask anew, with another model for instance."""
        self._request(self.annotation.lesion(lesion_id))

    def cancel(self) -> None:
        """Stop all work at once; what came half is taken back."""
        self._dispatch.cancel()
        for lesion_id in tuple(self._unfinished):
            self._take_back(lesion_id)

    def pump(self, budget_s: float | None = None) -> int:
        """Show what has come since; the viewer's timer calls this in the thread of the scene."""
        self._catch_up()
        return self._dispatch.pump(budget_s)

    def close(self) -> None:
        """Stop all work and listening; the scene keeps what was shown."""
        self.cancel()
        self._disconnect()
        self._dispatch.close()

    def _follow(self, event: LesionEvent) -> None:
        lesion_id = event.lesion_id
        if isinstance(event, (PromptAdded, PromptRemoved)):
            self._changed[lesion_id] = None
        elif isinstance(event, LesionAdded):
            self._show_segment(lesion_id)
        elif isinstance(event, LesionReopened):
            self.segments.reopen(lesion_id)
        elif isinstance(event, LesionAccepted):
            self._stop(lesion_id)
            self.segments.accept(lesion_id)
        elif isinstance(event, LesionDeleted):
            self._stop(lesion_id)
            if lesion_id in self.segments.segment_ids:  # unless removed in the host's own table before
                self._removed[lesion_id] = self.segments.remove(lesion_id)

    def _show_segment(self, lesion_id: str) -> None:
        if lesion_id in self._removed:
            self.segments.restore(lesion_id, self._removed.pop(lesion_id))
        elif lesion_id not in self.segments.segment_ids:
            self.segments.add(lesion_id, self.annotation.lesion(lesion_id).name)
            self._histories.pop(lesion_id, None)  # its answers were shown in a segment that is gone

    def _then_catch_up(self, has_moved: bool) -> bool:
        self._catch_up()
        return has_moved

    def _catch_up(self) -> None:
        # After an action and not inside it: replacing a prompt tells of two changes and needs one mask.
        changed, self._changed = self._changed, {}
        for lesion_id in changed:
            lesion = self.annotation.snapshot.find(lesion_id)
            if lesion is not None:
                self._stop(lesion_id)
                if not self._history(lesion_id).go_to(lesion.prompts):
                    self._request(lesion)

    def _request(self, lesion: Lesion) -> None:
        lesion_id, prompts = lesion.lesion_id, lesion.prompts
        self._stop(lesion_id)
        try:
            stream = self._answer(prompts)
        except SAMLesionError as error:  # the volume was changed into something that is no scan
            self._fail(lesion_id, error)
            return
        self._dispatch.start(
            Job(
                key=lesion_id,
                stream=stream,
                on_item=lambda update: self._show(lesion_id, prompts, update),
                on_end=lambda: self._finish(lesion_id, prompts),
                on_error=lambda error: self._fail(lesion_id, error),
            )
        )

    def _answer(self, prompts: PromptSet) -> Callable[[], Iterator[MaskUpdate]]:
        segmenter, volume = self._segmenter, self._volume()
        model, window = self.settings.model, self.settings.window

        def stream() -> Iterator[MaskUpdate]:
            # The id is made here, in the worker: it reads every voxel.
            request = SegmentRequest(volume.volume_id, model, prompts, window)
            try:
                yield from segmenter.segment(request)
            except VolumeNotLoaded:
                segmenter.load_volume(volume)
                yield from segmenter.segment(request)

        return stream

    def _volume(self) -> Volume:
        node = self.segments.volume_node
        state = (node.GetImageData(), node.GetImageData().GetMTime(), world_affine(node))
        if self._seen is None or self._seen[0] != state:
            self._seen = (state, volume_from_node(node))
        return self._seen[1]

    def _show(self, lesion_id: str, prompts: PromptSet, update: MaskUpdate) -> None:
        step = self._unfinished.get(lesion_id)
        if step is None:
            step = self._unfinished[lesion_id] = ResultStep(self.segments, lesion_id)
        step.write(update)
        if update.report is not None:
            step.finish(update.report, prompts)

    def _finish(self, lesion_id: str, prompts: PromptSet) -> None:
        step = self._unfinished.pop(lesion_id, None)
        if step is not None:
            self._history(lesion_id).append(prompts, step)
            self.annotation.mask_shown(lesion_id, len(prompts), step.report)

    def _fail(self, lesion_id: str, error: SAMLesionError) -> None:
        self._take_back(lesion_id)
        self.failed.emit(WorkFailed(lesion_id, "edit", str(error)))

    def _stop(self, lesion_id: str) -> None:
        self._dispatch.cancel(lesion_id)
        self._take_back(lesion_id)

    def _take_back(self, lesion_id: str) -> None:
        step = self._unfinished.pop(lesion_id, None)
        if step is not None:
            step.undo()

    def _history(self, lesion_id: str) -> ResultHistory:
        return self._histories.setdefault(lesion_id, ResultHistory())
