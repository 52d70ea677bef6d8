"""Lesion-wise detection: which lesions were found, and which findings are no lesion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.metrics.overlap import as_mask_pair


@dataclass(frozen=True)
class LesionDetection:
    """Counts of lesions, each a connected region of its mask.

    Attributes:
        n_reference: lesions of the expert.
        n_predicted: regions that were predicted.
        n_found: the expert's lesions that the prediction meets.
        n_confirmed: predicted regions that meet a lesion of the expert.
    """

    n_reference: int
    n_predicted: int
    n_found: int
    n_confirmed: int

    @property
    def precision(self) -> float:
        """The share of predicted regions that are lesions; 1 when nothing was predicted."""
        return self.n_confirmed / self.n_predicted if self.n_predicted else 1.0

    @property
    def recall(self) -> float:
        """The share of lesions that were found; 1 when there is no lesion."""
        return self.n_found / self.n_reference if self.n_reference else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 when both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def detect_lesions(
    reference: npt.NDArray[Any], predicted: npt.NDArray[Any], min_share: float = 0.0
) -> LesionDetection:
    """Compare two masks lesion by lesion.

    A region meets the other mask when they share at least one voxel and more than `min_share` of the
    region. Regions are connected over faces, edges and corners.

    Args:
        reference: the expert's mask, (k, j, i).
        predicted: our mask, (k, j, i).
        min_share: 0 to 1, how much of a region must be shared.
    """
    reference, predicted = as_mask_pair(reference, predicted)
    n_reference, n_found = _count_met(reference, predicted, min_share)
    n_predicted, n_confirmed = _count_met(predicted, reference, min_share)
    return LesionDetection(n_reference, n_predicted, n_found, n_confirmed)


def _count_met(
    mask: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], min_share: float
) -> tuple[int, int]:
    """How many regions the mask has, and how many of them meet the other mask."""
    from scipy import ndimage

    labels, n_regions = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels[mask], minlength=n_regions + 1)[1:]
    shared = np.bincount(labels[mask & other], minlength=n_regions + 1)[1:]
    met = (shared > 0) & (shared > min_share * sizes)
    return int(n_regions), int(np.count_nonzero(met))
