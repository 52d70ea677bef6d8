"""A whole scan in cells of one size, turned like the patient, and the way back to its voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import Affine, Triple
from SAMLesionLib.imaging.patches import canonical_axes
from SAMLesionLib.imaging.resampling import resample

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class IsotropicGrid:
    """Cells that fill a scan from its first to its last face.

    The axes of the cells (d, h, w) are the voxel axes nearest to superior, anterior and right, turned to
    point there, as TAGS sees a scan; nothing is rotated.

    Attributes:
        axes: the axes of a (k, j, i) array along which d, h and w run.
        is_flipped: whether d, h and w run against them.
        n_voxels: voxels along d, h and w.
        shape: cells along d, h and w; the extent over the wanted side of a cell, to whole cells.
    """

    axes: Triple
    is_flipped: tuple[bool, bool, bool]
    n_voxels: Triple
    shape: Triple

    @classmethod
    def of(cls, affine: Affine, shape_ijk: Triple, step_mm: float) -> IsotropicGrid:
        """The cells of about `step_mm` of a scan."""
        along = canonical_axes(affine)[::-1]
        flipped = [bool(affine.ijk_to_ras[2 - n, axis] < 0) for n, axis in enumerate(along)]
        n_voxels = [shape_ijk[axis] for axis in along]
        cells = [max(1, round(shape_ijk[axis] * affine.spacing_mm[axis] / step_mm)) for axis in along]
        return cls(
            (2 - along[0], 2 - along[1], 2 - along[2]),
            (flipped[0], flipped[1], flipped[2]),
            (n_voxels[0], n_voxels[1], n_voxels[2]),
            (cells[0], cells[1], cells[2]),
        )

    def cells(self, array_kji: npt.NDArray[Any]) -> Floats:
        """What a (k, j, i) array holds at the middle of each cell, by linear interpolation."""
        turned = self._turn(array_kji.transpose(self.axes))
        return resample(turned, self.shape, (0, 0, 0), self.n_voxels, "linear")

    def nearest(self, mask_kji: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Each cell (d, h, w) as the voxel is that its middle lies in."""
        turned = self._turn(mask_kji.transpose(self.axes))
        sizes = zip(self.shape, self.n_voxels, strict=True)
        d, h, w = (((np.arange(n) + 0.5) * voxels / n).astype(int) for n, voxels in sizes)
        return np.ascontiguousarray(turned[np.ix_(d, h, w)])

    def voxels(self, values_dhw: Floats) -> Floats:
        """Values of all cells, on the voxels (k, j, i), by linear interpolation."""
        turned = resample(values_dhw, self.n_voxels, (0, 0, 0), self.shape, "linear")
        return np.ascontiguousarray(self._turn(turned).transpose(np.argsort(self.axes)))

    def _turn(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.flip(values, tuple(axis for axis in range(3) if self.is_flipped[axis]))
