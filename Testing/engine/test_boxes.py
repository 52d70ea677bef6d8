from __future__ import annotations

import numpy as np
import pytest
from engine_cases import a_flat_box, a_line
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib.engine.boxes import SHORT_OVER_LONG, box_from_lines, box_from_slice_box, boxes_between
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.prompts import BoxPrompt

CUBES = Affine.from_spacing((1, 1, 1))
SLICES = Affine.from_spacing((1, 1, 5))


def box_around(middle: tuple, half: tuple) -> IndexBox:
    """The voxels that an ellipse with these half sides touches."""
    return IndexBox.around([np.subtract(middle, half), np.add(middle, half)])


def test_a_diameter_along_the_rows_becomes_the_box_of_its_ellipse() -> None:
    prompt = box_from_lines([a_line((10, 20, 4), (30, 20, 4))], SLICES)
    # Long half axis 10 along i; the short one is across it.
    assert prompt == BoxPrompt(box_around((20, 20, 4), (10, 10 * SHORT_OVER_LONG, 0)), axis=2)


def test_an_oblique_diameter_becomes_the_box_of_its_turned_ellipse() -> None:
    prompt = box_from_lines([a_line((10, 10, 4), (40, 50, 4))], SLICES)
    # Half axes 25 and 25 s along (0.6, 0.8) and (0.8, -0.6): half sides hypot(15, 20 s), hypot(20, 15 s).
    s = SHORT_OVER_LONG
    assert prompt.box == box_around((25, 30, 4), (np.hypot(15, 20 * s), np.hypot(20, 15 * s), 0))


def test_a_cross_becomes_the_box_of_the_ellipse_with_these_axes() -> None:
    long, short = a_line((10, 10, 4), (40, 50, 4)), a_line((29, 27, 4), (21, 33, 4))
    expected = box_around((25, 30, 4), (np.hypot(15, 4), np.hypot(20, 3), 0))
    for lines in ([long, short], [short, long]):
        assert box_from_lines(lines, SLICES) == BoxPrompt(expected, axis=2)


def test_a_diameter_turns_in_millimetres() -> None:
    # In a sagittal view of thick slices 20 mm along j are 20 voxels, and 15 mm along k are 3.
    # In a sagittal view of 5 mm slices: 20 mm along j and 20 mm along k.
    prompt = box_from_lines([a_line((7, 10, 8), (7, 30, 12))], SLICES)
    s = SHORT_OVER_LONG
    expected = box_around((7, 20, 10), (0, np.hypot(10, 10 * s), np.hypot(10, 10 * s) / 5))
    assert prompt == BoxPrompt(expected, axis=0)


def test_a_diameter_in_two_views_at_once_lies_in_the_slices_of_the_scan() -> None:
    assert box_from_lines([a_line((7, 10, 10), (7, 30, 10))], SLICES).axis == 2
    assert box_from_lines([a_line((7, 10, 10), (7, 30, 10))], Affine.from_spacing((5, 1, 1))).axis == 0


def test_a_diameter_across_slices_becomes_a_ball_in_millimetres() -> None:
    prompt = box_from_lines([a_line((20, 20, 10), (32, 29, 14))], SLICES)  # 12, 9 and 20 mm: 25 mm
    assert prompt == BoxPrompt(box_around((26, 24.5, 12), (12.5, 12.5, 2.5)))


def test_a_line_nearly_in_a_slice_lies_in_it() -> None:
    prompt = box_from_lines([a_line((10, 20, 4.2), (30, 22, 3.8))], SLICES)
    assert (prompt.axis, prompt.index) == (2, 4)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([a_line((1, 1, 1), (9, 1, 1))] * 3, r"long and a short one, got 3 lines\."),
        ([a_line((5, 5, 5), (5.5, 5, 5))], r"longer than one voxel\. Draw it across the lesion\."),
        ([a_line((5, 5, 2), (9, 5, 2)), a_line((7, 3, 8), (7, 9, 8))], r"Draw them in one view\."),
        ([a_line((5, 5, 2), (9, 5, 2)), a_line((3, 3, 3), (3, 3, 3))], r"longer than one voxel\."),
    ],
    ids=["three", "short", "in two slices", "short cross"],
)
def test_lines_that_tell_nothing_are_refused(lines: list, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        box_from_lines(lines, SLICES)


ENDS = st.tuples(st.floats(0, 60), st.floats(0, 60), st.floats(0, 60))


@given(ENDS, ENDS, st.tuples(*[st.floats(0.3, 6)] * 3))
def test_the_box_of_a_line_holds_its_voxels(start: tuple, stop: tuple, spacing: tuple) -> None:
    line = a_line(start, stop)
    try:
        prompt = box_from_lines([line], Affine.from_spacing(spacing))
    except PromptError:
        assert np.linalg.norm(np.subtract(start, stop)) < 1
        return
    around = IndexBox.around(line.positions_ijk())
    in_plane = [a for a in range(3) if a != prompt.axis]
    assert all(prompt.box.start_ijk[a] <= around.start_ijk[a] for a in in_plane)
    assert all(prompt.box.stop_ijk[a] >= around.stop_ijk[a] for a in in_plane)


def test_a_box_in_a_slice_becomes_as_deep_as_its_longer_side() -> None:
    box = box_from_slice_box(a_flat_box(2, 10, (5, 5), (20, 30)), SLICES)  # 25 mm: 5 slices
    assert box == IndexBox((5, 5, 8), (20, 30, 13))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_depth_follows_the_axis_of_the_box(axis: int) -> None:
    box = box_from_slice_box(a_flat_box(axis, 10, (5, 5), (16, 16)), CUBES)
    assert box.shape_ijk == (11, 11, 11)
    assert box.centre_ijk[axis] == 10


def test_a_small_box_in_thick_slices_is_one_slice_deep() -> None:
    flat = a_flat_box(2, 10, (5, 5), (8, 8))
    assert box_from_slice_box(flat, SLICES) == flat.box


def test_boxes_between_two_slices_change_evenly() -> None:
    boxes = boxes_between([a_flat_box(2, 4, (10, 10), (20, 20)), a_flat_box(2, 8, (18, 10), (22, 30))])
    assert [b.start_ijk for b in boxes] == [(10 + 2 * n, 10, 4 + n) for n in range(5)]
    assert boxes[2].stop_ijk == (21, 25, 7)


def test_a_thin_box_keeps_its_width_between_slices() -> None:
    boxes = boxes_between([a_flat_box(2, 4, (1, 10), (2, 20)), a_flat_box(2, 6, (2, 10), (3, 20))])
    assert boxes[1] == IndexBox((2, 10, 5), (3, 20, 6))


def test_the_order_of_drawing_does_not_matter_and_the_last_box_of_a_slice_counts() -> None:
    first, last = a_flat_box(1, 4, (10, 10), (20, 20)), a_flat_box(1, 6, (10, 10), (14, 14))
    mistake = a_flat_box(1, 6, (0, 0), (50, 50))
    assert boxes_between([mistake, last, first]) == boxes_between([first, last])


INTERVALS = st.tuples(st.integers(0, 20), st.integers(1, 20))


@given(st.integers(0, 2), st.lists(st.tuples(st.integers(0, 12), INTERVALS, INTERVALS), min_size=2))
def test_boxes_between_are_never_empty_and_one_for_each_slice(axis: int, drawn: list) -> None:
    prompts = [
        a_flat_box(axis, index, (a, b), (a + width, b + height)) for index, (a, width), (b, height) in drawn
    ]
    boxes = boxes_between(prompts)
    indices = [p.index for p in prompts]
    assert [b.start_ijk[axis] for b in boxes] == list(range(min(indices), max(indices) + 1))
    assert not any(b.is_empty for b in boxes)
