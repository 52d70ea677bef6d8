"""The history of a session: a frozen state, told as events, walked by undo and redo."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.changes import changes
from SAMLesionLib.errors import InputError, PromptError
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
    MaskShown,
    PromptAdded,
    PromptRemoved,
    TerminologyChanged,
)
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.lesions import Lesion, Snapshot, Status
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import (
    BoxPrompt,
    MaskPrompt,
    OrganPrompt,
    PointPrompt,
    PromptSet,
    ScribblePrompt,
)

A_BOX = BoxPrompt(IndexBox((1, 2, 3), (4, 5, 6)))
A_POINT = PointPrompt((2.0, 3.0, 4.0))
A_MASK = MaskPrompt(IndexBox((0, 0, 0), (2, 1, 1)), np.array([[[True, False]]]))
EDITS = [PackedMask.of(np.ones((1, 2, n), bool), (n, 0, 0)) for n in range(4)]
"""Hand-made masks, the first of them empty."""


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


def test_there_is_one_prompt_of_a_kind_that_is_put(annotation):
    lesion = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion, A_BOX)
    for word in ("liver", "kidney"):
        annotation.put_prompt(lesion, OrganPrompt, OrganPrompt(word))
    assert annotation.lesion(lesion).prompts.prompts == (A_BOX, OrganPrompt("kidney"))
    annotation.put_prompt(lesion, OrganPrompt, None)
    assert annotation.lesion(lesion).prompts.prompts == (A_BOX,)
    annotation.undo()
    assert annotation.lesion(lesion).prompts.of(OrganPrompt) == [OrganPrompt("kidney")]


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
        LesionAdded(lesion, "edit", "Lesion 1"),
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


def test_a_hand_edit_joins_the_next_prompt_as_a_mask_to_start_from(annotation):
    lesion = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion, A_BOX)
    annotation.edit(lesion, EDITS[1])
    assert annotation.lesion(lesion).prompts.prompts == (A_BOX,)
    annotation.add_prompt(lesion, A_POINT)
    assert annotation.lesion(lesion).prompts.prompts == (A_BOX, EDITS[1].as_prompt(), A_POINT)
    assert annotation.lesion(lesion).edit is None
    annotation.undo()
    assert annotation.lesion(lesion).edit == EDITS[1]


def test_a_lesion_that_was_erased_by_hand_begins_again_with_its_next_prompt(annotation):
    lesion = annotation.add_lesion().lesion_id
    annotation.edit(lesion, EDITS[0])
    assert annotation.add_prompt(lesion, A_BOX, A_POINT).prompts.prompts == (A_BOX, A_POINT)
    annotation.undo()
    assert annotation.lesion(lesion).prompts.prompts == ()


def test_a_prompt_is_removed_replaced_or_flipped_with_the_hand_edit_kept(annotation):
    lesion = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion, A_BOX, A_POINT)
    annotation.edit(lesion, EDITS[2])
    mask = EDITS[2].as_prompt()
    negative = PointPrompt(A_POINT.point_ijk, False)
    assert annotation.flip_prompt(lesion, 1).prompts.prompts == (A_BOX, negative, mask)
    annotation.undo()
    assert annotation.remove_prompt(lesion, 0).prompts.prompts == (A_POINT, mask)
    annotation.undo()
    with pytest.raises(InputError, match="has 2 prompts"):
        annotation.remove_prompt(lesion, 2)


def test_only_clicks_and_strokes_can_be_flipped(annotation):
    lesion = annotation.add_lesion().lesion_id
    stroke = ScribblePrompt(((1.0, 1.0, 1.0),), is_positive=False)
    annotation.add_prompt(lesion, A_BOX, stroke)
    assert annotation.flip_prompt(lesion, 1).prompts.prompts[1].is_positive
    with pytest.raises(PromptError, match="A box is neither positive nor negative"):
        annotation.flip_prompt(lesion, 0)


def test_replaying_all_lesions_is_one_step(annotation, told):
    lesions = [annotation.add_lesion().lesion_id for _ in range(3)]
    for lesion in lesions:
        annotation.add_prompt(lesion, A_BOX)
    annotation.edit(lesions[2], EDITS[1])
    annotation.accept(lesions[0])
    del told[:]
    annotation.run_again(lesions[1:])
    assert [x.run for x in annotation.snapshot.lesions] == [0, 1, 1]
    assert annotation.lesion(lesions[2]).prompts.prompts == (A_BOX, EDITS[1].as_prompt())
    assert MaskAskedAgain(lesions[1], "edit", 1) in told
    annotation.undo()
    assert [x.run for x in annotation.snapshot.lesions] == [0, 0, 0]
    with pytest.raises(InputError, match="Lesion 1 is accepted"):
        annotation.run_again(lesions)


def test_a_flagged_lesion_can_still_be_changed_and_accepted(annotation, told):
    lesion = annotation.add_lesion().lesion_id
    annotation.flag(lesion)
    annotation.add_prompt(lesion, A_BOX)
    assert annotation.accept(lesion).status is Status.ACCEPTED
    assert annotation.flag(lesion).status is Status.FLAGGED
    assert annotation.reopen(lesion).status is Status.DRAFT
    statuses = [type(e) for e in told if not isinstance(e, (LesionAdded, PromptAdded))]
    assert statuses == [LesionFlagged, LesionAccepted, LesionReopened, LesionFlagged, LesionReopened]


def test_names_and_organs_are_changed_and_taken_back(annotation, told):
    lesion = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion, A_BOX)
    annotation.accept(lesion)
    annotation.rename(lesion, " Segment VII ")
    annotation.set_organ(lesion, "Liver")
    assert (annotation.lesion(lesion).name, annotation.lesion(lesion).organ) == ("Segment VII", "liver")
    assert told[-2:] == [
        LesionRenamed(lesion, "edit", "Segment VII"),
        TerminologyChanged(lesion, "edit", annotation.lesion(lesion).terminology),
    ]
    annotation.undo()
    annotation.undo()
    assert (annotation.lesion(lesion).name, annotation.lesion(lesion).organ) == ("Lesion 1", "")
    with pytest.raises(InputError, match="name is empty"):
        annotation.rename(lesion, " ")


def test_merged_lesions_become_the_first_and_undo_parts_them(annotation):
    first, second, third = (annotation.add_lesion().lesion_id for _ in range(3))
    annotation.add_prompt(first, A_BOX)
    before = annotation.snapshot
    merged = annotation.merge([first, third], EDITS[3])
    assert annotation.snapshot.lesions == (merged, before.find(second))
    assert (merged.name, merged.prompts, merged.edit) == ("Lesion 1", PromptSet(), EDITS[3])
    annotation.undo()
    assert annotation.snapshot is before
    with pytest.raises(InputError, match="two lesions or more"):
        annotation.merge([first, first], EDITS[3])


def test_the_parts_of_a_split_lesion_stand_where_it_stood(annotation):
    first, second = (annotation.add_lesion(name=name).lesion_id for name in ("Node", "Cyst"))
    annotation.add_prompt(first, A_BOX)
    annotation.set_organ(first, "lung")
    parts = annotation.split(first, EDITS[1:])
    assert [x.name for x in annotation.snapshot.lesions] == ["Node", "Node (2)", "Node (3)", "Cyst"]
    assert [x.lesion_id for x in parts] == [first, "lesion_3", "lesion_4"]
    assert {x.organ for x in parts} == {"lung"}
    annotation.undo()
    assert [x.lesion_id for x in annotation.snapshot.lesions] == [first, second]
    assert annotation.add_lesion().lesion_id == "lesion_5"


def test_nothing_is_a_step_that_changes_nothing(annotation):
    lesion = annotation.add_lesion(name="Node").lesion_id
    before = annotation.snapshot
    annotation.reopen(lesion)
    annotation.rename(lesion, "Node")
    assert annotation.snapshot is before


def test_what_happens_before_an_action_is_a_step_before_it(annotation):
    lesion = annotation.add_lesion().lesion_id
    stop = annotation.before_change.connect(lambda _: [stop(), annotation.edit(lesion, EDITS[1])])
    annotation.add_prompt(lesion, A_POINT)
    assert annotation.lesion(lesion).prompts.prompts == (EDITS[1].as_prompt(), A_POINT)


def test_lesions_are_written_down_and_read_back(annotation):
    lesion = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion, A_BOX, A_MASK)
    annotation.set_organ(lesion, "Liver")
    annotation.run_again([lesion])
    annotation.edit(lesion, EDITS[2])
    lesion = annotation.flag(lesion)
    assert Lesion.from_json(lesion.to_json()) == lesion
    for damage in ({"status": "?"}, {"edit": {}}, {"prompts": [{}]}, {"run": None}):
        with pytest.raises(PromptError):
            Lesion.from_json(lesion.to_json() | damage)


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


def test_nothing_is_told_between_equal_snapshots(annotation):
    annotation.add_prompt(annotation.add_lesion().lesion_id, A_MASK)
    assert list(changes(annotation.snapshot, annotation.snapshot)) == []
