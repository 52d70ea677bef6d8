"""What takes long is done in portions or in a thread, and the views get their turn in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mrml_cases import make_volume
from reader_cases import A_BOX, B_BOX, Reader, WithoutThread

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host import packing
from SAMLesionLib.host.budget import Budget
from SAMLesionLib.host.opening import open_segments, preparing
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import BoxPrompt

pytestmark = pytest.mark.mrml
NO_TIME_S = 0.0


def test_a_budget_takes_a_step_even_when_it_is_spent():
    steps = iter(range(3))
    assert not Budget(NO_TIME_S).spend(steps)
    assert list(steps) == [1, 2]
    assert Budget().spend(iter(range(3)))
    assert Budget().left_s is None
    assert Budget(NO_TIME_S).left_s == 0


def test_many_prompts_at_once_are_asked_about_one_a_turn(scene, a_scan, segmenter):
    reader = Reader(scene, a_scan, segmenter, dispatch=WithoutThread())
    lesions = [reader.controller.add_lesion() for _ in range(4)]
    reader.settle()
    for lesion in lesions:
        reader.annotation.add_prompt(lesion, BoxPrompt(A_BOX))
    reader.controller.pump(NO_TIME_S)
    assert reader.controller.is_busy_with(lesions[0])
    assert not reader.controller.is_busy_with(lesions[-1])
    assert reader.controller.is_busy, "the rest waits"
    reader.settle()
    assert all(np.array_equal(reader.segments.read(x), reader.expected(A_BOX)) for x in lesions)
    reader.controller.close()


def test_a_turn_writes_what_came_of_a_mask_once(reader, a_lesion, monkeypatch):
    writes: list[int] = []
    write_pieces = LesionSegments.write_pieces

    def counted(segments: LesionSegments, segment_id: str, pieces: Any, is_whole: bool = False) -> None:
        writes.append(len(pieces))
        write_pieces(segments, segment_id, pieces, is_whole)

    monkeypatch.setattr(LesionSegments, "write_pieces", counted)
    reader.controller._dispatch = reader.controller._asking._dispatch = WithoutThread()
    reader.draw(a_lesion, A_BOX)
    reader.settle()
    assert writes == [A_BOX.shape_ijk[2]]
    assert np.array_equal(reader.segments.read(a_lesion), reader.expected(A_BOX))


def test_the_views_are_told_once_of_a_whole_answer(reader, a_lesion):
    told: list[int] = []
    node = reader.segments.node
    for event in (node.GetSegmentation().SegmentModified, node.GetSegmentation().RepresentationModified):
        node.AddObserver(event, lambda *_, number=event: told.append(number))
    reader.controller._dispatch = reader.controller._asking._dispatch = WithoutThread()
    reader.draw(a_lesion, A_BOX)
    told.clear()
    reader.controller.pump()
    assert reader.segments.tags(a_lesion)["SAMLesion.Model"] == "fake"
    assert len(told) == len(set(told)) > 0, "each kind of event once"


@pytest.fixture
def a_shared_layer(reader: Reader) -> Reader:
    """Three lesions in one layer, as a file has them."""
    for box in (A_BOX, IndexBox((8, 8, 6), (12, 10, 9)), B_BOX):
        reader.drawn(box)
    reader.controller.close()
    reader.segments.node.GetSegmentation().CollapseBinaryLabelmaps(False)
    return reader


def test_lesions_of_a_file_are_read_in_steps(a_shared_layer):
    reader = a_shared_layer
    before = reader.masks()
    segments = open_segments(reader.volume, reader.segments.node)
    steps = preparing(segments)
    n_turns = 1
    while not Budget(NO_TIME_S).spend(steps):
        n_turns += 1
    assert n_turns > len(before)
    assert all(segments.is_packed(segment_id) for segment_id in before)
    assert reader.masks() == before


def test_what_is_painted_between_two_steps_is_kept(a_shared_layer):
    reader = a_shared_layer
    stroke = IndexBox((0, 0, 0), (2, 2, 1))
    segments = open_segments(reader.volume, reader.segments.node)
    for n, _ in enumerate(preparing(segments)):
        if n == 0:
            reader.paint("lesion_3", stroke)
            expected = reader.masks()
    assert segments.packed("lesion_3") == PackedMask.of(segments.read("lesion_3"))
    assert reader.masks() == expected
    assert segments.read("lesion_3")[stroke.slices_kji()].all()


@pytest.fixture
def all_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "LARGE_VOXELS", 1)


@pytest.mark.usefixtures("all_is_large")
def test_a_large_hand_edit_is_looked_at_in_a_thread_and_joins_the_history(reader):
    lesion = reader.drawn(A_BOX)
    before = reader.segments.read(lesion)
    reader.paint(lesion, B_BOX)
    painted = reader.segments.read(lesion)
    reader.controller.pump(NO_TIME_S)
    assert reader.annotation.lesion(lesion).edit is None, "it is being looked at"
    for _ in range(20_000):
        reader.controller.pump(NO_TIME_S)
        if reader.annotation.lesion(lesion).edit is not None:
            break
    assert np.array_equal(reader.annotation.lesion(lesion).edit.unpack().sum(), painted.sum())
    reader.controller.undo()
    assert np.array_equal(reader.segments.read(lesion), before)


@pytest.mark.usefixtures("all_is_large")
def test_an_action_does_not_wait_for_the_thread(reader):
    lesion = reader.drawn(A_BOX)
    reader.paint(lesion, B_BOX)
    painted = reader.segments.read(lesion)
    reader.controller.pump(NO_TIME_S)
    reader.annotation.rename(lesion, "another")
    assert reader.annotation.lesion(lesion).edit.unpack().sum() == painted.sum()


@pytest.mark.usefixtures("all_is_large")
def test_no_answer_is_written_over_a_stroke_that_is_looked_at(interrupted):
    reader, lesion = interrupted.reader, interrupted.lesion
    reader.paint(lesion, B_BOX)
    painted = reader.segments.read(lesion)
    interrupted.go_on()
    reader.controller.pump(NO_TIME_S)
    assert np.array_equal(reader.segments.read(lesion), painted)


def test_neighbours_are_found_on_any_grid(scene, reader):
    accepted = reader.drawn(A_BOX)
    reader.controller.accept(accepted)
    everywhere = IndexBox.whole((13, 11, 9))
    assert np.array_equal(reader.segments.protected(everywhere), reader.segments.read(accepted))
    assert not reader.segments.protected(everywhere, but=accepted).any()
    other = make_volume(scene, np.zeros((5, 5, 5), np.int16), np.diag([-1.6, -1.8, 5.0, 1.0]), "coarse")
    coarse = LesionSegments(reader.segments.node, other)
    assert coarse.protected(IndexBox.whole((5, 5, 5))).any()
