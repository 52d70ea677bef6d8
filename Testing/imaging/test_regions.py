from __future__ import annotations

import numpy as np

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import (
    connected_parts,
    fill_holes_in_slices,
    keep_main_regions,
    keep_meant_regions,
    label_boxes,
)


def an_empty_mask() -> np.ndarray:
    return np.zeros((6, 20, 20), dtype=bool)


def test_crumbs_are_dropped_and_large_regions_stay() -> None:
    mask = an_empty_mask()
    mask[1:4, 2:8, 2:8] = True  # 108 voxels
    mask[1:4, 12:16, 12:16] = True  # 48: more than three tenths of it
    expected = mask.copy()
    mask[5, 18, 18] = True
    assert np.array_equal(keep_main_regions(mask), expected)


def test_the_share_says_how_small_a_crumb_is() -> None:
    mask = an_empty_mask()
    mask[1, 2:12, 2] = True
    mask[1, 2:7, 10] = True
    assert keep_main_regions(mask, 0.5).sum() == 15
    assert keep_main_regions(mask, 0.51).sum() == 10


def test_regions_that_touch_at_a_corner_are_one() -> None:
    mask = an_empty_mask()
    mask[1, 2:12, 2:12] = True
    mask[2, 12, 12] = True
    assert np.array_equal(keep_main_regions(mask), mask)


def test_an_empty_mask_stays_empty() -> None:
    assert not keep_main_regions(an_empty_mask()).any()


def test_a_hole_enclosed_in_its_slice_is_filled() -> None:
    mask = an_empty_mask()
    mask[2, 4:10, 4:10] = True
    full = mask.copy()
    mask[2, 6:8, 6:8] = False  # open above and below, enclosed in the slice
    assert np.array_equal(fill_holes_in_slices(mask), full)


def test_a_bay_and_an_enclosed_void_of_other_slices_stay_open() -> None:
    mask = an_empty_mask()
    mask[1:4, 4:10, 4:10] = True
    mask[1:4, 6:8, 6:10] = False
    assert np.array_equal(fill_holes_in_slices(mask), mask)


def test_parts_come_apart_largest_first_and_touch_at_corners():
    mask = np.zeros((3, 4, 6), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True  # corner to corner: one part
    mask[2, 3, 3:6] = True
    (large, small) = connected_parts(mask)
    assert large[0] == IndexBox((3, 3, 2), (6, 4, 3))
    assert large[1].all()
    assert small[0] == IndexBox((0, 0, 0), (2, 2, 2))
    assert small[1].sum() == 2
    assert connected_parts(np.zeros((2, 2, 2), bool)) == connected_parts(np.zeros((0, 0, 0), bool)) == []


def test_regions_that_a_reader_meant_are_kept_whatever_their_size() -> None:
    mask = np.zeros((3, 9, 9), bool)
    mask[:, :4, :4] = True
    mask[1, 6, 6] = mask[1, 8, 8] = True
    meant = np.zeros_like(mask)
    meant[1, 6, 6] = meant[2, 6, 2] = True  # the second lies on nothing
    kept = keep_meant_regions(mask, meant)
    assert np.argwhere(kept).tolist() == [[1, 6, 6]]
    assert np.array_equal(keep_meant_regions(mask, np.zeros_like(mask)), keep_main_regions(mask))
    assert not keep_meant_regions(np.zeros_like(mask), meant).any()


def test_each_label_has_its_block():
    labels = np.zeros((3, 4, 6), np.uint8)
    labels[0, 0, 0] = labels[2, 3, 1] = 4
    labels[1, 1:3, 5] = 2
    assert label_boxes(labels) == {2: IndexBox((5, 1, 1), (6, 3, 2)), 4: IndexBox((0, 0, 0), (2, 4, 3))}
    assert label_boxes(np.zeros((0, 0, 0), np.uint8)) == {}
