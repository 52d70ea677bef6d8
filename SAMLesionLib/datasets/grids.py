"""Whether an image and its label lie on one grid, and how they differ when they do not."""

from __future__ import annotations

import numpy as np

from SAMLesionLib.geometry import Affine
from SAMLesionLib.volume import Volume

TOLERATED_VOXELS = 0.1
"""Files round their matrices; a tenth of the smallest voxel side moves no metric."""


def orientation(affine: Affine) -> str:
    """Where i, j and k point to, like "RAS" or "LPS": the nearest axis of the patient for each."""
    letters = []
    for column in affine.ijk_to_ras[:3, :3].T:
        axis = int(np.argmax(np.round(np.abs(column), 6)))
        letters.append("RAS"[axis] if column[axis] > 0 else "LPI"[axis])
    return "".join(letters)


def grid_fault(image: Volume, other: Volume, what: str = "label") -> str | None:
    """One sentence on how a map's grid differs from its image's, None when it does not.

    Args:
        image: the scan.
        other: the map.
        what: what to call the map.
    """
    if other.shape_ijk != image.shape_ijk:
        sizes = [" x ".join(map(str, v.shape_ijk)) for v in (other, image)]
        return (
            f"its {what} has {sizes[0]} voxels and its image {sizes[1]}. Resample the {what} onto the image."
        )
    turned = [orientation(v.affine) for v in (other, image)]
    if turned[0] != turned[1]:
        return f"its {what} is oriented {turned[0]} and its image {turned[1]}. Bring both to one orientation."
    away_mm = _corners_apart_mm(image, other)
    if away_mm > TOLERATED_VOXELS * min(image.affine.spacing_mm):
        return f"its {what} lies up to {away_mm:.3g} mm beside its image. Resample the {what} onto the image."
    return None


def _corners_apart_mm(image: Volume, other: Volume) -> float:
    corners_ijk = image.block.corners_ijk()
    apart = image.affine.to_ras(corners_ijk) - other.affine.to_ras(corners_ijk)
    return float(np.linalg.norm(apart, axis=1).max())
