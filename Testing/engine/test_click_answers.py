"""Clicks in 3D: how closely the model looks, and how large a lesion it takes for meant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ball_questions import BALL, BESIDE, MIDDLE, ON, SHAPE, TIGHT, VOLUME, answer, ask, dice
from cube_cases import CUBES, BlobSam, BrightSam, a_ball, a_random_network, an_engine_of

from SAMLesionLib.engine import click_answers
from SAMLesionLib.engine.cube_question import Question
from SAMLesionLib.geometry import Affine
from SAMLesionLib.masks import collect
from SAMLesionLib.models.cards import CubeRecipe
from SAMLesionLib.prompts import BoxPrompt, PointPrompt, PromptSet


def test_a_lesion_larger_than_the_cube_is_looked_at_in_coarser_cells() -> None:
    volume, ball = a_ball((45, 45, 45), 38, Affine.from_spacing((1.5, 1.5, 1.5)), (60, 60, 60))
    engine = an_engine_of(BrightSam())
    looks = ask(engine, PointPrompt((20, 30, 30)), volume=volume)
    mask, told = collect(looks, volume.shape_ijk)
    assert told is not None
    assert told.n_encoded == 3  # cells of 1, 2 and 4 mm
    assert dice(mask, ball) > 0.9


def test_a_small_lesion_is_looked_at_in_finer_cells() -> None:
    """It fills one of the eight cells along each side, an eighth of the cube."""
    volume, ball = a_ball(MIDDLE, 3.8, Affine.from_spacing((0.5, 0.5, 0.5)), (80, 72, 60), contrast=600)
    click = PointPrompt((44, 40, 34))
    fine = answer(an_engine_of(BrightSam()), click, volume=volume)
    coarse_only = CubeRecipe(spacing_mm=1.0, finest_mm=1.0, coarsest_mm=1.0)
    coarse = answer(an_engine_of(BrightSam(), replace(CUBES, cube=coarse_only)), click, volume=volume)
    assert dice(fine, ball) > 0.7
    assert dice(fine, ball) > dice(coarse, ball) + 0.05


def test_a_first_click_is_looked_at_in_cells_of_several_sizes() -> None:
    recipe = CubeRecipe(spacing_mm=1.0, finest_mm=0.25, coarsest_mm=8.0, first_steps_mm=(4.0, 0.5, 1.0, 2.0))
    engine = an_engine_of(BrightSam(), replace(CUBES, cube=recipe))
    volume, ball = a_ball((40, 40, 40), 19, Affine.from_spacing((1, 1, 1)), (80, 80, 80), contrast=600)
    looks = ask(engine, PointPrompt((40, 40, 40)), volume=volume)
    mask, told = collect(looks, volume.shape_ijk)
    assert told is not None
    # The cube around what was found is the same for the two best looks.
    assert told.n_encoded == 5
    assert mask[40, 40, 40]
    again = answer(engine, PointPrompt((40, 40, 40)), PointPrompt((40, 40, 45)), volume=volume)
    assert dice(again, ball) > 0.7


SIZES = CubeRecipe(spacing_mm=1.0, finest_mm=0.5, coarsest_mm=4.0, first_steps_mm=(0.5, 1.0, 2.0, 4.0))


def test_clicks_that_contradict_an_answer_change_the_size_of_what_is_meant() -> None:
    """The network finds balls of 4, 8, 16 and 32 mm, and the image says nothing."""
    engine = an_engine_of(BlobSam(), replace(CUBES, cube=SIZES))
    volume, _ = a_ball((0, 0, 0), 1, Affine.from_spacing((1, 1, 1)), (90, 90, 90), contrast=0)
    clicks = [
        PointPrompt((45, 45, 45)),
        PointPrompt((45, 57, 45)),
        PointPrompt((45, 45, 67), is_positive=False),
    ]
    mask = answer(engine, *clicks, volume=volume)
    assert mask[45, 45, 45]
    assert mask[45, 57, 45]
    assert not mask[67, 45, 45]
    assert 0.7 < np.count_nonzero(mask) / (4 / 3 * np.pi * 16**3) < 1.4


def test_a_first_click_at_the_edge_gets_a_cube_around_what_it_found() -> None:
    """The lesion is answered once more in the middle of a cube, of which it fills somewhat less than half."""
    network = BrightSam()
    engine = an_engine_of(network, replace(CUBES, cube=SIZES))
    volume, ball = a_ball((45, 45, 45), 9, Affine.from_spacing((1, 1, 1)), (90, 90, 90), contrast=600)

    mask = answer(engine, PointPrompt((52, 45, 45)), volume=volume)

    last = network.asked[-1]
    assert last["mask"].max() > 0
    # 7 mm beside the middle, in cells of 18 mm / (0.45 * 32).
    away = (last["points"][0, 0] - (32 - 1) / 2).abs().sort().values
    np.testing.assert_allclose(away, (0, 0, 7 / (18 / (0.45 * 32))), atol=1.2)
    assert dice(mask, ball) > 0.8


@pytest.mark.parametrize("is_positive", [True, False])
@pytest.mark.parametrize("liked", [-1, 1])
def test_another_size_is_taken_only_where_it_changes_a_lesion_as_the_click_says(
    monkeypatch: pytest.MonkeyPatch, is_positive: bool, liked: int
) -> None:
    """The network finds balls of eight cells; small ones are liked first and then large, or otherwise."""
    engine = an_engine_of(BlobSam(), replace(CUBES, cube=SIZES))
    volume, _ = a_ball((0, 0, 0), 1, Affine.from_spacing((1, 1, 1)), (90, 90, 90), contrast=0)
    first, second = PointPrompt((45, 45, 45)), PointPrompt((46, 45, 45), is_positive)
    sizes = []
    for clicks, sign in (((first,), -liked), ((first, second), liked)):
        monkeypatch.setattr(click_answers, "seems", lambda _, look, sign=sign: sign * look.frame.step_mm)
        sizes.append(np.count_nonzero(answer(engine, *clicks, volume=volume)))
    if is_positive == (liked > 0):
        assert sizes[1] > 2 * sizes[0] if is_positive else sizes[1] < sizes[0] / 2
    else:
        assert sizes[1] == sizes[0]


def test_caution_does_not_take_the_whole_lesion() -> None:
    recipe = replace(CUBES.cube, caution=1000.0)
    masks = [answer(an_engine_of(BrightSam(), card), ON) for card in (CUBES, replace(CUBES, cube=recipe))]
    assert dice(masks[0], BALL) > 0.8
    assert np.array_equal(*masks)


@pytest.mark.parametrize("n_clicks", [1, 3])
def test_a_cautious_model_claims_less_the_fewer_clicks_it_was_given(n_clicks: int) -> None:
    def logits(caution: float, *prompts: object) -> np.ndarray:
        card = replace(CUBES, cube=replace(CUBES.cube, finest_mm=1.0, coarsest_mm=1.0, caution=caution))
        ask = Question(
            an_engine_of(network, card).volume_predictor("cubes"), VOLUME, PromptSet(prompts), None
        )
        *_, last = click_answers.answer_click(ask, clicks[-1], None)
        return last.logits

    network = a_random_network(True)
    clicks = [ON, PointPrompt((22, 18, 15)), BESIDE][:n_clicks]
    np.testing.assert_allclose(logits(0.0, *clicks) - logits(0.6, *clicks), 0.6 / n_clicks, atol=1e-4)
    box = BoxPrompt(TIGHT)
    np.testing.assert_array_equal(logits(0.0, box, *clicks), logits(0.6, box, *clicks))


def test_the_size_stays_open_for_a_few_clicks_and_costs_no_encoding() -> None:
    network = BrightSam()
    card = replace(CUBES, cube=SIZES)
    engine = an_engine_of(network, card)
    volume, _ = a_ball((40, 40, 40), 6, Affine.from_spacing((1, 1, 1)), (80, 80, 80), contrast=600)
    clicks: list[PointPrompt] = []
    n_asked, n_encoded = [], []
    for place in ((40, 40, 40), (41, 40, 40), (40, 41, 40), (40, 40, 41)):
        clicks.append(PointPrompt(place))
        before = len(network.asked)
        n_encoded.append(ask(engine, *clicks, volume=volume)[-1].report.n_encoded)
        n_asked.append(len(network.asked) - before)
    # The two best of the first looks are each followed by one around what they found.
    assert n_asked == [6, 5, 5, 1]
    assert n_encoded == [6, 0, 0, 0]
    warm, cold = (answer(each, *clicks, volume=volume) for each in (engine, an_engine_of(BrightSam(), card)))
    assert np.array_equal(warm, cold)


def test_a_lesion_that_ends_with_the_image_is_not_looked_at_again() -> None:
    volume, _ = a_ball((0, 18, 15), 9, Affine.from_spacing((1, 1, 1)), SHAPE)
    assert ask(an_engine_of(BrightSam()), PointPrompt((2, 18, 15)), volume=volume)[-1].report.n_encoded == 1


def test_a_click_outside_the_cube_widens_the_view() -> None:
    volume, ball = a_ball((40, 40, 40), 30, Affine.from_spacing((1, 1, 1)), (80, 80, 80))
    fixed = CubeRecipe(spacing_mm=1.0, finest_mm=1.0, coarsest_mm=4.0)
    network = BrightSam()
    engine = an_engine_of(network, replace(CUBES, cube=fixed))
    mask = answer(engine, PointPrompt((40, 40, 40)), PointPrompt((40, 40, 68)), volume=volume)
    assert mask[66, 40, 40]
    assert dice(mask, ball) > 0.85
