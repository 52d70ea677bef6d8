"""What a 3D model is asked about one list of prompts, and in which cube."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from SAMLesionLib.engine.cube_masks import CubeAnswer
from SAMLesionLib.engine.cube_prompts import drawn_box
from SAMLesionLib.engine.cubes import is_in
from SAMLesionLib.engine.volume_predictor import VolumePredictor
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame, Window
from SAMLesionLib.prompts import PointPrompt, PromptSet
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]
Clicks = tuple[PointPrompt, ...]

MASK_LOGIT = 4.0
"""Logits inside and outside a mask to start from."""


class Question:
    """What the model is asked about one list of prompts.

    Attributes:
        box: the 3D box that was drawn, None without one.
    """

    def __init__(
        self, predictor: VolumePredictor, volume: Volume, prompts: PromptSet, window: Window | None
    ) -> None:
        self.predictor, self.volume, self.prompts, self.window = predictor, volume, prompts, window
        self.box = drawn_box(prompts, volume)

    def clicks(self, before: CubeAnswer | None) -> Clicks:
        """The clicks behind an answer; all that were given where there is none."""
        return tuple(self.prompts.of(PointPrompt)) if before is None else before.clicks

    def carried(self, before: CubeAnswer | None, frame: PatchFrame) -> Floats:
        """The logits so far (n, n, n) in a cube; zeros before the first answer, as in SAM-Med3D."""
        if before is None:
            return np.zeros((self.predictor.mask_size,) * 3, np.float32)
        return before.logits if frame == before.frame else before.frame.carry(before.logits, frame)

    def logits_of(self, mask: npt.NDArray[np.bool_], block: IndexBox, frame: PatchFrame) -> Floats:
        """A mask (k, j, i) over a block as the logits (n, n, n) that a model starts from in a cube."""
        return MASK_LOGIT * (2 * frame.mask(mask, block, self.predictor.mask_size) - 1)

    def answer(
        self, frame: PatchFrame, clicks: Clicks, logits: Floats, box: IndexBox | None = None
    ) -> CubeAnswer:
        """The model's answer in a cube.

        Args:
            frame: the cube.
            clicks: those that lie elsewhere are not shown.
            logits: what it starts from, (n, n, n) in n = `mask_size` cells along each side of the cube.
            box: what is shown in place of the box that was drawn.
        """
        shown = clicks if self.predictor.recipe.keeps_clicks else clicks[-1:]
        inside = [click for click in shown if is_in(frame, click)]
        shown_box = self.box if box is None else box
        if not self.predictor.takes_boxes:
            shown_box = None
        embedding = self.predictor.embed(self.volume, frame, self.window)
        found = self.predictor.logits(embedding, frame, inside, shown_box, logits)
        return CubeAnswer(frame, found, clicks, shown_box)
