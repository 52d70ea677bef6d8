"""The panel's buttons: icon, what each does in a few words, and the tooltip that ends with its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from SAMLesionQt.shortcuts import withKey


@dataclass(frozen=True)
class Button:
    """How a button looks and what it says.

    Attributes:
        icon: name of a file in `Resources/Icons`.
        title: what it does, in a few words.
        more: what else the tooltip says.
    """

    icon: str
    title: str
    more: str = ""


def buttons() -> Mapping[str, Button]:
    """All buttons with an icon, by name of their widget."""
    return {**_promptButtons(), **_requestButtons(), **_lesionButtons(), **_otherButtons()}


def prepareButtons(ui: Any, iconFolder: Path) -> None:
    """Give each button its icon and its tooltip."""
    for name, button in buttons().items():
        widget = getattr(ui, name)
        widget.setIcon(qt.QIcon(str(iconFolder / f"{button.icon}.svg")))
        widget.toolTip = tooltip(name, button)


def tooltip(name: str, button: Button, reason: str = "") -> str:
    """What a button's tooltip says; where it is grey, the reason comes first."""
    return " ".join(filter(None, (reason, f"{withKey(name, button.title)}.", button.more)))


def _promptButtons() -> Mapping[str, Button]:
    return {
        "boxButton": Button(
            "PromptBox",
            _("Box around the lesion"),
            _("Drag from corner to corner in any slice view. The lesion is followed through the slices."),
        ),
        "box3dButton": Button(
            "PromptBox3D",
            _("Box through several slices"),
            _("Click two corners in a slice view, then pull its faces; the mask follows each pull."),
        ),
        "pointPositiveButton": Button(
            "PromptPointPositive", _("Point on the lesion"), _("Click on it in any slice view.")
        ),
        "pointNegativeButton": Button(
            "PromptPointNegative", _("Point beside the lesion"), _("Click on what the mask must leave out.")
        ),
        "scribblePositiveButton": Button(
            "PromptScribblePositive", _("Stroke on the lesion"), _("Hold the mouse button and draw.")
        ),
        "scribbleNegativeButton": Button(
            "PromptScribbleNegative",
            _("Stroke beside the lesion"),
            _("Draw on what the mask must leave out."),
        ),
        "lineButton": Button(
            "PromptLine",
            _("Line across the lesion"),
            _("Drag along its longest diameter, as in RECIST; a second line may cross it."),
        ),
        "outlineButton": Button(
            "PromptOutline",
            _("Outline of the lesion"),
            _("Draw around it in one slice; the inside is the mask."),
        ),
        "segmentButton": Button(
            "PromptSegment",
            _("Start from a segment"),
            _("Choose a segment of the scene; its mask is refined."),
        ),
    }


def _requestButtons() -> Mapping[str, Button]:
    return {
        "runButton": Button("Run", _("Segment"), _("Ask for the mask from all prompts of this lesion.")),
        "cancelButton": Button(
            "Cancel", _("Cancel"), _("Stop at once. What came half is taken back; prompts stay.")
        ),
    }


def _lesionButtons() -> Mapping[str, Button]:
    return {
        "newLesionButton": Button("NewLesion", _("New lesion"), _("The next prompt begins another lesion.")),
        "nextLesionButton": Button(
            "NextLesion", _("Next lesion"), _("Show the next lesion of the table in all views.")
        ),
        "acceptButton": Button(
            "Accept", _("Accept or reopen"), _("An accepted lesion is never changed until it is reopened.")
        ),
        "flagButton": Button("Flag", _("Flag for a second look"), _("Press again to take the flag away.")),
        "renameButton": Button("Rename", _("Rename"), _("A double click in the table does the same.")),
        "mergeButton": Button(
            "Merge", _("Merge"), _("Make one lesion of the chosen ones; the first keeps its name.")
        ),
        "splitButton": Button(
            "Split", _("Split"), _("Make a lesion of each connected part of the chosen one.")
        ),
        "deleteButton": Button("Delete", _("Delete"), _("Undo brings a deleted lesion back.")),
    }


def _otherButtons() -> Mapping[str, Button]:
    return {
        "undoButton": Button("Undo", _("Undo"), _("Take the last action back: prompts, masks, states.")),
        "redoButton": Button("Redo", _("Redo"), _("Do again what was taken back last.")),
        "editButton": Button(
            "Edit",
            _("Edit mask"),
            _("Open Slicer's Segment Editor on this lesion. What is drawn joins the next request."),
        ),
        "helpButton": Button("Help", _("Keys"), _("Show all keys.")),
    }
