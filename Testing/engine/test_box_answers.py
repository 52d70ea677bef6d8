"""Boxes and masks in 3D: how they are shown, doubted and asked again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ball_questions import BALL, BESIDE, ON, TIGHT, VOLUME, answer, dice
from cube_cases import BrightSam, an_engine_of

from SAMLesionLib.engine import box_answers, loose_boxes
from SAMLesionLib.engine.boxes import boxes_between
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, MaskPrompt, PointPrompt
from SAMLesionLib.volume import Volume


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
