"""Masks as a simulated reader would leave them: the expert's, with a border that wavers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.geometry import IndexBox

MARGIN = 4
SMOOTHING = 2.0
"""Voxels over which the waver of a border is alike."""


def wavering(mask_kji: npt.NDArray[Any], by_voxels: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """A mask whose border is moved in and out by a smooth random field.

    Args:
        mask_kji: the expert's mask.
        by_voxels: standard deviation of the movement.
        rng: of chance.

    Returns:
        A new mask of the same shape.
    """
    inside = np.asarray(mask_kji, bool)
    box = IndexBox.of_mask(inside)
    moved = np.zeros_like(inside)
    if box is None:
        return moved
    block = tuple(
        slice(max(0, part.start - MARGIN), min(size, part.stop + MARGIN))
        for part, size in zip(box.slices_kji(), inside.shape, strict=True)
    )
    part = inside[block]
    # Half a voxel in and out: the border lies between voxels.
    depth = np.where(
        part, ndimage.distance_transform_edt(part) - 0.5, 0.5 - ndimage.distance_transform_edt(~part)
    )
    field = ndimage.gaussian_filter(rng.normal(size=part.shape), SMOOTHING)
    moved[block] = depth + by_voxels * field / field.std() > 0
    return moved
