"""Where a 3D model looks: cubes that hold the lesion as the prompts and the answer so far show it.

A cube has few cells, so a lesion larger than it is shown in coarser ones and a small one in finer ones,
as far as the model's recipe allows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from SAMLesionLib.engine.volume_predictor import VolumePredictor
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import PatchFrame
from SAMLesionLib.prompts import PointPrompt
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]

BOX_SHARE = 0.6
"""The longest side of a drawn lesion over the side of its cube: the rest shows what it lies in."""

FOUND_SHARE = 0.45
"""The same for a lesion that the model has found itself, of which there may be more."""

SMALL_SHARE = 0.2
"""A lesion whose longest side is a smaller share of its cube gets a closer look."""

EDGE_SHARE = 0.05
"""A click nearer to the cube's side than this share of it cannot be judged there."""


def cube_around_box(
    predictor: VolumePredictor, volume: Volume, box: IndexBox, share: float = BOX_SHARE
) -> PatchFrame:
    """The cube for a lesion whose box is known, which is to fill this share of the cube's side."""
    longest_mm = max(np.multiply(box.shape_ijk, volume.affine.spacing_mm))
    step_mm = longest_mm / (share * predictor.size)
    return _cube(predictor, volume, box.centre_ijk, _allowed(predictor, step_mm))


def cube_around_click(
    predictor: VolumePredictor,
    volume: Volume,
    click: PointPrompt,
    before: PatchFrame | None,
    found: Floats | None,
) -> PatchFrame:
    """The cube for a new click: the one before where the click lies well in it, else one that holds both.

    Args:
        predictor: the model.
        volume: the scan.
        click: the newest.
        before: the cube of the answer so far, None without one.
        found: that answer's logits (n, n, n).
    """
    if before is None or found is None:
        return _cube(predictor, volume, click.point_ijk, predictor.recipe.spacing_mm)
    if is_in(before, click, margin=EDGE_SHARE * before.size):
        return before
    lesion, clicked = box_of(before, found), IndexBox.around([click.point_ijk])
    return cube_around_box(predictor, volume, clicked if lesion is None else lesion.union(clicked))


def cubes_around_click(predictor: VolumePredictor, volume: Volume, click: PointPrompt) -> list[PatchFrame]:
    """The cubes of several sizes in which a first click is looked at, from the smallest."""
    steps = sorted(predictor.recipe.first_steps_mm)
    return [_cube(predictor, volume, click.point_ijk, step_mm) for step_mm in steps]


def is_in(frame: PatchFrame, click: PointPrompt, margin: float = 0.0) -> bool:
    """Whether a click lies in a cube, at least so many cells from its sides."""
    place = frame.to_dhw([click.point_ijk])
    return bool((place >= margin - 0.5).all() and (place <= frame.size - 0.5 - margin).all())


def fitting_cube(
    predictor: VolumePredictor, volume: Volume, frame: PatchFrame, found: Floats
) -> PatchFrame | None:
    """A cube in which the lesion that was found fits better, None where this one will do.

    A lesion that reaches the cube's sides within the image is looked at in cells twice as coarse; one that
    is small in finer ones.

    Args:
        predictor: the model.
        volume: the scan.
        frame: the cube looked at.
        found: logits (n, n, n), above 0 only where the lesion is.
    """
    box = box_of(frame, found)
    if box is None:
        return None
    if reaches_side(found > 0, frame, volume):
        step_mm = _allowed(predictor, 2 * frame.step_mm)
        is_better = step_mm > frame.step_mm
    else:
        longest_mm = max(np.multiply(box.shape_ijk, volume.affine.spacing_mm))
        if longest_mm >= SMALL_SHARE * frame.side_mm:
            return None
        # Half of what a drawn box would get: the first look at a small lesion is a rough one.
        step_mm = _allowed(predictor, 2 * longest_mm / (BOX_SHARE * predictor.size))
        is_better = step_mm < 0.75 * frame.step_mm
    return _cube(predictor, volume, box.centre_ijk, step_mm) if is_better else None


def lesion_block(frame: PatchFrame, logits: Floats, volume: Volume) -> IndexBox | None:
    """The voxels of the image in which logits may rise above 0, None when they do nowhere."""
    box = box_of(frame, logits)
    if box is None:
        return None
    i, j, k = np.ceil(frame.side_mm / len(logits) / np.array(volume.affine.spacing_mm)).astype(int)
    block = box.grow((i, j, k)).intersect(frame.block()).intersect(volume.block)
    return None if block.is_empty else block


def box_of(frame: PatchFrame, logits: Floats) -> IndexBox | None:
    """The voxels around the cells above 0, None when there are none."""
    cells = np.argwhere(logits > 0)
    if len(cells) == 0:
        return None
    faces = np.array([cells.min(axis=0), cells.max(axis=0) + 1]) * (frame.size / len(logits)) - 0.5
    # Drawn in by a little: the face of a cell on the face of a voxel does not take in the next one.
    inward = np.array([[1e-6], [-1e-6]])
    return IndexBox.around(frame.to_ijk(faces + inward))


def reaches_side(found: npt.NDArray[np.bool_], frame: PatchFrame, volume: Volume) -> bool:
    """Whether a mask (n, n, n) touches a side of the cube behind which the image goes on."""
    for axis in range(3):
        for place, beyond in ((0, -1.0), (-1, float(frame.size))):
            if found.take(place, axis=axis).any():
                outside = [(frame.size - 1) / 2] * 3
                outside[axis] = beyond
                voxel_axis = frame.axes[axis]
                at = frame.to_ijk([outside])[0][voxel_axis]
                if -0.5 <= at <= volume.shape_ijk[voxel_axis] - 0.5:
                    return True
    return False


def _allowed(predictor: VolumePredictor, step_mm: float) -> float:
    recipe = predictor.recipe
    return float(min(max(step_mm, recipe.finest_mm), recipe.coarsest_mm))


def _cube(
    predictor: VolumePredictor, volume: Volume, centre_ijk: Sequence[float], step_mm: float
) -> PatchFrame:
    return PatchFrame.around(centre_ijk, _seen_affine(volume), step_mm, predictor.size)


def _seen_affine(volume: Volume) -> Affine:
    """The volume's grid; a scan of one slice is seen as thick as it is wide, since the lesion goes on.

    As thin as it is, it would be a sheet in the dark, in which the model finds nothing.
    """
    is_flat = np.equal(volume.shape_ijk, 1)
    if not is_flat.any():
        return volume.affine
    spacing_mm = np.array(volume.affine.spacing_mm)
    longest_mm = max(np.multiply(volume.shape_ijk, spacing_mm))
    matrix = volume.affine.ijk_to_ras.copy()
    matrix[:3, :3] *= np.where(is_flat, longest_mm / spacing_mm, 1.0)
    return Affine(matrix)
