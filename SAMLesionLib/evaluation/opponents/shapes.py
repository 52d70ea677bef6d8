"""The nulls of every table: masks made from the box alone, without a look at the image."""

from __future__ import annotations

import numpy as np

from SAMLesionLib.evaluation.opponents.question import Mask, Question, within
from SAMLesionLib.geometry import IndexBox


def box_fill(question: Question) -> Mask:
    """Every voxel of the boxes."""
    return question.inside


def ellipsoid(question: Question) -> Mask:
    """The ellipsoid that touches the sides of a 3D box; where each slice has its own box, its ellipse."""
    if question.inside.all():
        return _ellipsoid(question.block)
    mask = np.zeros(question.block.shape_kji, bool)
    for box in question.boxes:
        mask[within(box, question.block)] = _ellipsoid(box)
    return mask


def _ellipsoid(box: IndexBox) -> Mask:
    k, j, i = (((np.arange(n) + 0.5) / n * 2 - 1) ** 2 for n in box.shape_kji)
    return np.asarray(k[:, None, None] + j[None, :, None] + i <= 1)
