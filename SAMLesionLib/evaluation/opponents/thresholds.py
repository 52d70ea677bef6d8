"""Thresholds in the box, as every viewer offers them. Their parameters follow from the box by rule."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.evaluation.opponents.question import Mask, Question, within
from SAMLesionLib.imaging import IN_PLANE

RING_SHARE = 0.15
"""Width of the ring around the box that stands for healthy tissue, over the box's side."""

Levels = tuple[float, float]


def otsu(question: Question) -> Mask:
    """SimpleITK's Otsu threshold of the block, and of both sides the one in which its core lies."""
    import SimpleITK as sitk

    grey = question.grey(question.block).astype(np.float32)
    if grey.min() == grey.max():
        return question.inside
    low = sitk.GetArrayFromImage(sitk.OtsuThreshold(sitk.GetImageFromArray(grey), 1, 0)) == 0
    is_low = low[core_of(grey.shape)].mean() > 0.5
    return np.asarray((low if is_low else ~low) & question.inside)


def midpoint(question: Question) -> Mask:
    """All voxels on the core's side of the middle between core and ring."""
    return np.asarray(_between(question.grey(question.block), levels_of(question)) & question.inside)


def connected_threshold(question: Question) -> Mask:
    """SimpleITK's ConnectedThreshold between the midpoint's levels.

    Seeds are the voxel between the levels that is nearest to the middle, and positive clicks; the tool
    has no use for negative ones.
    """
    import SimpleITK as sitk

    levels = levels_of(question)
    grey = question.grey(question.block).astype(np.float32)
    seeds = [_nearest_to_middle(_between(grey, levels))]
    start = np.asarray(question.block.start_ijk)
    seeds += [
        tuple(int(v) for v in click - start)
        for click in question.positive_ijk
        if question.block.contains(click)
    ]
    image = sitk.GetImageFromArray(grey)
    grown = sitk.ConnectedThreshold(image, [s for s in seeds if s], float(levels[0]), float(levels[1]))
    return np.asarray((sitk.GetArrayFromImage(grown) > 0) & question.inside)


def levels_of(question: Question) -> Levels:
    """The grey values, low and high, between which the lesion is thought to lie.

    One end is the middle between the median of the block's core and the median of a ring around it,
    within the slices; the other is the block's own extreme on the core's side.
    """
    grey = question.grey(question.block)
    core = float(np.median(grey[core_of(grey.shape)]))
    ring = _ring(question)
    healthy = float(np.median(ring if ring.size else grey))
    middle = (core + healthy) / 2
    return (middle, float(grey.max())) if core > healthy else (float(grey.min()), middle)


def core_of(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The middle two fifths of a block along each axis, at least one voxel."""
    return tuple(slice(int(n * 0.3), max(int(n * 0.3) + 1, math.ceil(n * 0.7))) for n in shape)


def _ring(question: Question) -> npt.NDArray[Any]:
    """Grey values (N,) beside the block, within its slices."""
    sides = [question.block.shape_ijk[axis] for axis in IN_PLANE[question.axis]]
    rows, columns = (max(1, round(RING_SHARE * side)) for side in sides)
    wide = question.widened(rows, columns)
    beside = np.ones(wide.shape_kji, bool)
    beside[within(question.block, wide)] = False
    return question.grey(wide)[beside]


def _between(grey: npt.NDArray[Any], levels: Levels) -> Mask:
    return np.asarray((grey >= levels[0]) & (grey <= levels[1]))


def _nearest_to_middle(mask: Mask) -> tuple[int, ...]:
    """The voxel (i, j, k) of a mask nearest to the middle of its array, empty when there is none."""
    if not mask.any():
        return ()
    voxels_kji = np.argwhere(mask)
    middle = np.asarray(mask.shape) // 2
    nearest = voxels_kji[np.argmin(((voxels_kji - middle) ** 2).sum(axis=1))]
    return tuple(int(v) for v in nearest[::-1])
