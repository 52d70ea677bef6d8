"""Distances between the surfaces of two masks, each surface element weighted by its area.

The measure is that of Nikolov et al. (2018, arXiv:1809.04430) and agrees with their surface-distance
package: a surface element lies between 2 x 2 x 2 voxels that are not all alike, and its area is that of
the triangles marching cubes would draw there. Two differences: grids may be sheared, and distances are
rounded to a nanometre, so that the rounding of a matrix cannot decide a tie with the tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.metrics.elements import element_areas_mm2
from SAMLesionLib.metrics.overlap import as_mask_pair

Floats = npt.NDArray[np.float64]
_NM_DIGITS = 6
_ALL_INSIDE = 255


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """How far each surface element of one mask is from the surface of the other.

    Attributes:
        to_predicted_mm: distances of the reference's elements to the predicted surface, (N,); infinite
            when nothing was predicted.
        to_reference_mm: distances of the predicted elements to the reference's surface, (M,).
        reference_areas_mm2: areas of the reference's elements, (N,).
        predicted_areas_mm2: areas of the predicted elements, (M,).
    """

    to_predicted_mm: Floats
    to_reference_mm: Floats
    reference_areas_mm2: Floats
    predicted_areas_mm2: Floats

    @property
    def is_empty(self) -> bool:
        """Whether neither mask has a surface."""
        return self.to_predicted_mm.size == 0 and self.to_reference_mm.size == 0

    def nsd(self, tolerance_mm: float) -> float:
        """Normalised surface Dice: the share of both surfaces within the tolerance of the other.

        1 when both masks are empty, 0 when one is.
        """
        if self.is_empty:
            return 1.0
        near = self.reference_areas_mm2[self.to_predicted_mm <= tolerance_mm].sum()
        near += self.predicted_areas_mm2[self.to_reference_mm <= tolerance_mm].sum()
        return float(near / (self.reference_areas_mm2.sum() + self.predicted_areas_mm2.sum()))

    def hausdorff_mm(self, percent: float = 95.0) -> float:
        """The distance within which `percent` of each surface's area lies from the other.

        0 when both masks are empty, infinite when one is.
        """
        if self.is_empty:
            return 0.0
        return max(
            _percentile(self.to_predicted_mm, self.reference_areas_mm2, percent),
            _percentile(self.to_reference_mm, self.predicted_areas_mm2, percent),
        )

    def mean_mm(self) -> float:
        """The mean distance over both surfaces: 0 when both masks are empty, infinite when one is."""
        if self.is_empty:
            return 0.0
        if not (self.to_predicted_mm.size and self.to_reference_mm.size):
            return float("inf")
        total = self.to_predicted_mm @ self.reference_areas_mm2
        total += self.to_reference_mm @ self.predicted_areas_mm2
        return float(total / (self.reference_areas_mm2.sum() + self.predicted_areas_mm2.sum()))


def surface_distances(
    reference: npt.NDArray[Any], predicted: npt.NDArray[Any], affine: Affine
) -> SurfaceDistances:
    """Measure once; every surface metric reads the answer.

    Args:
        reference: the expert's mask, (k, j, i).
        predicted: our mask, (k, j, i).
        affine: the grid of both.
    """
    reference, predicted = as_mask_pair(reference, predicted)
    ijk_to_mm = affine.ijk_to_ras[:3, :3]
    areas = element_areas_mm2(ijk_to_mm)
    reference_ijk, reference_codes = _elements(reference)
    predicted_ijk, predicted_codes = _elements(predicted)
    return SurfaceDistances(
        _nearest_mm(reference_ijk, predicted_ijk, ijk_to_mm),
        _nearest_mm(predicted_ijk, reference_ijk, ijk_to_mm),
        areas[reference_codes],
        areas[predicted_codes],
    )


def nsd(
    reference: npt.NDArray[Any], predicted: npt.NDArray[Any], affine: Affine, tolerance_mm: float
) -> float:
    """Normalised surface Dice of two (k, j, i) masks; see `SurfaceDistances.nsd`."""
    return surface_distances(reference, predicted, affine).nsd(tolerance_mm)


def hd95_mm(reference: npt.NDArray[Any], predicted: npt.NDArray[Any], affine: Affine) -> float:
    """95 percent Hausdorff distance of two (k, j, i) masks; see `SurfaceDistances.hausdorff_mm`."""
    return surface_distances(reference, predicted, affine).hausdorff_mm(95.0)


def _elements(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Positions (N, 3) of the surface elements in ijk, and which of their 8 voxels are inside, (N,)."""
    box = IndexBox.of_mask(mask)
    if box is None:
        return np.empty((0, 3), np.int64), np.empty(0, np.uint8)
    codes = _codes(np.pad(mask[box.slices_kji()], 1).view(np.uint8))
    on_surface = np.flatnonzero((codes != 0) & (codes != _ALL_INSIDE))
    ijk = np.stack(np.unravel_index(on_surface, codes.shape)[::-1], axis=1)
    return ijk + np.asarray(box.start_ijk), codes.reshape(-1)[on_surface]


def _codes(inside: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """One bit for each of the 2 x 2 x 2 voxels around every inner corner, in the order of `CORNERS_KJI`."""
    pairs = inside[:, :, :-1] | inside[:, :, 1:] << np.uint8(1)
    squares = pairs[:, :-1] | pairs[:, 1:] << np.uint8(2)
    return np.asarray(squares[:-1] | squares[1:] << np.uint8(4))


def _nearest_mm(from_ijk: npt.NDArray[np.int64], to_ijk: npt.NDArray[np.int64], ijk_to_mm: Floats) -> Floats:
    """For each position the distance to the nearest of the others, infinite when there are none."""
    if len(from_ijk) == 0 or len(to_ijk) == 0:
        return np.full(len(from_ijk), np.inf)
    from scipy.spatial import cKDTree

    tree = cKDTree(to_ijk @ ijk_to_mm.T, balanced_tree=False, compact_nodes=False)
    _, nearest = tree.query(from_ijk @ ijk_to_mm.T)
    # From whole-number steps: differences of large coordinates would lose digits.
    distances = np.linalg.norm((from_ijk - to_ijk[nearest]) @ ijk_to_mm.T, axis=1)
    return np.round(distances, _NM_DIGITS)


def _percentile(distances_mm: Floats, areas_mm2: Floats, percent: float) -> float:
    if distances_mm.size == 0:
        return float("inf")
    order = np.argsort(distances_mm)
    shares = np.cumsum(areas_mm2[order]) / areas_mm2.sum()
    at = int(np.searchsorted(shares, percent / 100.0))
    return float(distances_mm[order][min(at, len(order) - 1)])
