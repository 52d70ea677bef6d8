"""A prompt as a markup node: boxes as ROIs, clicks as points, diameters as lines, strokes as curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from SAMLesionLib.host.markups import SIGN_ATTRIBUTE, place_roi, prompts_from_markup, roi_placement
from SAMLesionLib.host.volumes import world_affine
from SAMLesionLib.prompts import (
    BoxPrompt,
    LinePrompt,
    PointPrompt,
    Prompt,
    PromptSet,
    ScribblePrompt,
)

Colour = tuple[float, float, float]

POSITIVE, NEGATIVE = (0.20, 0.75, 0.35), (0.90, 0.25, 0.20)
"""Colours of clicks and strokes on the lesion and beside it."""

_CLASSES = {
    BoxPrompt: "vtkMRMLMarkupsROINode",
    PointPrompt: "vtkMRMLMarkupsFiducialNode",
    LinePrompt: "vtkMRMLMarkupsLineNode",
    ScribblePrompt: "vtkMRMLMarkupsCurveNode",
}
_MAX_CURVE_POINTS = 30


def create_shape(prompt: Prompt, volume_node: Any, colour: Colour) -> Any:
    """A new node that shows a prompt; None for one that has no shape, such as a mask or a word.

    Args:
        prompt: what to show.
        volume_node: the volume it was drawn on; gives the scene.
        colour: of boxes and lines; clicks and strokes have that of their sign.
    """
    if type(prompt) not in _CLASSES:
        return None
    scene = volume_node.GetScene()
    node = scene.CreateNodeByClass(_CLASSES[type(prompt)])
    node.UnRegister(None)  # the scene is going to hold it
    node.HideFromEditorsOn()
    node.SaveWithSceneOff()
    node.SetName(f"Prompt ({prompt.kind})")
    scene.AddNode(node)
    place_shape(node, prompt, volume_node)
    if isinstance(prompt, (PointPrompt, ScribblePrompt)):
        node.SetAttribute(SIGN_ATTRIBUTE, "positive" if prompt.is_positive else "negative")
        colour = POSITIVE if prompt.is_positive else NEGATIVE
    _show(node, colour)
    return node


def place_shape(node: Any, prompt: Prompt, volume_node: Any) -> None:
    """Put a node of the prompt's kind where the prompt is."""
    if isinstance(prompt, BoxPrompt):
        place_roi(node, prompt.box, volume_node)
        return
    points = prompt.positions_ijk()
    if isinstance(prompt, ScribblePrompt):
        node.SetCurveTypeToLinear()
        points = points[np.unique(np.linspace(0, len(points) - 1, _MAX_CURVE_POINTS).round().astype(int))]
    for n, point_ras in enumerate(world_affine(volume_node).to_ras(points)):
        if n < node.GetNumberOfControlPoints():
            node.SetNthControlPointPositionWorld(n, *point_ras)
        else:
            node.AddControlPointWorld(*point_ras)


def read_shape(node: Any, before: Prompt, volume_node: Any) -> Prompt:
    """The prompt that a node stands for after the reader has dragged it.

    Args:
        node: made by `create_shape`.
        before: what it stood for.
        volume_node: the volume it was drawn on.

    Raises:
        PromptError: it stands for none any more, such as off the image.
        ImageError: the volume cannot be prompted.
    """
    (prompt,) = prompts_from_markup(node, volume_node)
    if isinstance(before, BoxPrompt):
        i, j, k = _moved_voxels(node, before, volume_node)
        moved = BoxPrompt(before.box.shift((i, j, k)), before.axis)
        # A box that was moved as a whole keeps its size, and does not take in one more voxel each time.
        if _is_as_large_as(node, before, volume_node):
            PromptSet((moved,)).check_inside(
                volume_node.GetImageData().GetDimensions(), volume_node.GetName()
            )
            return moved
    return prompt


def _moved_voxels(node: Any, before: BoxPrompt, volume_node: Any) -> tuple[int, int, int]:
    middle_ijk = world_affine(volume_node).to_ijk(node.GetCenterWorld())[0]
    i, j, k = np.floor(middle_ijk - before.box.centre_ijk + 0.5).astype(int).tolist()
    return i, j, k


def _is_as_large_as(node: Any, box: BoxPrompt, volume_node: Any) -> bool:
    size = roi_placement(box.box, volume_node)[0]
    return bool(np.allclose(node.GetSize(), size, rtol=1e-4))


def _show(node: Any, colour: Colour) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SaveWithSceneOff()
    display.SetSelectedColor(*colour)
    display.SetColor(*colour)
    display.SetPointLabelsVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetFillOpacity(0.08)  # the lesion under a box stays visible
    if node.IsA("vtkMRMLMarkupsCurveNode"):
        node.SetLocked(True)
