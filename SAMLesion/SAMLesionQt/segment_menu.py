"""The menu of the scene's segments: one to start from, or the organ that the lesion lies in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from SAMLesionLib import ModelInfo
from SAMLesionLib.host.session import Session
from SAMLesionLib.prompts import MaskPrompt, OrganMaskPrompt

Give = Callable[[Session, str], Any]
"""Gives something to a lesion, by its id."""


def segmentMenu(
    button: Any, session: Session, model: ModelInfo, lesionId: str | None, take: Callable[[Give], None]
) -> Any:
    """Open the menu under its button.

    Args:
        button: where it opens.
        session: has the segments.
        model: the chosen one: what it does not understand is not offered.
        lesionId: the chosen lesion, which is not offered to itself.
        take: receives what was chosen.

    Returns:
        The menu, to be kept while it is open.
    """
    menu, segments = qt.QMenu(button), session.controller.segments
    for segmentId in segments.segment_ids:
        if segmentId == lesionId or segments.packed(segmentId).is_empty:
            continue
        name = segments.segment(segmentId).GetName()
        if MaskPrompt.kind in model.prompts:
            _add(menu, name, take, _startFrom(segmentId))
        if OrganMaskPrompt.kind in model.prompts:
            _add(menu, _("{name} is the organ").format(name=name), take, _giveOrgan(segmentId))
    if menu.isEmpty():
        menu.addAction(_("There is no other segment")).enabled = False
    menu.popup(button.mapToGlobal(qt.QPoint(0, button.height)))
    return menu


def _add(menu: Any, text: str, take: Callable[[Give], None], give: Give) -> None:
    menu.addAction(text).connect("triggered()", lambda: take(give))


def _startFrom(segmentId: str) -> Give:
    return lambda session, lesionId: session.controller.start_from(lesionId, segmentId)


def _giveOrgan(segmentId: str) -> Give:
    return lambda session, lesionId: session.controller.give_organ(lesionId, segmentId)
