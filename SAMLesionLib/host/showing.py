"""The segments follow the annotation: an action, its undo and its redo take the same way.

What a segment shows is a function of its lesion: the mask kept for the lesion's state, without the voxels
of neighbours that are accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.events import (
    LesionAccepted,
    LesionAdded,
    LesionDeleted,
    LesionEvent,
    LesionFlagged,
    LesionReopened,
    MaskAskedAgain,
    MaskEdited,
    MaskShown,
    PromptAdded,
    PromptRemoved,
)
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.asking import Asking
from SAMLesionLib.host.budget import Budget
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.results import Result, Results
from SAMLesionLib.host.shown import ShownLesions
from SAMLesionLib.lesions import Lesion, Origin

_STATUS_EVENTS = (LesionAccepted, LesionFlagged, LesionReopened)
_MASK_EVENTS = (PromptAdded, PromptRemoved, MaskEdited, MaskAskedAgain)
_Why = Literal["edit", "undo", "redo", "asked"]


class Showing:
    """Follows an annotation's events, and catches up with the masks after them."""

    def __init__(
        self,
        annotation: Annotation,
        shown: ShownLesions,
        results: Results,
        asking: Asking,
        parameters: Callable[[], Parameters],
    ) -> None:
        self._annotation, self._shown, self._results = annotation, shown, results
        self._asking, self._parameters = asking, parameters
        self._changed: dict[str, _Why] = {}  # in the order of their changes
        self._freed_or_taken: list[IndexBox] = []
        self._at: dict[str, Origin] = {x.lesion_id: x.origin for x in annotation.snapshot.lesions}
        self.close = annotation.changed.connect(self._follow)

    @property
    def is_behind(self) -> bool:
        """Whether prompts or hand edits wait for the next `catch_up`."""
        changed = (self._annotation.snapshot.find(lesion_id) for lesion_id in self._changed)
        return any(lesion is not None and not lesion.is_untouched for lesion in changed)

    def catch_up(self, budget: Budget | None = None) -> None:
        """Show the masks of what has changed, and ask for those that are not known.

        Args:
            budget: for how long; with none left, the rest waits for the next call.
        """
        with self._shown.told_once():
            if (budget or Budget()).spend(self._steps()):
                self._trim_drafts()

    def _steps(self) -> Iterator[None]:
        # After an action and not inside it: replacing a prompt tells of two changes and needs one mask.
        while self._changed:
            lesion_id = next(iter(self._changed))
            why, lesion = self._changed.pop(lesion_id), self._annotation.snapshot.find(lesion_id)
            if lesion is not None:
                self._show(lesion, why)
            yield

    def _follow(self, event: LesionEvent) -> None:
        lesion_id = event.lesion_id
        if isinstance(event, MaskShown):
            return
        if isinstance(event, LesionDeleted):
            self._asking.stop(lesion_id)
            self._freed_or_taken.append(self._shown.mask(lesion_id).box)
            self._shown.remove(lesion_id)
            return
        lesion = self._annotation.lesion(lesion_id)
        if isinstance(event, LesionAdded):
            self._shown.add(lesion, self._following(lesion_id))
        elif isinstance(event, _STATUS_EVENTS):
            if lesion.is_accepted:
                self._asking.stop(lesion_id)
            self._freed_or_taken.append(self._shown.mask(lesion_id).box)
        if isinstance(event, (LesionAdded, *_MASK_EVENTS)):
            is_asked = isinstance(event, MaskAskedAgain) and event.cause == "edit"
            self._changed[lesion_id] = "asked" if is_asked else event.cause
        self._shown.describe(lesion)

    def _following(self, lesion_id: str) -> str | None:
        ids = [x.lesion_id for x in self._annotation.snapshot.lesions]
        return next((x for x in ids[ids.index(lesion_id) + 1 :] if not self._shown.is_gone(x)), None)

    def _show(self, lesion: Lesion, why: _Why) -> None:
        self._asking.stop(lesion.lesion_id)
        self._keep_what_was_shown(lesion)
        self._shown.note_prompts(lesion)
        if lesion.is_accepted:  # its segment came back as it was
            return
        known = self._results.find(lesion)
        is_question = lesion.edit is None and not lesion.is_untouched and why in ("edit", "asked")
        if known is not None and not is_question:
            self._shown.put(lesion.lesion_id, known.mask, known.tags)
        is_unknown = is_question or known is None or not known.is_answer
        if is_unknown and (self._parameters().auto_run or why == "asked"):
            self._asking.ask(lesion, self._parameters())

    def _keep_what_was_shown(self, lesion: Lesion) -> None:
        lesion_id, before = lesion.lesion_id, self._at.get(lesion.lesion_id)
        if before is not None and before != lesion.origin:
            shown = Result(self._shown.mask(lesion_id), self._shown.tags(lesion_id), is_answer=False)
            self._results.keep(lesion_id, before, shown)
        self._at[lesion_id] = lesion.origin

    def _trim_drafts(self) -> None:
        boxes, self._freed_or_taken = self._freed_or_taken, []
        for lesion in self._annotation.snapshot.lesions if boxes else ():
            if not lesion.is_accepted and not self._shown.is_gone(lesion.lesion_id):
                self._trim(lesion, boxes)

    def _trim(self, lesion: Lesion, boxes: list[IndexBox]) -> None:
        lesion_id = lesion.lesion_id
        if self._asking.is_on_its_way(lesion_id):
            self._shown.trim(lesion_id)
            return
        known = self._results.find(lesion)
        mask = self._shown.mask(lesion_id) if known is None else known.mask
        if any(not box.intersect(mask.box).is_empty for box in boxes):
            self._shown.put(lesion_id, mask)
