from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from engine_cases import a_volume

from SAMLesionLib.engine import loose_boxes
from SAMLesionLib.engine.loose_boxes import LOOSE_SHARE
from SAMLesionLib.engine.plans import plan_slices
from SAMLesionLib.engine.propagation import _needed_block, segment_slices
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import FusionWeights, Part
from SAMLesionLib.prompts import BoxPrompt, PromptSet
from SAMLesionLib.volume import Volume

CUBES = a_volume((40, 40, 40), Affine.from_spacing((1, 1, 1)))


def test_what_a_lesion_needs_of_its_box_tells_whether_the_box_was_drawn_loosely() -> None:
    plan = plan_slices(PromptSet((BoxPrompt(IndexBox((4, 4, 2), (34, 34, 18))),)), CUBES)
    mask = np.zeros(plan.block.shape_kji, bool)
    mask[5:9, 10:20, 8:20] = True
    needed = _needed_block(plan, mask)
    assert needed == IndexBox((11, 13, 6), (25, 25, 12))
    assert needed.n_voxels < LOOSE_SHARE * plan.block.n_voxels
    mask[:, 2:-2, 2:-2] = True
    assert _needed_block(plan, mask).n_voxels > LOOSE_SHARE * plan.block.n_voxels


@dataclass
class Answers:
    """Stands for a model that claims a block in each slice, whatever it is asked."""

    claimed: IndexBox

    def frame(self, volume: Volume, axis: int, region: IndexBox) -> IndexBox:
        return region

    def embed_each(
        self, volume: Volume, frames: list[IndexBox], window: object
    ) -> Iterator[npt.NDArray[np.float32]]:
        for region in frames:
            logits = np.full(CUBES.voxels.shape, -4, np.float32)
            logits[self.claimed.slices_kji()] = 6
            yield logits[region.slices_kji()][0]

    def logits(
        self, embedding: npt.NDArray[np.float32], frame: IndexBox, boxes: list[IndexBox], part: Part
    ) -> npt.NDArray[np.float32]:
        return embedding[part][None]


def test_a_box_that_the_lesion_fills_in_part_is_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_slices(PromptSet((BoxPrompt(IndexBox((4, 4, 4), (36, 36, 36))),)), CUBES)
    answers = Answers(IndexBox((6, 6, 6), (34, 34, 34)))

    def lesion() -> int:
        *_, last = segment_slices(answers, CUBES, plan, (0.0, 1.0), FusionWeights())
        return int(last.mask.sum())

    doubted = lesion()
    monkeypatch.setattr(loose_boxes, "DOUBT", 0.0)
    assert 0.5 * lesion() < doubted < lesion()
