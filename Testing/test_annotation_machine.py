"""A reader does anything: every state comes back by undo and redo, and the events alone tell it."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
from annotation_cases import EDITS
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.errors import InputError
from SAMLesionLib.events import (
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
)
from SAMLesionLib.lesions import Lesion, Snapshot, Status
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import PointPrompt, PromptSet

points = st.builds(PointPrompt, st.tuples(*[st.integers(0, 2).map(float)] * 3), st.booleans())


class Session(RuleBasedStateMachine):
    """A reader who does anything; a mirror built from the events alone; and every state ever left."""

    lesions = Bundle("lesions")

    def __init__(self) -> None:
        super().__init__()
        self.annotation = Annotation()
        self.mirror: dict[str, Lesion] = {}
        self.annotation.changed.connect(self.follow)
        self.states: list[Snapshot] = [self.annotation.snapshot]
        self.at = 0

    def follow(self, event: LesionEvent) -> None:
        key = event.lesion_id
        if isinstance(event, LesionAdded):
            assert key not in self.mirror
            self.mirror[key] = Lesion(key, event.name)
        elif isinstance(event, LesionDeleted):
            del self.mirror[key]
        else:
            self.mirror[key] = replace(self.mirror[key], **self.told_by(event, self.mirror[key]))

    def told_by(self, event: LesionEvent, known: Lesion) -> dict[str, object]:
        statuses = {
            LesionAccepted: Status.ACCEPTED,
            LesionReopened: Status.DRAFT,
            LesionFlagged: Status.FLAGGED,
        }
        if type(event) in statuses:
            return {"status": statuses[type(event)]}
        if isinstance(event, LesionRenamed):
            return {"name": event.name}
        assert not known.is_accepted
        if isinstance(event, MaskEdited):
            return {"edit": event.edit}
        if isinstance(event, MaskAskedAgain):
            return {"run": event.run}
        prompts = list(known.prompts)
        if isinstance(event, PromptAdded):
            prompts.insert(event.index, event.prompt)
        else:
            assert isinstance(event, PromptRemoved)
            assert prompts.pop(event.index) == event.prompt
        return {"prompts": PromptSet(tuple(prompts))}

    def done(self) -> None:
        if self.annotation.snapshot is not self.states[self.at]:
            self.states[self.at + 1 :] = [self.annotation.snapshot]
            self.at += 1

    def attempt(self, action) -> None:
        before = self.annotation.snapshot
        try:
            action()
        except InputError:
            assert self.annotation.snapshot is before
        self.done()

    @rule(target=lesions)
    def add_lesion(self) -> str:
        lesion = self.annotation.add_lesion().lesion_id
        self.done()
        return lesion

    @rule(lesion=lesions, prompt=points)
    def add_prompt(self, lesion: str, prompt: PointPrompt) -> None:
        self.attempt(lambda: self.annotation.add_prompt(lesion, prompt))

    @rule(lesion=lesions, prompt=points, index=st.integers(0, 3))
    def replace_prompt(self, lesion: str, prompt: PointPrompt, index: int) -> None:
        self.attempt(lambda: self.annotation.replace_prompt(lesion, index, prompt))

    @rule(lesion=lesions, index=st.integers(0, 3))
    def remove_prompt(self, lesion: str, index: int) -> None:
        self.attempt(lambda: self.annotation.remove_prompt(lesion, index))

    @rule(lesion=lesions)
    def accept(self, lesion: str) -> None:
        self.attempt(lambda: self.annotation.accept(lesion))

    @rule(lesion=lesions)
    def flag(self, lesion: str) -> None:
        self.attempt(lambda: self.annotation.flag(lesion))

    @rule(lesion=lesions, edit=st.sampled_from(EDITS))
    def edit(self, lesion: str, edit: PackedMask) -> None:
        self.attempt(lambda: self.annotation.edit(lesion, edit))

    @rule(lesion=lesions, name=st.sampled_from(["Node", "Cyst", ""]))
    def rename(self, lesion: str, name: str) -> None:
        self.attempt(lambda: self.annotation.rename(lesion, name))

    @rule(lesion=lesions, other=lesions)
    def run_again(self, lesion: str, other: str) -> None:
        self.attempt(lambda: self.annotation.run_again([lesion, other]))

    @rule(lesion=lesions, other=lesions)
    def merge(self, lesion: str, other: str) -> None:
        self.attempt(lambda: self.annotation.merge([lesion, other], EDITS[3]))

    @rule(lesion=lesions)
    def split(self, lesion: str) -> None:
        self.attempt(lambda: self.annotation.split(lesion, EDITS[1:]))

    @rule(lesion=lesions)
    def reopen(self, lesion: str) -> None:
        self.attempt(lambda: self.annotation.reopen(lesion))

    @rule(lesion=lesions)
    def delete(self, lesion: str) -> None:
        self.attempt(lambda: self.annotation.delete(lesion))

    @precondition(lambda self: self.annotation.can_undo)
    @rule()
    def undo(self) -> None:
        self.annotation.undo()
        self.at -= 1

    @precondition(lambda self: self.annotation.can_redo)
    @rule()
    def redo(self) -> None:
        self.annotation.redo()
        self.at += 1

    @precondition(lambda self: self.annotation.can_undo)
    @rule()
    def undo_and_redo(self) -> None:
        before = self.annotation.snapshot
        self.annotation.undo()
        self.annotation.redo()
        assert self.annotation.snapshot is before

    @invariant()
    def the_state_is_the_one_that_was_left_there(self) -> None:
        assert self.annotation.snapshot == self.states[self.at]
        assert self.annotation.can_undo == (self.at > 0)
        assert self.annotation.can_redo == (self.at < len(self.states) - 1)

    @invariant()
    def the_events_alone_tell_the_whole_state(self) -> None:
        assert self.mirror == {x.lesion_id: x for x in self.annotation.snapshot.lesions}


Session.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSession = Session.TestCase
