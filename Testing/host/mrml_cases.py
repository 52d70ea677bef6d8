"""Nodes to test with."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.volumes import matrix_from_array

SHAPE_KJI = (9, 11, 13)

OBLIQUE = np.array(
    [
        [-0.6, 0.16, 1.2, 12.0],
        [-0.16, -0.68, 0.8, -7.0],
        [0.3, -0.1, 2.1, 31.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
"""Flipped, rotated, uneven and sheared."""


def make_volume(
    scene: Any,
    voxels: np.ndarray | None = None,
    ijk_to_ras: np.ndarray = OBLIQUE,
    name: str = "CT_chest",
    class_name: str = "vtkMRMLScalarVolumeNode",
) -> Any:
    """A volume node with these voxels (k, j, i), or with a count from zero."""
    if voxels is None:
        voxels = np.arange(np.prod(SHAPE_KJI), dtype=np.int16).reshape(SHAPE_KJI)
    image = vtk.vtkImageData()
    image.SetDimensions(*reversed(voxels.shape[:3]))
    flat = voxels.reshape(-1) if voxels.ndim == 3 else voxels.reshape(-1, voxels.shape[3])
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(flat), deep=True))
    node = scene.AddNewNodeByClass(class_name, name)
    node.SetIJKToRASMatrix(matrix_from_array(ijk_to_ras))
    node.SetAndObserveImageData(image)
    return node


def put_under(node: Any, matrix: np.ndarray, name: str = "Registration") -> Any:
    """Put a node under a new linear transform."""
    transform = node.GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    transform.SetMatrixTransformToParent(matrix_from_array(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def put_under_bend(node: Any) -> Any:
    """Put a node under a transform that bends space."""
    spline = vtk.vtkThinPlateSplineTransform()
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for n, corner in enumerate(np.ndindex(2, 2, 2)):
        points[0].InsertNextPoint(*(50.0 * np.array(corner)))
        points[1].InsertNextPoint(*(50.0 * np.array(corner) + (3.0 * n, 0, 0)))
    spline.SetSourceLandmarks(points[0])
    spline.SetTargetLandmarks(points[1])
    spline.SetBasisToR()
    transform = node.GetScene().AddNewNodeByClass("vtkMRMLTransformNode", "Acquisition")
    transform.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def any_affine(draw: Any, may_shear: bool = True) -> np.ndarray:
    """A hypothesis draw of a grid: flipped, rotated, uneven, sheared, anywhere (4 x 4, RAS)."""
    angles = [draw(st.floats(-3.1, 3.1)) for _ in range(3)]
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(*angles)
    if may_shear:
        shear = np.eye(3)
        shear[0, 1], shear[0, 2], shear[1, 2] = (draw(st.floats(-0.4, 0.4)) for _ in range(3))
        matrix[:3, :3] @= shear
    spacing = [draw(st.floats(0.3, 6.0)) * draw(st.sampled_from([1, -1])) for _ in range(3)]
    matrix[:3, :3] *= spacing
    matrix[:3, 3] = [draw(st.floats(-300, 300)) for _ in range(3)]
    return matrix


def any_box(draw: Any, shape_kji: tuple[int, int, int] = SHAPE_KJI) -> IndexBox:
    """A hypothesis draw of a block inside a grid, two voxels or more along each axis."""
    start = [draw(st.integers(0, n - 2)) for n in reversed(shape_kji)]
    stop = [draw(st.integers(a + 2, n)) for a, n in zip(start, reversed(shape_kji), strict=True)]
    return IndexBox(tuple(start), tuple(stop))


def _rotation(a: float, b: float, c: float) -> np.ndarray:
    def turn(angle: float, first: int, second: int) -> np.ndarray:
        matrix = np.eye(3)
        matrix[first, first] = matrix[second, second] = np.cos(angle)
        matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
        return matrix

    return turn(a, 0, 1) @ turn(b, 0, 2) @ turn(c, 1, 2)
