from __future__ import annotations

import numpy as np
import pytest
from lesion_cases import a_case

from SAMLesionLib import BoxPrompt, IndexBox, LinePrompt, PointPrompt, PromptSet
from SAMLesionLib.datasets import Case, Lesion
from SAMLesionLib.errors import InputError
from SAMLesionLib.evaluation.readers import READERS, find_reader
from SAMLesionLib.metrics import axial_diameter

L_SHAPE = [((2, 6), (3, 5), (4, 6)), ((3, 5), (3, 9), (4, 8))]
"""Slices 2 to 5; in slices 3 and 4 it is larger."""


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def a_lesion() -> tuple[Case, Lesion]:
    case = a_case(L_SHAPE)
    return case, case.lesions[0]


def boxes_of(name: str, seed: int = 0, **options: object) -> list[BoxPrompt]:
    return find_reader(name, **options).first(*a_lesion(), rng(seed)).of(BoxPrompt)


def test_the_tight_box_touches_the_lesion() -> None:
    assert boxes_of("box3d") == [BoxPrompt(IndexBox((4, 3, 2), (8, 9, 6)))]


def test_the_slice_box_lies_in_the_first_of_the_largest_slices() -> None:
    assert boxes_of("box2d") == [BoxPrompt(IndexBox((4, 3, 3), (8, 9, 4)), axis=2)]


def test_slices_are_those_across_the_coarsest_axis() -> None:
    case = a_case(L_SHAPE, spacing_mm=(4.0, 1.0, 1.0))

    (box,) = find_reader("box2d").first(case, case.lesions[0], rng()).of(BoxPrompt)

    # At i of 4 and 5 it holds 4 x 2 voxels and 2 x 4 more, at 6 and 7 only 2 x 6.
    assert box == BoxPrompt(IndexBox((4, 3, 2), (5, 9, 6)), axis=0)


@pytest.mark.parametrize(("every", "slices"), [(1, [2, 3, 4, 5]), (2, [2, 4, 5]), (3, [2, 5]), (9, [2, 5])])
def test_boxes_lie_in_every_kth_slice_and_in_the_last(every: int, slices: list[int]) -> None:
    boxes = boxes_of("boxes-every-k", every=every)

    assert [box.index for box in boxes] == slices
    assert boxes[0].box == IndexBox((4, 3, 2), (6, 5, 3))
    assert boxes == boxes_of(f"boxes-every-{every}")


def test_slices_without_lesion_get_no_box() -> None:
    case = a_case([((0, 1), (2, 4), (2, 4)), ((4, 5), (2, 4), (2, 4))], components=False)

    boxes = find_reader("boxes-every-k", every=1).first(case, case.lesions[0], rng()).of(BoxPrompt)

    assert [box.index for box in boxes] == [0, 4]


def test_the_diameter_is_the_longest_in_a_slice() -> None:
    case, lesion = a_lesion()

    (line,) = find_reader("recist").first(case, lesion, rng()).of(LinePrompt)

    measured = axial_diameter(lesion.whole(case.volume), case.volume.affine)
    assert measured is not None
    assert np.linalg.norm(np.subtract(line.start_ijk, line.stop_ijk)) == pytest.approx(measured.long_mm)
    # 4 voxels wide and 6 high, from the middle of a voxel's upper face to that of one's lower face.
    assert measured.long_mm == pytest.approx(np.hypot(3, 6))
    assert line.start_ijk[2] == line.stop_ijk[2] == 3


@pytest.mark.parametrize("name", READERS)
def test_what_is_drawn_at_the_images_edge_lies_on_the_image(name: str) -> None:
    case = a_case([((0, 8), (0, 12), (0, 16))])
    jitter = 4 if "box" in name or name == "cvpr25" else 0

    prompts = find_reader(name, jitter=jitter).first(case, case.lesions[0], rng())

    prompts.check_inside(case.volume.shape_ijk)
    assert all(case.volume.block.intersect(p.box) == p.box for p in prompts.of(BoxPrompt))


@pytest.mark.parametrize("name", READERS)
def test_a_lesion_of_one_voxel_can_be_drawn(name: str) -> None:
    case = a_case([((3, 4), (5, 6), (7, 8))])

    find_reader(name).first(case, case.lesions[0], rng()).check_inside(case.volume.shape_ijk)


def test_jitter_moves_each_side_out_by_its_own_number() -> None:
    tight = IndexBox((4, 3, 2), (8, 9, 6))

    boxes = [boxes_of("box3d", seed, jitter=2)[0].box for seed in range(200)]

    out = np.array(
        [
            [*np.subtract(tight.start_ijk, b.start_ijk), *np.subtract(b.stop_ijk, tight.stop_ijk)]
            for b in boxes
        ]
    )
    assert [set(side) for side in out.T] == [{0, 1, 2}] * 6
    assert np.abs(np.corrcoef(out.T) - np.eye(6)).max() < 0.25


def test_jitter_in_plane_keeps_first_and_last_slice() -> None:
    boxes = [boxes_of("box3d", seed, jitter=3, in_plane=True)[0].box for seed in range(20)]

    assert {(b.start_ijk[2], b.stop_ijk[2]) for b in boxes} == {(2, 6)}
    assert len({b.start_ijk[0] for b in boxes}) > 1


def test_jitter_leaves_slice_boxes_in_their_slice() -> None:
    boxes = [b for seed in range(20) for b in boxes_of("boxes-every-k", seed, every=2, jitter=3)]

    assert {b.index for b in boxes} == {2, 4, 5}


def test_the_first_challenge_click_goes_to_the_middle_of_the_largest_error() -> None:
    case = a_case([((1, 6), (2, 7), (3, 8))])
    lesion, nothing = case.lesions[0], np.zeros(case.volume.voxels.shape, bool)
    reader = find_reader("cvpr25")
    box = reader.first(case, lesion, rng())

    prompts = reader.correct(case, lesion, box, nothing, rng())

    assert prompts == box.add(PointPrompt((5.0, 4.0, 3.0), is_positive=True))


def test_a_wrongly_claimed_error_gets_a_negative_click() -> None:
    case = a_case([((3, 4), (2, 5), (2, 5))])
    lesion = case.lesions[0]
    mask = case.reference.copy()
    mask[3, 3, 2] = False  # one missed voxel
    mask[0:5, 6:11, 9:14] = True  # 125 claimed ones

    prompts = find_reader("cvpr25").correct(case, lesion, PromptSet(), mask, rng())

    assert prompts == PromptSet((PointPrompt((11.0, 8.0, 2.0), is_positive=False),))


def test_the_largest_error_is_counted_in_voxels_and_over_corners() -> None:
    case = a_case(
        [((0, 1), (0, 1), (0, 5)), ((5, 6), (5, 6), (5, 8)), ((6, 7), (6, 7), (8, 11))], components=False
    )
    nothing = np.zeros(case.volume.voxels.shape, bool)

    prompts = find_reader("cvpr25").correct(case, case.lesions[0], PromptSet(), nothing, rng())

    assert prompts is not None
    assert prompts.of(PointPrompt)[0].point_ijk[1] in (5, 6)  # 3 + 3 voxels across a corner, not 5


def test_the_depth_is_measured_in_voxels_whatever_the_spacing() -> None:
    # In millimetres thick slices would leave the depth to i and j alone, and k to chance.
    clicks = set()
    for spacing_mm in ((1, 1, 1), (1, 1, 50)):
        case = a_case([((2, 5), (2, 5), (2, 9))], spacing_mm=spacing_mm)
        nothing = np.zeros(case.volume.voxels.shape, bool)
        prompts = find_reader("cvpr25").correct(case, case.lesions[0], PromptSet(), nothing, rng())
        assert prompts is not None
        clicks.add(prompts.of(PointPrompt)[0].point_ijk)

    assert len(clicks) == 1
    assert clicks.pop()[1:] == (3, 3)


def test_a_right_mask_ends_the_challenge() -> None:
    case = a_case(L_SHAPE)

    assert find_reader("cvpr25").correct(case, case.lesions[0], PromptSet(), case.reference, rng()) is None


@pytest.mark.parametrize(
    ("name", "clicks", "kinds"),
    [
        ("cvpr25", 2, [{"box"}, {"box", "point"}, {"box", "point"}]),
        ("sammed3d", 2, [{"point"}, {"point"}]),
        ("sammed3d", 1, [{"point"}]),
        ("tags", 4, [{"point"}]),
    ],
)
def test_a_reader_takes_as_many_steps_as_it_says(name: str, clicks: int, kinds: list[set[str]]) -> None:
    case, lesion = a_lesion()
    reader = find_reader(name, clicks=clicks)
    nothing = np.zeros(case.volume.voxels.shape, bool)

    steps, prompts = [], reader.first(case, lesion, rng())
    while prompts is not None:
        steps.append(prompts)
        prompts = reader.correct(case, lesion, prompts, nothing, rng())

    assert [set(p.kinds) for p in steps] == kinds == [set(k) for k in reader.prompt_kinds]
    assert len(steps[-1].of(PointPrompt)) == clicks


def test_random_clicks_fall_on_errors_of_both_kinds() -> None:
    case, lesion = a_lesion()
    mask = case.reference.copy()
    mask[3, 3, 4] = False
    mask[7, 11, 15] = True
    reader, generator = find_reader("sammed3d", clicks=99), rng()

    drawn = [reader.correct(case, lesion, PromptSet(), mask, generator) for _ in range(30)]

    assert {p for prompts in drawn if prompts for p in prompts} == {
        PointPrompt((4.0, 3.0, 3.0), is_positive=True),
        PointPrompt((15.0, 11.0, 7.0), is_positive=False),
    }


def test_a_random_click_on_a_right_mask_is_positive_and_inside() -> None:
    case, lesion = a_lesion()

    prompts = find_reader("sammed3d").correct(case, lesion, PromptSet(), case.reference, rng())

    assert prompts is not None
    (click,) = prompts.of(PointPrompt)
    assert click.is_positive
    assert case.reference[tuple(int(v) for v in click.point_ijk[::-1])]


def test_points_lie_in_the_lesion() -> None:
    case, lesion = a_lesion()

    points = find_reader("tags", clicks=50).first(case, lesion, rng()).of(PointPrompt)

    assert len(points) == 50
    assert all(case.reference[tuple(int(v) for v in p.point_ijk[::-1])] and p.is_positive for p in points)
    assert len({p.point_ijk for p in points}) > 10


@pytest.mark.parametrize("name", READERS)
def test_the_same_seed_draws_the_same(name: str) -> None:
    case, lesion = a_lesion()
    nothing = np.zeros(case.volume.voxels.shape, bool)

    def run(seed: int) -> list[str]:
        generator, reader = rng(seed), find_reader(name, jitter=3 if "box" in name else 0)
        prompts, drawn = reader.first(case, lesion, generator), []
        while prompts is not None:
            drawn.append(prompts.dumps())
            prompts = reader.correct(case, lesion, prompts, nothing, generator)
        return drawn

    assert run(7) == run(7)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("cvpr24", {}, "no reader 'cvpr24'. Choose box3d, "),
        ("box3d", {"clicks": 3}, "box3d does not click"),
        ("cvpr25", {"clicks": 0}, "1 or more, .*got 0"),
        ("recist", {"jitter": 2}, "recist draws none"),
        ("box3d", {"jitter": -1}, "got -1"),
        ("boxes-every-0", {}, "k of 1 or more, got 0"),
    ],
)
def test_options_that_mean_nothing_are_refused(name: str, options: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_reader(name, **options)
