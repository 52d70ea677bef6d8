"""Overlap and volume of two masks of the same grid.

Two empty masks agree fully; one empty mask and one that is not do not agree at all. `reference` is the
expert's mask, `predicted` ours; both are (k, j, i) arrays whose non-zero voxels are the lesion.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import Affine

Mask = npt.NDArray[Any]


def dice(reference: Mask, predicted: Mask) -> float:
    """Twice the shared voxels over the sum of both: 0 to 1, and 1 when both are empty."""
    shared, n_reference, n_predicted = _counts(reference, predicted)
    return _ratio(2 * shared, n_reference + n_predicted)


def jaccard(reference: Mask, predicted: Mask) -> float:
    """The shared voxels over the voxels in either: 0 to 1, and 1 when both are empty."""
    shared, n_reference, n_predicted = _counts(reference, predicted)
    return _ratio(shared, n_reference + n_predicted - shared)


def precision(reference: Mask, predicted: Mask) -> float:
    """How much of the prediction is lesion: 0 to 1, and 1 when nothing was predicted."""
    shared, _, n_predicted = _counts(reference, predicted)
    return _ratio(shared, n_predicted)


def recall(reference: Mask, predicted: Mask) -> float:
    """How much of the lesion was found: 0 to 1, and 1 when there is no lesion."""
    shared, n_reference, _ = _counts(reference, predicted)
    return _ratio(shared, n_reference)


def volume_ml(mask: Mask, affine: Affine) -> float:
    """The mask's volume in millilitres, right on sheared grids too."""
    return int(np.count_nonzero(mask)) * affine.voxel_ml


def volume_difference_ml(reference: Mask, predicted: Mask, affine: Affine) -> float:
    """Predicted minus reference volume in millilitres: positive when too much was segmented."""
    return volume_ml(predicted, affine) - volume_ml(reference, affine)


def relative_volume_difference(reference: Mask, predicted: Mask) -> float:
    """Predicted minus reference volume, over the reference's.

    Zero when both are empty, infinite when only the reference is.
    """
    _, n_reference, n_predicted = _counts(reference, predicted)
    if n_reference == 0:
        return 0.0 if n_predicted == 0 else float("inf")
    return (n_predicted - n_reference) / n_reference


def as_mask_pair(reference: Mask, predicted: Mask) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Both masks as booleans.

    Raises:
        ValueError: when their shapes differ; a caller compared masks of two grids.
    """
    if reference.shape != predicted.shape:
        raise ValueError(f"masks must share one grid, got {reference.shape} and {predicted.shape} (k, j, i)")
    return reference.astype(bool, copy=False), predicted.astype(bool, copy=False)


def _counts(reference: Mask, predicted: Mask) -> tuple[int, int, int]:
    reference, predicted = as_mask_pair(reference, predicted)
    shared = int(np.count_nonzero(reference & predicted))
    return shared, int(np.count_nonzero(reference)), int(np.count_nonzero(predicted))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
