"""Accepting, merging, splitting, adopting, running again: each with its mask, each undone with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reader_cases import A_BOX, B_BOX

from SAMLesionLib.errors import InputError, PromptError
from SAMLesionLib.events import WorkProgressed
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt

pytestmark = pytest.mark.mrml
FAR_BOX = IndexBox((9, 8, 6), (13, 11, 9))


def test_accepting_waits_for_the_mask_and_wants_voxels(reader, a_lesion):
    with pytest.raises(PromptError, match="Lesion 1 has no voxel"):
        reader.controller.accept(a_lesion)
    reader.draw(a_lesion, A_BOX)
    with pytest.raises(InputError, match="is on its way"):
        reader.controller.accept(a_lesion)
    reader.settle()
    reader.controller.accept(a_lesion)
    assert reader.segments.is_accepted(a_lesion)


def test_accepting_takes_shared_voxels_off_drafts_and_undo_gives_them_back(reader):
    first, second = reader.drawn(A_BOX), reader.drawn(B_BOX)
    before = reader.masks()
    shared = reader.segments.read(first) & reader.segments.read(second)
    assert shared.any()
    reader.controller.accept(first)
    after = reader.masks()
    assert not (reader.segments.read(first) & reader.segments.read(second)).any()
    reader.controller.accept(second)
    reader.controller.undo()
    assert reader.masks() == after
    reader.controller.undo()
    assert reader.masks() == before
    reader.controller.redo()
    assert reader.masks() == after


def test_merged_lesions_are_one_mask_and_undo_parts_them(reader, segmenter):
    first, second = reader.drawn(A_BOX), reader.drawn(FAR_BOX)
    before, n_asked = reader.masks(), len(segmenter.requests)
    both = reader.segments.read(first) | reader.segments.read(second)
    tags = reader.segments.tags(first)
    reader.controller.merge([first, second])
    reader.settle()
    assert reader.segments.segment_ids == (first,)
    assert np.array_equal(reader.segments.read(first), both)
    assert reader.segments.tags(first) == tags
    assert len(segmenter.requests) == n_asked
    reader.draw(first, A_BOX)
    reader.settle()
    assert segmenter.requests[-1].prompts.prompts == (MaskPrompt.of(both), BoxPrompt(A_BOX))
    reader.controller.undo()
    reader.controller.undo()
    assert reader.masks() == before


def test_lesions_without_voxels_are_not_merged(reader, a_lesion):
    with pytest.raises(PromptError, match="nothing to merge"):
        reader.controller.merge([a_lesion, reader.controller.add_lesion()])


def test_a_split_lesion_comes_apart_largest_part_first(reader):
    lesion = reader.drawn(A_BOX)
    reader.paint(lesion, IndexBox.whole((13, 11, 9)), False)
    reader.paint(lesion, IndexBox((0, 0, 0), (2, 2, 2)))
    reader.paint(lesion, IndexBox((5, 5, 5), (8, 8, 8)))
    whole = reader.segments.read(lesion)
    large, small = (x.lesion_id for x in reader.controller.split(lesion))
    assert (large, reader.segments.read(large).sum(), reader.segments.read(small).sum()) == (lesion, 27, 8)
    assert reader.segments.tags(small)["DICOM.SegmentAlgorithmType"] == "SEMIAUTOMATIC"
    assert reader.segments.segment(small).GetName() == "Lesion 1 (2)"
    apart = reader.masks()
    reader.controller.undo()
    assert np.array_equal(reader.segments.read(lesion), whole)
    reader.controller.redo()
    assert reader.masks() == apart
    with pytest.raises(PromptError, match="is in one piece"):
        reader.controller.split(small)


def test_a_segment_that_is_none_becomes_a_lesion(reader):
    segment_id = reader.segments.add("Segment_1", "Old tumour")
    reader.segments.write(segment_id, A_BOX, np.ones(A_BOX.shape_kji, bool))
    mask = reader.segments.read(segment_id)
    assert reader.controller.adopt(segment_id) == segment_id
    reader.settle()
    assert reader.annotation.lesion(segment_id).name == "Old tumour"
    assert np.array_equal(reader.segments.read(segment_id), mask)
    reader.controller.accept(segment_id)


def test_another_segment_is_something_to_start_from(reader, a_lesion, segmenter):
    other = reader.segments.add("Segment_1")
    with pytest.raises(PromptError, match="is empty"):
        reader.controller.start_from(a_lesion, other)
    reader.segments.write(other, A_BOX, np.ones(A_BOX.shape_kji, bool))
    reader.controller.start_from(a_lesion, other)
    reader.settle()
    assert segmenter.requests[-1].prompts.prompts == (MaskPrompt(A_BOX, np.ones(A_BOX.shape_kji, bool)),)
    assert reader.segments.read(other).sum() == A_BOX.n_voxels


def test_prompts_may_be_collected_and_run_together(reader, a_lesion, segmenter):
    reader.controller.parameters = replace(reader.controller.parameters, auto_run=False)
    for box in (A_BOX, B_BOX):
        reader.draw(a_lesion, box)
        reader.settle()
    assert segmenter.requests == []
    assert reader.controller.is_outdated(a_lesion)
    reader.controller.run()
    assert reader.controller.is_busy_with(a_lesion)
    reader.settle()
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX, B_BOX))
    assert not reader.controller.is_outdated(a_lesion)
    reader.controller.undo()
    reader.settle()
    assert not reader.segments.read(a_lesion).any()
    reader.controller.redo()
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX, B_BOX))


def test_replaying_asks_for_every_draft_and_undo_brings_the_earlier_masks_back(reader, segmenter):
    first, second, third = reader.drawn(A_BOX), reader.drawn(B_BOX), reader.drawn(FAR_BOX)
    reader.controller.accept(third)
    before, n_asked = reader.masks(), len(segmenter.requests)
    reader.controller.parameters = replace(reader.controller.parameters, window=(0.0, 400.0))
    reader.controller.run_again()
    reader.settle()
    assert len(segmenter.requests) == n_asked + 2
    other = reader.masks()
    assert other[first] != before[first]
    assert (other[third], other[second] == before[second]) == (before[third], False)
    reader.controller.undo()
    assert reader.masks() == before
    reader.controller.redo()
    assert reader.masks() == other
    assert len(segmenter.requests) == n_asked + 2


def test_the_way_of_a_mask_is_told(reader, a_lesion):
    told: list[WorkProgressed] = []
    reader.controller.progressed.connect(told.append)
    reader.draw(a_lesion, A_BOX)
    reader.settle()
    assert [e.stage for e in told[:3]] == ["encoding", "sending", "encoding"]
    fractions = [e.fraction for e in told if e.stage == "segmenting"]  # what comes together is told once
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_an_answer_without_a_report_is_a_failure_and_leaves_no_trace(
    reader, a_lesion, segmenter, monkeypatch
):
    monkeypatch.setattr("fakes._report", lambda n: None)
    reader.draw(a_lesion, A_BOX)
    reader.settle()
    assert reader.failures[0].message == "The engine ended its answer too early. Try again."
    assert not reader.segments.read(a_lesion).any()
    assert reader.controller.is_outdated(a_lesion)
    monkeypatch.undo()
    reader.controller.run(a_lesion)
    reader.settle()
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX))


def test_the_parts_of_a_lesion_keep_clear_of_segments_that_are_no_lesions(reader):
    lesion = reader.drawn(A_BOX)
    other = reader.segments.add("lesion_2", "Liver")
    reader.segments.write(other, B_BOX, np.ones(B_BOX.shape_kji, bool))
    liver = reader.segments.read(other)
    reader.paint(lesion, IndexBox.whole((13, 11, 9)), False)
    reader.paint(lesion, IndexBox((0, 0, 0), (2, 2, 2)))
    reader.paint(lesion, IndexBox((5, 5, 5), (8, 8, 8)))
    assert [x.lesion_id for x in reader.controller.split(lesion)] == [lesion, "lesion_3"]
    assert np.array_equal(reader.segments.read(other), liver)
