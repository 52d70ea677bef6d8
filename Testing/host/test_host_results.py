"""One answer is one step: it can be taken back exactly, and its tags tell how it was made."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from mrml_cases import any_box, make_volume

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.results import ResultStep
from SAMLesionLib.host.segments import LesionSegments, create_segmentation
from SAMLesionLib.masks import MaskUpdate, RunReport, collect
from SAMLesionLib.prompts import BoxPrompt, PromptSet

pytestmark = pytest.mark.mrml

REPORT = RunReport("lite-medsam", "79d8", "cpu", "bfloat16", "0.1.0", 1.0, 0.1, 3)
PROMPTS = PromptSet((BoxPrompt(IndexBox((1, 2, 3), (4, 5, 6))),))
quick = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def an_answer(draw, seed: int) -> list[MaskUpdate]:
    random = np.random.default_rng(seed)
    blocks = [any_box(draw) for _ in range(draw(st.integers(1, 4)))]
    return [MaskUpdate(block, random.random(block.shape_kji) < 0.5) for block in blocks]


@quick
@given(st.data())
def test_answers_are_taken_back_and_shown_again_exactly(data):
    with HeadlessHost() as host:
        volume = make_volume(host.scene)
        segments = LesionSegments(create_segmentation(host.scene, volume), volume)
        neighbour, segment_id = segments.add(), segments.add()
        block = any_box(data.draw)
        segments.write(neighbour, block, np.ones(block.shape_kji, bool))
        segments.accept(neighbour)
        protected = segments.read(neighbour)
        steps, masks = [], [segments.read(segment_id)]
        for seed in range(3):
            answer = an_answer(data.draw, seed)
            steps.append(ResultStep(segments, segment_id))
            for update in answer:
                steps[-1].write(update)
            masks.append(segments.read(segment_id))
            whole, _ = collect(answer, volume.GetImageData().GetDimensions())
            assert np.array_equal(masks[-1], whole & ~protected)
        for step, mask in zip(reversed(steps), reversed(masks[:-1]), strict=True):
            step.undo()
            assert np.array_equal(segments.read(segment_id), mask)
        for step, mask in zip(steps, masks[1:], strict=True):
            step.redo()
            assert np.array_equal(segments.read(segment_id), mask)
        assert np.array_equal(segments.read(neighbour), protected)


def test_what_the_reader_painted_meanwhile_stays(segments, a_segment_id):
    block = IndexBox((2, 2, 2), (5, 5, 5))
    step = ResultStep(segments, a_segment_id)
    step.write(MaskUpdate(block, np.ones(block.shape_kji, bool)))
    painted = IndexBox((6, 6, 6), (8, 8, 8))
    segments.write(a_segment_id, painted, np.ones(painted.shape_kji, bool))
    step.undo()
    assert segments.block(a_segment_id) == painted


def test_the_tags_come_and_go_with_the_answer(segments, a_segment_id):
    before = segments.tags(a_segment_id)
    step = ResultStep(segments, a_segment_id)
    step.write(MaskUpdate(IndexBox((2, 2, 2), (5, 5, 5)), np.ones((3, 3, 3), bool)))
    step.finish(REPORT, PROMPTS, datetime(2026, 3, 1, 12, tzinfo=timezone.utc))
    tags = segments.tags(a_segment_id)
    assert tags["SAMLesion.Model"] == "lite-medsam"
    assert tags["SAMLesion.WeightsSHA256"] == "79d8"
    assert tags["SAMLesion.Time"] == "2026-03-01T12:00:00+00:00"
    assert tags["DICOM.SegmentAlgorithmType"] == "SEMIAUTOMATIC"
    assert tags["DICOM.SegmentAlgorithmName"] == "SAMLesion 0.1.0 lite-medsam"
    assert PromptSet.from_json(json.loads(tags["SAMLesion.Prompts"])) == PROMPTS
    assert None not in tags.values()
    step.undo()
    assert segments.tags(a_segment_id) == before
    step.redo()
    assert segments.tags(a_segment_id) == tags


def test_an_empty_answer_clears_what_an_earlier_one_left(segments, a_segment_id):
    earlier, block = ResultStep(segments, a_segment_id), IndexBox((2, 2, 2), (5, 5, 5))
    earlier.write(MaskUpdate(block, np.ones(block.shape_kji, bool)))
    nothing = MaskUpdate(IndexBox((0, 0, 0), (0, 0, 0)), np.zeros((0, 0, 0), bool), 1.0, REPORT)
    step = ResultStep(segments, a_segment_id)
    step.write(nothing)
    assert segments.block(a_segment_id) is None
    step.undo()
    assert segments.block(a_segment_id) == block
    step.redo()
    ResultStep(segments, a_segment_id).write(nothing)
    assert segments.block(a_segment_id) is None
