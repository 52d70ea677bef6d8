"""The prompt tools: which can be used with the chosen model, and what is done with what was drawn."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib import ModelInfo
from SAMLesionLib.host.markups import SIGN_ATTRIBUTE
from SAMLesionLib.host.session import Session
from SAMLesionLib.host.slice_views import box_in_view
from SAMLesionLib.prompts import MaskPrompt, OrganMaskPrompt
from SAMLesionQt.buttons import buttons, tooltip
from SAMLesionQt.view_drags import Drag


@dataclass(frozen=True)
class Tool:
    """Something to draw with.

    Attributes:
        name: as in `host.parameters.TOOLS`.
        isPositive: whether it says that the lesion is here.
        kind: the kind of prompt that a model must understand.
        shape: how it is shown while it is drawn; empty where the host's own placing draws it.
        hint: what to do with it.
    """

    name: str
    isPositive: bool
    kind: str
    shape: str
    hint: str


def tools() -> Mapping[str, Tool]:
    """All tools that are held in the hand, by the name of their button."""
    click = _("Click in a slice view.")
    stroke = _("Draw in a slice view with the mouse button held down.")
    return {
        "boxButton": Tool("box", True, "box", "box", _("Drag from corner to corner in a slice view.")),
        "box3dButton": Tool(
            "box3d", True, "box", "", _("Click two corners in a slice view, then pull the faces of the box.")
        ),
        "lineButton": Tool("line", True, "line", "line", _("Drag across the lesion in a slice view.")),
        "pointPositiveButton": Tool("point", True, "point", "point", click),
        "pointNegativeButton": Tool("point", False, "point", "point", click),
        "scribblePositiveButton": Tool("scribble", True, "scribble", "path", stroke),
        "scribbleNegativeButton": Tool("scribble", False, "scribble", "path", stroke),
        "outlineButton": Tool(
            "outline", True, "mask", "outline", _("Draw around the lesion in a slice view.")
        ),
    }


def whyNot(kinds: Collection[str], model: ModelInfo | None, isPositive: bool = True) -> str:
    """Why a tool cannot be used with a model; empty when it can.

    Args:
        kinds: the kinds of prompt that it makes; the model must understand one of them.
        model: None while it is not known.
        isPositive: whether it says where the lesion is, and not where it is not.
    """
    if model is None:
        return _("No model is known yet: choose or install an engine.")
    if not model.prompts.intersection(kinds):
        return _("{title} understands {kinds}, and not this.").format(
            title=model.title, kinds=", ".join(sorted(model.prompts))
        )
    if not isPositive and not model.takes_negative:
        return _("{title} cannot be told where the lesion is not.").format(title=model.title)
    return ""


def addDrawn(session: Session, tool: Tool, drag: Drag, lesionId: str) -> None:
    """Give what was drawn to a lesion.

    Raises:
        SAMLesionError: one sentence why it is no prompt.
    """
    volumeNode = session.controller.segments.volume_node
    if tool.name == "box":
        first, last = drag.points_ras[0], drag.points_ras[-1]
        box = box_in_view(drag.sliceNode, first, last, volumeNode)
        session.annotation.add_prompt(lesionId, box)
        return
    ends = drag.points_ras if tool.name in ("scribble", "outline") else _ends(tool, drag)
    with _markup(volumeNode.GetScene(), tool) as node:
        for point in ends:
            node.AddControlPointWorld(point)
        session.controller.add_markup(node, lesionId)


def showReasons(ui: Any, model: ModelInfo | None, isReady: bool) -> None:
    """Make the tools grey that the chosen model does not understand, with the reason as tooltip.

    Args:
        ui: the panel's widgets by name.
        model: the chosen model, None while it is not known.
        isReady: whether there is a volume to draw on.
    """
    looks = buttons()
    uses = {name: ((tool.kind,), tool.isPositive) for name, tool in tools().items()}
    uses["segmentButton"] = ((MaskPrompt.kind, OrganMaskPrompt.kind), True)
    for name, (kinds, isPositive) in uses.items():
        reason = whyNot(kinds, model, isPositive) if isReady else _("Choose a volume first.")
        widget = getattr(ui, name)
        widget.enabled = not reason
        widget.toolTip = tooltip(name, looks[name], reason)


def _ends(tool: Tool, drag: Drag) -> tuple[Any, ...]:
    return (drag.points_ras[0], drag.points_ras[-1]) if tool.name == "line" else drag.points_ras[-1:]


_CLASSES = {
    "point": "vtkMRMLMarkupsFiducialNode",
    "line": "vtkMRMLMarkupsLineNode",
    "scribble": "vtkMRMLMarkupsCurveNode",
    "outline": "vtkMRMLMarkupsClosedCurveNode",
}


@contextmanager
def _markup(scene: Any, tool: Tool) -> Iterator[Any]:
    """A markup node of the tool's kind that is gone again when it was read."""
    node = scene.CreateNodeByClass(_CLASSES[tool.name])
    node.UnRegister(None)
    node.HideFromEditorsOn()
    node.SaveWithSceneOff()
    node.SetName(_("Prompt"))
    node.SetAttribute(SIGN_ATTRIBUTE, "positive" if tool.isPositive else "negative")
    if tool.name in ("scribble", "outline"):
        node.SetCurveTypeToLinear()
    scene.AddNode(node)
    try:
        yield node
    finally:
        scene.RemoveNode(node)
