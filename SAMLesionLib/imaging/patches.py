"""A cube of a volume as a 3D network sees it: voxels to input cells and back, in one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import Affine, IndexBox, Triple
from SAMLesionLib.imaging.resampling import Kernel, resample
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]
Position = tuple[float, float, float]


@dataclass(frozen=True)
class PatchFrame:
    """A cube of cells of one size, along a volume's own axes.

    The cube's axes (d, h, w) are the voxel axes nearest to right, anterior and superior, turned to point
    there: nothing is rotated, so on an oblique grid the cube is as oblique as the grid. It may reach past
    the image.

    Attributes:
        centre_ijk: its middle, a continuous voxel position.
        axes: the voxel axis (0, 1, 2 for i, j, k) along which d, h and w run.
        is_flipped: whether d, h and w run against it.
        spacing_mm: voxel size of the volume along i, j and k.
        step_mm: side of a cell.
        size: cells along each side.
    """

    centre_ijk: Position
    axes: Triple
    is_flipped: tuple[bool, bool, bool]
    spacing_mm: Position
    step_mm: float
    size: int

    @classmethod
    def around(cls, centre_ijk: Sequence[float], affine: Affine, step_mm: float, size: int) -> PatchFrame:
        """The cube of `size` cells of `step_mm` around a position on a grid."""
        axes = canonical_axes(affine)
        flipped = [bool(affine.ijk_to_ras[ras, axis] < 0) for ras, axis in enumerate(axes)]
        i, j, k = (float(v) for v in centre_ijk)
        turned = (flipped[0], flipped[1], flipped[2])
        return cls((i, j, k), axes, turned, affine.spacing_mm, float(step_mm), size)

    @property
    def side_mm(self) -> float:
        """Length of the cube's sides."""
        return self.size * self.step_mm

    def block(self) -> IndexBox:
        """The voxels that the cube touches; parts of it may lie off the image."""
        low, high = self._edges()
        start, stop = np.floor(low).astype(int), np.ceil(high).astype(int)
        return IndexBox(tuple(start), tuple(stop))

    def to_dhw(self, points_ijk: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Positions in cells (N, 3), cell centres at whole numbers, of voxel positions (N, 3)."""
        offset = np.atleast_2d(np.asarray(points_ijk, dtype=np.float64)) - self.centre_ijk
        return (offset / self._cell_ijk())[:, self.axes] * self._signs() + (self.size - 1) / 2

    def to_ijk(self, points_dhw: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Voxel positions (N, 3) of positions in cells (N, 3)."""
        offset = (
            np.atleast_2d(np.asarray(points_dhw, dtype=np.float64)) - (self.size - 1) / 2
        ) * self._signs()
        points = np.empty_like(offset)
        points[:, self.axes] = offset
        return points * self._cell_ijk() + self.centre_ijk

    def box_dhw(self, box: IndexBox) -> tuple[Position, Position]:
        """The lowest and the highest corner of a box in cells, on the outer faces of its voxels."""
        corners = self.to_dhw(box.corners_ijk())
        low, high = corners.min(axis=0), corners.max(axis=0)
        return _position(low), _position(high)

    def image(self, volume: Volume, kernel: Kernel = "linear") -> Floats:
        """Grey values (d, h, w) of the cells; zero off the image."""
        seen = self.block().grow(1).intersect(volume.block)
        if seen.is_empty:
            return np.zeros((self.size,) * 3, np.float32)
        return self.cells(volume.voxels[seen.slices_kji()], seen, self.size, kernel)

    def is_on_image(self, shape_ijk: Triple) -> npt.NDArray[np.bool_]:
        """Which cells (d, h, w) have their centre on an image of this size."""
        centres = self.to_ijk(np.repeat(np.arange(self.size)[:, None], 3, axis=1))
        inside = (centres >= -0.5) & (centres <= np.subtract(shape_ijk, 0.5))
        d, h, w = (inside[:, axis] for axis in self.axes)
        return d[:, None, None] & h[:, None] & w

    def cells(self, array_kji: npt.NDArray[Any], block: IndexBox, n: int, kernel: Kernel = "area") -> Floats:
        """What an array that fills a block holds in n cells along each side of the cube; zero off it."""
        low, high = self._edges()
        starts, extents = np.subtract(low, block.start_ijk), high - low
        cells_kji = resample(array_kji, (n, n, n), starts[::-1].tolist(), extents[::-1].tolist(), kernel)
        return self._turn(cells_kji.transpose(self._numpy_axes()))

    def mask(self, mask_kji: npt.NDArray[np.bool_], block: IndexBox, n: int) -> Floats:
        """The share of a mask in n cells along each side of the cube, 0 to 1."""
        # Around the block there is background, not nothing.
        by = np.ceil(self._cell_ijk() * self.size / n).astype(int) + 1
        around = [(b, b) for b in by[::-1]]
        return self.cells(np.pad(mask_kji, around), block.grow(tuple(by)), n)

    def voxels(self, values_dhw: Floats, block: IndexBox) -> Floats:
        """Values of n cells along each side, on the voxels (k, j, i) of a block; zero off the cube."""
        n = values_dhw.shape[0]
        low, high = self._edges()
        per_voxel = n / (high - low)
        starts, extents = (block.start_ijk - low) * per_voxel, block.shape_ijk * per_voxel
        cells_kji = self._turn(values_dhw).transpose(np.argsort(self._numpy_axes()))
        return resample(cells_kji, block.shape_kji, starts[::-1].tolist(), extents[::-1].tolist(), "linear")

    def carry(self, values_dhw: Floats, other: PatchFrame) -> Floats:
        """Values of n cells along each side, on as many cells of another cube of this volume.

        Zero off this one.
        """
        n = values_dhw.shape[0]
        (first,) = self.to_dhw(other.to_ijk([[-0.5] * 3]))
        extent = other.step_mm / self.step_mm * other.size / self.size * n
        return resample(values_dhw, (n, n, n), (first + 0.5) * n / self.size, [extent] * 3, "area")

    def _edges(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The cube's lowest and highest faces along i, j and k; voxel n reaches from n to n + 1."""
        half = self._cell_ijk() * self.size / 2
        middle = np.add(self.centre_ijk, 0.5)
        return middle - half, middle + half

    def _cell_ijk(self) -> npt.NDArray[np.float64]:
        return self.step_mm / np.array(self.spacing_mm)

    def _signs(self) -> npt.NDArray[np.float64]:
        return np.where(self.is_flipped, -1.0, 1.0)

    def _numpy_axes(self) -> list[int]:
        """The axes of a (k, j, i) array along which d, h and w run."""
        return [2 - axis for axis in self.axes]

    def _turn(self, values: Floats) -> Floats:
        return np.ascontiguousarray(np.flip(values, tuple(a for a in range(3) if self.is_flipped[a])))


def canonical_axes(affine: Affine) -> Triple:
    """The voxel axes nearest to right, anterior and superior; each is taken once, the clearest first."""
    directions = np.abs(affine.ijk_to_ras[:3, :3]) / np.array(affine.spacing_mm)
    axes = [0, 0, 0]
    for _ in range(3):
        ras, axis = np.unravel_index(int(np.argmax(directions)), (3, 3))
        axes[int(ras)] = int(axis)
        directions[ras], directions[:, axis] = -1, -1
    return axes[0], axes[1], axes[2]


def _position(values: npt.NDArray[np.float64]) -> Position:
    a, b, c = (float(v) for v in values)
    return a, b, c
