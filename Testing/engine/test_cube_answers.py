"""Clicks, boxes and masks in 3D: what the model is told, and what becomes of its answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from ball_questions import BALL, BESIDE, MIDDLE, ON, SHAPE, TIGHT, VOLUME, answer, ask, dice, report
from cube_cases import CUBES, BrightSam, a_ball, a_random_network, an_engine_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.models.cards import CubeRecipe
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, MaskPrompt, PointPrompt, PromptSet
from SAMLesionLib.protocol import SegmentRequest
from SAMLesionLib.volume import Volume

# -- the same on every grid ------------------------------------------------------------------------


def a_grid(spacing_mm: tuple[float, float, float], degrees: float, flips: tuple[int, int, int]) -> Affine:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.diag(np.multiply(spacing_mm, flips))
    return Affine(matrix)


GRIDS = {
    "thick slices": (a_grid((0.8, 0.8, 4), 0, (1, 1, 1)), (50, 50, 12)),
    "left and posterior": (a_grid((1, 1, 1), 0, (-1, -1, 1)), (40, 40, 40)),
    "oblique": (a_grid((0.7, 1.2, 2.5), 35, (-1, -1, 1)), (60, 36, 18)),
    "coronal slices": (
        Affine(np.array([[1, 0, 0, 0], [0, 0, 3, 0], [0, -1, 0, 40], [0, 0, 0, 1.0]])),
        (40, 40, 14),
    ),
}


@pytest.mark.parametrize(("affine", "shape"), GRIDS.values(), ids=GRIDS)
def test_a_click_finds_the_ball_where_it_lies(affine: Affine, shape: tuple[int, int, int]) -> None:
    middle_ijk = np.divide(shape, 2) + 0.3
    (middle_ras,) = affine.to_ras([middle_ijk])
    volume, ball = a_ball(tuple(middle_ras), 8, affine, shape)
    mask = answer(an_engine_of(BrightSam()), PointPrompt(tuple(middle_ijk)), volume=volume)
    assert dice(mask, ball) > 0.85
    centre_of_mask = affine.to_ras(np.argwhere(mask)[:, ::-1]).mean(axis=0)
    np.testing.assert_allclose(
        centre_of_mask, affine.to_ras(np.argwhere(ball)[:, ::-1]).mean(axis=0), atol=0.5
    )


def test_the_network_is_told_where_the_clicks_are() -> None:
    network = BrightSam()
    answer(an_engine_of(network), ON, BESIDE)
    first, second = network.asked
    torch.testing.assert_close(first["points"], torch.full((1, 1, 3), 15.5))
    assert first["labels"].tolist() == [[1]]
    assert not first["mask"].any()
    torch.testing.assert_close(second["points"][0, 1], torch.tensor([15.5, 15.5, 27.5]))
    assert second["labels"].tolist() == [[1, 0]]
    assert second["mask"].any()


def test_a_model_trained_on_the_newest_click_alone_is_told_no_other() -> None:
    network = BrightSam()
    recipe = CubeRecipe(spacing_mm=1.0, finest_mm=0.5, coarsest_mm=4.0, keeps_clicks=False)
    answer(an_engine_of(network, replace(CUBES, cube=recipe)), ON, BESIDE)
    assert [asked["labels"].tolist() for asked in network.asked] == [[[1]], [[0]]]


def test_only_the_region_that_was_clicked_is_the_lesion() -> None:
    small, ball = a_ball(MIDDLE, 5, VOLUME.affine, SHAPE)
    second = np.zeros_like(ball)
    second[12:20, 15:23, 29:33] = True
    volume = Volume(small.voxels + 200 * second.astype(np.float32), VOLUME.affine, modality="MR")
    engine = an_engine_of(BrightSam())
    one = answer(engine, ON, volume=volume)
    both = answer(engine, ON, PointPrompt((31, 18, 16)), volume=volume)
    assert one[ball].mean() > 0.7
    assert not one[second].any()
    assert both[ball].mean() > 0.7
    assert both[second].mean() > 0.6


def test_a_click_beside_takes_away() -> None:
    engine = an_engine_of(BrightSam())
    whole = answer(engine, ON)
    less = answer(engine, ON, PointPrompt((20, 18, 21), is_positive=False))
    assert 0 < less.sum() < whole.sum()
    assert not less[20:24, 16:21, 18:23].any()


# -- warm equals cold ------------------------------------------------------------------------------

LISTS = {
    "a click": (ON,),
    "clicks": (ON, BESIDE, PointPrompt((24, 20, 15)), PointPrompt((12, 30, 9), is_positive=False)),
    "a click beside first": (BESIDE, ON),
    "a box": (BoxPrompt(TIGHT),),
    "a box and clicks": (BoxPrompt(TIGHT), ON, BESIDE),
    "a loose box and clicks": (BoxPrompt(TIGHT.grow(8)), ON, BESIDE),
    "a click beside, then a box": (BESIDE, BoxPrompt(TIGHT)),
    "a click, then a box": (ON, BoxPrompt(TIGHT)),
    "a mask": (MaskPrompt.of(BALL),),
    "a mask and clicks": (MaskPrompt.of(BALL), BESIDE, ON),
    "clicks, a mask, a click": (ON, BESIDE, MaskPrompt.of(BALL), ON),
    "a diameter": (LinePrompt((13, 18, 15), (27, 18, 15)), ON),
}


@pytest.mark.parametrize("takes_boxes", [False, True], ids=["clicks only", "takes boxes"])
@pytest.mark.parametrize("prompts", LISTS.values(), ids=LISTS)
def test_a_request_gives_the_same_mask_whatever_was_asked_before(prompts: tuple, takes_boxes: bool) -> None:
    network = a_random_network(takes_boxes)
    cold = answer(an_engine_of(network), *prompts)
    forgetful = answer(an_engine_of(network, embeddings_bytes=0), *prompts)
    step_by_step = an_engine_of(network)
    for n in range(1, len(prompts) + 1):
        if any(not isinstance(p, PointPrompt) or p.is_positive for p in prompts[:n]):
            warm = answer(step_by_step, *prompts[:n])
    again = answer(step_by_step, *prompts)
    assert cold.any()
    for other in (forgetful, warm, again):
        assert np.array_equal(other, cold)


def test_an_answer_that_has_gone_is_made_again() -> None:
    network = a_random_network(False)
    engine = an_engine_of(network)
    expected = answer(engine, ON, BESIDE)
    engine._answers.forget(VOLUME.volume_id)
    assert np.array_equal(answer(engine, ON, BESIDE), expected)
    assert report(engine, ON, BESIDE).n_encoded == 0


def test_taking_a_click_back_gives_the_mask_of_before() -> None:
    engine = an_engine_of(a_random_network(False))
    before = answer(engine, ON)
    assert not np.array_equal(answer(engine, ON, BESIDE), before)
    assert np.array_equal(answer(engine, ON), before)


def test_a_refinement_costs_one_decoding() -> None:
    network = BrightSam()
    engine = an_engine_of(network)
    answer(engine, ON)
    n_before = len(network.asked)
    assert report(engine, ON, BESIDE).n_encoded == 0
    assert len(network.asked) == n_before + 1
    answer(engine, ON, BESIDE)
    assert len(network.asked) == n_before + 1


def test_another_window_is_another_image() -> None:
    engine = an_engine_of(a_random_network(False))
    own, windowed = answer(engine, ON), answer(engine, ON, window=(90.0, 120.0))
    assert not np.array_equal(own, windowed)
    assert np.array_equal(answer(engine, ON), own)


# -- the stream ------------------------------------------------------------------------------------


def test_the_last_update_covers_all_before_it_and_carries_the_report() -> None:
    updates = ask(an_engine_of(a_random_network(False)), *LISTS["clicks"])
    *looks, last = updates
    assert len(looks) >= 4
    assert all(last.block.union(u.block) == last.block for u in looks)
    fractions = [u.fraction for u in updates]
    assert fractions == sorted(set(fractions))
    assert [u.is_last for u in updates] == [False] * len(looks) + [True]
    told = last.report
    assert told is not None
    assert (told.model, told.device, told.precision) == ("cubes", "cpu", "float32")
    assert told.weights_sha256 == "hash of cubes"
    assert told.n_encoded >= 1
    assert told.encode_s > 0


def test_closing_the_answer_ends_the_work() -> None:
    network = BrightSam()
    engine = an_engine_of(network)
    stream = engine.segment(SegmentRequest(engine.load_volume(VOLUME), "cubes", PromptSet((ON, BESIDE, ON))))
    next(stream)
    stream.close()
    assert len(network.asked) == 1


def test_an_unloaded_volume_is_forgotten_with_its_answers() -> None:
    engine = an_engine_of(BrightSam())
    answer(engine, ON)
    engine.unload_volume(VOLUME.volume_id)
    assert report(engine, ON).n_encoded == 1


# -- refusals --------------------------------------------------------------------------------------


def test_a_3d_model_understands_points() -> None:
    (info,) = an_engine_of(BrightSam()).models()
    assert info.prompts == {"box", "line", "mask", "point"}
    assert info.dimensions == 3


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        ((BESIDE,), "only clicks beside it"),
        ((PointPrompt((99, 1, 1)),), "lies outside"),
        ((BoxPrompt(TIGHT), BoxPrompt(TIGHT.shift((2, 2, 0)))), "Make a lesion of its own"),
    ],
    ids=["beside", "outside", "two lesions"],
)
def test_prompts_that_make_no_lesion_are_refused(prompts: tuple, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        ask(an_engine_of(BrightSam()), *prompts)


PLACES = st.tuples(st.floats(0, 39), st.floats(0, 35), st.floats(0, 29))
DRAWN = st.lists(
    st.one_of(
        st.builds(PointPrompt, PLACES, st.booleans()),
        st.builds(
            lambda low, sides: BoxPrompt(IndexBox(low, tuple(np.add(low, sides)))),
            st.tuples(st.integers(-3, 38), st.integers(-3, 34), st.integers(-3, 28)),
            st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(2, 20)),
        ),
        st.just(MaskPrompt.of(BALL)),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DRAWN, st.booleans())
def test_whatever_is_drawn_becomes_a_mask_on_the_image_or_one_sentence(
    drawn: list, takes_boxes: bool
) -> None:
    try:
        updates = ask(an_engine_of(a_random_network(takes_boxes)), *drawn)
    except PromptError as refused:
        sentence = str(refused)
        assert sentence.endswith(".")
        return
    whole = VOLUME.block
    assert all(whole.intersect(u.block) == u.block for u in updates)
    assert all(updates[-1].block.union(u.block) == updates[-1].block for u in updates)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64, bool, ">i2"])
def test_a_scan_of_one_slice_and_of_every_type_is_answered(dtype: object) -> None:
    voxels = VOLUME.voxels[15:16] > 150 if dtype is bool else VOLUME.voxels[15:16].clip(0, 250).astype(dtype)
    volume = Volume(voxels, Affine.from_spacing((1, 1, 4)))
    mask = answer(an_engine_of(a_random_network(False)), PointPrompt((20, 18, 0)), volume=volume)
    assert mask.shape == (1, 36, 40)
