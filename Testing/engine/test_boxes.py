from __future__ import annotations

import pytest
from engine_cases import a_flat_box
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib.engine.boxes import box_from_slice_box, boxes_between
from SAMLesionLib.geometry import Affine, IndexBox

CUBES = Affine.from_spacing((1, 1, 1))
SLICES = Affine.from_spacing((1, 1, 5))


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
