"""Blocks of voxels as VTK's oriented images and back: the arrays that segments are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.volumes import array_from_matrix

LABELMAP = "Binary labelmap"
"""MRML's name of the representation that holds voxels."""


def image_of_block(grid: Any, block: IndexBox, mask_kji: npt.NDArray[Any] | None = None) -> Any:
    """A block of a grid as an oriented image.

    Args:
        grid: `vtkMatrix4x4` from the whole grid's indices to the segmentation's coordinates.
        block: where the block lies on the grid.
        mask_kji: voxels that fill it, nonzero inside; None for zeros.
    """
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*extent_of(block))
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.SetImageToWorldMatrix(grid)
    voxels_of_image(image)[...] = 0 if mask_kji is None else mask_kji
    return image


def voxels_of_image(image: Any) -> npt.NDArray[Any]:
    """The voxels (k, j, i) of an image, sharing its memory; nothing (0, 0, 0) when it is empty."""
    scalars = image.GetPointData().GetScalars()
    if scalars is None or block_of(image).is_empty:
        return np.zeros((0, 0, 0), dtype=np.uint8)
    return np.asarray(vtk_to_numpy(scalars)).reshape(block_of(image).shape_kji)


def block_of(image: Any) -> IndexBox:
    """The block of the grid that an image fills."""
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    return IndexBox((i0, j0, k0), (i1 + 1, j1 + 1, k1 + 1))


def extent_of(block: IndexBox) -> tuple[int, int, int, int, int, int]:
    """VTK's way to write a block: first and last index of each axis."""
    (i0, j0, k0), (i1, j1, k1) = block.start_ijk, block.stop_ijk
    return i0, i1 - 1, j0, j1 - 1, k0, k1 - 1


def read_block(image: Any, grid: Any, block: IndexBox) -> npt.NDArray[Any]:
    """The voxels (k, j, i) of an image in a block of a grid, zero where the image does not reach.

    An image on another grid is resampled to its nearest voxels.
    """
    if not is_on_grid(image, grid):
        image = _resampled(image, grid, block)
    voxels, here = voxels_of_image(image), block_of(image)
    common = here.intersect(block)
    if voxels.size and common == block:
        return voxels[within(common, here)]
    read = np.zeros(block.shape_kji, dtype=voxels.dtype)
    if voxels.size and not common.is_empty:
        read[within(common, block)] = voxels[within(common, here)]
    return read


def is_on_grid(image: Any, grid: Any) -> bool:
    """Whether an image's voxels are voxels of the grid."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    if matrix.GetData() == grid.GetData():  # as nearly always, and a hundred times faster to see
        return True
    # A thousandth of a voxel over a thousand voxels: files keep their matrices as decimal numbers.
    gap = np.linalg.solve(array_from_matrix(grid), array_from_matrix(matrix)) - np.eye(4)
    return bool(np.abs(gap[:, :3]).max() < 1e-6 and np.abs(gap[:, 3]).max() < 1e-3)


def _resampled(image: Any, grid: Any, block: IndexBox) -> Any:
    resampled = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        image, image_of_block(grid, block), resampled
    )
    return resampled


def within(block: IndexBox, whole: IndexBox) -> tuple[slice, slice, slice]:
    """Index of a block in an array (k, j, i) that fills a larger one."""
    i, j, k = whole.start_ijk
    return block.shift((-i, -j, -k)).slices_kji()
