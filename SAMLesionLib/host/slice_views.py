"""What a slice view shows, in voxels: which slice of the scan, and the box that a reader drags in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.volumes import array_from_matrix, check_scalar, world_affine
from SAMLesionLib.prompts import BoxPrompt, PromptSet

Floats = npt.NDArray[np.float64]

MAX_DRIFT_VOXELS = 0.5
"""A view shows one slice when, from one side of the image to the other, it leaves it by no more than this."""


def slice_of(slice_node: Any, volume_node: Any) -> tuple[int, int]:
    """The slice that a view shows.

    Args:
        slice_node: the `vtkMRMLSliceNode` of the view.
        volume_node: the scan.

    Returns:
        The voxel axis (0, 1, 2 for i, j, k) across which it lies, and its index along it.

    Raises:
        PromptError: the view is oblique to the scan's voxels, or shows none of them.
        ImageError: the volume cannot be prompted.
    """
    check_scalar(volume_node)
    view, affine = array_from_matrix(slice_node.GetSliceToRAS()), world_affine(volume_node)
    shape_ijk = np.array(volume_node.GetImageData().GetDimensions())
    # How far a step along each voxel axis leads out of the view's plane, in mm.
    steps_mm = view[:3, 2] @ affine.ijk_to_ras[:3, :3]
    axis = int(np.argmax(np.abs(steps_mm)))
    drift = np.abs(steps_mm / steps_mm[axis]) * (shape_ijk - 1)
    name = volume_node.GetName()
    if np.delete(drift, axis).max() > MAX_DRIFT_VOXELS:
        raise PromptError(
            f"This view cuts {name} obliquely, so it shows no slice of it. Turn the view to the image's "
            "planes (rotate to volume plane), then draw."
        )
    middle_ijk = (shape_ijk - 1) / 2.0
    distance_mm = view[:3, 2] @ (view[:3, 3] - affine.to_ras(middle_ijk)[0])
    index = int(np.floor(middle_ijk[axis] + distance_mm / steps_mm[axis] + 0.5))
    if not 0 <= index < shape_ijk[axis]:
        raise PromptError(f"This view shows no slice of {name}. Scroll to the image, then draw.")
    return axis, index


def box_in_view(slice_node: Any, first_ras: Any, second_ras: Any, volume_node: Any) -> BoxPrompt:
    """The 2D box between two places in a slice view, the corners of what was dragged.

    In a view that is turned within its plane it holds the whole rectangle that was drawn.

    Args:
        slice_node: the `vtkMRMLSliceNode` of the view.
        first_ras: where the drag began.
        second_ras: where it ended.
        volume_node: the scan.

    Raises:
        PromptError: the view shows no slice of the scan, or the box is off the image or too small.
        ImageError: the volume cannot be prompted.
    """
    axis, index = slice_of(slice_node, volume_node)
    corners_ras = _rectangle(array_from_matrix(slice_node.GetSliceToRAS()), first_ras, second_ras)
    box = IndexBox.around(world_affine(volume_node).to_ijk(corners_ras))
    start, stop = list(box.start_ijk), list(box.stop_ijk)
    start[axis], stop[axis] = index, index + 1
    box = IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    if box.shape_ijk.count(1) > 1:
        raise PromptError("This box is only one voxel wide. Drag it around the whole lesion.")
    prompt = BoxPrompt(box, axis)
    PromptSet((prompt,)).check_inside(volume_node.GetImageData().GetDimensions(), volume_node.GetName())
    return prompt


def _rectangle(view: Floats, first_ras: Any, second_ras: Any) -> Floats:
    """The four corners (4, 3) of the rectangle along the view's own axes between two places."""
    first, second = np.asarray(first_ras, dtype=np.float64), np.asarray(second_ras, dtype=np.float64)
    across, down = (view[:3, n] / np.linalg.norm(view[:3, n]) for n in (0, 1))
    along = across * (across @ (second - first))
    return np.array([first, first + along, first + down * (down @ (second - first)), second])
