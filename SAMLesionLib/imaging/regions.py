"""Connected regions of a mask: which to keep, and holes to fill."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.geometry import IndexBox

_EVERY_NEIGHBOUR = np.ones((3, 3, 3), dtype=bool)


def keep_main_regions(mask: npt.NDArray[np.bool_], least_share: float = 0.3) -> npt.NDArray[np.bool_]:
    """The mask without crumbs.

    Args:
        mask: 3D booleans.
        least_share: 26-connected regions smaller than this share of the largest one are dropped.
    """
    labels, n_regions = ndimage.label(mask, _EVERY_NEIGHBOUR)
    if n_regions < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (sizes >= least_share * sizes.max())[labels] & mask


def keep_meant_regions(mask: npt.NDArray[np.bool_], meant: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The 26-connected regions of a mask that hold something a reader meant; the main ones when none does.

    Args:
        mask: 3D booleans.
        meant: same shape, such as the places of clicks.
    """
    labels, _ = ndimage.label(mask, _EVERY_NEIGHBOUR)
    chosen = np.unique(labels[meant & mask])
    return np.isin(labels, chosen) if chosen.size else keep_main_regions(mask)


def connected_parts(mask: npt.NDArray[np.bool_]) -> list[tuple[IndexBox, npt.NDArray[np.bool_]]]:
    """The 26-connected regions of a mask (k, j, i), the largest first: the block of each and its voxels."""
    labels, _ = ndimage.label(mask, _EVERY_NEIGHBOUR)
    parts = [(box, labels[box.slices_kji()] == n) for n, box in label_boxes(labels).items()]
    return sorted(parts, key=lambda part: -int(part[1].sum()))


def label_boxes(labels: npt.NDArray[np.integer[Any]]) -> dict[int, IndexBox]:
    """The tight block around each label of a label map (k, j, i), found in one pass."""
    boxes = {}
    for n, found in enumerate(ndimage.find_objects(labels) if labels.size else (), start=1):
        if found is not None:
            (k0, k1), (j0, j1), (i0, i1) = ((s.start, s.stop) for s in found)
            boxes[n] = IndexBox((i0, j0, k0), (i1, j1, k1))
    return boxes


def fill_holes_in_slices(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The mask with background that a slice (axis 0) encloses filled."""
    return np.stack([ndimage.binary_fill_holes(plane) for plane in mask])
