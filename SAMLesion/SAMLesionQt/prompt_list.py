"""The prompts of the chosen lesion as a list: look at one, turn it, delete it, or ask again from all."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from SAMLesionLib.host.volumes import world_affine
from SAMLesionLib.prompts import (
    BoxPrompt,
    MaskPrompt,
    OrganMaskPrompt,
    OrganPrompt,
    PointPrompt,
    Prompt,
    ScribblePrompt,
)
from SAMLesionQt.desk import Desk


class PromptList:
    """Shows and changes the prompts of one lesion.

    Args:
        ui: the panel's widgets by name.
        desk: the session and the chosen lesion.
    """

    def __init__(self, ui: Any, desk: Desk) -> None:
        self._ui, self._desk = ui, desk
        self._shown: tuple[Prompt, ...] = ()
        self._isFilling = False
        ui.promptList.connect("currentRowChanged(int)", self._onRow)
        ui.flipPromptButton.connect("clicked()", self.flip)
        ui.deletePromptButton.connect("clicked()", self.delete)
        ui.replayButton.connect("clicked()", self.replay)
        self.refresh()

    def flip(self) -> None:
        """Make the chosen point or stroke say the opposite."""
        session, lesionId, row = self._desk.session, self._desk.lesionId, self._ui.promptList.currentRow
        if session is not None and lesionId is not None and row >= 0:
            with self._desk.guarded():
                session.annotation.flip_prompt(lesionId, row)
            self.refresh()

    def delete(self) -> None:
        """Take the chosen prompt away."""
        session, lesionId, row = self._desk.session, self._desk.lesionId, self._ui.promptList.currentRow
        if session is not None and lesionId is not None and row >= 0:
            with self._desk.guarded():
                session.annotation.remove_prompt(lesionId, row)
            self.refresh()

    def replay(self) -> None:
        """Ask for the chosen lesion's mask anew from all its prompts."""
        if self._desk.session is not None and self._desk.lesionId is not None:
            with self._desk.guarded():
                self._desk.session.controller.run_again(self._desk.lesionId)

    def refresh(self) -> None:
        """Show the chosen lesion's prompts as they are now."""
        lesion = self._desk.lesion
        prompts = lesion.prompts.prompts if lesion is not None else ()
        if prompts != self._shown:
            self._isFilling = True
            self._ui.promptList.clear()
            self._ui.promptList.addItems([promptText(n, prompt) for n, prompt in enumerate(prompts, 1)])
            self._shown, self._isFilling = prompts, False
        self._enable()

    def _enable(self) -> None:
        ui, lesion, row = self._ui, self._desk.lesion, self._ui.promptList.currentRow
        isOpen = lesion is not None and not lesion.is_accepted
        prompt = self._shown[row] if 0 <= row < len(self._shown) else None
        ui.flipPromptButton.enabled = isOpen and isinstance(prompt, (PointPrompt, ScribblePrompt))
        ui.deletePromptButton.enabled = isOpen and prompt is not None
        ui.replayButton.enabled = isOpen and bool(self._shown)

    def _onRow(self, row: int) -> None:
        if not self._isFilling and 0 <= row < len(self._shown):
            self._lookAt(self._shown[row])
        self._enable()

    def _lookAt(self, prompt: Prompt) -> None:
        positions_ijk = prompt.positions_ijk()
        if self._desk.session is not None and len(positions_ijk):  # a word lies nowhere
            volumeNode = self._desk.session.controller.segments.volume_node
            place = world_affine(volumeNode).to_ras(np.mean(positions_ijk, axis=0))[0]
            jump = slicer.vtkMRMLSliceNode
            jump.JumpAllSlices(slicer.mrmlScene, *place, jump.CenteredJumpSlice)


def promptText(number: int, prompt: Prompt) -> str:
    """A prompt for people: what it is and where, in voxels (i, j, k)."""
    names = {
        "point": _("Point"),
        "box": _("Box"),
        "line": _("Line"),
        "scribble": _("Stroke"),
        "mask": _("Mask"),
        "organ": _("Organ"),
        "organ-mask": _("Organ's mask"),
    }
    sign = ""
    if isinstance(prompt, (PointPrompt, ScribblePrompt)):
        sign = " +" if prompt.is_positive else " −"
    if isinstance(prompt, OrganPrompt):
        where = prompt.word
    elif isinstance(prompt, (BoxPrompt, MaskPrompt, OrganMaskPrompt)):
        size = " × ".join(map(str, prompt.box.shape_ijk))
        where = _("{size} voxels from {start}").format(
            size=size, start=", ".join(map(str, prompt.box.start_ijk))
        )
    else:
        where = _("at {place}").format(place=", ".join(f"{v:.0f}" for v in prompt.positions_ijk()[0]))
    return f"{number}  {names[prompt.kind]}{sign}, {where}"
