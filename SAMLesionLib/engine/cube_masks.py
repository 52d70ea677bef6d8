"""From a 3D model's logits to a mask on the scan's voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from SAMLesionLib.engine.cube_prompts import drawn, drawn_box, drawn_slices, on_image
from SAMLesionLib.engine.cubes import is_in, lesion_block
from SAMLesionLib.engine.plans import boxes_mask
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame, keep_main_regions, keep_meant_regions
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
        box: the one that the model was shown, of a drawn box what the lesion needs; None for none.
    """

    frame: PatchFrame
    logits: Floats
    clicks: tuple[PointPrompt, ...]
    box: IndexBox | None = None

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.logits.nbytes


def meant_logits(answer: CubeAnswer, prompts: PromptSet, volume: Volume) -> Floats:
    """The answer's logits, above 0 only in regions that something said is meant.

    These are those that a click in the lesion or a mask to start from touches, and the main ones where a box
    was drawn: a click on a part that lies apart does not take back what the box showed.
    """
    found = answer.logits > 0
    meant = keep_main_regions(found) if len(drawn(prompts)) else np.zeros(found.shape, bool)
    for click in answer.clicks:
        if click.is_positive and is_in(answer.frame, click):
            meant[_cell(answer, click)] = True
    for mask in prompts.of(MaskPrompt)[-1:]:
        start = on_image(mask, volume)
        meant |= answer.frame.mask(start.mask, start.box, len(meant)) > 0.5
    kept = keep_meant_regions(found, meant)
    return np.where(kept, answer.logits, -np.abs(answer.logits))


def n_missed(answer: CubeAnswer, found: Floats) -> int:
    """How many clicks an answer contradicts, of those in its cube.

    Args:
        answer: with its clicks.
        found: its meant logits.
    """
    seen = [click for click in answer.clicks if is_in(answer.frame, click)]
    return sum(bool(found[_cell(answer, click)] > 0) != click.is_positive for click in seen)


def _cell(answer: CubeAnswer, click: PointPrompt) -> tuple[int, int, int]:
    """The cell of an answer that holds a click."""
    n = len(answer.logits)
    place = (answer.frame.to_dhw([click.point_ijk])[0] + 0.5) * n / answer.frame.size
    d, h, w = np.clip(place.astype(int), 0, n - 1)
    return int(d), int(h), int(w)


def mask_of(answer: CubeAnswer, prompts: PromptSet, volume: Volume) -> MaskUpdate:
    """The answer on the voxels of the image that it touches."""
    logits = meant_logits(answer, prompts, volume)
    block = lesion_block(answer.frame, logits, volume)
    if block is None:
        nowhere = np.clip(answer.frame.centre_ijk, 0, np.subtract(volume.shape_ijk, 1))
        return MaskUpdate(IndexBox.around(nowhere), np.zeros((1, 1, 1), bool))
    return _limited(MaskUpdate(block, answer.frame.voxels(logits, block) > 0), prompts, volume)


def _limited(found: MaskUpdate, prompts: PromptSet, volume: Volume) -> MaskUpdate:
    """No voxel leaves what was drawn, unless a click says so."""
    box = drawn_box(prompts, volume)
    clicks = [click.point_ijk for click in prompts.of(PointPrompt) if click.is_positive]
    if box is None or not all(box.contains(click) for click in clicks):
        return found
    inside, slices = over(found, box), drawn_slices(prompts, volume)
    if slices is None or not all(slices.contains(click) for click in clicks):
        return inside
    return MaskUpdate(box, inside.mask & boxes_mask(slices))


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
