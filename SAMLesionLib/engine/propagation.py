"""From a 2D model to a 3D lesion: ask every slice, then weigh all answers together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from SAMLesionLib.engine.loose_boxes import LOOSE_SHARE, doubt
from SAMLesionLib.engine.plans import SlicePlan
from SAMLesionLib.engine.predictors import SlicePredictor
from SAMLesionLib.engine.weighing import log_odds_beforehand, weigh
from SAMLesionLib.engine.zoom import view_of
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import IN_PLANE, FusionWeights, Window, network_log_odds, slab
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]


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
        them at most one slice is encoded, on a GPU a batch, so closing the iterator ends the work soon.
    """
    view = view_of(plan.block, plan.axis, volume)
    logits = np.full(_shape(plan), weights.logit_floor, np.float32)
    prior = log_odds_beforehand(plan, weights)
    for done, (n, answer) in enumerate(ask_slices(predictor, volume, plan, view, window), start=1):
        logits[n] = answer
        preview = prior[n] + network_log_odds(answer, weights) > 0
        yield _slice_update(plan, n, preview, 0.8 * done / len(plan.boxes))
    mask = weigh(volume, plan, plan.block, logits, weights)
    needed = _needed_block(plan, mask)
    share = needed.n_voxels / plan.block.n_voxels
    if share < LOOSE_SHARE:
        yield from _closer_look(predictor, volume, plan, needed, view, window, weights, mask)
        return
    if doubt(share):
        doubting = replace(weights, bias=weights.bias - doubt(share))
        mask = weigh(volume, plan, plan.block, logits, doubting)
    yield MaskUpdate(plan.block, mask)


def _closer_look(
    predictor: SlicePredictor,
    volume: Volume,
    plan: SlicePlan,
    needed: IndexBox,
    view: IndexBox,
    window: Window,
    weights: FusionWeights,
    mask: npt.NDArray[np.bool_],
) -> Iterator[MaskUpdate]:
    """The slices decoded once more with the box that the lesion needs; nothing is encoded anew."""
    slices = range(needed.start_ijk[plan.axis], needed.stop_ijk[plan.axis])
    closer = SlicePlan(plan.axis, tuple(slab(needed, plan.axis, n) for n in slices))
    logits = np.full(_shape(closer), weights.logit_floor, np.float32)
    shown = np.moveaxis(mask, 2 - plan.axis, 0)
    for done, (n, answer) in enumerate(ask_slices(predictor, volume, closer, view, window), start=1):
        logits[n] = answer
        position = closer.boxes[n].start_ijk[plan.axis] - plan.block.start_ijk[plan.axis]
        yield _slice_update(plan, position, shown[position], 0.8 + 0.19 * done / len(closer.boxes))
    i, j, k = plan.block.start_ijk
    closer_mask = np.zeros_like(mask)
    inside = closer.block.shift((-i, -j, -k)).slices_kji()
    closer_mask[inside] = weigh(volume, closer, plan.block, logits, weights)
    yield MaskUpdate(plan.block, closer_mask)


def _needed_block(plan: SlicePlan, mask: npt.NDArray[np.bool_]) -> IndexBox:
    """What a lesion needs of its 3D box, with a voxel around it; all of it where the slices were chosen."""
    needed = IndexBox.of_mask(mask)
    if needed is None or not plan.ends_inside or plan.start is not None:
        return plan.block
    return needed.shift(plan.block.start_ijk).grow(1).intersect(plan.block)


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


def ask_slices(
    predictor: SlicePredictor, volume: Volume, plan: SlicePlan, view: IndexBox, window: Window
) -> Iterator[tuple[int, Floats]]:
    """The network's answer in each slice, from the middle outwards.

    Args:
        predictor: the model.
        volume: the scan.
        plan: slices and boxes.
        view: the part of the slices that the network sees.
        window: grey values between which it sees.

    Yields:
        The position in `plan.boxes` and the logits (rows, columns) over the plan's block.
    """
    order, block = plan.middle_first(), plan.block
    boxes = [plan.boxes[n] for n in order]
    frames = [
        predictor.frame(volume, plan.axis, slab(view, plan.axis, box.start_ijk[plan.axis])) for box in boxes
    ]
    rows, columns = (
        slice(block.start_ijk[a] - view.start_ijk[a], block.stop_ijk[a] - view.start_ijk[a])
        for a in IN_PLANE[plan.axis]
    )
    embeddings = predictor.embed_each(volume, frames, window)
    for n, box, frame, embedding in zip(order, boxes, frames, embeddings, strict=True):
        yield n, predictor.logits(embedding, frame, [box], (rows, columns))[0]
