"""What of a 3D model's logits becomes the mask."""

from __future__ import annotations

import numpy as np
import pytest

from SAMLesionLib.engine.cube_masks import CubeAnswer, mask_of, meant_logits
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import PatchFrame
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, MaskPrompt, PointPrompt, PromptSet
from SAMLesionLib.volume import Volume

VOLUME = Volume(np.zeros((30, 36, 40), np.float32), Affine.from_spacing((1, 1, 1)), modality="MR")
BOX = BoxPrompt(IndexBox((13, 11, 8), (28, 26, 23)))


@pytest.mark.parametrize("drawn", [(BOX,), (LinePrompt((13, 18, 15), (27, 18, 15)),), ()])
def test_a_click_on_a_part_that_lies_apart_does_not_take_back_what_was_drawn(drawn: tuple) -> None:
    logits = np.full((30, 30, 30), -1.0, np.float32)
    logits[10:20, 10:20, 10:20] = logits[25:27, 15, 15] = logits[2, 2, 2] = 1
    click = PointPrompt((31, 18, 15))
    frame = PatchFrame.around((20, 18, 15), VOLUME.affine, 1.0, 30)
    kept = meant_logits(CubeAnswer(frame, logits, (click,)), PromptSet((*drawn, click)), VOLUME) > 0
    assert kept[25:27, 15, 15].all()
    assert kept.sum() == 2 + 1000 * bool(drawn)


def test_what_was_drawn_slice_by_slice_holds_the_answer_unless_a_click_says_otherwise() -> None:
    low, high = (BoxPrompt(IndexBox((i, 10, k), (i + 8, 18, k + 1)), axis=2) for i, k in ((10, 10), (16, 16)))
    everything = CubeAnswer(
        PatchFrame.around((17, 14, 13), VOLUME.affine, 1.0, 32), np.ones((32,) * 3, np.float32), ()
    )
    sizes = [
        mask_of(everything, PromptSet((low, high, *clicks)), VOLUME).mask.sum()
        for clicks in (
            (),
            (PointPrompt((13, 14, 10)),),
            (PointPrompt((12, 14, 16)),),
            (PointPrompt((5, 14, 13)),),
        )
    ]
    block = 14 * 8 * 7
    assert sizes[:3] == [7 * 8 * 8, 7 * 8 * 8, block]
    assert sizes[3] > block
    painted = MaskPrompt(IndexBox((12, 14, 12), (13, 15, 13)), np.ones((1, 1, 1), bool))
    assert mask_of(everything, PromptSet((low, high, painted)), VOLUME).mask.sum() == block
