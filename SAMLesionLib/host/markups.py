"""What a reader draws with markups, as prompts: world millimetres to voxels, here and only here.

A ROI becomes a box, 2D when it covers a single slice. Points are positive or negative clicks. A line is
a diameter. An open curve is a stroke. A closed curve outlines the lesion in one slice, so it becomes the
mask it encloses: that says more than its bounding box, and a model that takes only boxes can still draw one
around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from vtk.util.numpy_support import vtk_to_numpy

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, IndexBox, Triple
from SAMLesionLib.host.volumes import check_scalar, matrix_from_array, own_affine, world_affine
from SAMLesionLib.prompts import (
    BoxPrompt,
    LinePrompt,
    MaskPrompt,
    PointPrompt,
    Position,
    PromptSet,
    ScribblePrompt,
)

SIGN_ATTRIBUTE = "SAMLesion.Sign"
"""Node attribute of a point list, "positive" or "negative".

A point's own description or label goes before it, the node's name after it, and a click of which nobody
said anything is positive.
"""

Floats = npt.NDArray[np.float64]
_NEGATIVE = re.compile(r"(?<![a-z])(negative|neg|background|exclude)(?![a-z])|^\s*[-\u2212]\s*$", re.I)
_POSITIVE = re.compile(r"(?<![a-z])(positive|pos|foreground|include)(?![a-z])|^\s*\+\s*$", re.I)


def prompts_from_markup(node: Any, volume_node: Any) -> PromptSet:
    """All prompts that one markup node stands for, in the order they were placed.

    Args:
        node: a ROI, point list, line, curve or closed curve, under any transform.
        volume_node: the volume it was drawn on.

    Raises:
        PromptError: the markup is unfinished, off the image, or of a kind that is no prompt.
        ImageError: the volume cannot be prompted.
    """
    check_scalar(volume_node)
    readers: tuple[tuple[str, Callable[[Any, Affine, Any], PromptSet]], ...] = (
        ("vtkMRMLMarkupsROINode", _box_prompts),
        ("vtkMRMLMarkupsLineNode", _line_prompts),
        ("vtkMRMLMarkupsClosedCurveNode", _outline_prompts),
        ("vtkMRMLMarkupsCurveNode", _stroke_prompts),  # of which a closed curve is one, too
        ("vtkMRMLMarkupsFiducialNode", _point_prompts),
    )
    read = next((reader for class_name, reader in readers if node.IsA(class_name)), None)
    if read is None:
        raise PromptError(
            f"{node.GetName()} is a {node.GetNodeTagName()}, which is no prompt. "
            "Draw a ROI, points, a line or a curve."
        )
    prompts = read(node, world_affine(volume_node), volume_node)
    prompts.check_inside(volume_node.GetImageData().GetDimensions(), volume_node.GetName())
    return prompts


def roi_around(scene: Any, box: IndexBox, volume_node: Any, name: str = "Box") -> Any:
    """A new ROI node whose faces lie on the outer faces of a block of voxels.

    It follows the volume's parent transform. On a sheared grid, which a ROI cannot follow, it encloses
    the block.
    """
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", name)
    place_roi(roi, box, volume_node)
    return roi


def place_roi(roi: Any, box: IndexBox, volume_node: Any) -> None:
    """Put a ROI node around a block of voxels, as `roi_around` does."""
    size, object_to_node = roi_placement(box, volume_node)
    roi.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    roi.SetSize(*size)
    roi.SetAndObserveObjectToNodeMatrix(matrix_from_array(object_to_node))


def roi_placement(box: IndexBox, volume_node: Any) -> tuple[Floats, Floats]:
    """The size in mm (3,) and the object-to-node matrix (4, 4) of a ROI around a block of voxels."""
    affine = own_affine(volume_node)
    axes = np.linalg.qr(affine.ijk_to_ras[:3, :3])[0]
    along = affine.to_ras(box.corners_ijk()) @ axes
    low, high = along.min(axis=0), along.max(axis=0)
    object_to_node = np.eye(4)
    object_to_node[:3, :3] = axes * np.sign(np.linalg.det(axes))  # a box looks the same from its other side
    object_to_node[:3, 3] = axes @ (low + high) / 2
    return high - low, object_to_node


def _box_prompts(node: Any, affine: Affine, _volume_node: Any) -> PromptSet:
    size = np.array(node.GetSize())
    if node.GetNumberOfDefinedControlPoints() < 1 or (size <= 0).sum() > 1:
        raise PromptError(f"The box {node.GetName()} is not finished. Click its two corners.")
    box = IndexBox.around(affine.to_ijk(_roi_corners_ras(node, size)))
    if box.shape_ijk.count(1) > 1:
        raise PromptError(
            f"The box {node.GetName()} covers only {' x '.join(map(str, box.shape_ijk))} voxels. "
            "Draw it around the whole lesion."
        )
    return PromptSet((BoxPrompt.from_roi(box),))


def _roi_corners_ras(node: Any, size: Floats) -> Floats:
    # Corner by corner, since the node's own world matrix has its axes made perpendicular: under a
    # shearing or unevenly scaling transform that is another box than the one drawn.
    to_node = node.GetObjectToNodeMatrix()
    corners = np.empty((8, 3))
    for n, signs in enumerate(product((-0.5, 0.5), repeat=3)):
        own = to_node.MultiplyPoint((*(np.array(signs) * size), 1.0))[:3]
        node.TransformPointToWorld(own, world := [0.0, 0.0, 0.0])
        corners[n] = world
    return corners


def _point_prompts(node: Any, affine: Affine, _volume_node: Any) -> PromptSet:
    placed = _placed(node)
    if not placed:
        raise PromptError(f"The point list {node.GetName()} has no placed point. Click on the lesion.")
    return PromptSet(tuple(PointPrompt(_position(affine, node, n), _is_positive(node, n)) for n in placed))


def _line_prompts(node: Any, affine: Affine, _volume_node: Any) -> PromptSet:
    placed = _placed(node)
    if len(placed) != 2:
        raise PromptError(f"The line {node.GetName()} has {len(placed)} of 2 ends. Click its other end.")
    return PromptSet((LinePrompt(*(_position(affine, node, n) for n in placed)),))


def _stroke_prompts(node: Any, affine: Affine, _volume_node: Any) -> PromptSet:
    if len(_placed(node)) < 2:
        raise PromptError(f"The stroke {node.GetName()} needs 2 points or more. Draw it along the lesion.")
    passed = affine.to_ijk(vtk_to_numpy(node.GetCurvePointsWorld().GetData()))
    voxels = np.floor(passed + 0.5)
    # One point a voxel: a curve has ten between two of its control points.
    is_new = np.append(True, (np.diff(voxels, axis=0) != 0).any(axis=1))
    points = tuple((float(i), float(j), float(k)) for i, j, k in passed[is_new])
    return PromptSet((ScribblePrompt(points, _says(node.GetAttribute(SIGN_ATTRIBUTE), node.GetName())),))


def _outline_prompts(node: Any, affine: Affine, volume_node: Any) -> PromptSet:
    if len(_placed(node)) < 3:
        raise PromptError(f"The curve {node.GetName()} needs 3 points or more. Draw it around the lesion.")
    outline = affine.to_ijk(vtk_to_numpy(node.GetCurvePointsWorld().GetData()))
    spread = np.ptp(outline, axis=0)
    axis = int(np.argmin(spread))
    if spread[axis] > 1.0:
        raise PromptError(
            f"The curve {node.GetName()} crosses {spread[axis]:.1f} slices of {volume_node.GetName()}; an "
            "outline lies in one. Draw it in a view along the image's slices."
        )
    shape_ijk: Triple = volume_node.GetImageData().GetDimensions()
    block = _one_slice(IndexBox.around(outline), axis, int(np.floor(outline[:, axis].mean() + 0.5)))
    block.check_inside(shape_ijk, volume_node.GetName())
    block = block.intersect(IndexBox.whole(shape_ijk))
    mask = _enclosed(outline, axis, block)
    if not mask.any():
        raise PromptError(f"The curve {node.GetName()} encloses no voxel. Draw it larger.")
    return PromptSet((MaskPrompt(block, mask),))


def _one_slice(box: IndexBox, axis: int, index: int) -> IndexBox:
    start, stop = list(box.start_ijk), list(box.stop_ijk)
    start[axis], stop[axis] = index, index + 1
    return IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _enclosed(outline_ijk: Floats, axis: int, block: IndexBox) -> npt.NDArray[np.bool_]:
    """The voxels (k, j, i) of a block, one thick along `axis`, whose centres an outline encloses."""
    across, down = (a for a in range(3) if a != axis)  # ascending, so that `across` runs fastest in memory
    start, end = outline_ijk[:, [across, down]], np.roll(outline_ijk[:, [across, down]], -1, axis=0)
    columns = np.arange(block.start_ijk[across], block.stop_ijk[across])
    rows = range(block.start_ijk[down], block.stop_ijk[down])
    return np.array([_enclosed_in_row(start, end, columns, row) for row in rows]).reshape(block.shape_kji)


def _enclosed_in_row(
    start: Floats, end: Floats, columns: npt.NDArray[np.int_], row: int
) -> npt.NDArray[np.bool_]:
    # The even-odd rule: a centre is inside when an odd number of edges lies to its left.
    crossed = (start[:, 1] <= row) != (end[:, 1] <= row)
    (x0, y0), (x1, y1) = start[crossed].T, end[crossed].T
    crossings = np.sort(x0 + (row - y0) * (x1 - x0) / (y1 - y0))
    inside: npt.NDArray[np.bool_] = np.searchsorted(crossings, columns, side="right") % 2 == 1
    return inside


def _placed(node: Any) -> list[int]:
    # A point that is only previewed under the cursor, skipped or undefined is no prompt.
    count = node.GetNumberOfControlPoints()
    return [n for n in range(count) if node.GetNthControlPointPositionStatus(n) == node.PositionDefined]


def _position(affine: Affine, node: Any, n: int) -> Position:
    i, j, k = affine.to_ijk(node.GetNthControlPointPositionWorld(n))[0]
    return float(i), float(j), float(k)


def _is_positive(node: Any, n: int) -> bool:
    return _says(
        node.GetNthControlPointDescription(n),
        node.GetNthControlPointLabel(n),
        node.GetAttribute(SIGN_ATTRIBUTE),
        node.GetName(),
    )


def _says(*texts: str | None) -> bool:
    """Whether the first text that says anything of it says "positive"."""
    for text in filter(None, texts):
        if _NEGATIVE.search(text) or _POSITIVE.search(text):
            return not _NEGATIVE.search(text)
    return True
