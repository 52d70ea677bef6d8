"""What a reader can do with lesions, their prompts and their hand-made masks, and what is refused."""

from __future__ import annotations

import pytest
from annotation_cases import A_BOX, A_MASK, A_POINT, EDITS

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.errors import InputError, PromptError
from SAMLesionLib.lesions import Lesion, Status
from SAMLesionLib.prompts import OrganPrompt, PointPrompt, PromptSet, ScribblePrompt


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
