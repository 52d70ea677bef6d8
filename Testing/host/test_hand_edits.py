"""What the reader does with the host's own tools is noticed and undone; accepted lesions are put back."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from reader_cases import A_BOX, B_BOX

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.lesions import Status
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt

pytestmark = pytest.mark.mrml
Logic = slicer.vtkSlicerSegmentationsModuleLogic
A_STROKE = IndexBox((0, 0, 0), (2, 2, 2))


def test_a_stroke_is_a_step_of_the_history(reader):
    lesion = reader.drawn(A_BOX)
    answer = reader.segments.read(lesion)
    reader.paint(lesion, A_STROKE)
    reader.controller.pump()
    painted = reader.segments.read(lesion)
    assert painted.sum() == answer.sum() + 8
    reader.controller.undo()
    assert np.array_equal(reader.segments.read(lesion), answer)
    reader.controller.redo()
    assert np.array_equal(reader.segments.read(lesion), painted)


def test_a_stroke_joins_the_next_request_as_a_mask(reader, segmenter):
    lesion = reader.drawn(A_BOX)
    reader.paint(lesion, A_STROKE)
    painted = reader.segments.read(lesion)
    reader.annotation.add_prompt(lesion, BoxPrompt(B_BOX))  # noticed before, without a pump
    reader.settle()
    first, mask, last = segmenter.requests[-1].prompts
    assert (first, last) == (BoxPrompt(A_BOX), BoxPrompt(B_BOX))
    assert mask == MaskPrompt.of(painted)


def test_a_lesion_that_was_erased_by_hand_stays_empty_until_the_next_prompt(reader, segmenter):
    lesion = reader.drawn(A_BOX)
    n_asked = len(segmenter.requests)
    reader.paint(lesion, IndexBox.whole((13, 11, 9)), False)
    reader.settle()
    assert reader.annotation.lesion(lesion).edit.is_empty
    assert len(segmenter.requests) == n_asked
    reader.draw(lesion, B_BOX)
    reader.settle()
    assert segmenter.requests[-1].prompts.kinds == {"box"}
    reader.controller.undo()
    assert not reader.segments.read(lesion).any()


def test_a_labelmap_that_was_only_touched_is_no_edit(reader):
    lesion = reader.drawn(A_BOX)
    before = reader.annotation.snapshot
    reader.segments.segment(lesion).GetRepresentation("Binary labelmap").Modified()
    other = reader.segments.add("other")
    reader.segments.node.GetSegmentation().MergeSegmentLabelmaps([lesion, other])
    reader.controller.pump()
    assert reader.annotation.snapshot is before


def test_a_stroke_while_the_mask_comes_ends_it_and_is_kept(interrupted):
    reader, lesion = interrupted.reader, interrupted.lesion
    reader.paint(lesion, A_STROKE)
    painted = reader.segments.read(lesion)
    reader.controller.pump()
    interrupted.go_on()
    reader.settle()
    assert np.array_equal(reader.segments.read(lesion), painted)
    reader.controller.undo()  # the stroke: the prompt is asked anew, its mask was never whole
    reader.settle()
    assert np.array_equal(reader.segments.read(lesion), reader.expected(A_BOX))


def test_an_accepted_lesion_that_was_painted_over_is_put_back_and_that_is_told(reader):
    lesion = reader.drawn(A_BOX)
    reader.controller.accept(lesion)
    accepted = reader.segments.read(lesion)
    reader.paint(lesion, A_STROKE)
    reader.controller.pump()
    assert np.array_equal(reader.segments.read(lesion), accepted)
    assert [f.message for f in reader.failures] == [
        "Lesion 1 is accepted, so it was put back as it was. Reopen it to edit it."
    ]
    assert not reader.annotation.lesion(lesion).edit


def test_a_stroke_over_an_accepted_neighbour_keeps_only_what_is_free(reader):
    neighbour, lesion = reader.drawn(A_BOX), reader.drawn(B_BOX)
    reader.controller.accept(neighbour)
    accepted = reader.segments.read(neighbour)
    reader.paint(lesion, A_BOX)
    reader.paint(neighbour, A_BOX, False)  # as the Segment Editor does where segments may not overlap
    reader.controller.pump()
    assert np.array_equal(reader.segments.read(neighbour), accepted)
    assert not (reader.segments.read(lesion) & accepted).any()
    assert reader.segments.read(lesion)[A_BOX.slices_kji()].sum() == (~accepted[A_BOX.slices_kji()]).sum()


def test_an_accepted_segment_that_was_removed_comes_back(reader):
    lesion = reader.drawn(A_BOX)
    reader.controller.accept(lesion)
    accepted = reader.segments.read(lesion)
    reader.segments.node.GetSegmentation().RemoveSegment(lesion)
    reader.controller.pump()
    assert np.array_equal(reader.segments.read(lesion), accepted)
    assert reader.segments.is_accepted(lesion)
    assert "its segment was brought back" in reader.failures[0].message


def test_a_segment_removed_from_a_shared_layer_comes_back_whole(reader):
    first, second = reader.drawn(A_BOX), reader.drawn(IndexBox((8, 8, 6), (12, 10, 9)))
    mask = reader.segments.read(first)
    reader.segments.node.GetSegmentation().MergeSegmentLabelmaps([first, second])
    reader.segments.node.GetSegmentation().RemoveSegment(first)
    reader.controller.pump()
    reader.controller.undo()
    assert np.array_equal(reader.segments.read(first), mask)


def test_names_meaning_and_status_set_in_slicers_table_are_the_lesions(reader):
    lesion = reader.drawn(A_BOX)
    segment = reader.segments.segment(lesion)
    segment.SetName(" Node ")
    segment.SetTerminology("a~SCT^1^b~SCT^2^c~^^~d~SCT^10200004^Liver~^^")
    Logic.SetSegmentStatus(segment, Logic.Flagged)
    reader.controller.pump()
    known = reader.annotation.lesion(lesion)
    assert (known.name, known.organ, known.status) == ("Node", "liver", Status.FLAGGED)
    assert segment.GetName() == "Node"
    Logic.SetSegmentStatus(segment, Logic.Completed)
    reader.controller.pump()
    assert reader.annotation.lesion(lesion).is_accepted
    Logic.SetSegmentStatus(segment, Logic.InProgress)
    reader.controller.pump()
    assert reader.annotation.lesion(lesion).status is Status.DRAFT
    for _ in range(5):
        reader.controller.undo()
    assert segment.GetName() == "Lesion 1"
    assert Logic.GetSegmentStatus(segment) == Logic.InProgress
    assert reader.failures == []


def test_what_cannot_be_is_put_back_and_told(reader, a_lesion):
    segment = reader.segments.segment(a_lesion)
    Logic.SetSegmentStatus(segment, Logic.Completed)
    reader.controller.pump()
    assert "nothing to accept" in reader.failures[0].message
    assert Logic.GetSegmentStatus(segment) == Logic.NotStarted
    segment.SetName("")
    reader.controller.pump()
    assert segment.GetName() == "Lesion 1"
    assert len(reader.failures) == 2
    reader.controller.pump()
    assert len(reader.failures) == 2
