"""A lesion in 3D from clicks, boxes and masks: each prompt refines the answer to those before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from SAMLesionLib.engine.box_answers import answer_box, answer_mask
from SAMLesionLib.engine.click_answers import answer_click
from SAMLesionLib.engine.cube_masks import CubeAnswer, mask_of, over
from SAMLesionLib.engine.cube_prompts import is_anchored
from SAMLesionLib.engine.cube_question import Question
from SAMLesionLib.engine.embeddings import VolumeCache
from SAMLesionLib.engine.volume_predictor import VolumePredictor
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import Window
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import MaskPrompt, PointPrompt, PromptSet
from SAMLesionLib.volume import Volume


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
        yield answer_mask(ask, newest)
    elif isinstance(newest, PointPrompt):
        yield from answer_click(ask, newest, before)
    else:
        yield from answer_box(ask, before)
