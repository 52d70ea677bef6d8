"""A slice of a volume as a network sees it: voxels to input pixels and back, in one object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import IndexBox, Triple
from SAMLesionLib.imaging.intensity import Window, rescale, stretch
from SAMLesionLib.imaging.resampling import Kernel, Part, resize
from SAMLesionLib.volume import Volume

IN_PLANE = {0: (2, 1), 1: (2, 0), 2: (1, 0)}
"""The voxel axes that run along a plane's rows and columns, for a plane across axis 0, 1, 2."""


@dataclass(frozen=True)
class InputFormat:
    """How a network of the SAM family wants its image.

    Attributes:
        size: side of the square input in pixels.
        keeps_aspect: True: the longer side fills the square, the rest is padded at the bottom or right
            (LiteMedSAM); False: both sides are stretched to the square (MedSAM).
        kernel: interpolation of the image.
    """

    size: int
    keeps_aspect: bool
    kernel: Kernel


@dataclass(frozen=True)
class SliceFrame:
    """One rectangle of one slice, and its place in the network's input.

    Attributes:
        axis: voxel axis across which the slice lies (0, 1, 2 for i, j, k).
        region: the voxels looked at; one voxel thick along `axis`.
        spacing_mm: voxel size along i, j and k; pixels of the input are square in mm where aspect is kept.
        format: what the network wants.
    """

    axis: int
    region: IndexBox
    spacing_mm: tuple[float, float, float]
    format: InputFormat

    @property
    def index(self) -> int:
        """The slice looked at."""
        return self.region.start_ijk[self.axis]

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Rows and columns of the region, in voxels."""
        rows, columns = IN_PLANE[self.axis]
        return self.region.shape_ijk[rows], self.region.shape_ijk[columns]

    @cached_property
    def input_shape(self) -> tuple[int, int]:
        """Rows and columns of the region, in input pixels; the rest of the square is padding."""
        if not self.format.keeps_aspect:
            return self.format.size, self.format.size
        extent = [n * self.spacing_mm[a] for n, a in zip(self.plane_shape, IN_PLANE[self.axis], strict=True)]
        scale = self.format.size / max(extent)
        rows, columns = (max(1, int(e * scale + 0.5)) for e in extent)
        return rows, columns

    def image(self, volume: Volume, window: Window) -> npt.NDArray[np.float32]:
        """The network's input: (size, size), 0 to 1, zero in the padding."""
        plane = rescale(plane_of(volume.voxels, self.axis, self.region), window)
        image = np.zeros((self.format.size, self.format.size), np.float32)
        rows, columns = self.input_shape
        image[:rows, :columns] = stretch(resize(plane, self.input_shape, self.format.kernel))
        return image

    def box_xy(self, box: IndexBox) -> tuple[float, float, float, float]:
        """The box (x_min, y_min, x_max, y_max) in input pixels, pixel centres at whole numbers.

        The outer faces of the first and the last voxel become the box's sides.
        """
        row_axis, column_axis = IN_PLANE[self.axis]
        x_min, x_max = self._edges(box, column_axis, self.input_shape[1])
        y_min, y_max = self._edges(box, row_axis, self.input_shape[0])
        return x_min, y_min, x_max, y_max

    def _edges(self, box: IndexBox, axis: int, n_pixels: int) -> tuple[float, float]:
        start, n_voxels = self.region.start_ijk[axis], self.region.shape_ijk[axis]
        low, high = (
            (v - start) * n_pixels / n_voxels - 0.5 for v in (box.start_ijk[axis], box.stop_ijk[axis])
        )
        # A box that reaches past the region ends where the image ends.
        return max(low, -0.5), min(high, n_pixels - 0.5)

    def to_plane(self, logits: npt.NDArray[np.float32], part: Part | None = None) -> npt.NDArray[np.float32]:
        """Logits (..., n, n) over the network's whole input, on the region's voxels (..., rows, columns).

        Args:
            logits: what the network answered.
            part: which rows and columns of the region are wanted; all when None.
        """
        pixels = logits.shape[-1] / self.format.size
        rows, columns = (side * pixels for side in self.input_shape)
        # The padding is cut off, up to the pixel that it shares with the image.
        shown = logits[..., : math.ceil(rows), : math.ceil(columns)]
        return resize(shown, self.plane_shape, "linear", (rows, columns), part)


def plane_of(array_kji: npt.NDArray[Any], axis: int, block: IndexBox) -> npt.NDArray[Any]:
    """The (rows, columns) view of a one-voxel-thick block of an array."""
    return array_kji[block.slices_kji()].squeeze(axis=2 - axis)


def slab(block: IndexBox, axis: int, index: int) -> IndexBox:
    """The block cut down to one slice."""
    start, stop = list(block.start_ijk), list(block.stop_ijk)
    start[axis], stop[axis] = index, index + 1
    return IndexBox(_triple(start), _triple(stop))


def _triple(values: list[int]) -> Triple:
    i, j, k = values
    return i, j, k
