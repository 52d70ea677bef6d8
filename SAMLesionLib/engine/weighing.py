"""The three witnesses of a lesion, heard on a plan's block: the network, the box or mask, the grey value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.engine.plans import SlicePlan, squared_radius
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import IN_PLANE, FusionWeights, fill_holes_in_slices, fuse, keep_main_regions
from SAMLesionLib.prompts import MaskPrompt
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]

SURROUNDINGS = 0.25
"""How far beside the boxes tissue counts as surroundings, over the boxes' size."""

MASK_CERTAINTY = 2.0
"""Log-odds that a mask to start from adds, at full distance from its outline."""


def weigh(
    volume: Volume, plan: SlicePlan, drawn: IndexBox, logits: Floats, weights: FusionWeights
) -> npt.NDArray[np.bool_]:
    """The mask over the plan's block when all witnesses have spoken.

    Args:
        volume: the scan.
        plan: slices and boxes.
        drawn: the block that the reader drew; tissue counts as surroundings up to a margin beside it.
        logits: the network's answers (slices, rows, columns) over the plan's block.
        weights: how much each witness counts.

    Returns:
        (k, j, i) over `plan.block`.
    """
    grey = _slices_first(volume.voxels[plan.block.slices_kji()], plan.axis)
    beside = _surroundings(volume, plan, drawn)
    prior = log_odds_beforehand(plan, weights)
    log_odds = fuse(logits, prior, grey, beside, _spacing(volume, plan.axis), weights)
    mask = fill_holes_in_slices(keep_main_regions(log_odds > 0))
    return np.moveaxis(mask, 0, 2 - plan.axis)


def log_odds_beforehand(plan: SlicePlan, weights: FusionWeights) -> Floats:
    """Log-odds of lesion before looking at the image: from the boxes, or from the mask to start from."""
    if plan.start is not None:
        return _mask_log_odds(plan.start, plan)
    depth = weights.depth * min(1.0, len(plan.boxes) / weights.many_slices)
    radius2 = squared_radius(plan, depth)
    return np.float32(weights.bias) - np.float32(weights.radius) * radius2


def _mask_log_odds(start: MaskPrompt, plan: SlicePlan) -> Floats:
    """Positive inside the mask and negative outside, certain from two voxels off its outline."""
    block = plan.block
    mask = np.zeros(block.shape_kji, dtype=bool)
    common = block.intersect(start.box)
    if not common.is_empty:
        source = common.shift(_minus(start.box.start_ijk)).slices_kji()
        mask[common.shift(_minus(block.start_ijk)).slices_kji()] = start.mask[source]
    planes = [
        np.clip((ndimage.distance_transform_edt(p) - ndimage.distance_transform_edt(~p)) / 2, -1, 1)
        if p.any()
        else np.full(p.shape, -1.0)
        for p in _slices_first(mask, plan.axis)
    ]
    return (MASK_CERTAINTY * np.stack(planes)).astype(np.float32)


def _surroundings(volume: Volume, plan: SlicePlan, drawn: IndexBox) -> npt.NDArray[np.float32]:
    """Grey values (N,) of the tissue around the plan's block, up to a margin beside the box as drawn."""
    by = [max(2, round(SURROUNDINGS * n)) for n in drawn.shape_ijk]
    by[plan.axis] = 0
    wide = drawn.grow((by[0], by[1], by[2])).intersect(volume.block)
    beside = np.ones(wide.shape_kji, dtype=bool)
    beside[plan.block.shift(_minus(wide.start_ijk)).slices_kji()] = False
    return volume.voxels[wide.slices_kji()][beside].astype(np.float32)


def _slices_first(array_kji: npt.NDArray[np.generic], axis: int) -> npt.NDArray[np.generic]:
    return np.moveaxis(array_kji, 2 - axis, 0)


def _spacing(volume: Volume, axis: int) -> tuple[float, float, float]:
    spacing, (rows, columns) = volume.affine.spacing_mm, IN_PLANE[axis]
    return spacing[axis], spacing[rows], spacing[columns]


def _minus(offset: tuple[int, int, int]) -> tuple[int, int, int]:
    i, j, k = offset
    return -i, -j, -k
