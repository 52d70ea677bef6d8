"""What a reader draws on a lesion at first sight: boxes, a diameter, points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from SAMLesionLib.datasets.cases import Case, Lesion
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.metrics import axial_diameter
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, PointPrompt, PromptSet

Draw = Callable[[Case, Lesion, np.random.Generator], PromptSet]

_INSIDE_VOXELS = 0.499
"""How far a line may run past the centre of the image's last voxel: its face belongs to the next one."""


def draw_box(case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
    """The tight 3D box."""
    axis = case.volume.affine.slice_axis
    return PromptSet((BoxPrompt(_drawable(lesion.box, axis, case)),))


def draw_largest_slice_box(case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
    """The tight 2D box in the slice where the lesion is largest; in the first such slice on a tie."""
    axis = case.volume.affine.slice_axis
    areas = _slices(lesion, axis).sum(axis=(1, 2))
    return PromptSet((_slice_box(case, lesion, int(np.argmax(areas))),))


def draw_boxes_every(step: int) -> Draw:
    """Tight 2D boxes in the lesion's first slice, in every `step`-th after it, and in its last."""

    def draw(case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
        drawn = np.flatnonzero(_slices(lesion, case.volume.affine.slice_axis).any(axis=(1, 2)))
        last = int(drawn[-1])
        chosen = [int(n) for n in drawn if n % step == 0 or n == last]
        return PromptSet(tuple(_slice_box(case, lesion, n) for n in chosen))

    return draw


def draw_diameter(case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
    """The longest diameter within a slice, in the slice where it is longest, as RECIST measures."""
    found = axial_diameter(lesion.mask, case.volume.affine, case.volume.affine.slice_axis)
    assert found is not None, "a lesion has voxels"
    ends = np.asarray(found.long_ends_ijk) + lesion.box.start_ijk
    highest = np.subtract(case.volume.shape_ijk, 1) + _INSIDE_VOXELS
    (a, b, c), (d, e, f) = np.clip(ends, -_INSIDE_VOXELS, highest).tolist()
    return PromptSet((LinePrompt((a, b, c), (d, e, f)),))


def draw_points(count: int) -> Draw:
    """Points on voxels of the lesion, drawn at random with replacement, as TAGS tests."""

    def draw(case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
        inside_kji = np.argwhere(lesion.mask)
        chosen = inside_kji[rng.integers(len(inside_kji), size=count)]
        points = chosen[:, ::-1] + np.asarray(lesion.box.start_ijk)
        return PromptSet(tuple(PointPrompt((float(i), float(j), float(k))) for i, j, k in points))

    return draw


def loosened(draw: Draw, pixels: int, in_plane: bool = False) -> Draw:
    """The same boxes as people draw them: every side moved out by 0 to `pixels` voxels.

    Each side of each box draws its own whole number, all equally likely, as in MedSAM's training. The
    slice of a 2D box stays; so do the first and the last slice of a 3D box when `in_plane`.
    """

    def draw_loosely(case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
        tight = draw(case, lesion, rng).of(BoxPrompt)
        return PromptSet(tuple(_loosen(box, case, pixels, in_plane, rng) for box in tight))

    return draw_loosely


def _loosen(
    prompt: BoxPrompt, case: Case, pixels: int, in_plane: bool, rng: np.random.Generator
) -> BoxPrompt:
    out = rng.integers(0, pixels + 1, size=(2, 3))
    still = case.volume.affine.slice_axis if in_plane and prompt.axis is None else prompt.axis
    if still is not None:
        out[:, still] = 0
    start, stop = prompt.box.start_ijk - out[0], prompt.box.stop_ijk + out[1]
    loose = IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    return BoxPrompt(loose.intersect(case.volume.block), prompt.axis)


def _slices(lesion: Lesion, axis: int) -> np.ndarray:
    """The lesion's slices across a voxel axis, slices first."""
    return np.moveaxis(lesion.mask, 2 - axis, 0)


def _slice_box(case: Case, lesion: Lesion, number: int) -> BoxPrompt:
    """The tight box in the lesion's slice of this number."""
    axis = case.volume.affine.slice_axis
    plane = np.expand_dims(_slices(lesion, axis)[number], 2 - axis)
    tight = IndexBox.of_mask(plane)
    assert tight is not None, "this slice has voxels of the lesion"
    offset = list(lesion.box.start_ijk)
    offset[axis] += number
    return BoxPrompt(_drawable(tight.shift((offset[0], offset[1], offset[2])), axis, case), axis)


def _drawable(box: IndexBox, axis: int, case: Case) -> IndexBox:
    """The box, or around a single voxel the smallest that can be drawn: a voxel wider in its slice."""
    if box.n_voxels > 1:
        return box
    by = [1, 1, 1]
    by[axis] = 0
    return box.grow((by[0], by[1], by[2])).intersect(case.volume.block)
