"""What a 3D model is asked about one list of prompts, and in which cubes.

A click says where a lesion is and not how large, so it is looked at in cells of several sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from SAMLesionLib.engine.box_clicks import MOST_CLICKS, first_click, next_click
from SAMLesionLib.engine.cube_masks import CubeAnswer, meant_logits, n_missed
from SAMLesionLib.engine.cube_prompts import drawn_box, drawn_slices, on_image
from SAMLesionLib.engine.cubes import (
    FOUND_SHARE,
    box_of,
    cube_around_box,
    cube_around_click,
    cubes_around_click,
    fitting_cube,
    is_in,
)
from SAMLesionLib.engine.first_look import worth
from SAMLesionLib.engine.plans import ellipses
from SAMLesionLib.engine.volume_predictor import VolumePredictor
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame, Window
from SAMLesionLib.prompts import MaskPrompt, PointPrompt, PromptSet
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]

MASK_LOGIT = 4.0
"""Logits inside and outside a mask to start from."""

BOX_ROUNDS = 2
"""How often a model that takes boxes answers one: with its own answer to start from it corrects itself."""

SIZING_CLICKS = 3
"""While there are no more prompts than this, all of them clicks, each is looked at in cells of every size."""

MISSED = 3.0
"""What an answer's worth loses for each click that it contradicts: about what good and bad ones lie apart."""

MOST_CENTRED = 2
"""How many of the best looks are followed by one in a cube around what was found."""

MOST_LOOKS = 4
"""How many cubes a click may be shown in until the lesion fits."""


class Question:
    """What the model is asked about one list of prompts."""

    def __init__(
        self, predictor: VolumePredictor, volume: Volume, prompts: PromptSet, window: Window | None
    ) -> None:
        self.predictor, self.volume, self.prompts, self.window = predictor, volume, prompts, window
        self.box = drawn_box(prompts, volume)

    def about_mask(self, start: MaskPrompt) -> CubeAnswer:
        """The mask seen once more on the image; clicks before it are in it already."""
        start = on_image(start, self.volume)
        where = start.box if self.box is None else start.box.union(self.box)
        frame = cube_around_box(self.predictor, self.volume, where)
        shares = frame.mask(start.mask, start.box, self.predictor.mask_size)
        return self._answer(frame, (), MASK_LOGIT * (2 * shares - 1))

    def about_box(self, before: CubeAnswer | None) -> Iterator[CubeAnswer]:
        """The box, shown as such or, to a model that knows clicks only, as clicks.

        Boxes in several slices are shown as the ellipses in them too, from which the model starts.
        """
        assert self.box is not None
        frame = cube_around_box(self.predictor, self.volume, self.box)
        clicks = tuple(self.prompts.of(PointPrompt)) if before is None else before.clicks
        answer, slices = before, drawn_slices(self.prompts, self.volume)
        if self.predictor.takes_boxes and slices is not None:
            shares = frame.mask(ellipses(slices), self.box, self.predictor.mask_size)
            yield self._answer(frame, clicks, MASK_LOGIT * (2 * shares - 1))
        elif self.predictor.takes_boxes:
            for _ in range(BOX_ROUNDS):
                answer = self._answer(frame, clicks, self._carried(answer, frame))
                yield answer
        else:
            yield from self._box_as_clicks(frame, answer, clicks)

    def _box_as_clicks(
        self, frame: PatchFrame, answer: CubeAnswer | None, clicks: tuple[PointPrompt, ...]
    ) -> Iterator[CubeAnswer]:
        """Clicks that bring the answer into the box, one after the other."""
        assert self.box is not None
        click: PointPrompt | None = first_click(self.box)
        for _ in range(1 + MOST_CLICKS):
            if click is None:
                return
            clicks = (*clicks, click)
            answer = self._answer(frame, clicks, self._carried(answer, frame))
            yield answer
            click = next_click(frame, answer.logits, self.box)

    def about_click(self, click: PointPrompt, before: CubeAnswer | None) -> Iterator[CubeAnswer]:
        """The click in the cube so far, then in others until the lesion fits."""
        if self._has_open_size():
            yield from self._about_size(click, before)
            return
        answer = self._continued(click, before)
        yield answer
        seen = {answer.frame.step_mm}
        may_zoom = self.box is None and not self.predictor.recipe.first_steps_mm
        while may_zoom and len(seen) < MOST_LOOKS:
            found = meant_logits(answer, self.prompts, self.volume)
            closer = fitting_cube(self.predictor, self.volume, answer.frame, found)
            if closer is None or closer.step_mm in seen:
                return
            seen.add(closer.step_mm)
            answer = self._answer(closer, answer.clicks, self._carried(answer, closer))
            yield answer

    def _continued(self, click: PointPrompt, before: CubeAnswer | None) -> CubeAnswer:
        """The answer before it with one click more."""
        clicks = tuple(self.prompts.of(PointPrompt)) if before is None else (*before.clicks, click)
        frame = self._cube(click, before)
        return self._answer(frame, clicks, self._carried(before, frame))

    def _has_open_size(self) -> bool:
        """Whether so little is said that a lesion of any size may be meant."""
        clicks = self.prompts.of(PointPrompt)
        only_clicks = len(clicks) == len(self.prompts)
        return bool(self.predictor.recipe.first_steps_mm) and only_clicks and len(clicks) <= SIZING_CLICKS

    def _about_size(self, click: PointPrompt, before: CubeAnswer | None) -> Iterator[CubeAnswer]:
        """The best answer so far: in the cube before, in cells of each size, then around what was found."""
        answers = self.looks()
        if before is not None:
            # A click inside says that there is more, one outside that there is less.
            then_mm3 = self._volume_mm3(before)
            changed = (look for look in answers if (self._volume_mm3(look) > then_mm3) == click.is_positive)
            answers = chain((self._continued(click, before),), changed)
        looks: list[CubeAnswer] = []
        for looks in self._ranked(answers):
            yield looks[0]
        if before is None or looks[0].frame != before.frame:
            for centred in self._ranked(self._around_found(look) for look in looks[:MOST_CENTRED]):
                yield centred[0]

    def _ranked(self, answers: Iterable[CubeAnswer]) -> Iterator[list[CubeAnswer]]:
        """The answers so far, from the one that seems best, each time that there is another."""
        seen: list[tuple[float, CubeAnswer]] = []
        for answer in answers:
            seen.append((self._seems(answer), answer))
            seen.sort(key=itemgetter(0), reverse=True)
            yield [answer for _, answer in seen]

    def looks(self) -> Iterator[CubeAnswer]:
        """The answers to all clicks in cubes of several sizes that hold them, from the finest cells."""
        clicks = tuple(self.prompts.of(PointPrompt))
        inside = [click for click in clicks if click.is_positive]
        for frame in cubes_around_click(self.predictor, self.volume, inside[0]):
            if all(is_in(frame, click) for click in inside):
                yield self._answer(frame, clicks, self._carried(None, frame))

    def _around_found(self, look: CubeAnswer) -> CubeAnswer:
        """The answer once more, in a cube with the lesion and not a click in its middle."""
        found = box_of(look.frame, meant_logits(look, self.prompts, self.volume))
        if found is None:
            return look
        clicked = IndexBox.around([click.point_ijk for click in look.clicks if click.is_positive])
        frame = cube_around_box(self.predictor, self.volume, found.union(clicked), FOUND_SHARE)
        return self._answer(frame, look.clicks, self._carried(look, frame))

    def _volume_mm3(self, answer: CubeAnswer) -> float:
        """How large the lesion of an answer is."""
        cell_mm = answer.frame.side_mm / len(answer.logits)
        return float((meant_logits(answer, self.prompts, self.volume) > 0).sum()) * cell_mm**3

    def _seems(self, look: CubeAnswer) -> float:
        """How good an answer seems, by what it shows and by the clicks that it heeds."""
        found = meant_logits(look, self.prompts, self.volume)
        seen = self.predictor.embed(self.volume, look.frame, self.window)
        return worth(found, seen.grey) - MISSED * n_missed(look, found)

    def _cube(self, click: PointPrompt, before: CubeAnswer | None) -> PatchFrame:
        if before is None:
            return cube_around_click(
                self.predictor, self.volume, click, None, np.zeros((1, 1, 1), np.float32)
            )
        return cube_around_click(
            self.predictor, self.volume, click, before.frame, meant_logits(before, self.prompts, self.volume)
        )

    def _carried(self, before: CubeAnswer | None, frame: PatchFrame) -> Floats:
        """The logits so far in the cells of a cube; zeros before the first answer, as in SAM-Med3D."""
        if before is None:
            return np.zeros((self.predictor.mask_size,) * 3, np.float32)
        return before.logits if frame == before.frame else before.frame.carry(before.logits, frame)

    def _answer(self, frame: PatchFrame, clicks: tuple[PointPrompt, ...], logits: Floats) -> CubeAnswer:
        shown = clicks if self.predictor.recipe.keeps_clicks else clicks[-1:]
        inside = [click for click in shown if is_in(frame, click)]
        box = self.box if self.predictor.takes_boxes else None
        embedding = self.predictor.embed(self.volume, frame, self.window)
        return CubeAnswer(frame, self.predictor.logits(embedding, frame, inside, box, logits), clicks)
