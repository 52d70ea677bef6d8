"""Boxes from diameters, as in RECIST: the ellipse they span in each slice where they were drawn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import IN_PLANE, slab
from SAMLesionLib.prompts import BoxPrompt, LinePrompt

Floats = npt.NDArray[np.float64]

SHORT_OVER_LONG = 0.75
"""Short axis over long axis where only the long one was drawn; the median of the expert outlines of
`docs/procedure.md` is 0.73, and a box a little too large does less harm than one too small."""

FLAT_VOXELS = 0.75
"""Two ends of a line within so many voxels along an axis lie in one slice."""


def boxes_from_lines(lines: list[LinePrompt], affine: Affine) -> list[BoxPrompt]:
    """One 2D box for each slice in which diameters were drawn, or the 3D box of a diameter across slices.

    Args:
        lines: in each slice one diameter, or a long and a short one; all in one view.
        affine: the volume's grid.

    Returns:
        The boxes around the ellipses with these diameters, in the order of the slices.

    Raises:
        PromptError: for a third line in a slice, lines of different views, or one of no length.
    """
    ends = np.array([[line.start_ijk, line.stop_ijk] for line in lines])
    if (np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) < 1.0).any():
        raise PromptError("A diameter must be longer than one voxel. Draw it across the lesion.")
    axis = _view(ends, affine.slice_axis)
    if axis is None and len(lines) == 1:
        return [_ball(ends[0], affine)]
    if axis is None:
        raise PromptError(
            "Several diameters of one lesion lie in slices of one view, these do not. Draw them in one view."
        )
    slices = _slices(ends, axis)
    return [_box_in_slice(ends[slices == n], axis, int(n), affine) for n in np.unique(slices)]


def _view(ends: Floats, preferred: int) -> int | None:
    """The axis across whose slices all lines were drawn, None without one.

    Parallel lines may lie in slices of two views. The one in which they lie in more slices was meant,
    since two diameters of one slice cross.
    """
    span = np.ptp(ends, axis=1).max(axis=0)
    flat = [a for a in range(3) if span[a] <= FLAT_VOXELS]
    return max(flat, key=lambda a: (len(np.unique(_slices(ends, a))), a == preferred, a), default=None)


def _slices(ends: Floats, axis: int) -> npt.NDArray[np.int64]:
    """The slice (N,) in which each line lies; a slice between two voxels does not part a cross."""
    middles = ends[:, :, axis].mean(axis=1)
    order = np.argsort(middles)
    group = np.concatenate([[0], np.cumsum(np.diff(middles[order]) > FLAT_VOXELS)])
    slices = np.empty(len(ends), dtype=np.int64)
    slices[order] = np.floor(np.bincount(group, middles[order]) / np.bincount(group) + 0.5)[group]
    return slices


def _ball(ends: Floats, affine: Affine) -> BoxPrompt:
    half = np.full(3, np.linalg.norm(_mm(ends[1] - ends[0], affine)) / 2) / affine.spacing_mm
    middle = ends.mean(axis=0)
    return BoxPrompt(IndexBox.around([middle - half, middle + half]))


def _box_in_slice(ends: Floats, axis: int, index: int, affine: Affine) -> BoxPrompt:
    if len(ends) > 2:
        raise PromptError(
            f"A slice takes one diameter or a long and a short one, got {len(ends)} lines in slice "
            f"{'ijk'[axis]} = {index}. Delete those that are too many."
        )
    half, middle = _ellipse_half_widths(ends, axis, affine), ends.mean(axis=(0, 1))
    return BoxPrompt(slab(IndexBox.around([middle - half, middle + half]), axis, index), axis)


def _ellipse_half_widths(ends: Floats, axis: int, affine: Affine) -> Floats:
    """Half the sides of the box around the ellipse with these diameters, in voxels."""
    halves = sorted(
        ((stop - start) / 2 for start, stop in ends), key=lambda v: -np.linalg.norm(_mm(v, affine))
    )
    long = halves[0]
    short = halves[1] if len(halves) == 2 else _quarter_turn(SHORT_OVER_LONG * long, axis, affine)
    half: Floats = np.hypot(long, short)
    half[axis] = 0.0
    return half


def _quarter_turn(vector_ijk: Floats, axis: int, affine: Affine) -> Floats:
    """The vector turned by 90 degrees in its slice, as long in millimetres as before."""
    (rows, columns), spacing = IN_PLANE[axis], affine.spacing_mm
    turned = np.zeros(3)
    turned[rows] = vector_ijk[columns] * spacing[columns] / spacing[rows]
    turned[columns] = -vector_ijk[rows] * spacing[rows] / spacing[columns]
    return turned


def _mm(vector_ijk: Floats, affine: Affine) -> Floats:
    return affine.ijk_to_ras[:3, :3] @ vector_ijk
