"""A lesion from points and the organ around it, by a model that looks once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from crop_cases import BrightTags, an_engine_of
from cube_cases import a_ball

from SAMLesionLib import (
    IndexBox,
    MaskUpdate,
    OrganMaskPrompt,
    OrganPrompt,
    PointPrompt,
    PromptSet,
    SegmentRequest,
    Volume,
)
from SAMLesionLib.engine import Engine
from SAMLesionLib.engine.crops import crop_around
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine
from SAMLesionLib.masks import collect
from SAMLesionLib.models.cards import CropRecipe
from SAMLesionLib.models.tags import build_tiny_tags
from SAMLesionLib.prompts import BoxPrompt, Prompt

PLAIN = Affine.from_spacing((1, 1, 1))
OBLIQUE = Affine(
    np.array([[0.1, -0.9, 0.2, 40], [-0.7, -0.1, 0.3, 50], [0.1, 0.2, 2.4, -30], [0, 0, 0, 1]], float)
)


def a_scan(affine: Affine = PLAIN, shape: tuple[int, int, int] = (60, 56, 52)) -> tuple[Volume, np.ndarray]:
    centre = affine.to_ras([np.array(shape) / 2])[0]
    return a_ball(tuple(centre), 7, affine, shape)


def centre_of(volume: Volume) -> PointPrompt:
    i, j, k = (float(n // 2) for n in volume.shape_ijk)
    return PointPrompt((i, j, k))


def ask(engine: Engine, volume: Volume, *prompts: Prompt) -> list[MaskUpdate]:
    engine.load_volume(volume)
    return list(engine.segment(SegmentRequest(volume.volume_id, "crops", PromptSet(prompts))))


def mask_of(updates: Sequence[MaskUpdate], volume: Volume) -> np.ndarray:
    return collect(updates, volume.shape_ijk)[0]


def notices(updates: Sequence[MaskUpdate]) -> tuple[str, ...]:
    assert updates[-1].report is not None
    return updates[-1].report.notices


# -- the mask --------------------------------------------------------------------------------------


@pytest.mark.parametrize("affine", [PLAIN, OBLIQUE, Affine.from_spacing((0.7, 0.7, 3.0))])
def test_the_lesion_comes_back_on_the_scans_own_voxels(affine: Affine) -> None:
    volume, ball = a_scan(affine)
    found = mask_of(ask(an_engine_of(BrightTags()), volume, centre_of(volume)), volume)
    dice = 2 * (found & ball).sum() / (found.sum() + ball.sum())
    assert dice > 0.9


def test_a_scan_of_one_millimetre_is_not_resampled() -> None:
    volume, ball = a_scan()
    found = mask_of(ask(an_engine_of(BrightTags()), volume, centre_of(volume)), volume)
    assert np.array_equal(found, ball)


def test_the_network_sees_superior_anterior_right_and_the_point_where_it_is() -> None:
    voxels = np.zeros((40, 40, 40), np.float32)
    voxels[25, 18, 22] = 1000  # k, j, i
    volume = Volume(voxels, PLAIN, modality="MR")
    network = BrightTags()
    ask(an_engine_of(network), volume, PointPrompt((22.0, 18.0, 25.0)))
    brightest = np.unravel_index(int(network.images[0][0, 0].argmax()), (32, 32, 32))
    assert network.points[0].tolist() == [[list(brightest)]]
    flipped = Volume(voxels[::-1, :, ::-1].copy(), Affine.from_spacing((-1, 1, -1)), modality="MR")
    ask(an_engine_of(network), flipped, PointPrompt((17.0, 18.0, 14.0)))
    assert network.points[1].tolist() == [
        [list(np.unravel_index(int(network.images[1][0, 0].argmax()), (32,) * 3))]
    ]


def test_the_organ_is_the_third_channel_and_without_one_the_grey_values_are() -> None:
    volume, ball = a_scan()
    half = ball.copy()
    half[:, :, : volume.shape_ijk[0] // 2] = False
    network = BrightTags()
    engine = an_engine_of(network)
    found = mask_of(ask(engine, volume, centre_of(volume), OrganMaskPrompt.of(half)), volume)
    assert np.array_equal(found, half)
    assert set(network.images[0][0, 2].unique().tolist()) == {0.0, 1.0}
    ask(engine, volume, centre_of(volume))
    assert torch.equal(network.images[1][0, 2], network.images[1][0, 0])


def test_off_the_image_there_is_the_mean() -> None:
    volume, _ = a_scan(shape=(40, 40, 40))
    network = BrightTags()
    ask(an_engine_of(network), volume, PointPrompt((2.0, 20.0, 20.0)))
    assert (network.images[0][0, 0, :, :, :13] == 0).all()
    assert (network.images[0][0, 0, :, :, 14:] != 0).all()


def test_a_ct_is_scaled_as_its_organ_was_in_training() -> None:
    voxels = np.full((40, 40, 40), 59.53867 + 2 * 55.457336, np.float32)
    voxels[0], voxels[1] = -1000, 900
    volume = Volume(voxels, PLAIN, modality="CT")
    network = BrightTags()
    ask(an_engine_of(network), volume, PointPrompt((20.0, 20.0, 20.0)), OrganPrompt("kidney"))
    image = network.images[0][0, 0]
    assert image[16, 16, 16].item() == pytest.approx(2.0, abs=1e-5)
    ask(an_engine_of(network), volume, PointPrompt((20.0, 20.0, 20.0)), OrganPrompt("liver"))
    assert network.images[1][0, 0, 16, 16, 16].item() == pytest.approx(
        (163 - 60.057533) / 40.198017, abs=1e-5
    )


# -- the crop --------------------------------------------------------------------------------------


RECIPE = CropRecipe(spacing_mm=1.0, steady_mm=8.0, most_points=10)


def points_at(*places: tuple[float, float, float]) -> list[PointPrompt]:
    return [PointPrompt(place) for place in places]


def test_the_cube_lies_around_the_middle_of_all_points() -> None:
    volume, _ = a_scan()
    published = replace(RECIPE, steady_mm=0.0)
    frame = crop_around(points_at((10, 20, 30), (40, 20, 31), (12, 25, 45)), volume, published, 32)
    # (10 + 40) // 2 = 25 is the first cell behind the middle along i, (20 + 25) // 2 = 22 along j.
    assert frame.centre_ijk == (24.5, 21.5, 36.5)


def test_a_point_well_inside_leaves_the_cube_and_one_farther_out_moves_it() -> None:
    volume, _ = a_scan()
    first = crop_around(points_at((20, 20, 20)), volume, RECIPE, 32)
    assert crop_around(points_at((20, 20, 20), (26, 15, 22)), volume, RECIPE, 32) == first
    moved = crop_around(points_at((20, 20, 20), (26, 15, 22), (20, 20, 40)), volume, RECIPE, 32)
    assert moved.centre_ijk == (22.5, 16.5, 29.5)


def test_a_second_point_is_answered_without_encoding_again() -> None:
    volume, _ = a_scan()
    network = BrightTags()
    engine = an_engine_of(network)
    i, j, k = centre_of(volume).point_ijk
    reports = [ask(engine, volume, *points_at((i, j, k), (i + 3, j, k - 2))[:n])[-1].report for n in (1, 2)]
    assert [report.n_encoded for report in reports if report] == [1, 0]
    assert [points.shape[1] for points in network.points] == [1, 2]


def test_another_organ_is_encoded_again() -> None:
    volume, ball = a_scan()
    engine = an_engine_of(BrightTags())
    click = centre_of(volume)
    organs: list[tuple[Prompt, ...]] = [(), (OrganPrompt("spleen"),), (OrganMaskPrompt.of(ball),)]
    n_encoded = [ask(engine, volume, click, *organ)[-1].report.n_encoded for organ in organs + organs]
    assert n_encoded == [1, 1, 1, 0, 0, 0]


def test_warm_is_cold() -> None:
    torch.manual_seed(0)
    network = build_tiny_tags().eval()
    volume, _ = a_scan()
    warm = an_engine_of(network)
    i, j, k = centre_of(volume).point_ijk
    sets = [points_at((i, j, k), (i + 3, j, k - 2), (i + 15, j, k))[:n] for n in (1, 2, 3)]
    warm_masks = [mask_of(ask(warm, volume, *points), volume) for points in [*sets, sets[0]]]
    for points, found in zip([*sets, sets[0]], warm_masks, strict=True):
        cold = mask_of(ask(an_engine_of(network, embeddings_bytes=0), volume, *points), volume)
        assert np.array_equal(cold, found)
    assert warm_masks[0].any()


def test_the_work_ends_between_two_blocks_when_nobody_waits() -> None:
    volume, _ = a_scan()
    engine = an_engine_of(BrightTags())
    engine.load_volume(volume)
    stream = engine.segment(SegmentRequest(volume.volume_id, "crops", PromptSet((centre_of(volume),))))
    assert next(stream).fraction == pytest.approx(0.45)
    stream.close()
    assert engine.crop_predictor("crops").n_encoded == 0


# -- what is told and what is refused --------------------------------------------------------------


def test_a_plain_question_needs_no_notice() -> None:
    volume, ball = a_scan()
    organ = OrganMaskPrompt.of(ball)
    assert (
        notices(ask(an_engine_of(BrightTags()), volume, centre_of(volume), organ, OrganPrompt("liver"))) == ()
    )


def test_a_point_outside_the_organ_is_told() -> None:
    volume, ball = a_scan()
    said = notices(
        ask(an_engine_of(BrightTags()), volume, PointPrompt((38.0, 28.0, 26.0)), OrganMaskPrompt.of(ball))
    )
    assert said == ("1 of 1 points lie outside the organ's mask.",)


def test_more_points_than_in_training_are_told() -> None:
    volume, _ = a_scan()
    points = [centre_of(volume)] * 11
    (said,) = notices(ask(an_engine_of(BrightTags()), volume, *points))
    assert said == "Crops was trained with at most 10 points, got 11; more may not help."


def test_a_word_without_training_is_told() -> None:
    volume, _ = a_scan()
    (said,) = notices(ask(an_engine_of(BrightTags()), volume, centre_of(volume), OrganPrompt("spleen")))
    assert (
        said == "Crops was not trained for the organ spleen, only for kidney, liver, pancreas; expect less."
    )


def test_a_scan_smaller_than_the_cube_is_told() -> None:
    volume, ball = a_scan(shape=(30, 56, 52))
    updates = ask(an_engine_of(BrightTags()), volume, centre_of(volume))
    assert notices(updates)[0].endswith(
        "(30 x 56 x 52 mm) is smaller than the 32 mm cube that Crops sees; the rest is empty."
    )
    assert np.array_equal(mask_of(updates, volume), ball)


def test_points_too_far_apart_are_told() -> None:
    volume, _ = a_scan()
    said = notices(ask(an_engine_of(BrightTags()), volume, *points_at((3, 28, 26), (55, 28, 26))))
    assert (
        said[0]
        == "The points lie farther apart than the 32 mm that Crops sees at once, so 2 of 2 were not used."
    )


def test_a_lesion_that_leaves_the_cube_is_told() -> None:
    voxels = np.zeros((52, 56, 60), np.float32)
    voxels[:, 24:32, 26:34] = 100
    volume = Volume(voxels, PLAIN, modality="MR")
    (said,) = notices(ask(an_engine_of(BrightTags()), volume, centre_of(volume)))
    assert (
        said == "The lesion reaches the side of the 32 mm cube that Crops sees; what lies beyond is missing."
    )


def test_nothing_found_is_an_empty_mask() -> None:
    volume, ball = a_scan()
    elsewhere = np.roll(ball, 20, axis=2)
    updates = ask(
        an_engine_of(BrightTags()), volume, centre_of(volume), OrganMaskPrompt.of(elsewhere & ~ball)
    )
    assert not mask_of(updates, volume).any()


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        ((OrganPrompt("liver"),), "needs a point on it; got only the organ"),
        ((PointPrompt((30, 28, 26), is_positive=False),), "points on the lesion only, got a negative one"),
        ((PointPrompt((300, 28, 26)),), "lies outside"),
        (
            (PointPrompt((30, 28, 26)), OrganPrompt("liver"), OrganPrompt("kidney")),
            "lies in one organ, got the words kidney and liver",
        ),
    ],
)
def test_what_makes_no_lesion_is_refused(prompts: tuple[Prompt, ...], sentence: str) -> None:
    volume, _ = a_scan()
    with pytest.raises(PromptError, match=sentence):
        ask(an_engine_of(BrightTags()), volume, *prompts)


def test_an_organ_beside_the_image_is_refused() -> None:
    volume, _ = a_scan()
    mask = np.zeros((10, 10, 20), bool)
    mask[:, :, 12:] = True
    # Its block begins on the image, its voxels do not.
    beside = OrganMaskPrompt(IndexBox((50, 0, 0), (70, 10, 10)), mask)
    with pytest.raises(PromptError, match="no voxel on volume"):
        ask(an_engine_of(BrightTags()), volume, centre_of(volume), beside)


def test_a_box_is_refused_with_advice_to_draw_a_point() -> None:
    volume, ball = a_scan()
    with pytest.raises(PromptError, match=r"Crops understands organ, organ-mask, point prompts.*a point"):
        ask(an_engine_of(BrightTags()), volume, BoxPrompt(OrganMaskPrompt.of(ball).box))
