"""What happened between two moments of an annotation, as the events that tell it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from SAMLesionLib.events import (
    Cause,
    LesionAccepted,
    LesionAdded,
    LesionDeleted,
    LesionEvent,
    LesionFlagged,
    LesionRenamed,
    LesionReopened,
    MaskAskedAgain,
    MaskEdited,
    PromptAdded,
    PromptRemoved,
    TerminologyChanged,
)
from SAMLesionLib.lesions import Lesion, Snapshot, Status


def changes(old: Snapshot, new: Snapshot, cause: Cause = "edit") -> Iterator[LesionEvent]:
    """What must be told to someone who knows `old` and shall know `new`.

    Reopenings come first and acceptances last, so that a listener never sees an accepted lesion change.
    """
    for lesion in old.lesions:
        if new.find(lesion.lesion_id) is None:
            yield LesionDeleted(lesion.lesion_id, cause)
    for lesion in new.lesions:
        before = old.find(lesion.lesion_id)
        if before is None:
            yield LesionAdded(lesion.lesion_id, cause, lesion.name)
            before = Lesion(lesion.lesion_id, lesion.name)
        yield from _lesion_changes(before, lesion, cause)


def _lesion_changes(old: Lesion, new: Lesion, cause: Cause) -> Iterator[LesionEvent]:
    is_other_status = old.status is not new.status
    if is_other_status and old.status is not Status.DRAFT and (old.is_accepted or new.status is Status.DRAFT):
        yield LesionReopened(new.lesion_id, cause)
    yield from _description_changes(old, new, cause)
    yield from _prompt_changes(old, new, cause)
    if old.edit != new.edit:
        yield MaskEdited(new.lesion_id, cause, new.edit)
    if old.run != new.run:
        yield MaskAskedAgain(new.lesion_id, cause, new.run)
    if is_other_status and new.status is not Status.DRAFT:
        yield (LesionAccepted if new.is_accepted else LesionFlagged)(new.lesion_id, cause)


def _description_changes(old: Lesion, new: Lesion, cause: Cause) -> Iterator[LesionEvent]:
    if old.name != new.name:
        yield LesionRenamed(new.lesion_id, cause, new.name)
    if old.terminology != new.terminology:
        yield TerminologyChanged(new.lesion_id, cause, new.terminology)


def _prompt_changes(old: Lesion, new: Lesion, cause: Cause) -> Iterator[LesionEvent]:
    before, after = old.prompts.prompts, new.prompts.prompts
    if before == after:
        return
    edits = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for tag, first, last, _, _ in reversed(edits):  # from the end, so that each index is still true
        if tag in ("replace", "delete"):
            for index in reversed(range(first, last)):
                yield PromptRemoved(new.lesion_id, cause, index, before[index])
    for tag, _, _, first, last in edits:
        if tag in ("replace", "insert"):
            for index in range(first, last):
                yield PromptAdded(new.lesion_id, cause, index, after[index])
