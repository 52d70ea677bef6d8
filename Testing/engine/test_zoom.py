from __future__ import annotations

import pytest
from engine_cases import a_volume
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib.engine.zoom import view_of
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import IN_PLANE
from SAMLesionLib.volume import Volume

LARGE = a_volume((256, 200, 20), Affine.from_spacing((1, 1, 5)))
AXES = pytest.mark.parametrize("axis", [0, 1, 2])


@st.composite
def a_volume_and_a_block(draw: st.DrawFn) -> tuple[Volume, IndexBox]:
    shape = tuple(draw(st.integers(2, 60)) for _ in range(3))
    spacing = tuple(draw(st.sampled_from([0.4, 1.0, 2.5, 6.0])) for _ in range(3))
    start = [draw(st.integers(0, n - 1)) for n in shape]
    stop = [draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)]
    return a_volume(shape, Affine.from_spacing(spacing)), IndexBox(tuple(start), tuple(stop))


@given(a_volume_and_a_block(), st.integers(0, 2))
def test_the_view_holds_the_block_and_lies_in_the_volume(case: tuple, axis: int) -> None:
    volume, block = case
    view = view_of(block, axis, volume)
    assert view.intersect(volume.block) == view
    assert view.intersect(block) == block


@AXES
def test_a_large_lesion_is_seen_in_the_whole_slice(axis: int) -> None:
    view = view_of(LARGE.block.grow((-20, -20, -2)), axis, LARGE)
    assert all(view.shape_ijk[a] == LARGE.shape_ijk[a] for a in IN_PLANE[axis])


def test_a_small_lesion_is_seen_closer() -> None:
    small = IndexBox((100, 100, 8), (106, 106, 11))
    view = view_of(small, 2, LARGE)
    assert view.n_voxels < LARGE.block.n_voxels / 4
    assert view.shape_ijk[0] >= 3 * 6  # with its surroundings


def test_smaller_lesions_are_never_seen_from_farther_away() -> None:
    sides = [
        view_of(IndexBox((100, 90, 8), (100 + n, 90 + n, 11)), 2, LARGE).shape_ijk[0] for n in range(1, 80)
    ]
    assert sides == sorted(sides)
    assert sides[0] < sides[-1]


def in_plane(view: IndexBox) -> tuple:
    return view.start_ijk[:2], view.stop_ijk[:2]


def test_neighbours_share_their_views() -> None:
    boxes = [IndexBox((90 + n, 90, 8), (96 + n, 96, 11)) for n in range(40)]
    assert len({in_plane(view_of(box, 2, LARGE)) for box in boxes}) <= 8


def test_the_same_lesion_in_another_slice_has_the_same_view() -> None:
    here, there = (view_of(IndexBox((100, 100, k), (106, 106, k + 3)), 2, LARGE) for k in (3, 9))
    assert in_plane(here) == in_plane(there)


@AXES
def test_a_lesion_in_a_corner_is_seen(axis: int) -> None:
    for corner in (IndexBox((0, 0, 0), (4, 4, 2)), IndexBox((252, 196, 18), (256, 200, 20))):
        view = view_of(corner, axis, LARGE)
        assert view.intersect(corner) == corner
        assert view.intersect(LARGE.block) == view
