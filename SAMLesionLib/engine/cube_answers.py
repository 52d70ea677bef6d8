"""A lesion in 3D from clicks, boxes and masks: each prompt refines the answer to those before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from SAMLesionLib.engine.box_clicks import MOST_CLICKS, first_click, next_click
from SAMLesionLib.engine.cube_masks import CubeAnswer, mask_of, meant_logits, n_missed, over
from SAMLesionLib.engine.cube_prompts import drawn_box, is_anchored, on_image
from SAMLesionLib.engine.cubes import (
    cube_around_box,
    cube_around_click,
    cubes_around_click,
    fitting_cube,
    is_in,
)
from SAMLesionLib.engine.embeddings import VolumeCache
from SAMLesionLib.engine.first_look import worth
from SAMLesionLib.engine.volume_predictor import VolumePredictor
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame, Window
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import MaskPrompt, PointPrompt, PromptSet
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]

MASK_LOGIT = 4.0
"""Logits inside and outside a mask to start from."""

SIZING_CLICKS = 3
"""While there are no more prompts than this, all of them clicks, each is looked at in cells of every size."""

MISSED = 3.0
"""What an answer's worth loses for each click that it contradicts: about what good and bad ones lie apart."""

MOST_LOOKS = 4
"""How many cubes a click may be shown in until the lesion fits."""


def segment_cubes(
    predictor: VolumePredictor,
    volume: Volume,
    prompts: PromptSet,
    window: Window | None,
    answers: VolumeCache[CubeAnswer],
) -> Iterator[MaskUpdate]:
    """The lesion's mask, after each look of the model and at the end.

    Prompts are answered in their order, each from the answer to those before it; answers that are still
    kept are not computed again, and one that has gone is, so a request gives the same mask every time.

    Args:
        predictor: the model.
        volume: the scan.
        prompts: on the image, and accepted by `check_cube_prompts`.
        window: grey values between which the model sees, None for its own recipe.
        answers: answers kept from before.

    Yields:
        An update for each time that the model looked, then one for all voxels that they touched. Between two
        of them one cube is encoded, so closing the iterator ends the work within it.
    """
    steps = [PromptSet(prompts.prompts[: n + 1]) for n in range(len(prompts))]
    n_done, answer = _latest(predictor, volume, steps, window, answers)
    shown: MaskUpdate | None = None
    touched: IndexBox | None = None
    for n, step in enumerate(steps[n_done:]):
        for look, refined in enumerate(_looks(predictor, volume, step, answer, window), start=1):
            if shown is None or refined is not answer:  # the best look so far may stay the best
                answer, shown = refined, mask_of(refined, step, volume)
                touched = shown.block if touched is None else touched.union(shown.block)
            yield MaskUpdate(shown.block, shown.mask, 0.9 * (n + 1 - 0.5**look) / (len(steps) - n_done))
        if answer is not None:
            answers.put(predictor.key(volume, step, window), answer)
    assert answer is not None, "prompts that say nothing were refused"
    # Shown already, unless nothing had to be computed.
    last = mask_of(answer, prompts, volume) if shown is None else shown
    yield over(last, last.block if touched is None else touched.union(last.block))


def _latest(
    predictor: VolumePredictor,
    volume: Volume,
    steps: Sequence[PromptSet],
    window: Window | None,
    answers: VolumeCache[CubeAnswer],
) -> tuple[int, CubeAnswer | None]:
    """How many of the steps need not be done again, and the answer to the last of them."""
    for n in range(len(steps), 0, -1):
        answer = answers.get(predictor.key(volume, steps[n - 1], window))
        if answer is not None:
            return n, answer
    return 0, None


def _looks(
    predictor: VolumePredictor,
    volume: Volume,
    prompts: PromptSet,
    before: CubeAnswer | None,
    window: Window | None,
) -> Iterator[CubeAnswer]:
    """The answers to the newest prompt, each better than the one before it; none when nothing is said yet."""
    if not is_anchored(prompts):
        return
    ask = Question(predictor, volume, prompts, window)
    newest = prompts.prompts[-1]
    if isinstance(newest, MaskPrompt):
        yield ask.about_mask(newest)
    elif isinstance(newest, PointPrompt):
        yield from ask.about_click(newest, before)
    else:
        yield from ask.about_box(before)


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
        """The box, shown as such or, to a model that knows clicks only, as clicks."""
        assert self.box is not None
        frame = cube_around_box(self.predictor, self.volume, self.box)
        clicks = tuple(self.prompts.of(PointPrompt)) if before is None else before.clicks
        if self.predictor.takes_boxes:
            yield self._answer(frame, clicks, self._carried(before, frame))
            return
        click: PointPrompt | None = first_click(self.box)
        answer = before
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
        """The best answer so far: in the cube before, then in cells of each size."""
        best, most = None, -np.inf
        if before is not None:
            best = self._continued(click, before)
            most = self._seems(best)
            yield best
        for look in self.looks():
            seems = self._seems(look)
            if best is None or seems > most:
                best, most = look, seems
            yield best

    def looks(self) -> Iterator[CubeAnswer]:
        """The answers to all clicks in cubes of several sizes that hold them, from the finest cells."""
        clicks = tuple(self.prompts.of(PointPrompt))
        inside = [click for click in clicks if click.is_positive]
        for frame in cubes_around_click(self.predictor, self.volume, inside[0]):
            if all(is_in(frame, click) for click in inside):
                yield self._answer(frame, clicks, self._carried(None, frame))

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
