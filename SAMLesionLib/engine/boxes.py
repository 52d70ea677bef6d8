"""Boxes from what readers draw in slices: a diameter, a cross, one 2D box, several of them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import IN_PLANE
from SAMLesionLib.prompts import BoxPrompt, LinePrompt

SHORT_OVER_LONG = 0.75
"""Short axis over long axis where only the long one was drawn; the median of the expert outlines of
`docs/procedure.md` is 0.73, and a box a little too large does less harm than one too small."""

FLAT_VOXELS = 0.75
"""Two ends of a line within so many voxels along an axis lie in one slice."""


def box_from_lines(lines: list[LinePrompt], affine: Affine) -> BoxPrompt:
    """The 2D box around the ellipse whose diameters were drawn, or the 3D box of a diameter across slices.

    Args:
        lines: one diameter, or a long and a short one in the same slice.
        affine: the volume's grid.

    Raises:
        PromptError: for more than two lines, or two in different slices, or one of no length.
    """
    ends = np.array([[line.start_ijk, line.stop_ijk] for line in lines])
    if len(lines) > 2:
        raise PromptError(f"One lesion takes one diameter or a long and a short one, got {len(lines)} lines.")
    if (np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) < 1.0).any():
        raise PromptError("A diameter must be longer than one voxel. Draw it across the lesion.")
    axis = _common_slice(ends, affine.slice_axis)
    middle = ends.mean(axis=(0, 1))
    if axis is None:
        if len(lines) == 2:
            raise PromptError(
                "A long and a short diameter lie in one slice, these do not. Draw them in one view."
            )
        half = np.full(3, np.linalg.norm(_mm(ends[0, 1] - ends[0, 0], affine)) / 2) / affine.spacing_mm
        return BoxPrompt(IndexBox.around([middle - half, middle + half]))
    half = _ellipse_half_widths(ends, axis, affine)
    box = IndexBox.around([middle - half, middle + half])
    start, stop = list(box.start_ijk), list(box.stop_ijk)
    start[axis] = round(float(middle[axis]))
    stop[axis] = start[axis] + 1
    return BoxPrompt(IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])), axis)


def _common_slice(ends: npt.NDArray[np.float64], preferred: int) -> int | None:
    span = np.ptp(ends.reshape(-1, 3), axis=0)
    flat = [a for a in range(3) if span[a] <= FLAT_VOXELS]
    if not flat:
        return None
    return preferred if preferred in flat else flat[-1]


def _ellipse_half_widths(ends: npt.NDArray[np.float64], axis: int, affine: Affine) -> npt.NDArray[np.float64]:
    """Half the sides of the box around the ellipse with these diameters, in voxels."""
    halves = sorted(
        ((stop - start) / 2 for start, stop in ends), key=lambda v: -np.linalg.norm(_mm(v, affine))
    )
    long = halves[0]
    if len(halves) == 2:
        short = halves[1]
    else:
        rows, columns = IN_PLANE[axis]
        spacing = affine.spacing_mm
        short = np.zeros(3)
        # A quarter turn in the slice, in millimetres.
        short[rows] = SHORT_OVER_LONG * long[columns] * spacing[columns] / spacing[rows]
        short[columns] = -SHORT_OVER_LONG * long[rows] * spacing[rows] / spacing[columns]
    half: npt.NDArray[np.float64] = np.hypot(long, short)
    half[axis] = 0.0
    return half


def _mm(vector_ijk: npt.NDArray[np.float64], affine: Affine) -> npt.NDArray[np.float64]:
    return affine.ijk_to_ras[:3, :3] @ vector_ijk


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
