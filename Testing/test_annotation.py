"""The history of a session: a frozen state, told as events, walked by undo and redo."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from SAMLesionLib.annotation import Annotation, Snapshot, Status, changes
from SAMLesionLib.errors import InputError, PromptError
from SAMLesionLib.events import (
    LesionAccepted,
    LesionAdded,
    LesionDeleted,
    LesionEvent,
    LesionReopened,
    MaskShown,
    PromptAdded,
    PromptRemoved,
)
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt, PointPrompt, Prompt

A_BOX = BoxPrompt(IndexBox((1, 2, 3), (4, 5, 6)))
A_POINT = PointPrompt((2.0, 3.0, 4.0))
A_MASK = MaskPrompt(IndexBox((0, 0, 0), (2, 1, 1)), np.array([[[True, False]]]))


@pytest.fixture
def annotation() -> Annotation:
    return Annotation()


@pytest.fixture
def told(annotation: Annotation) -> list[LesionEvent]:
    events: list[LesionEvent] = []
    annotation.changed.connect(events.append)
    return events


def test_undo_takes_the_last_prompt_back_and_redo_returns_it(annotation):
    lesion = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion, A_BOX)
    annotation.add_prompt(lesion, A_POINT)
    assert annotation.undo()
    assert annotation.lesion(lesion).prompts.prompts == (A_BOX,)
    assert annotation.redo()
    assert annotation.lesion(lesion).prompts.prompts == (A_BOX, A_POINT)


def test_a_new_action_ends_what_could_be_redone(annotation):
    lesion = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion, A_BOX)
    annotation.undo()
    annotation.add_prompt(lesion, A_POINT)
    assert not annotation.can_redo
    assert not annotation.redo()


def test_an_accepted_lesion_is_frozen_until_it_is_reopened(annotation):
    lesion = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion, A_BOX)
    annotation.accept(lesion)
    actions = (
        lambda: annotation.add_prompt(lesion, A_POINT),
        lambda: annotation.remove_prompt(lesion, 0),
        lambda: annotation.replace_prompt(lesion, 0, A_POINT),
        lambda: annotation.delete(lesion),
        lambda: annotation.accept(lesion),
    )
    for action in actions:
        with pytest.raises(InputError, match="Lesion 1 is accepted and cannot be changed"):
            action()
    assert annotation.lesion(lesion).prompts.prompts == (A_BOX,)
    annotation.reopen(lesion)
    annotation.add_prompt(lesion, A_POINT)
    assert annotation.lesion(lesion).status is Status.DRAFT


def test_a_lesion_without_prompts_cannot_be_accepted(annotation):
    lesion = annotation.add_lesion().lesion_id
    with pytest.raises(PromptError, match="Lesion 1 has no prompt yet"):
        annotation.accept(lesion)


def test_unknown_lesions_prompts_and_taken_ids_are_refused(annotation):
    lesion = annotation.add_lesion("tumour").lesion_id
    with pytest.raises(InputError, match="no lesion 'ghost'"):
        annotation.add_prompt("ghost", A_BOX)
    with pytest.raises(InputError, match="has 0 prompts"):
        annotation.remove_prompt(lesion, 0)
    with pytest.raises(InputError, match="already is or was a lesion 'tumour'"):
        annotation.add_lesion("tumour")
    assert not Annotation().undo()


def test_a_deleted_lesion_comes_back_whole_and_no_new_one_takes_its_id(annotation):
    first = annotation.add_lesion().lesion_id
    annotation.add_prompt(first, A_MASK)
    annotation.delete(first)
    second = annotation.add_lesion().lesion_id
    assert (first, second) == ("lesion_1", "lesion_2")
    annotation.undo()
    annotation.undo()
    assert annotation.lesion(first).prompts.prompts == (A_MASK,)


def test_an_id_of_the_callers_own_is_not_reused_either(annotation):
    annotation.add_lesion("lesion_2")
    annotation.delete("lesion_2")
    with pytest.raises(InputError, match="already is or was a lesion 'lesion_2'"):
        annotation.add_lesion("lesion_2")
    assert annotation.add_lesion().lesion_id == "lesion_3"
    assert annotation.new_id(taken={"lesion_4"}) == "lesion_5"


def test_every_action_is_told_once_with_its_cause(annotation, told):
    lesion = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion, A_BOX)
    annotation.replace_prompt(lesion, 0, A_POINT)
    annotation.accept(lesion)
    annotation.undo()
    annotation.remove_prompt(lesion, 0)
    annotation.delete(lesion)
    assert told == [
        LesionAdded(lesion),
        PromptAdded(lesion, "edit", 0, A_BOX),
        PromptRemoved(lesion, "edit", 0, A_BOX),
        PromptAdded(lesion, "edit", 0, A_POINT),
        LesionAccepted(lesion),
        LesionReopened(lesion, "undo"),
        PromptRemoved(lesion, "edit", 0, A_POINT),
        LesionDeleted(lesion),
    ]


def test_a_shown_mask_is_told_and_changes_nothing(annotation, told):
    lesion = annotation.add_lesion().lesion_id
    before = annotation.snapshot
    annotation.mask_shown(lesion, 2, None)
    assert told[-1] == MaskShown(lesion, "edit", 2, None)
    assert annotation.snapshot is before


def test_only_the_last_steps_are_kept():
    annotation = Annotation(max_steps=3)
    lesion = annotation.add_lesion().lesion_id
    for _ in range(5):
        annotation.add_prompt(lesion, A_BOX)
    assert [annotation.undo() for _ in range(4)] == [True, True, True, False]
    assert len(annotation.lesion(lesion).prompts) == 2


points = st.builds(PointPrompt, st.tuples(*[st.integers(0, 2).map(float)] * 3), st.booleans())


class Session(RuleBasedStateMachine):
    """A reader who does anything; a mirror built from the events alone; and every state ever left."""

    lesions = Bundle("lesions")

    def __init__(self) -> None:
        super().__init__()
        self.annotation = Annotation()
        self.mirror: dict[str, tuple[list[Prompt], bool]] = {}
        self.annotation.changed.connect(self.follow)
        self.states: list[Snapshot] = [self.annotation.snapshot]
        self.at = 0

    def follow(self, event: LesionEvent) -> None:
        key = event.lesion_id
        if isinstance(event, LesionAdded):
            assert key not in self.mirror
            self.mirror[key] = ([], False)
        elif isinstance(event, LesionDeleted):
            del self.mirror[key]
        elif isinstance(event, (LesionAccepted, LesionReopened)):
            self.mirror[key] = (self.mirror[key][0], isinstance(event, LesionAccepted))
        elif isinstance(event, (PromptAdded, PromptRemoved)):
            prompts, is_accepted = self.mirror[key]
            assert not is_accepted
            if isinstance(event, PromptAdded):
                prompts.insert(event.index, event.prompt)
            else:
                assert prompts.pop(event.index) == event.prompt

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
        lesions = self.annotation.snapshot.lesions
        assert self.mirror == {x.lesion_id: (list(x.prompts), x.is_accepted) for x in lesions}


Session.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSession = Session.TestCase


def test_nothing_is_told_between_equal_snapshots(annotation):
    annotation.add_prompt(annotation.add_lesion().lesion_id, A_MASK)
    assert list(changes(annotation.snapshot, annotation.snapshot)) == []
