"""From a 2D model to a 3D lesion: ask every slice, then weigh all answers together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.engine.plans import SlicePlan, squared_radius
from SAMLesionLib.engine.predictors import SlicePredictor
from SAMLesionLib.engine.zoom import view_of
from SAMLesionLib.imaging import (
    IN_PLANE,
    FusionWeights,
    Window,
    fill_holes_in_slices,
    fuse,
    keep_main_regions,
    network_log_odds,
    slab,
)
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import MaskPrompt
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]

SURROUNDINGS = 0.25
"""How far beside the boxes tissue counts as surroundings, over the boxes' size."""

MASK_CERTAINTY = 2.0
"""Log-odds that a mask to start from adds, at full distance from its outline."""


def segment_slices(
    predictor: SlicePredictor, volume: Volume, plan: SlicePlan, window: Window, weights: FusionWeights
) -> Iterator[MaskUpdate]:
    """The lesion's mask: a preview slice by slice, then the whole block.

    Args:
        predictor: the model.
        volume: the scan.
        plan: slices and boxes.
        window: grey values between which the model sees.
        weights: how the witnesses are weighed.

    Yields:
        One update a slice (the network's and the prior's word), then one for the block. Between two of
        them at most one slice is encoded, so closing the iterator ends the work within a slice.
    """
    block = plan.block
    prior = log_odds_beforehand(plan, weights)
    logits = np.full(prior.shape, weights.logit_floor, np.float32)
    for done, n in enumerate(plan.middle_first(), start=1):
        box = plan.boxes[n]
        logits[n] = slice_logits(predictor, volume, plan, n, window)
        preview = prior[n] + network_log_odds(logits[n], weights) > 0
        here = slab(block, plan.axis, box.start_ijk[plan.axis])
        yield MaskUpdate(here, np.expand_dims(preview, 2 - plan.axis), done / (len(plan.boxes) + 1))
    grey = _slices_first(volume.voxels[block.slices_kji()], plan.axis)
    log_odds = fuse(logits, prior, grey, _surroundings(volume, plan), _spacing(volume, plan.axis), weights)
    mask = fill_holes_in_slices(keep_main_regions(log_odds > 0))
    yield MaskUpdate(block, np.moveaxis(mask, 0, 2 - plan.axis))


def slice_logits(
    predictor: SlicePredictor, volume: Volume, plan: SlicePlan, position: int, window: Window
) -> Floats:
    """The network's answer in one slice, over the plan's block (rows, columns)."""
    box, block = plan.boxes[position], plan.block
    view = slab(view_of(block, plan.axis, volume), plan.axis, box.start_ijk[plan.axis])
    frame = predictor.frame(volume, plan.axis, view)
    plane = predictor.logits(predictor.embed(volume, frame, window), frame, [box])[0]
    rows, columns = IN_PLANE[plan.axis]
    offset = [block.start_ijk[a] - view.start_ijk[a] for a in (rows, columns)]
    height, width = block.shape_ijk[rows], block.shape_ijk[columns]
    return plane[offset[0] : offset[0] + height, offset[1] : offset[1] + width]


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


def _surroundings(volume: Volume, plan: SlicePlan) -> npt.NDArray[np.float32]:
    """Grey values (N,) of the tissue beside the block, in the block's slices."""
    block = plan.block
    by = [max(2, round(SURROUNDINGS * n)) for n in block.shape_ijk]
    by[plan.axis] = 0
    wide = block.grow((by[0], by[1], by[2])).intersect(volume.block)
    beside = np.ones(wide.shape_kji, dtype=bool)
    beside[block.shift(_minus(wide.start_ijk)).slices_kji()] = False
    return volume.voxels[wide.slices_kji()][beside].astype(np.float32)


def _slices_first(array_kji: npt.NDArray[np.generic], axis: int) -> npt.NDArray[np.generic]:
    return np.moveaxis(array_kji, 2 - axis, 0)


def _spacing(volume: Volume, axis: int) -> tuple[float, float, float]:
    spacing, (rows, columns) = volume.affine.spacing_mm, IN_PLANE[axis]
    return spacing[axis], spacing[rows], spacing[columns]


def _minus(offset: tuple[int, int, int]) -> tuple[int, int, int]:
    i, j, k = offset
    return -i, -j, -k
