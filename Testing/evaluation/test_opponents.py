from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from lesion_cases import a_case
from slice_networks import FilledBoxNetwork, LendingEngine

from SAMLesionLib import (
    BoxPrompt,
    IndexBox,
    PointPrompt,
    PromptSet,
    Segmenter,
    SegmentRequest,
    Volume,
    collect,
)
from SAMLesionLib.datasets import Case
from SAMLesionLib.engine.plans import plan_slices
from SAMLesionLib.errors import ImageError, InputError, PromptError, VolumeNotLoaded
from SAMLesionLib.evaluation.opponents import finding, opponents
from SAMLesionLib.evaluation.readers import find_reader

BLOCK = [((2, 6), (3, 9), (4, 12))]
NAMES = tuple(opponents())
CLICKABLE = ("connected-threshold", "growcut", "random-walker")


def an_opponent(name: str, network: FilledBoxNetwork | None = None) -> Segmenter:
    return opponents()[name](plan_slices, lambda: LendingEngine(network or FilledBoxNetwork()))


def answer(name: str, volume: Volume, *prompts: BoxPrompt | PointPrompt) -> np.ndarray:
    segmenter = an_opponent(name)
    request = SegmentRequest(segmenter.load_volume(volume), name, PromptSet(prompts))
    return collect(segmenter.segment(request), volume.shape_ijk)[0]


def around(case: Case, voxels: int = 1) -> BoxPrompt:
    """The box around everything, so many voxels wide of it."""
    whole = IndexBox.of_mask(case.reference)
    assert whole is not None
    return BoxPrompt(whole.grow((voxels, voxels, 0)))


def test_the_names_are_those_of_the_tables() -> None:
    assert NAMES == (
        "official-lite-medsam",
        "same-box",
        "box-fill",
        "ellipsoid",
        "otsu",
        "midpoint",
        "connected-threshold",
        "growcut",
        "random-walker",
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_opponent_is_a_segmenter_that_answers_with_a_report(name: str) -> None:
    case, segmenter = a_case(BLOCK), an_opponent(name)
    (info,) = segmenter.models()
    request = SegmentRequest(segmenter.load_volume(case.volume), name, PromptSet((around(case),)))

    mask, report = collect(segmenter.segment(request), case.volume.shape_ijk)

    assert isinstance(segmenter, Segmenter)
    assert info.is_available
    assert info.name == name
    assert report is not None
    assert report.model == name
    assert report.encode_s + report.decode_s > 0
    assert mask[3, 5, 7]
    assert not mask[3, 0, 0]


@pytest.mark.parametrize("name", ["otsu", "midpoint", "connected-threshold", "growcut", "random-walker"])
@pytest.mark.parametrize("contrast", [100, -100])
def test_a_clear_block_is_found_bright_or_dark(name: str, contrast: int) -> None:
    case = a_case(BLOCK, contrast=contrast)

    np.testing.assert_array_equal(answer(name, case.volume, around(case)), case.reference)


@pytest.mark.parametrize("name", ["box-fill", "ellipsoid", "otsu", "midpoint", *CLICKABLE])
def test_boxes_of_single_slices_bound_the_mask_in_each(name: str) -> None:
    case = a_case([((1, 4), (4, 8), (4, 10)), ((4, 6), (2, 10), (2, 14))], components=False)
    boxes = find_reader("boxes-every-k", every=9).first(case, case.lesions[0], np.random.default_rng())

    mask = answer(name, case.volume, *boxes.of(BoxPrompt))

    whole = IndexBox.of_mask(mask)
    first = IndexBox.of_mask(mask[1:2])
    assert whole is not None
    assert first is not None
    assert whole.intersect(IndexBox((2, 2, 1), (14, 10, 6))) == whole
    assert first.intersect(IndexBox((4, 4, 0), (10, 8, 1))) == first


def test_an_ellipsoid_touches_the_sides_of_its_box() -> None:
    case = a_case([((0, 3), (0, 4), (0, 6))])

    mask = answer("ellipsoid", case.volume, BoxPrompt(IndexBox((0, 0, 0), (6, 4, 3))))

    # Middle slice: (x/3)^2 + (y/2)^2 <= 1 with x of 0.5, 1.5, 2.5 and y of 0.5, 1.5.
    assert mask[1, :4, :6].tolist() == [
        [False, True, True, True, True, False],
        [True, True, True, True, True, True],
        [True, True, True, True, True, True],
        [False, True, True, True, True, False],
    ]
    # The outer slices are two thirds of the half axis away.
    assert mask[0, :4, :6].sum() == mask[2, :4, :6].sum() == 8
    np.testing.assert_array_equal(answer("box-fill", case.volume, around(case, 0)), case.reference)


def test_region_growing_stays_in_its_piece_until_another_is_clicked() -> None:
    case = a_case([((2, 6), (3, 9), (4, 9)), ((2, 6), (3, 9), (11, 13))])
    pieces = [lesion.whole(case.volume) for lesion in case.lesions]

    alone = answer("connected-threshold", case.volume, around(case))
    both = answer("connected-threshold", case.volume, around(case), PointPrompt((12.0, 4.0, 3.0)))

    np.testing.assert_array_equal(alone, pieces[0])
    np.testing.assert_array_equal(both, pieces[0] | pieces[1])


@pytest.mark.parametrize("name", ["growcut", "random-walker"])
def test_clicks_are_seeds_of_both_kinds(name: str) -> None:
    case = a_case([((2, 6), (3, 9), (3, 8)), ((2, 6), (3, 9), (10, 14))], components=False)
    box = around(case)
    left = a_case([((2, 6), (3, 9), (3, 8))]).reference

    positive = answer(name, case.volume, box, PointPrompt((5.0, 5.0, 3.0)), PointPrompt((12.0, 5.0, 3.0)))
    negative = answer(
        name, case.volume, box, PointPrompt((5.0, 5.0, 3.0)), PointPrompt((12.0, 5.0, 3.0), is_positive=False)
    )

    np.testing.assert_array_equal(positive, case.reference)
    assert not negative[:, :, 12].all(axis=(0, 1))
    assert (negative & left).sum() == left.sum()
    assert negative.sum() < positive.sum()


@pytest.mark.parametrize("name", CLICKABLE)
def test_clicks_alone_are_not_enough(name: str) -> None:
    with pytest.raises(PromptError, match=f"{name} needs a box or a line beside clicks"):
        answer(name, a_case(BLOCK).volume, PointPrompt((5.0, 5.0, 3.0)))


@pytest.mark.parametrize("name", ["otsu", "official-lite-medsam"])
def test_clicks_are_refused_where_they_mean_nothing(name: str) -> None:
    case = a_case(BLOCK)

    with pytest.raises(PromptError, match="understands box, line prompts, got point"):
        answer(name, case.volume, around(case), PointPrompt((5.0, 5.0, 3.0)))


@pytest.mark.parametrize("name", NAMES)
def test_a_volume_must_be_loaded_and_can_be_forgotten(name: str) -> None:
    case, segmenter = a_case(BLOCK), an_opponent(name)
    request = SegmentRequest(segmenter.load_volume(case.volume), name, PromptSet((around(case),)))
    segmenter.unload_volume(case.volume.volume_id)

    with pytest.raises(VolumeNotLoaded, match="Send it"):
        list(segmenter.segment(request))


def test_a_volume_without_numbers_is_refused() -> None:
    with pytest.raises(ImageError, match="not finite"):
        an_opponent("otsu").load_volume(Volume(np.full((2, 2, 2), np.nan)))


@pytest.mark.parametrize("name", ["otsu", "midpoint", *CLICKABLE])
def test_a_flat_piece_of_a_scan_is_answered_somehow(name: str) -> None:
    voxels = np.zeros((6, 12, 12), np.int16)
    voxels[0, 0, 0] = 1
    box = BoxPrompt(IndexBox((3, 3, 2), (8, 8, 5)))

    mask = answer(name, Volume(voxels), box)

    assert not mask[~answer("box-fill", Volume(voxels), box)].any()


def test_a_tool_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> None:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(finding, "distribution", missing)

    with pytest.raises(InputError, match=r"growcut needs the package itk-growcut.*samlesion\[growcut\]"):
        an_opponent("growcut")


def test_the_same_box_is_asked_in_every_slice_in_whole_pixels() -> None:
    case, network = a_case(BLOCK, shape_kji=(8, 24, 32)), FilledBoxNetwork(size=16)
    segmenter = an_opponent("same-box", network)
    box = BoxPrompt(IndexBox((5, 3, 2), (12, 9, 5)))
    request = SegmentRequest(segmenter.load_volume(case.volume), "same-box", PromptSet((box,)))

    _, report = collect(segmenter.segment(request), case.volume.shape_ijk)

    # Half a pixel a voxel, cut: first 5 and 3, last 11 and 8.
    assert network.asked == [(k, (2.0, 1.0, 5.0, 4.0)) for k in (2, 3, 4)]
    assert report is not None
    assert (report.n_encoded, report.encode_s, report.weights_sha256) == (3, 0.75, "ab" * 32)


def test_the_official_script_goes_from_the_middle_outwards_with_its_neighbours_box() -> None:
    # Every mask is one pixel smaller than its box on each side; the next box grows by three.
    def shrink(k: int, box: tuple[float, ...]) -> tuple[float, ...]:
        left, top, right, bottom = box
        return left + 1, top + 1, right - 1, bottom - 1

    case, network = a_case(BLOCK, shape_kji=(10, 32, 32)), FilledBoxNetwork(shrink)
    segmenter = an_opponent("official-lite-medsam", network)
    box = BoxPrompt(IndexBox((10, 12, 2), (20, 20, 7)))
    request = SegmentRequest(segmenter.load_volume(case.volume), "official-lite-medsam", PromptSet((box,)))

    mask, _ = collect(segmenter.segment(request), case.volume.shape_ijk)

    assert network.asked == [
        (4, (10, 12, 19, 19)),
        (5, (8, 10, 21, 21)),
        (6, (6, 8, 23, 23)),
        (3, (8, 10, 21, 21)),
        (2, (6, 8, 23, 23)),
    ]
    assert mask.any(axis=(1, 2)).nonzero()[0].tolist() == [2, 3, 4, 5, 6]
    assert IndexBox.of_mask(mask[6:7]) == IndexBox((7, 9, 0), (23, 23, 1))  # past the box, as in the script


def test_the_official_script_falls_back_to_the_drawn_box() -> None:
    network = FilledBoxNetwork(lambda k, box: None if k == 3 else box)
    case, segmenter = a_case(BLOCK, shape_kji=(10, 32, 32)), an_opponent("official-lite-medsam", network)
    box = BoxPrompt(IndexBox((10, 12, 3), (20, 20, 5)))
    request = SegmentRequest(segmenter.load_volume(case.volume), "official-lite-medsam", PromptSet((box,)))

    collect(segmenter.segment(request), case.volume.shape_ijk)

    assert network.asked == [(3, (10, 12, 19, 19)), (4, (10, 12, 19, 19))]


def test_a_forgotten_volume_takes_its_embeddings_along() -> None:
    engine = LendingEngine(FilledBoxNetwork())
    segmenter = opponents()["same-box"](plan_slices, lambda: engine)

    segmenter.unload_volume("1234")

    assert engine.forgotten == ["1234"]
