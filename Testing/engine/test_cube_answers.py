"""Clicks, boxes and masks in 3D: where the model looks, what it is told, and what becomes of its answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cube_cases import CUBES, BlobSam, BrightSam, a_ball, a_random_network, an_engine_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from SAMLesionLib.engine import Engine, box_answers, click_answers, loose_boxes
from SAMLesionLib.engine.boxes import boxes_between
from SAMLesionLib.engine.cube_question import Question
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.masks import MaskUpdate, RunReport, collect
from SAMLesionLib.models.cards import CubeRecipe
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, MaskPrompt, PointPrompt, PromptSet
from SAMLesionLib.protocol import SegmentRequest
from SAMLesionLib.volume import Volume

SHAPE = (40, 36, 30)
MIDDLE = (20.0, 18.0, 15.0)
VOLUME, BALL = a_ball(MIDDLE, 7, Affine.from_spacing((1, 1, 1)), SHAPE)
TIGHT = IndexBox.of_mask(BALL)
assert TIGHT is not None
ON, BESIDE = PointPrompt(MIDDLE), PointPrompt((20, 18, 27), is_positive=False)


def ask(engine: Engine, *prompts: object, volume: Volume = VOLUME, **words: object) -> list[MaskUpdate]:
    request = SegmentRequest(engine.load_volume(volume), "cubes", PromptSet(prompts), **words)
    return list(engine.segment(request))


def answer(engine: Engine, *prompts: object, volume: Volume = VOLUME, **words: object) -> np.ndarray:
    return collect(ask(engine, *prompts, volume=volume, **words), volume.shape_ijk)[0]


def report(engine: Engine, *prompts: object) -> RunReport:
    found = ask(engine, *prompts)[-1].report
    assert found is not None
    return found


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


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


# -- how closely it looks --------------------------------------------------------------------------


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


# -- boxes and masks -------------------------------------------------------------------------------


def test_a_box_is_shown_to_a_model_that_takes_boxes_and_again_with_its_own_answer() -> None:
    network = BrightSam(takes_boxes=True)
    mask = answer(an_engine_of(network), BoxPrompt(TIGHT))
    first, second = network.asked
    for asked in (first, second):
        assert asked["points"] is None
        low, high = asked["box"][0, :3], asked["box"][0, 3:]
        # 15 mm of lesion are 0.6 of the cube's 25 mm, so of its 32 cells.
        torch.testing.assert_close(high - low, torch.full((3,), 19.2))
    assert not first["mask"].any()
    assert (second["mask"] > 0).any()
    assert dice(mask, BALL) > 0.85


LOOSE = TIGHT.grow((8, 0, 0)).intersect(VOLUME.block)


def sides(asked: dict) -> np.ndarray:
    """How many of the cube's cells the box has that the model was shown."""
    return (asked["box"][0, 3:] - asked["box"][0, :3]).numpy()


def test_a_loose_box_is_asked_again_as_the_box_that_the_lesion_needs() -> None:
    network = BrightSam(takes_boxes=True)
    mask = answer(an_engine_of(network), BoxPrompt(LOOSE))
    as_drawn, closer = network.asked[:2], network.asked[2:]
    assert len(closer) == 2
    for asked in as_drawn:
        np.testing.assert_allclose(sorted(sides(asked) / (0.6 * 32)), (15 / 31, 15 / 31, 1), atol=0.01)
    # The lesion is a ball.
    for asked in closer:
        np.testing.assert_allclose(sides(asked) / (0.6 * 32), 1, atol=0.1)
    assert dice(mask, BALL) > 0.85


def test_a_box_that_the_lesion_fills_in_part_is_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box_answers, "LOOSE_SHARE", 0.0)  # no closer look
    box = BoxPrompt(LOOSE)
    doubted = answer(an_engine_of(BrightSam(takes_boxes=True)), box)
    monkeypatch.setattr(loose_boxes, "DOUBT", 0.0)
    believed = answer(an_engine_of(BrightSam(takes_boxes=True)), box)
    assert not (doubted & ~believed).any()
    assert 0.3 * believed.sum() < doubted.sum() < believed.sum()


def test_doubt_does_not_take_the_whole_lesion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loose_boxes, "DOUBT", 1000.0)
    assert dice(answer(an_engine_of(BrightSam(takes_boxes=True)), BoxPrompt(LOOSE)), BALL) > 0.85


def test_a_closer_look_that_finds_nothing_is_not_taken() -> None:
    class Shy(BrightSam):
        """Finds nothing any more in a cube that it is shown after the first."""

        def decode(self, *given: object, **more: object) -> tuple[torch.Tensor, torch.Tensor]:
            logits, iou = super().decode(*given, **more)
            return (logits if len(self.asked) <= 2 else -logits.abs() - 1), iou

    network = Shy(takes_boxes=True)
    mask = answer(an_engine_of(network), BoxPrompt(LOOSE))
    assert len(network.asked) == 4
    assert dice(mask, BALL) > 0.6


def test_a_box_of_one_slice_is_not_doubted_since_its_depth_is_a_guess() -> None:
    network = BrightSam(takes_boxes=True)
    flat = IndexBox((*LOOSE.start_ijk[:2], 15), (*LOOSE.stop_ijk[:2], 16))
    answer(an_engine_of(network), BoxPrompt(flat, axis=2))
    assert len(network.asked) == 2


def test_clicks_after_a_loose_box_see_the_one_that_fits_unless_they_lie_beyond_it() -> None:
    network = BrightSam(takes_boxes=True)
    engine = an_engine_of(network)
    answer(engine, BoxPrompt(LOOSE), ON)
    fitting = network.asked[-1]
    answer(engine, BoxPrompt(LOOSE), PointPrompt((6.0, 18.0, 15.0)))
    as_drawn = network.asked[-1]
    # In the same cube: a voxel beyond what was found along the first axis, and 31 voxels.
    np.testing.assert_allclose(sides(fitting) / sides(fitting).min(), 1, atol=0.2)
    assert sides(as_drawn).max() > 1.9 * sides(as_drawn).min()


def test_a_box_becomes_clicks_for_a_model_that_knows_nothing_else() -> None:
    network = BrightSam()
    answer(an_engine_of(network), BoxPrompt(TIGHT))
    assert all(asked["box"] is None for asked in network.asked)
    assert network.asked[0]["labels"].tolist() == [[1]]
    torch.testing.assert_close(network.asked[0]["points"], torch.full((1, 1, 3), 15.5))


def test_what_leaves_the_box_is_clicked_away() -> None:
    """The box holds the beginning of the ball, so the rest is an error."""
    beginning = IndexBox(TIGHT.start_ijk, (TIGHT.stop_ijk[0], TIGHT.stop_ijk[1], 12))
    network = BrightSam()
    answer(an_engine_of(network), BoxPrompt(beginning))
    labels = network.asked[-1]["labels"][0].tolist()
    assert labels[0] == 1
    assert 0 in labels[1:]


@pytest.mark.parametrize("takes_boxes", [False, True])
def test_nothing_leaves_the_box_unless_a_click_says_so(takes_boxes: bool) -> None:
    half = IndexBox(TIGHT.start_ijk, (TIGHT.stop_ijk[0], TIGHT.stop_ijk[1], 15))
    engine = an_engine_of(BrightSam(takes_boxes))
    inside = answer(engine, BoxPrompt(half))
    assert inside.any()
    assert not inside[15:].any()
    assert answer(engine, BoxPrompt(half), PointPrompt((20, 18, 19)))[16:].any()


def boxes_of(mask: np.ndarray, *slices: int) -> tuple[BoxPrompt, ...]:
    """The tight box of a mask in some of its slices."""
    planes = (np.where(np.arange(len(mask))[:, None, None] == k, mask, False) for k in slices)
    return tuple(BoxPrompt(box, axis=2) for box in map(IndexBox.of_mask, planes) if box is not None)


def test_boxes_in_several_slices_are_shown_as_the_ellipses_in_them() -> None:
    """The lesion leans, so that each slice's box is another."""
    leaning = np.stack([np.roll(plane, k - 15, axis=1) for k, plane in enumerate(BALL)])
    image = np.stack([np.roll(plane, k - 15, axis=1) for k, plane in enumerate(VOLUME.voxels)])
    volume, boxes = Volume(image, VOLUME.affine, modality="MR"), boxes_of(leaning, 9, 15, 21)
    network = BrightSam(takes_boxes=True)
    engine = an_engine_of(network)
    found = answer(engine, *boxes, volume=volume)

    shown = network.asked[-1]
    assert shown["box"] is not None
    is_lesion = shown["mask"][0, 0] > 0
    assert 0 < is_lesion.sum() < 0.4 * is_lesion.numel()
    allowed = np.zeros_like(leaning)
    for box in boxes_between(list(boxes)):
        allowed[box.slices_kji()] = True
    assert not (found & ~allowed).any()
    assert dice(found, leaning) > 0.8


def test_boxes_in_several_slices_do_not_take_back_a_mask_that_was_painted() -> None:
    """The mask is half of the ball, and reaches beyond the boxes' slices' own boxes."""
    half = BALL & (np.arange(BALL.shape[2]) < 20)
    block = IndexBox.of_mask(half)
    assert block is not None
    painted, boxes = MaskPrompt(block, half[block.slices_kji()]), boxes_of(half, 12, 15, 18)
    network = BrightSam(takes_boxes=True)
    answer(an_engine_of(network), painted, *boxes)
    alone = BrightSam(takes_boxes=True)
    answer(an_engine_of(alone), *boxes)
    # The last question starts from an answer to the mask, and not from ellipses alone.
    assert not torch.equal(network.asked[-1]["mask"], alone.asked[-1]["mask"])


def test_a_diameter_is_the_box_that_it_spans() -> None:
    mask = answer(an_engine_of(BrightSam(takes_boxes=True)), LinePrompt((13, 18, 15), (27, 18, 15)))
    assert dice(mask, BALL) > 0.75


def test_a_mask_to_start_from_is_seen_as_logits() -> None:
    network = BrightSam()
    painted = np.zeros_like(BALL)
    painted[10:20, 12:24, 14:26] = True
    mask = answer(an_engine_of(network), MaskPrompt.of(painted))
    (asked,) = network.asked
    assert asked["points"] is None
    assert asked["mask"].min() == -4
    assert asked["mask"].max() == 4
    assert 0.05 < (asked["mask"] > 0).float().mean() < 0.5
    assert dice(mask, BALL) > 0.8


def test_clicks_before_a_mask_are_in_it_already() -> None:
    network = BrightSam()
    answer(an_engine_of(network), ON, BESIDE, MaskPrompt.of(BALL), PointPrompt((21, 19, 16)))
    assert [None if a["labels"] is None else a["labels"].tolist() for a in network.asked] == [
        [[1]],
        [[1, 0]],
        None,
        [[1]],
    ]


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
