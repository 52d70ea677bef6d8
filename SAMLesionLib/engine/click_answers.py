"""A 3D model's answers to a click.

A click says where a lesion is and not how large, so it is looked at in cells of several sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from operator import itemgetter

import numpy as np

from SAMLesionLib.engine.cube_masks import CubeAnswer, meant_logits, n_missed
from SAMLesionLib.engine.cube_question import Clicks, Floats, Question
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
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame
from SAMLesionLib.prompts import PointPrompt

SIZING_CLICKS = 3
"""While there are no more prompts than this, all of them clicks, each is looked at in cells of every size."""

MISSED = 3.0
"""What an answer's worth loses for each click that it contradicts: about what good and bad ones lie apart."""

MOST_CENTRED = 2
"""How many of the best looks are followed by one in a cube around what was found."""

MOST_LOOKS = 4
"""How many cubes a click may be shown in until the lesion fits."""


def answer_click(ask: Question, click: PointPrompt, before: CubeAnswer | None) -> Iterator[CubeAnswer]:
    """The answers to the click in the cube so far, then in others until the lesion fits.

    Args:
        ask: the question.
        click: the newest.
        before: the answer to what came before it.
    """
    if _has_open_size(ask):
        yield from _about_size(ask, click, before)
        return
    answer = _continued(ask, click, before)
    yield answer
    seen = {answer.frame.step_mm}
    may_zoom = ask.box is None and not ask.predictor.recipe.first_steps_mm
    while may_zoom and len(seen) < MOST_LOOKS:
        closer = fitting_cube(ask.predictor, ask.volume, answer.frame, _meant(ask, answer))
        if closer is None or closer.step_mm in seen:
            return
        seen.add(closer.step_mm)
        answer = _answer(ask, closer, answer.clicks, ask.carried(answer, closer))
        yield answer


def looks(ask: Question) -> Iterator[CubeAnswer]:
    """The answers to all clicks in cubes of several sizes that hold them, from the finest cells."""
    clicks = ask.clicks(None)
    inside = [click for click in clicks if click.is_positive]
    for frame in cubes_around_click(ask.predictor, ask.volume, inside[0]):
        if all(is_in(frame, click) for click in inside):
            yield _answer(ask, frame, clicks, ask.carried(None, frame))


def seems(ask: Question, look: CubeAnswer) -> float:
    """How good an answer seems, by what it shows and by the clicks that it heeds."""
    found = _meant(ask, look)
    seen = ask.predictor.embed(ask.volume, look.frame, ask.window)
    return worth(found, seen.grey) - MISSED * n_missed(look, found)


def _continued(ask: Question, click: PointPrompt, before: CubeAnswer | None) -> CubeAnswer:
    """The answer before it with one click more."""
    clicks = ask.clicks(None) if before is None else (*before.clicks, click)
    found = None if before is None else _meant(ask, before)
    seen = None if before is None else before.frame
    frame = cube_around_click(ask.predictor, ask.volume, click, seen, found)
    return _answer(ask, frame, clicks, ask.carried(before, frame), _box_so_far(before, clicks))


def _box_so_far(before: CubeAnswer | None, clicks: Iterable[PointPrompt]) -> IndexBox | None:
    """The box that the model was shown last, unless a click says that the lesion reaches beyond it."""
    box = None if before is None else before.box
    inside = [click.point_ijk for click in clicks if click.is_positive]
    return box if box is not None and all(box.contains(place) for place in inside) else None


def _has_open_size(ask: Question) -> bool:
    """Whether so little is said that a lesion of any size may be meant."""
    few = _is_clicks_alone(ask) and len(ask.prompts) <= SIZING_CLICKS
    return few and bool(ask.predictor.recipe.first_steps_mm)


def _is_clicks_alone(ask: Question) -> bool:
    return len(ask.prompts.of(PointPrompt)) == len(ask.prompts)


def _about_size(ask: Question, click: PointPrompt, before: CubeAnswer | None) -> Iterator[CubeAnswer]:
    """The best answer so far: in the cube before, in cells of each size, then around what was found."""
    answers = looks(ask)
    if before is not None:
        # A click inside says that there is more, one outside that there is less.
        then_mm3 = _volume_mm3(ask, before)
        changed = (look for look in answers if (_volume_mm3(ask, look) > then_mm3) == click.is_positive)
        answers = chain((_continued(ask, click, before),), changed)
    best: list[CubeAnswer] = []
    for best in _ranked(ask, answers):
        yield best[0]
    if before is None or best[0].frame != before.frame:
        for centred in _ranked(ask, (_around_found(ask, look) for look in best[:MOST_CENTRED])):
            yield centred[0]


def _ranked(ask: Question, answers: Iterable[CubeAnswer]) -> Iterator[list[CubeAnswer]]:
    """The answers so far, from the one that seems best, each time that there is another."""
    seen: list[tuple[float, CubeAnswer]] = []
    for answer in answers:
        seen.append((seems(ask, answer), answer))
        seen.sort(key=itemgetter(0), reverse=True)
        yield [answer for _, answer in seen]


def _around_found(ask: Question, look: CubeAnswer) -> CubeAnswer:
    """The answer once more, in a cube with the lesion and not a click in its middle."""
    found = box_of(look.frame, _meant(ask, look))
    if found is None:
        return look
    clicked = IndexBox.around([click.point_ijk for click in look.clicks if click.is_positive])
    frame = cube_around_box(ask.predictor, ask.volume, found.union(clicked), FOUND_SHARE)
    return _answer(ask, frame, look.clicks, ask.carried(look, frame))


def _answer(
    ask: Question, frame: PatchFrame, clicks: Clicks, logits: Floats, box: IndexBox | None = None
) -> CubeAnswer:
    """As `Question.answer`, with the model's caution where clicks alone say what is meant.

    Caution does not take the whole lesion.
    """
    answer = ask.answer(frame, clicks, logits, box)
    caution = ask.predictor.recipe.caution / len(clicks) if _is_clicks_alone(ask) else 0.0
    return replace(answer, logits=answer.logits - caution) if answer.logits.max() > caution else answer


def _volume_mm3(ask: Question, answer: CubeAnswer) -> float:
    """How large the lesion of an answer is."""
    cell_mm = answer.frame.side_mm / len(answer.logits)
    return float(np.count_nonzero(_meant(ask, answer) > 0)) * cell_mm**3


def _meant(ask: Question, answer: CubeAnswer) -> Floats:
    return meant_logits(answer, ask.prompts, ask.volume)
