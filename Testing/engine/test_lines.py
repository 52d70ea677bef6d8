from __future__ import annotations

import numpy as np
import pytest
from engine_cases import a_line
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib.engine.lines import SHORT_OVER_LONG, boxes_from_lines
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.prompts import BoxPrompt

SLICES = Affine.from_spacing((1, 1, 5))


def box_around(middle: tuple, half: tuple) -> IndexBox:
    """The voxels that an ellipse with these half sides touches."""
    return IndexBox.around([np.subtract(middle, half), np.add(middle, half)])


def test_a_diameter_along_the_rows_becomes_the_box_of_its_ellipse() -> None:
    [prompt] = boxes_from_lines([a_line((10, 20, 4), (30, 20, 4))], SLICES)
    # Long half axis 10 along i; the short one is across it.
    assert prompt == BoxPrompt(box_around((20, 20, 4), (10, 10 * SHORT_OVER_LONG, 0)), axis=2)


def test_an_oblique_diameter_becomes_the_box_of_its_turned_ellipse() -> None:
    [prompt] = boxes_from_lines([a_line((10, 10, 4), (40, 50, 4))], SLICES)
    # Half axes 25 and 25 s along (0.6, 0.8) and (0.8, -0.6): half sides hypot(15, 20 s), hypot(20, 15 s).
    s = SHORT_OVER_LONG
    assert prompt.box == box_around((25, 30, 4), (np.hypot(15, 20 * s), np.hypot(20, 15 * s), 0))


def test_a_cross_becomes_the_box_of_the_ellipse_with_these_axes() -> None:
    long, short = a_line((10, 10, 4), (40, 50, 4)), a_line((29, 27, 4), (21, 33, 4))
    expected = box_around((25, 30, 4), (np.hypot(15, 4), np.hypot(20, 3), 0))
    for lines in ([long, short], [short, long]):
        assert boxes_from_lines(lines, SLICES) == [BoxPrompt(expected, axis=2)]


def test_a_diameter_turns_in_millimetres() -> None:
    # In a sagittal view of thick slices 20 mm along j are 20 voxels, and 15 mm along k are 3.
    # In a sagittal view of 5 mm slices: 20 mm along j and 20 mm along k.
    [prompt] = boxes_from_lines([a_line((7, 10, 8), (7, 30, 12))], SLICES)
    s = SHORT_OVER_LONG
    expected = box_around((7, 20, 10), (0, np.hypot(10, 10 * s), np.hypot(10, 10 * s) / 5))
    assert prompt == BoxPrompt(expected, axis=0)


def test_a_diameter_in_two_views_at_once_lies_in_the_slices_of_the_scan() -> None:
    assert boxes_from_lines([a_line((7, 10, 10), (7, 30, 10))], SLICES)[0].axis == 2
    assert boxes_from_lines([a_line((7, 10, 10), (7, 30, 10))], Affine.from_spacing((5, 1, 1)))[0].axis == 0


def test_a_diameter_across_slices_becomes_a_ball_in_millimetres() -> None:
    [prompt] = boxes_from_lines([a_line((20, 20, 10), (32, 29, 14))], SLICES)  # 12, 9 and 20 mm: 25 mm
    assert prompt == BoxPrompt(box_around((26, 24.5, 12), (12.5, 12.5, 2.5)))


def test_a_line_nearly_in_a_slice_lies_in_it() -> None:
    [prompt] = boxes_from_lines([a_line((10, 20, 4.2), (30, 22, 3.8))], SLICES)
    assert (prompt.axis, prompt.index) == (2, 4)


def test_diameters_of_several_slices_become_a_box_in_each() -> None:
    first, last = a_line((10, 20, 4), (30, 20, 4)), a_line((14, 22, 8), (26, 22, 8))
    drawn = boxes_from_lines([last, first], SLICES)
    assert drawn == [boxes_from_lines([line], SLICES)[0] for line in (first, last)]
    assert [(b.axis, b.index) for b in drawn] == [(2, 4), (2, 8)]


def test_a_cross_in_one_slice_and_a_diameter_in_another_are_told_apart() -> None:
    long, short = a_line((10, 20, 4), (30, 20, 4)), a_line((20, 15, 4), (20, 25, 4))
    above = a_line((14, 22, 7), (26, 22, 7))
    drawn = boxes_from_lines([short, above, long], SLICES)
    assert drawn == [*boxes_from_lines([long, short], SLICES), *boxes_from_lines([above], SLICES)]


def test_a_cross_between_two_slices_stays_one() -> None:
    long, short = a_line((10, 20, 4.45), (30, 20, 4.45)), a_line((20, 15, 4.6), (20, 25, 4.6))
    [prompt] = boxes_from_lines([long, short], SLICES)
    assert (prompt.axis, prompt.index) == (2, 5)


def test_parallel_diameters_were_drawn_in_the_view_that_gives_each_a_slice() -> None:
    coronal = [a_line((10, j, 5), (30, j, 5)) for j in (10, 14)]
    axial = [a_line((10, 14, k), (30, 14, k)) for k in (5, 8)]
    either = [a_line((10, 10 + k, k), (30, 10 + k, k)) for k in (5, 8)]
    assert [(b.axis, b.index) for b in boxes_from_lines(coronal, SLICES)] == [(1, 10), (1, 14)]
    assert [(b.axis, b.index) for b in boxes_from_lines(axial, SLICES)] == [(2, 5), (2, 8)]
    assert [(b.axis, b.index) for b in boxes_from_lines(either, SLICES)] == [(2, 5), (2, 8)]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            [a_line((1, 1, 4), (9, 1, 4)), a_line((5, 0, 4), (5, 4, 4)), a_line((2, 0, 4), (9, 4, 4))],
            r"got 3 lines in slice k = 4\.",
        ),
        ([a_line((5, 5, 5), (5.5, 5, 5))], r"longer than one voxel\. Draw it across the lesion\."),
        ([a_line((5, 5, 2), (9, 7, 2)), a_line((7, 3, 8), (7, 9, 9))], r"Draw them in one view\."),
        ([a_line((5, 5, 2), (9, 7, 6)), a_line((5, 3, 2), (9, 9, 7))], r"Draw them in one view\."),
        ([a_line((5, 5, 2), (9, 5, 2)), a_line((3, 3, 3), (3, 3, 3))], r"longer than one voxel\."),
    ],
    ids=["three", "short", "in two views", "across slices", "short cross"],
)
def test_lines_that_tell_nothing_are_refused(lines: list, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        boxes_from_lines(lines, SLICES)


ENDS = st.tuples(st.floats(0, 60), st.floats(0, 60), st.floats(0, 60))


@given(ENDS, ENDS, st.tuples(*[st.floats(0.3, 6)] * 3))
def test_the_box_of_a_line_holds_its_voxels(start: tuple, stop: tuple, spacing: tuple) -> None:
    line = a_line(start, stop)
    try:
        [prompt] = boxes_from_lines([line], Affine.from_spacing(spacing))
    except PromptError:
        assert np.linalg.norm(np.subtract(start, stop)) < 1
        return
    around = IndexBox.around(line.positions_ijk())
    in_plane = [a for a in range(3) if a != prompt.axis]
    assert all(prompt.box.start_ijk[a] <= around.start_ijk[a] for a in in_plane)
    assert all(prompt.box.stop_ijk[a] >= around.stop_ijk[a] for a in in_plane)
