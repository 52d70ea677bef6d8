from __future__ import annotations

import numpy as np

from SAMLesionLib.engine.box_clicks import first_click, next_click
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import PatchFrame

BOX = IndexBox((10, 10, 10), (26, 26, 26))
FRAME = PatchFrame.around(BOX.centre_ijk, Affine.from_spacing((1, 1, 1)), 1.0, 32)


def logits_of(box: IndexBox | None) -> np.ndarray:
    """Above 0 in the cells (two voxels wide) of a block of voxels; d, h and w run along i, j and k."""
    logits = np.full((16, 16, 16), -3, np.float32)
    if box is not None:
        first = np.add(FRAME.to_dhw([box.start_ijk])[0], 0.5) / 2
        last = np.add(FRAME.to_dhw([np.subtract(box.stop_ijk, 1)])[0], 0.5) / 2
        (a, b, c), (x, y, z) = first.astype(int), last.astype(int) + 1
        logits[a:x, b:y, c:z] = 3
    return logits


def test_the_first_click_is_in_the_middle() -> None:
    click = first_click(BOX)
    assert click.is_positive
    assert click.point_ijk == (17.5, 17.5, 17.5)


def test_an_answer_that_fills_the_box_is_left_alone() -> None:
    assert next_click(FRAME, logits_of(BOX), BOX) is None
    assert next_click(FRAME, logits_of(BOX.grow(-3)), BOX) is None


def test_what_lies_outside_is_clicked_away_where_it_is_deepest() -> None:
    click = next_click(FRAME, logits_of(IndexBox((10, 10, 10), (34, 26, 26))), BOX)
    assert click is not None
    assert not click.is_positive
    i, j, k = click.point_ijk
    assert 27 < i < 33
    assert 14 < j < 22
    assert 14 < k < 22


def test_a_missing_core_is_clicked_on() -> None:
    click = next_click(FRAME, logits_of(None), BOX)
    assert click is not None
    assert click.is_positive
    assert BOX.grow(-5).contains(click.point_ijk)


def test_the_larger_error_comes_first() -> None:
    logits = logits_of(IndexBox((2, 2, 2), (34, 34, 34)))
    centre = slice(6, 10)
    logits[centre, centre, centre] = -3
    click = next_click(FRAME, logits, BOX)
    assert click is not None
    assert click.is_positive != (not BOX.contains(click.point_ijk))
