"""Every action is one step of the history: it is told, taken back and done again."""

from __future__ import annotations

import pytest
from annotation_cases import A_BOX, A_MASK, A_POINT, EDITS

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.changes import changes
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
    MaskShown,
    PromptAdded,
    PromptRemoved,
    TerminologyChanged,
)
from SAMLesionLib.lesions import Status


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


def test_only_the_last_steps_are_kept():
    annotation = Annotation(max_steps=3)
    lesion = annotation.add_lesion().lesion_id
    for _ in range(5):
        annotation.add_prompt(lesion, A_BOX)
    assert [annotation.undo() for _ in range(4)] == [True, True, True, False]
    assert len(annotation.lesion(lesion).prompts) == 2


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


def test_nothing_is_told_between_equal_snapshots(annotation):
    annotation.add_prompt(annotation.add_lesion().lesion_id, A_MASK)
    assert list(changes(annotation.snapshot, annotation.snapshot)) == []
