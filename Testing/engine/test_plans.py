from __future__ import annotations

import numpy as np
import pytest
from engine_cases import BOX, VOLUME, a_flat_box, a_line, a_volume
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib.engine.plans import SlicePlan, plan_slices, squared_radius
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import slab
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt, PromptSet

CUBES = a_volume((40, 40, 40), Affine.from_spacing((1, 1, 1)))


def a_plan(*prompts: object, volume: object = VOLUME) -> SlicePlan:
    return plan_slices(PromptSet(prompts), volume)  # type: ignore[arg-type]


def test_a_box_is_asked_in_each_of_its_slices() -> None:
    plan = a_plan(BoxPrompt(BOX))
    assert plan.boxes == tuple(slab(BOX, 2, k) for k in range(3, 9))
    assert (plan.axis, plan.block, plan.ends_inside, plan.start) == (2, BOX, True, None)


@pytest.mark.parametrize(("spacing", "axis"), [((1, 1, 3), 2), ((4, 1, 1), 0), ((1, 6, 3), 1)])
def test_slices_lie_as_the_scan_was_cut(spacing: tuple, axis: int) -> None:
    plan = a_plan(BoxPrompt(BOX), volume=a_volume(affine=Affine.from_spacing(spacing)))
    assert plan.axis == axis
    assert len(plan.boxes) == BOX.shape_ijk[axis]


def test_a_box_partly_off_the_image_is_cut_at_its_border() -> None:
    plan = a_plan(BoxPrompt(IndexBox((-5, 20, -3), (8, 99, 4))))
    assert plan.block == IndexBox((0, 20, 0), (8, 28, 4))
    assert len(plan.boxes) == 4


def test_a_box_of_one_slice_is_asked_in_it() -> None:
    flat = slab(BOX, 2, 5)
    assert a_plan(BoxPrompt(flat)).boxes == (flat,)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_2d_box_means_a_lesion_as_deep_as_wide_in_its_view(axis: int) -> None:
    plan = a_plan(a_flat_box(axis, 20, (10, 10), (21, 17)), volume=CUBES)
    assert plan.block.start_ijk[axis] == 15
    assert plan.block.stop_ijk[axis] == 26
    assert plan.ends_inside


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_2d_boxes_in_slices_of_one_view_are_joined(axis: int) -> None:
    first, last = a_flat_box(axis, 10, (10, 10), (20, 20)), a_flat_box(axis, 14, (14, 10), (28, 20))
    plan = a_plan(last, first, volume=CUBES)
    assert plan.axis == axis
    assert (plan.boxes[0], plan.boxes[-1]) == (first.box, last.box)
    assert len(plan.boxes) == 5
    assert not plan.ends_inside  # the reader saw the lesion in both


def test_2d_boxes_in_two_views_span_a_3d_box() -> None:
    axial = a_flat_box(2, 20, (10, 12), (22, 25))
    sagittal = a_flat_box(0, 15, (13, 16), (26, 30))
    plan = a_plan(axial, sagittal, volume=CUBES)
    # i from the axial box, k from the sagittal one, j from both.
    assert plan.block == IndexBox((10, 12, 16), (22, 26, 30))
    assert plan.ends_inside


def test_2d_boxes_in_three_views_span_a_3d_box() -> None:
    boxes = [a_flat_box(axis, 20, (10, 10), (30, 30)) for axis in range(3)]
    assert a_plan(*boxes, volume=CUBES).block == IndexBox((10, 10, 10), (30, 30, 30))


def test_a_diameter_counts_as_the_box_of_its_slice() -> None:
    plan = a_plan(a_line((10, 20, 20), (30, 20, 20)), volume=CUBES)
    assert plan.axis == 2
    assert plan.block.shape_ijk[0] == 21
    assert plan.block.shape_ijk[2] == 21
    with_box = a_plan(a_line((10, 20, 20), (30, 20, 20)), a_flat_box(2, 24, (15, 15), (20, 20)), volume=CUBES)
    assert [b.start_ijk[2] for b in with_box.boxes] == [20, 21, 22, 23, 24]


def test_diameters_in_several_slices_are_joined_like_2d_boxes() -> None:
    lines = [a_line((10, 20, k), (2 * k - 8, 20, k)) for k in (18, 14, 22)]
    plan = a_plan(*lines, volume=CUBES)
    assert [b.start_ijk[2] for b in plan.boxes] == list(range(14, 23))
    assert [b.shape_ijk[0] for b in plan.boxes] == list(range(11, 28, 2))
    assert not plan.ends_inside


@pytest.mark.parametrize(
    "prompts",
    [
        (BoxPrompt(BOX), BoxPrompt(BOX.shift((1, 0, 0)))),
        (BoxPrompt(BOX), a_flat_box(2, 4, (5, 5), (9, 9))),
        (BoxPrompt(BOX), a_line((10, 10, 5), (20, 10, 5))),
    ],
    ids=["two boxes", "a box and a 2D box", "a box and a line"],
)
def test_boxes_of_more_than_one_lesion_are_refused(prompts: tuple) -> None:
    with pytest.raises(PromptError, match=r"One lesion takes one 3D box.*Make a lesion of its own for each"):
        a_plan(*prompts)


def a_mask(*blocks: IndexBox) -> np.ndarray:
    mask = np.zeros(VOLUME.voxels.shape, dtype=bool)
    for block in blocks:
        mask[block.slices_kji()] = True
    return mask


def test_a_mask_is_asked_around_what_is_painted_in_each_slice() -> None:
    painted = [slab(BOX, 2, 4), slab(IndexBox((14, 12, 5), (16, 20, 6)), 2, 5)]
    plan = a_plan(MaskPrompt.of(a_mask(*painted)))
    for box, block in zip(plan.boxes, painted, strict=True):
        assert box.intersect(block) == block
        assert box.shape_ijk[2] == 1
        assert block.grow((4, 4, 0)).intersect(box) == box
    assert plan.start is not None
    assert not plan.ends_inside


def test_a_mask_with_a_gap_is_asked_in_every_slice() -> None:
    plan = a_plan(MaskPrompt.of(a_mask(slab(BOX, 2, 3), slab(BOX, 2, 6))))
    assert [b.start_ijk[2] for b in plan.boxes] == [3, 4, 5, 6]


def test_a_box_beside_a_mask_says_where_to_look() -> None:
    plan = a_plan(MaskPrompt.of(a_mask(slab(BOX, 2, 4))), BoxPrompt(BOX))
    assert plan.block == BOX
    assert plan.ends_inside
    assert plan.start is not None


def test_the_last_mask_counts() -> None:
    first, last = MaskPrompt.of(a_mask(slab(BOX, 2, 4))), MaskPrompt.of(a_mask(slab(BOX, 2, 7)))
    assert a_plan(first, last).start == last


def test_a_mask_is_cut_at_the_border_of_the_image() -> None:
    block = IndexBox((28, 24, 9), (36, 32, 14))
    mask = np.ones(block.shape_kji, dtype=bool)
    mask[1, :4, :4] = False  # in this slice nothing is painted on the image
    plan = a_plan(MaskPrompt(block, mask))
    assert plan.start is not None
    assert plan.start.box == IndexBox((28, 24, 9), (32, 28, 12))
    assert [b.start_ijk[2] for b in plan.boxes] == [9, 10, 11]
    assert plan.block.intersect(VOLUME.block) == plan.block


def test_a_mask_painted_beside_the_image_is_refused() -> None:
    mask = np.zeros((3, 4, 8), dtype=bool)
    mask[:, :, 6:] = True
    with pytest.raises(PromptError, match=r"no voxel on the left knee\. Paint it on the image\."):
        a_plan(
            MaskPrompt(IndexBox((28, 0, 0), (36, 4, 3)), mask),
            volume=a_volume(name="the left knee"),
        )


def test_the_middle_is_asked_first() -> None:
    assert a_plan(BoxPrompt(IndexBox((0, 0, 2), (9, 9, 7)))).middle_first() == [2, 1, 3, 0, 4]
    assert sorted(a_plan(BoxPrompt(BOX)).middle_first()) == list(range(6))


def test_the_radius_is_one_on_the_sides_and_nothing_in_the_middle() -> None:
    plan = a_plan(BoxPrompt(IndexBox((4, 4, 2), (15, 13, 9))))
    radius2 = squared_radius(plan, depth=2.0)
    assert radius2.shape == (7, 9, 11)
    assert radius2[3, 4, 5] == 0
    # The outermost voxel's centre lies half a voxel inside the side.
    assert radius2[3, 4, 0] == pytest.approx((10 / 11) ** 2)
    assert radius2[3, 0, 5] == pytest.approx((8 / 9) ** 2)
    assert radius2[0, 4, 5] == pytest.approx(2 * (6 / 7) ** 2)


def test_where_the_reader_saw_both_ends_depth_says_nothing() -> None:
    plan = a_plan(a_flat_box(2, 3, (5, 5), (10, 10)), a_flat_box(2, 6, (5, 5), (10, 10)))
    radius2 = squared_radius(plan, depth=2.0)
    assert np.array_equal(radius2[0], radius2[2])


@given(st.integers(0, 2), st.integers(1, 5), st.integers(1, 5))
def test_the_radius_follows_each_slices_own_box(axis: int, first: int, last: int) -> None:
    plan = a_plan(
        a_flat_box(axis, 3, (5, 5), (5 + first, 10)),
        a_flat_box(axis, 8, (12, 9), (12 + last, 20)),
        volume=CUBES,
    )
    radius2 = squared_radius(plan, depth=1.0)
    assert radius2.shape == tuple(np.moveaxis(np.empty(plan.block.shape_kji), 2 - axis, 0).shape)
    for n, box in enumerate(plan.boxes):
        inside = np.zeros(plan.block.shape_kji, dtype=bool)
        i, j, k = plan.block.start_ijk
        inside[box.shift((-i, -j, -k)).slices_kji()] = True
        inside_plane = np.moveaxis(inside, 2 - axis, 0)[n]
        assert (radius2[n][inside_plane] < 2).all()
        assert not inside_plane.all() or (radius2[n] < 2).all()


def test_one_2d_box_of_any_view_is_asked_across_the_slices_of_the_scan() -> None:
    thick = a_volume((64, 64, 20), Affine.from_spacing((1, 1, 5)))
    plan = a_plan(BoxPrompt(IndexBox((30, 20, 8), (31, 40, 12)), axis=0), volume=thick)
    assert plan.axis == 2
    assert len(plan.boxes) == 4
