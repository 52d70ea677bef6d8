"""Masks within their block are the same masks."""

from __future__ import annotations

import numpy as np

from SAMLesionLib.evaluation.blocks import BlockMask, gather, union_of, united
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.masks import MaskUpdate, RunReport, collect

REPORT = RunReport("fake", "", "cpu", "float32", "0", 0.0, 0.0, 0)
SHAPE_IJK = (9, 8, 7)


def updates() -> list[MaskUpdate]:
    rng = np.random.default_rng(3)
    boxes = [IndexBox((1, 1, 1), (4, 5, 3)), IndexBox((2, 3, 2), (8, 6, 6)), IndexBox((2, 3, 2), (3, 4, 3))]
    told = [MaskUpdate(box, rng.random(box.shape_kji) > 0.5, 0.5) for box in boxes]
    return [*told, MaskUpdate(boxes[-1], np.zeros(boxes[-1].shape_kji, bool), 1.0, REPORT)]


def test_an_answer_gathered_in_its_block_is_the_answer_collected_on_the_scan() -> None:
    whole, _ = collect(updates(), SHAPE_IJK)
    mask, report = gather(updates())
    assert report == REPORT
    assert mask.box == IndexBox.of_mask(whole)
    assert np.array_equal(mask.over(IndexBox.whole(SHAPE_IJK)), whole)


def test_an_answer_without_a_voxel_is_empty() -> None:
    nothing = MaskUpdate(IndexBox((1, 1, 1), (3, 3, 3)), np.zeros((2, 2, 2), bool), 1.0, REPORT)
    assert gather([nothing])[0].box.is_empty
    assert gather([])[0].n_voxels == 0


def test_a_mask_goes_to_json_and_back() -> None:
    mask, _ = gather(updates())
    again = BlockMask.from_json(mask.to_json())
    assert again.box == mask.box
    assert np.array_equal(again.mask, mask.mask)
    assert BlockMask.from_json(BlockMask.empty().to_json()).n_voxels == 0


def test_the_union_holds_what_either_holds() -> None:
    one = BlockMask(IndexBox((0, 0, 0), (2, 1, 1)), np.ones((1, 1, 2), bool))
    other = BlockMask(IndexBox((1, 0, 0), (3, 1, 1)), np.ones((1, 1, 2), bool))
    both = united([one, BlockMask.empty(), other])
    assert both.box == IndexBox((0, 0, 0), (3, 1, 1))
    assert both.n_voxels == 3


def test_a_mask_laid_over_another_block_loses_what_lies_outside() -> None:
    mask = BlockMask(IndexBox((0, 0, 0), (4, 1, 1)), np.ones((1, 1, 4), bool))
    assert mask.over(IndexBox((3, 0, 0), (6, 1, 1))).ravel().tolist() == [True, False, False]
    assert not mask.over(IndexBox((5, 0, 0), (6, 1, 1))).any()


def test_empty_blocks_do_not_widen_a_union() -> None:
    box = IndexBox((5, 5, 5), (6, 6, 6))
    assert union_of([IndexBox((0, 0, 0), (0, 0, 0)), box]) == box
    assert union_of([]).is_empty
