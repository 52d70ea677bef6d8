"""Effects of the Segment Editor: a brush that really paints, and names for the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import vtk
from PySide6.QtCore import QObject
from vtkmodules.util.numpy_support import vtk_to_numpy

from slicer_host.standins.properties import stored

NAMES = (
    "Threshold", "Paint", "Draw", "Erase", "Level tracing", "Grow from seeds", "Fill between slices",
    "Margin", "Hollow", "Smoothing", "Scissors", "Islands", "Logical operators", "Mask volume",
)  # fmt: skip
BRUSHES = ("Paint", "Erase")
_DEFAULTS = {"BrushDiameterIsRelative": "1", "BrushRelativeDiameter": "5", "BrushAbsoluteDiameter": "5"}


class qSlicerSegmentEditorAbstractEffect(QObject):
    """An effect with its parameters, which are attributes of the editor node."""

    perSegment = stored(bool, "perSegment", True)
    requireSegments = stored(bool, "requireSegments", True)
    name = stored(str, "name", "")
    title = stored(str, "title", "")

    def __init__(self, name: str, editor: Any) -> None:
        super().__init__()
        self._editor = editor
        self._name = self._title = name

    def parameterSetNode(self) -> Any:
        return self._editor.mrmlSegmentEditorNode()

    def scene(self) -> Any:
        return self._editor.mrmlScene()

    def active(self) -> bool:
        return self._editor.activeEffect() is self

    def selectEffect(self, name: str) -> None:
        self._editor.setActiveEffectByName(name)

    def helpText(self) -> str:
        return self._name

    def parameter(self, name: str) -> str:
        node = self.parameterSetNode()
        own = node.GetAttribute(f"{self._name}.{name}")
        return own if own is not None else node.GetAttribute(name) or _DEFAULTS.get(name, "")

    def integerParameter(self, name: str) -> int:
        return int(float(self.parameter(name) or 0))

    def doubleParameter(self, name: str) -> float:
        return float(self.parameter(name) or 0)

    def setParameter(self, name: str, value: Any) -> None:
        self.parameterSetNode().SetAttribute(f"{self._name}.{name}", str(value))

    def setCommonParameter(self, name: str, value: Any) -> None:
        self.parameterSetNode().SetAttribute(name, str(value))

    def parameterDefined(self, name: str) -> bool:
        return self.parameterSetNode().GetAttribute(f"{self._name}.{name}") is not None

    def commonParameterDefined(self, name: str) -> bool:
        return self.parameterSetNode().GetAttribute(name) is not None

    def confirmCurrentSegmentVisible(self) -> int:
        return 1

    def modifierLabelmap(self) -> Any:
        logic = self._editor.logic
        logic.UpdateReferenceGeometryImage()
        logic.ResetModifierLabelmapToDefault()
        return logic.GetModifierLabelmap()

    def modifySelectedSegmentByLabelmap(self, labelmap: Any, mode: int, *rest: Any) -> None:
        bypasses = bool(rest[-1]) if rest and isinstance(rest[-1], bool) else False
        logic, node = self._editor.logic, self.parameterSetNode()
        # VTK takes no number for its enum.
        modes = [getattr(logic, f"ModificationMode{what}") for what in ("Set", "Add", "Remove", "RemoveAll")]
        logic.ModifySegmentByLabelmap(
            node.GetSegmentationNode(), node.GetSelectedSegmentID(), labelmap, modes[mode], True, bypasses
        )

    def stroke(self, slice_node: Any, points_ras: Iterable[tuple[float, float, float]]) -> None:
        """Paint, or erase, along a stroke in a slice view."""
        labelmap = self.modifierLabelmap()
        radius_mm = self._diameter_mm(slice_node) / 2
        to_ras = slice_node.GetSliceToRAS()
        normal_ras = np.array([to_ras.GetElement(i, 2) for i in range(3)])
        paint_disks(labelmap, list(points_ras), normal_ras, radius_mm)
        labelmap.Modified()
        self._editor.saveStateForUndo()
        self.modifySelectedSegmentByLabelmap(labelmap, 2 if self._name == "Erase" else 1)

    def _diameter_mm(self, slice_node: Any) -> float:
        if self.integerParameter("BrushDiameterIsRelative"):
            return self.doubleParameter("BrushRelativeDiameter") / 100 * slice_node.GetFieldOfView()[1]
        return self.doubleParameter("BrushAbsoluteDiameter")


def paint_disks(
    labelmap: Any, centres_ras: list[tuple[float, float, float]], normal_ras: np.ndarray, radius_mm: float
) -> None:
    """Set the voxels of a labelmap that lie in disks around places, one voxel thick along a normal."""
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    ijk_to_ras = np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
    extent = labelmap.GetExtent()
    shape_kji = tuple(extent[2 * axis + 1] - extent[2 * axis] + 1 for axis in (2, 1, 0))
    voxels = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(shape_kji)
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in shape_kji), indexing="ij"), -1)[..., ::-1]
    places = (ijk + np.array(extent[::2])) @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3]
    half_mm = np.abs(normal_ras @ ijk_to_ras[:3, :3]).max() / 2
    for centre in centres_ras:
        offset = places - np.array(centre)
        along = offset @ normal_ras
        across = np.linalg.norm(offset - along[..., None] * normal_ras, axis=-1)
        voxels[(np.abs(along) <= half_mm) & (across <= radius_mm)] = 1
