"""Tools that grow a mask from seeds: GrowCut and the random walker.

Seeds of the lesion are the voxels in the middle of the box between the midpoint's levels, and positive
clicks; seeds of what is no lesion are all voxels beside the boxes, and negative clicks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.evaluation.opponents.question import Mask, Question, within
from SAMLesionLib.evaluation.opponents.thresholds import core_of, levels_of
from SAMLesionLib.geometry import IndexBox

LESION, OTHER = 1, 2
MARGIN_VOXELS = 3
"""How far around the boxes the tools look, within the slices."""

BETA = 500
"""How firmly edges stop the random walker; grey values are scaled to 0 to 1."""

TOLERANCE = 1e-5
"""Of the random walker's equations."""

Seeds = npt.NDArray[np.uint8]


def growcut(question: Question) -> Mask:
    """ITK's FastGrowCut (Zhu et al. 2014), the filter of the package itk-growcut."""
    import itk

    wide, seeds = _seeds(question)
    # The filter leaves voxels on its image's border as they are, so the image gets another border.
    grey = np.pad(question.grey(wide).astype(np.float32), 1, mode="edge")
    image, seed_image = (itk.image_from_array(a) for a in (grey, np.pad(seeds, 1, mode="edge")))
    grown = itk.array_from_image(itk.fast_grow_cut(image, seed_image=seed_image))[1:-1, 1:-1, 1:-1]
    return _in_block(grown == LESION, question, wide)


def random_walker(question: Question) -> Mask:
    """scikit-image's random walker (Grady 2006), spacing included."""
    from skimage.segmentation import random_walker as walk

    wide, seeds = _seeds(question)
    grey = question.grey(wide).astype(np.float32)
    spread = float(grey.max() - grey.min())
    if spread == 0 or not (seeds == OTHER).any():
        return question.inside
    scaled = (grey - grey.min()) / spread
    spacing_kji_mm = question.volume.affine.spacing_mm[::-1]
    # Only the larger of two probabilities is read: a rounding error beyond 0 or 1 needs no warning.
    labels: npt.NDArray[Any] = walk(
        scaled, seeds, beta=BETA, mode="cg_j", tol=TOLERANCE, prob_tol=1.0, spacing=spacing_kji_mm
    )
    return _in_block(labels == LESION, question, wide)


def load_itk() -> None:
    """Load what GrowCut needs, which takes seconds, so that the first lesion does not have to wait."""
    import itk

    block = np.zeros((3, 3, 3), np.uint8)
    itk.fast_grow_cut(itk.image_from_array(block.astype(np.float32)), seed_image=itk.image_from_array(block))


def _seeds(question: Question) -> tuple[IndexBox, Seeds]:
    """A block around the boxes, and the seeds in it: 0 where the tool shall decide."""
    wide = question.widened(MARGIN_VOXELS, MARGIN_VOXELS)
    seeds: Seeds = np.full(wide.shape_kji, OTHER, np.uint8)
    inner = seeds[within(question.block, wide)]
    inner[question.inside] = 0
    inner[_sure(question)] = LESION
    for value, clicks in ((LESION, question.positive_ijk), (OTHER, question.negative_ijk)):
        for click in clicks:
            if wide.contains(click):
                i, j, k = np.subtract(click, wide.start_ijk)
                seeds[k, j, i] = value
    return wide, seeds


def _sure(question: Question) -> Mask:
    """Voxels of the core between the levels; the whole core when there are none."""
    grey = question.grey(question.block)
    low, high = levels_of(question)
    core = np.zeros(grey.shape, bool)
    core[core_of(grey.shape)] = True
    core &= question.inside
    sure = core & (grey >= low) & (grey <= high)
    return np.asarray(sure if sure.any() else core)


def _in_block(mask: Mask, question: Question, wide: IndexBox) -> Mask:
    return np.asarray(mask[within(question.block, wide)] & question.inside)
