"""From a 2D model to a 3D lesion: ask every slice, then weigh all answers together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.engine.plans import SlicePlan, squared_radius
from SAMLesionLib.engine.predictors import SlicePredictor
from SAMLesionLib.engine.zoom import view_of
from SAMLesionLib.geometry import IndexBox
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

LOOSE_SHARE = 0.6
"""A box of which the lesion needs a smaller share was drawn loosely, and is looked at again."""

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
    view = view_of(plan.block, plan.axis, volume)
    logits = np.full(_shape(plan), weights.logit_floor, np.float32)
    prior = log_odds_beforehand(plan, weights)
    for done, n in enumerate(plan.middle_first(), start=1):
        logits[n] = slice_logits(predictor, volume, plan, n, view, window)
        preview = prior[n] + network_log_odds(logits[n], weights) > 0
        yield _slice_update(plan, n, preview, 0.8 * done / len(plan.boxes))
    mask = _weigh(volume, plan, plan.block, logits, weights)
    closer = _closer_plan(plan, mask)
    if closer is not None:
        logits = np.full(_shape(closer), weights.logit_floor, np.float32)
        shown = np.moveaxis(mask, 2 - plan.axis, 0)
        for done, n in enumerate(closer.middle_first(), start=1):
            logits[n] = slice_logits(predictor, volume, closer, n, view, window)
            position = closer.boxes[n].start_ijk[plan.axis] - plan.block.start_ijk[plan.axis]
            yield _slice_update(plan, position, shown[position], 0.8 + 0.19 * done / len(closer.boxes))
        inside = closer.block.shift(_minus(plan.block.start_ijk)).slices_kji()
        mask = np.zeros_like(mask)
        mask[inside] = _weigh(volume, closer, plan.block, logits, weights)
    yield MaskUpdate(plan.block, mask)


def _weigh(
    volume: Volume, plan: SlicePlan, drawn: IndexBox, logits: Floats, weights: FusionWeights
) -> npt.NDArray[np.bool_]:
    """The mask (k, j, i) over the plan's block when all witnesses have spoken."""
    grey = _slices_first(volume.voxels[plan.block.slices_kji()], plan.axis)
    beside = _surroundings(volume, plan, drawn)
    prior = log_odds_beforehand(plan, weights)
    log_odds = fuse(logits, prior, grey, beside, _spacing(volume, plan.axis), weights)
    mask = fill_holes_in_slices(keep_main_regions(log_odds > 0))
    return np.moveaxis(mask, 0, 2 - plan.axis)


def _closer_plan(plan: SlicePlan, mask: npt.NDArray[np.bool_]) -> SlicePlan | None:
    """The same lesion with a box that fits, where the 3D box was drawn much larger than it needs to be."""
    needed = IndexBox.of_mask(mask)
    if needed is None or not plan.ends_inside or plan.start is not None:
        return None
    block = needed.shift(plan.block.start_ijk).grow(1).intersect(plan.block)
    if block.n_voxels >= LOOSE_SHARE * plan.block.n_voxels:
        return None
    slices = range(block.start_ijk[plan.axis], block.stop_ijk[plan.axis])
    return SlicePlan(plan.axis, tuple(slab(block, plan.axis, n) for n in slices))


def _slice_update(
    plan: SlicePlan, position: int, plane: npt.NDArray[np.bool_], fraction: float
) -> MaskUpdate:
    here = slab(plan.block, plan.axis, plan.boxes[position].start_ijk[plan.axis])
    return MaskUpdate(here, np.expand_dims(plane, 2 - plan.axis), fraction)


def _shape(plan: SlicePlan) -> tuple[int, int, int]:
    """Slices, rows and columns of the plan's block."""
    rows, columns = IN_PLANE[plan.axis]
    sides = plan.block.shape_ijk
    return sides[plan.axis], sides[rows], sides[columns]


def slice_logits(
    predictor: SlicePredictor,
    volume: Volume,
    plan: SlicePlan,
    position: int,
    view: IndexBox,
    window: Window,
) -> Floats:
    """The network's answer in one slice, over the plan's block (rows, columns), seen through `view`."""
    box, block = plan.boxes[position], plan.block
    here = slab(view, plan.axis, box.start_ijk[plan.axis])
    frame = predictor.frame(volume, plan.axis, here)
    rows, columns = (
        slice(block.start_ijk[a] - view.start_ijk[a], block.stop_ijk[a] - view.start_ijk[a])
        for a in IN_PLANE[plan.axis]
    )
    embedding = predictor.embed(volume, frame, window)
    return predictor.logits(embedding, frame, [box], (rows, columns))[0]


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
