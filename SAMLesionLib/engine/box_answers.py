"""A 3D model's answers to a box or a mask to start from.

A box goes to the model as such or, to one that knows clicks only, as clicks. A model that is shown a loosely
drawn box fills too much of it, so a box that the lesion does not need is doubted, as in 2D.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from SAMLesionLib.engine.box_clicks import MOST_CLICKS, first_click, next_click
from SAMLesionLib.engine.cube_masks import CubeAnswer, mask_of, over
from SAMLesionLib.engine.cube_prompts import drawn_slices, is_drawn_in_3d, on_image
from SAMLesionLib.engine.cube_question import Clicks, Floats, Question
from SAMLesionLib.engine.cubes import cube_around_box
from SAMLesionLib.engine.loose_boxes import LOOSE_SHARE, doubt
from SAMLesionLib.engine.plans import ellipses
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame
from SAMLesionLib.prompts import MaskPrompt, PointPrompt

BOX_ROUNDS = 2
"""How often a model that takes boxes answers one: with its own answer to start from it corrects itself."""


def answer_mask(ask: Question, start: MaskPrompt) -> CubeAnswer:
    """The mask seen once more on the image; clicks before it are in it already."""
    start = on_image(start, ask.volume)
    where = start.box if ask.box is None else start.box.union(ask.box)
    frame = cube_around_box(ask.predictor, ask.volume, where)
    return ask.answer(frame, (), ask.logits_of(start.mask, start.box, frame))


def answer_box(ask: Question, before: CubeAnswer | None) -> Iterator[CubeAnswer]:
    """The answers to the box that was drawn, each better than the one before.

    Boxes in several slices are shown as the ellipses in them too, from which the model starts.
    """
    assert ask.box is not None
    frame = cube_around_box(ask.predictor, ask.volume, ask.box)
    clicks, slices = ask.clicks(before), drawn_slices(ask.prompts, ask.volume)
    if not ask.predictor.takes_boxes:
        yield from _as_clicks(ask, frame, before, ask.box)
    elif slices is not None:
        yield ask.answer(frame, clicks, ask.logits_of(ellipses(slices), ask.box, frame))
    else:
        looks = list(_rounds(ask, frame, clicks, ask.carried(before, frame), ask.box))
        yield from looks
        if is_drawn_in_3d(ask.prompts):
            yield from _fitted(ask, looks[-1], ask.box)


def _rounds(
    ask: Question, frame: PatchFrame, clicks: Clicks, logits: Floats, box: IndexBox
) -> Iterator[CubeAnswer]:
    for _ in range(BOX_ROUNDS):
        answer = ask.answer(frame, clicks, logits, box)
        yield answer
        logits = answer.logits


def _fitted(ask: Question, answer: CubeAnswer, box: IndexBox) -> Iterator[CubeAnswer]:
    """The answer doubted where the lesion leaves much of its box free, and asked again in a box that fits."""
    needed = _needed(ask, answer, box)
    if needed is None:
        return
    lost = doubt(needed.n_voxels / box.n_voxels)
    if not lost:
        return
    doubted = replace(answer, logits=answer.logits - lost)
    rest = _needed(ask, doubted, box)
    if rest is not None:  # else nothing of the lesion would be left
        needed = rest
        yield doubted
    inside = all(needed.contains(click.point_ijk) for click in answer.clicks if click.is_positive)
    if inside and needed.n_voxels < LOOSE_SHARE * box.n_voxels:
        yield from _closer_look(ask, answer.clicks, needed, box)


def _closer_look(ask: Question, clicks: Clicks, needed: IndexBox, box: IndexBox) -> Iterator[CubeAnswer]:
    """The answer to the box that fits, in a cube around it; none where it has lost the lesion."""
    frame = cube_around_box(ask.predictor, ask.volume, needed)
    *_, look = _rounds(ask, frame, clicks, ask.carried(None, frame), needed)
    if _needed(ask, look, box) is not None:
        # Who clicks now finds fault with it, and often its border was drawn in too far.
        yield replace(look, box=needed.grow(1).intersect(box))


def _needed(ask: Question, answer: CubeAnswer, box: IndexBox) -> IndexBox | None:
    """What the lesion needs of the box that was drawn; None where there is none."""
    found = IndexBox.of_mask(over(mask_of(answer, ask.prompts, ask.volume), box).mask)
    return None if found is None else found.shift(box.start_ijk)


def _as_clicks(
    ask: Question, frame: PatchFrame, answer: CubeAnswer | None, box: IndexBox
) -> Iterator[CubeAnswer]:
    """Clicks that bring the answer into the box, one after the other."""
    clicks = ask.clicks(answer)
    click: PointPrompt | None = first_click(box)
    for _ in range(1 + MOST_CLICKS):
        if click is None:
            return
        clicks = (*clicks, click)
        answer = ask.answer(frame, clicks, ask.carried(answer, frame))
        yield answer
        click = next_click(frame, answer.logits, box)
