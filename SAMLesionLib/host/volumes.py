"""A scalar volume node as a `Volume`, with its voxels shared and its place in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import Affine
from SAMLesionLib.volume import MODALITIES, Volume

MODALITY_ATTRIBUTE = "DICOM.Modality"
"""Node attribute (Slicer writes the same one on subject hierarchy items of a DICOM series)."""

_REFUSED = (
    ("vtkMRMLLabelMapVolumeNode", "a label map"),
    # The order is that of their inheritance, the special ones first.
    ("vtkMRMLVectorVolumeNode", "a colour or vector image"),
    ("vtkMRMLTensorVolumeNode", "a diffusion image"),
    ("vtkMRMLDiffusionImageVolumeNode", "a diffusion image"),
    ("vtkMRMLDiffusionWeightedVolumeNode", "a diffusion image"),
)


def volume_from_node(node: Any, modality: str | None = None) -> Volume:
    """The scan that a volume node shows, in world coordinates.

    The voxels are a read-only view of the node's memory. A linear parent transform, of any depth, is
    part of the affine.

    Args:
        node: a `vtkMRMLScalarVolumeNode`.
        modality: one of `MODALITIES`; None reads it from the node, its DICOM series, or its units.

    Raises:
        ImageError: the node is empty, no scalar volume, or under a transform that bends space.
    """
    check_scalar(node)
    return Volume(voxels_of(node), world_affine(node), node.GetName(), modality or modality_of(node))


def check_scalar(node: Any) -> None:
    """Refuse a node that is not one scalar scan.

    Raises:
        ImageError: saying what it is instead.
    """
    if node is None or not node.IsA("vtkMRMLVolumeNode"):
        kind = "nothing" if node is None else node.GetNodeTagName()
        raise ImageError(f"A scalar volume is needed, got {kind}. Load an image and choose it.")
    name = node.GetName()
    for class_name, kind in _REFUSED:
        if node.IsA(class_name):
            raise ImageError(f"{name} is {kind}; a scalar volume is needed. Choose the scan itself.")
    image = node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0 or image.GetPointData().GetScalars() is None:
        raise ImageError(f"{name} holds no voxels. Load its image first.")
    channels = image.GetNumberOfScalarComponents()
    if channels != 1:
        raise ImageError(
            f"{name} has {channels} values a voxel (colour or time); a scalar volume has one. "
            "Extract one channel or time point and choose that."
        )


def voxels_of(node: Any) -> npt.NDArray[Any]:
    """The node's voxels (k, j, i), sharing its memory, which lives as long as the array does."""
    image = node.GetImageData()
    shape_kji = tuple(reversed(image.GetDimensions()))
    return np.asarray(vtk_to_numpy(image.GetPointData().GetScalars())).reshape(shape_kji)


def own_affine(node: Any) -> Affine:
    """The grid in the node's own coordinates, as if it had no parent transform."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return Affine(array_from_matrix(matrix))


def world_affine(node: Any) -> Affine:
    """The grid in the world, linear parent transforms included.

    Raises:
        ImageError: the volume lies under a transform that bends space.
    """
    return Affine(parent_matrix(node) @ own_affine(node).ijk_to_ras)


def parent_matrix(node: Any) -> npt.NDArray[np.float64]:
    """The 4 x 4 matrix from the node's own coordinates to the world.

    Raises:
        ImageError: the node lies under a transform that bends space.
    """
    transform = node.GetParentTransformNode()
    if transform is None:
        return np.eye(4)
    if not transform.IsTransformToWorldLinear():
        # Slicer puts CT with uneven spacing or gantry tilt under such a grid transform when it loads it.
        raise ImageError(
            f"{node.GetName()} lies under the transform {transform.GetName()}, which bends space, so its "
            "voxels form no regular grid. Harden the transform (right-click the volume in the Data module), "
            "then try again."
        )
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return array_from_matrix(matrix)


def modality_of(node: Any) -> str:
    """What is known of the scan's modality; "OT" when nothing is."""
    for known in (node.GetAttribute(MODALITY_ATTRIBUTE), _series_modality(node)):
        if known in MODALITIES:
            return str(known)
    units = node.GetVoxelValueUnits() if hasattr(node, "GetVoxelValueUnits") else None
    return "CT" if units is not None and units.GetCodeValue() == "[hnsf'U]" else "OT"


def array_from_matrix(matrix: Any) -> npt.NDArray[np.float64]:
    """A `vtkMatrix4x4` as a (4, 4) array."""
    return np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])


def matrix_from_array(values: npt.ArrayLike) -> Any:
    """A (4, 4) array as a `vtkMatrix4x4`."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(values, dtype=np.float64).ravel().tolist())
    return matrix


def _series_modality(node: Any) -> str | None:
    scene = node.GetScene()
    if scene is None or scene.GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode") is None:
        return None  # asking for the hierarchy would create one
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(node)
    return hierarchy.GetItemAttribute(item, MODALITY_ATTRIBUTE) if item else None
