"""From a 3D model's logits to a mask on the scan's voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from SAMLesionLib.engine.cube_prompts import drawn_box, on_image
from SAMLesionLib.engine.cubes import is_in, lesion_block
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame, keep_meant_regions
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import MaskPrompt, PointPrompt, PromptSet
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CubeAnswer:
    """The answer to some prompts: what the next prompt refines.

    Attributes:
        frame: the cube looked at.
        logits: (n, n, n) in n cells along each side of it.
        clicks: those that the model was given, the reader's and those that a box stood for.
    """

    frame: PatchFrame
    logits: Floats
    clicks: tuple[PointPrompt, ...]

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.logits.nbytes


def meant_logits(answer: CubeAnswer, prompts: PromptSet, volume: Volume) -> Floats:
    """The answer's logits, above 0 only in regions that a click or a mask to start from touches."""
    n = len(answer.logits)
    meant = np.zeros(answer.logits.shape, bool)
    for click in answer.clicks:
        if click.is_positive and is_in(answer.frame, click):
            place = (answer.frame.to_dhw([click.point_ijk])[0] + 0.5) * n / answer.frame.size
            meant[tuple(np.clip(place.astype(int), 0, n - 1))] = True
    for mask in prompts.of(MaskPrompt)[-1:]:
        start = on_image(mask, volume)
        meant |= answer.frame.mask(start.mask, start.box, n) > 0.5
    kept = keep_meant_regions(answer.logits > 0, meant)
    return np.where(kept, answer.logits, -np.abs(answer.logits))


def mask_of(answer: CubeAnswer, prompts: PromptSet, volume: Volume) -> MaskUpdate:
    """The answer on the voxels of the image that it touches."""
    logits = meant_logits(answer, prompts, volume)
    block = lesion_block(answer.frame, logits, volume)
    if block is None:
        nowhere = np.clip(answer.frame.centre_ijk, 0, np.subtract(volume.shape_ijk, 1))
        return MaskUpdate(IndexBox.around(nowhere), np.zeros((1, 1, 1), bool))
    found = MaskUpdate(block, answer.frame.voxels(logits, block) > 0)
    limit = _limit(prompts, volume)
    return found if limit is None else over(found, limit)


def _limit(prompts: PromptSet, volume: Volume) -> IndexBox | None:
    """A drawn box, which no voxel leaves unless a click says so; None without one."""
    box = drawn_box(prompts, volume)
    clicks = [click for click in prompts.of(PointPrompt) if click.is_positive]
    return box if box is not None and all(box.contains(click.point_ijk) for click in clicks) else None


def over(update: MaskUpdate, block: IndexBox) -> MaskUpdate:
    """The same mask over another block; what the two do not share is cut off or background."""
    mask = np.zeros(block.shape_kji, bool)
    common = block.intersect(update.block)
    if not common.is_empty:
        mask[_within(common, block)] = update.mask[_within(common, update.block)]
    return MaskUpdate(block, mask)


def _within(part: IndexBox, block: IndexBox) -> tuple[slice, slice, slice]:
    i, j, k = block.start_ijk
    return part.shift((-i, -j, -k)).slices_kji()
