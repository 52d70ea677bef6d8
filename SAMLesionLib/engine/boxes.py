"""Boxes from 2D boxes: the depth that one stands for, and those between several."""

from __future__ import annotations

import math

import numpy as np

from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import IN_PLANE
from SAMLesionLib.prompts import BoxPrompt


def box_from_slice_box(prompt: BoxPrompt, affine: Affine) -> IndexBox:
    """The 3D box of a lesion seen in one slice: as deep as its longer side, in millimetres.

    The procedure finds the lesion's ends inside; a box too shallow would cut them off.
    """
    axis = prompt.axis or 0
    sides_mm = [prompt.box.shape_ijk[a] * affine.spacing_mm[a] for a in IN_PLANE[axis]]
    by = [0, 0, 0]
    by[axis] = round((max(sides_mm) / affine.spacing_mm[axis] - 1) / 2)
    return prompt.box.grow((by[0], by[1], by[2]))


def boxes_between(prompts: list[BoxPrompt]) -> list[IndexBox]:
    """One box for each slice from the first to the last drawn one, sides interpolated linearly.

    A slice drawn twice counts as drawn last.
    """
    drawn = {p.index: p.box for p in prompts}
    axis = prompts[0].axis or 0
    indices = sorted(drawn)
    sides = np.array([[*drawn[n].start_ijk, *drawn[n].stop_ijk] for n in indices], dtype=np.float64)
    boxes = []
    for n in range(indices[0], indices[-1] + 1):
        # Halves go up on both sides: rounded to even, a thin box would lose its width.
        side = [math.floor(float(np.interp(n, indices, column)) + 0.5) for column in sides.T]
        side[axis], side[3 + axis] = n, n + 1
        boxes.append(IndexBox((side[0], side[1], side[2]), (side[3], side[4], side[5])))
    return boxes
