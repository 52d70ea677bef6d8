"""A markup is drawn and a mask appears; undo takes both back; an accepted lesion stays as it is."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from fakes import FAKE_MODEL, FakeSegmenter
from mrml_cases import put_under_bend
from reader_cases import A_BOX, B_BOX, LONG_S, Reader

from SAMLesionLib.errors import InputError, PromptError
from SAMLesionLib.events import MaskShown
from SAMLesionLib.prompts import BoxPrompt, PointPrompt

pytestmark = pytest.mark.mrml


def test_a_drawn_box_becomes_a_mask_with_its_provenance(reader, a_lesion, segmenter):
    reader.draw(a_lesion, A_BOX)
    reader.settle()
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX))
    assert reader.segments.tags(a_lesion)["SAMLesion.Model"] == "fake"
    assert reader.told[-1] == MaskShown(a_lesion, "edit", 1, reader.told[-1].report)
    assert segmenter.n_loads == 1
    assert threading.get_ident() not in segmenter.threads


def test_the_volume_is_sent_once_and_again_when_its_voxels_change(reader, a_lesion, segmenter, a_scan):
    for box in (A_BOX, B_BOX):
        reader.draw(a_lesion, box)
        reader.settle()
    assert segmenter.n_loads == 1
    a_scan.GetImageData().SetScalarComponentFromDouble(3, 4, 2, 0, 9999)
    a_scan.GetImageData().GetPointData().GetScalars().Modified()
    reader.controller.run_again(a_lesion)
    reader.settle()
    assert segmenter.n_loads == 2
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX, B_BOX))


def test_undo_and_redo_restore_the_masks_without_asking_again(reader, a_lesion, segmenter):
    masks = [reader.segments.read(a_lesion)]
    for box in (A_BOX, B_BOX):
        reader.draw(a_lesion, box)
        reader.settle()
        masks.append(reader.segments.read(a_lesion))
    assert masks[1].sum() != masks[2].sum()
    for mask in (masks[1], masks[0]):
        assert reader.controller.undo()
        assert np.array_equal(reader.segments.read(a_lesion), mask)
    for mask in masks[1:]:
        assert reader.controller.redo()
        assert np.array_equal(reader.segments.read(a_lesion), mask)
    assert len(segmenter.requests) == 3  # the volume was missing at the first


def test_undo_to_a_state_that_was_never_shown_asks_for_its_mask(reader, a_lesion):
    reader.draw(a_lesion, A_BOX)
    reader.draw(a_lesion, B_BOX)  # before the first answer: that one is dropped
    reader.settle()
    reader.controller.undo()
    reader.settle()
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX))


def test_the_newest_prompt_wins_and_a_half_shown_answer_is_taken_back(interrupted):
    reader, lesion = interrupted.reader, interrupted.lesion
    reader.controller.annotation.replace_prompt(lesion, 0, BoxPrompt(B_BOX))
    interrupted.go_on()
    reader.settle()
    assert reader.segmenter.was_closed_early.wait(LONG_S)
    assert np.array_equal(reader.segments.read(lesion), reader.expected(B_BOX))
    assert [type(e) for e in reader.told].count(MaskShown) == 1


def test_cancel_takes_a_half_shown_answer_back_at_once(interrupted):
    interrupted.reader.controller.cancel()  # while the engine still works
    assert not interrupted.reader.controller.is_busy
    assert not interrupted.reader.segments.read(interrupted.lesion).any()


def test_a_failure_is_one_sentence_and_leaves_the_last_mask(scene, a_scan):
    is_broken = threading.Event()

    def break_at_the_third_slice(n: int) -> None:
        if n == 2 and is_broken.is_set():
            raise MemoryError("no more")

    reader = Reader(scene, a_scan, FakeSegmenter(break_at_the_third_slice))
    lesion = reader.controller.add_lesion()
    reader.draw(lesion, A_BOX)
    reader.settle()
    before, tags = reader.segments.read(lesion), reader.segments.tags(lesion)
    is_broken.set()
    reader.draw(lesion, B_BOX)
    reader.settle()
    (failure,) = reader.failures
    assert failure.lesion_id == lesion
    assert failure.message == "Something failed that should not (MemoryError: no more). Try again."
    assert np.array_equal(reader.segments.read(lesion), before)
    assert reader.segments.tags(lesion) == tags
    reader.controller.close()


def test_what_the_model_does_not_understand_is_told(reader, a_lesion):
    reader.controller.annotation.add_prompt(a_lesion, PointPrompt((3.0, 3.0, 3.0)))
    reader.settle()
    (failure,) = reader.failures
    assert failure.message.startswith(f"{FAKE_MODEL.title} understands box, mask prompts, got point.")


def test_a_volume_that_can_no_longer_be_segmented_is_told(reader, a_lesion, a_scan):
    put_under_bend(a_scan)
    reader.controller.annotation.add_prompt(a_lesion, BoxPrompt(A_BOX))
    reader.settle()
    assert "bends space" in reader.failures[0].message


def test_an_accepted_lesion_is_neither_changed_nor_covered(reader, a_lesion):
    reader.draw(a_lesion, A_BOX)
    reader.settle()
    lesion = reader.segments.read(a_lesion)
    reader.controller.annotation.accept(a_lesion)
    assert reader.segments.is_accepted(a_lesion)
    with pytest.raises(InputError, match="Lesion 1 is accepted"):
        reader.draw(a_lesion, B_BOX)
    other = reader.controller.add_lesion()
    reader.draw(other, A_BOX)
    reader.draw(other, B_BOX)
    reader.settle()
    assert np.array_equal(reader.segments.read(a_lesion), lesion)
    assert np.array_equal(reader.segments.read(other), reader.expected(A_BOX, B_BOX) & ~lesion)


def test_accepting_is_undone_with_its_status(reader, a_lesion):
    reader.draw(a_lesion, A_BOX)
    reader.settle()
    reader.controller.annotation.accept(a_lesion)
    reader.controller.undo()
    assert not reader.segments.is_accepted(a_lesion)
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX))


def test_a_deleted_lesion_comes_back_with_voxels_name_and_tags(reader, a_lesion):
    reader.draw(a_lesion, A_BOX)
    reader.settle()
    tags = reader.segments.tags(a_lesion)
    reader.controller.annotation.delete(a_lesion)
    assert a_lesion not in reader.segments.segment_ids
    reader.controller.undo()
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX))
    assert reader.segments.segment(a_lesion).GetName() == "Lesion 1"
    assert reader.segments.tags(a_lesion) == tags
    reader.controller.undo()
    assert not reader.segments.read(a_lesion).any()


def test_a_new_lesion_takes_nothing_over_from_a_deleted_one(reader, a_lesion):
    reader.draw(a_lesion, A_BOX)
    reader.settle()
    reader.controller.annotation.delete(a_lesion)
    other = reader.controller.add_lesion()
    assert other != a_lesion
    assert reader.segments.segment_ids == (other,)
    assert not reader.segments.read(other).any()


def test_a_new_lesion_keeps_clear_of_segments_that_are_no_lesions(reader, a_lesion):
    assert (a_lesion, reader.segments.add("lesion_2")) == ("lesion_1", "lesion_2")
    assert reader.controller.add_lesion() == "lesion_3"


def test_undo_brings_a_segment_back_that_the_reader_removed_in_another_table(reader, a_lesion, segmenter):
    reader.draw(a_lesion, A_BOX)
    reader.settle()
    reader.segments.remove(a_lesion)
    reader.controller.pump()
    assert reader.controller.annotation.snapshot.lesions == ()
    n_asked = len(segmenter.requests)
    reader.controller.undo()
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX))
    assert reader.controller.annotation.lesion(a_lesion).prompts.prompts == (BoxPrompt(A_BOX),)
    assert len(segmenter.requests) == n_asked


def test_a_removed_segment_is_noticed_before_the_next_action(reader, a_lesion):
    reader.segments.remove(a_lesion)
    with pytest.raises(InputError, match="no lesion 'lesion_1' any more"):
        reader.controller.annotation.delete(a_lesion)
    assert reader.controller.annotation.snapshot.lesions == ()


def test_a_markup_that_is_no_prompt_changes_nothing(reader, a_lesion, scene):
    before = reader.controller.annotation.snapshot
    with pytest.raises(PromptError, match="is not finished"):
        reader.controller.add_markup(scene.AddNewNodeByClass("vtkMRMLMarkupsROINode"), a_lesion)
    assert reader.controller.annotation.snapshot is before
    assert not reader.controller.is_busy
