"""Prompts as typed become boxes, points and lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib import Affine, BoxPrompt, IndexBox, LinePrompt, PointPrompt
from SAMLesionLib.commands.prompt_text import (
    box_2d_from_text,
    box_from_text,
    line_from_text,
    point_from_text,
    window_from_text,
)
from SAMLesionLib.errors import PromptError

UNIT = Affine.from_spacing((1.0, 1.0, 1.0))
FLIPPED = Affine([[-0.5, 0, 0, 40], [0, 0.5, 0, -30], [0, 0, 3, 10], [0, 0, 0, 1]])


def test_six_whole_numbers_are_a_half_open_box() -> None:
    assert box_from_text("1,2,3,4,5,6", "ijk", UNIT) == IndexBox((1, 2, 3), (4, 5, 6))


def test_spaces_and_minus_signs_are_read() -> None:
    assert box_from_text(" -1, 2,3 ,4,5,6", "ijk", UNIT) == IndexBox((-1, 2, 3), (4, 5, 6))


@pytest.mark.parametrize(
    "text", ["", "1,2,3,4,5", "1,2,3,4,5,6,7", "a,b,c,d,e,f", "1;2;3;4;5;6", "1,2,3,4,5,nan"]
)
def test_anything_but_six_numbers_is_refused_with_the_form_and_what_came(text: str) -> None:
    with pytest.raises(PromptError) as refused:
        box_from_text(text, "ijk", UNIT)
    assert "i0,j0,k0,i1,j1,k1" in str(refused.value)
    assert repr(text) in str(refused.value)


def test_voxel_indices_must_be_whole() -> None:
    with pytest.raises(PromptError, match="whole numbers"):
        box_from_text("1,2,3,4,5,6.5", "ijk", UNIT)


def test_two_corners_in_lps_are_the_same_box_as_in_ras() -> None:
    ras = box_from_text("39,-29,11,30,-20,25", "ras", FLIPPED)
    assert ras == box_from_text("-39,29,11,-30,20,25", "lps", FLIPPED)


@given(
    angle=st.floats(0, 2 * np.pi),
    spacing=st.tuples(*[st.floats(0.3, 8)] * 3),
    start=st.tuples(*[st.integers(0, 30)] * 3),
    size=st.tuples(*[st.integers(1, 20)] * 3),
)
def test_a_world_box_holds_all_corners_of_the_voxels_it_came_from(angle, spacing, start, size) -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = Affine(turn @ np.diag([*spacing, 1.0]))
    block = IndexBox(start, tuple(np.add(start, size)))
    corners = affine.to_ras(block.corners_ijk())
    text = ",".join(repr(float(v)) for v in (*corners.min(axis=0), *corners.max(axis=0)))
    assert box_from_text(text, "ras", affine).union(block) == box_from_text(text, "ras", affine)


@pytest.mark.parametrize("axis", ["k", "K", "2"])
def test_a_2d_box_is_one_voxel_thick_across_its_axis(axis: str) -> None:
    assert box_2d_from_text(f"{axis},7,1,2,3,4") == BoxPrompt(IndexBox((1, 2, 7), (3, 4, 8)), 2)


@pytest.mark.parametrize(
    ("text", "box"),
    [("i,7,1,2,3,4", IndexBox((7, 1, 2), (8, 3, 4))), ("j,7,1,2,3,4", IndexBox((1, 7, 2), (3, 8, 4)))],
)
def test_the_other_two_axes_come_in_the_order_ijk(text: str, box: IndexBox) -> None:
    assert box_2d_from_text(text).box == box


@pytest.mark.parametrize("text", ["x,7,1,2,3,4", "7,1,2,3,4", "k,7,1,2,3"])
def test_a_2d_box_without_its_axis_or_a_number_is_refused(text: str) -> None:
    with pytest.raises(PromptError, match="axis,index,a0,b0,a1,b1"):
        box_2d_from_text(text)


def test_a_2d_box_counts_voxels_only() -> None:
    with pytest.raises(PromptError, match="--frame ijk"):
        box_2d_from_text("k,7,1,2,3,4", "ras")


@pytest.mark.parametrize(("sign", "is_positive"), [("", True), (",+", True), (",-", False)])
def test_a_point_may_say_that_the_lesion_is_not_here(sign: str, is_positive: bool) -> None:
    assert point_from_text(f"1,2.5,-3{sign}", "ijk", UNIT) == PointPrompt((1, 2.5, -3), is_positive)


def test_a_line_in_millimetres_is_brought_to_voxels() -> None:
    assert line_from_text("40,-30,10,39,-30,13", "ras", FLIPPED) == LinePrompt((0, 0, 0), (2, 0, 1))


def test_a_window_needs_its_low_below_its_high_value() -> None:
    assert window_from_text("-160,240") == (-160, 240)
    with pytest.raises(PromptError, match="low below its high"):
        window_from_text("240,-160")
