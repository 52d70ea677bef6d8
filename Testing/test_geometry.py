from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib import Affine, IndexBox
from SAMLesionLib.errors import ImageError, PromptError


@st.composite
def affines(draw: st.DrawFn) -> Affine:
    """Flipped, turned, oblique, anisotropic and sheared grids anywhere in a scanner."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    if draw(st.booleans()):  # along the patient's axes, permuted and flipped
        axes = np.eye(3)[rng.permutation(3)] * rng.choice([-1, 1], 3)
    grid = np.diag(rng.uniform(0.2, 8, 3))
    grid[np.triu_indices(3, 1)] = draw(st.sampled_from([0, 1])) * rng.uniform(-1, 1, 3)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes @ grid, rng.uniform(-1000, 1000, 3)
    return Affine(matrix)


def boxes(low: int = -50, high: int = 600) -> st.SearchStrategy[IndexBox]:
    starts, sizes = st.tuples(*[st.integers(low, high)] * 3), st.tuples(*[st.integers(1, 80)] * 3)
    return st.builds(lambda a, n: IndexBox(a, tuple(np.add(a, n))), starts, sizes)


points = st.lists(st.tuples(*[st.floats(-100, 1000)] * 3), min_size=1, max_size=6)


@given(affines(), points)
def test_voxels_to_the_world_and_back(affine: Affine, points_ijk: list) -> None:
    np.testing.assert_allclose(affine.to_ijk(affine.to_ras(points_ijk)), points_ijk, atol=1e-6)


@given(affines(), points)
def test_lps_is_ras_with_two_signs_changed(affine: Affine, points_ijk: list) -> None:
    lps = affine.to_ras(points_ijk) * (-1, -1, 1)

    np.testing.assert_allclose(affine.to_ijk(lps, "lps"), points_ijk, atol=1e-6)
    np.testing.assert_array_equal(Affine.from_lps(affine.ijk_to_lps).ijk_to_ras, affine.ijk_to_ras)
    np.testing.assert_array_equal(affine.to_ijk(points_ijk, "ijk"), points_ijk)


@given(affines(), boxes())
def test_a_block_through_the_world_comes_back_exactly(affine: Affine, box: IndexBox) -> None:
    assert IndexBox.around(affine.to_ijk(affine.to_ras(box.corners_ijk()))) == box


@given(affines())
def test_a_voxels_volume_is_its_parallelepiped(affine: Affine) -> None:
    i, j, k = affine.ijk_to_ras[:3, :3].T

    assert affine.voxel_ml == pytest.approx(abs(np.cross(i, j) @ k) / 1000)
    np.testing.assert_allclose(affine.spacing_mm, [np.linalg.norm(v) for v in (i, j, k)])


def test_one_known_grid() -> None:
    affine = Affine(np.array([[0, -2, 0, 10], [0.5, 0, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1.0]]))

    np.testing.assert_array_equal(affine.to_ras([2, 3, 4]), [[4, 21, 42]])
    np.testing.assert_allclose(affine.to_ijk([-4, -21, 42], "lps"), [[2, 3, 4]])
    assert affine.spacing_mm == (0.5, 2, 3)


@pytest.mark.parametrize(
    ("spacing_mm", "axis"),
    [
        ((0.8, 0.8, 5), 2),
        ((5, 0.8, 0.8), 0),
        ((1, 4, 1), 1),
        ((1, 1, 1), 2),
        ((1.005, 1, 1), 2),
        ((2, 1, 1), 0),
    ],
)
def test_slices_lie_across_the_coarsest_axis_and_across_k_on_a_tie(spacing_mm: tuple, axis: int) -> None:
    assert Affine.from_spacing(spacing_mm).slice_axis == axis


def test_affines_compare_by_value_and_cannot_be_changed() -> None:
    matrix = np.eye(4)
    affine = Affine(matrix)
    matrix[0, 0] = 7

    assert affine == Affine(np.eye(4))
    assert hash(affine) == hash(Affine(np.eye(4)))
    assert affine != Affine.from_spacing((1, 1, 2))
    with pytest.raises(ValueError, match="read-only"):
        affine.ijk_to_ras[0, 0] = 2


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.eye(3), "4 x 4"),
        (np.full((4, 4), np.nan), "finite"),
        (np.diag([1, 1, 0, 1.0]), "singular"),
        (np.diag([1, 1, 1, 2.0]), "0 0 0 1"),
    ],
)
def test_matrices_that_are_no_grid_are_refused(matrix: np.ndarray, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        Affine(matrix)


@given(boxes(), boxes())
def test_blocks_meet_and_join(one: IndexBox, other: IndexBox) -> None:
    joined, shared = one.union(other), one.intersect(other)

    assert joined.intersect(one) == one
    assert joined.union(shared) == joined or shared.is_empty
    assert shared.n_voxels == int(np.prod(shared.shape_ijk))
    assert one.intersect(other).n_voxels == other.intersect(one).n_voxels
    assert shared.is_empty or (one.contains(shared.start_ijk) and other.contains(shared.start_ijk))


@given(boxes(0, 8))
def test_a_block_indexes_the_voxels_it_says(box: IndexBox) -> None:
    array = np.zeros((90, 90, 90), bool)
    array[box.slices_kji()] = True

    assert int(array.sum()) == box.n_voxels
    assert array[box.slices_kji()].shape == box.shape_kji
    assert IndexBox.of_mask(array) == box


@given(boxes(), st.tuples(*[st.integers(-9, 9)] * 3))
def test_blocks_move_and_grow(box: IndexBox, by: tuple[int, int, int]) -> None:
    back = tuple(-v for v in by)

    assert box.shift(by).shift(back) == box  # type: ignore[arg-type]
    assert box.grow(3).grow(-3) == box
    assert box.grow((1, 0, 2)).shape_ijk == tuple(np.add(box.shape_ijk, (2, 0, 4)))


@given(boxes())
def test_corners_span_the_block_and_lie_on_its_faces(box: IndexBox) -> None:
    corners = box.corners_ijk()

    assert corners.shape == (8, 3)
    np.testing.assert_array_equal(corners.min(axis=0), np.subtract(box.start_ijk, 0.5))
    np.testing.assert_array_equal(corners.max(axis=0), np.subtract(box.stop_ijk, 0.5))
    np.testing.assert_allclose(corners.mean(axis=0), box.centre_ijk)


def test_around_takes_the_voxels_that_hold_the_points() -> None:
    assert IndexBox.around([[2, 3, 4]]) == IndexBox((2, 3, 4), (3, 4, 5))
    assert IndexBox.around([[1.4, 1.6, -0.4], [3.4, 3.6, 0.2]]) == IndexBox((1, 2, 0), (4, 5, 1))
    assert IndexBox.around([[0.5, 0.5, 0.5]]).n_voxels == 1


def test_a_position_lies_on_the_voxel_around_it() -> None:
    box = IndexBox((0, 0, 0), (2, 2, 2))

    assert box.contains([-0.5, 0, 1.49])
    assert not box.contains([0, 0, 1.5])
    assert not box.contains([0, -0.51, 0])


def test_an_empty_mask_has_no_block() -> None:
    assert IndexBox.of_mask(np.zeros((2, 3, 4), bool)) is None


def test_inverted_blocks_are_empty() -> None:
    assert IndexBox((3, 0, 0), (1, 5, 5)).is_empty
    assert IndexBox((3, 0, 0), (1, 5, 5)).shape_ijk == (0, 5, 5)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (IndexBox((5, 5, 5), (5, 9, 9)), r"each stop above its start, got 5,5,5 to 5,9,9"),
        (IndexBox((5, 5, 5), (3, 9, 9)), "stop one past the last voxel"),
        (IndexBox((100, 0, 0), (110, 9, 9)), r"lies outside CT_chest \(20 x 30 x 40 voxels\)\. Draw it on"),
        (IndexBox((-9, 0, 0), (0, 9, 9)), "lies outside"),
    ],
)
def test_boxes_that_cannot_be_used_are_refused(box: IndexBox, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        box.check_inside((20, 30, 40), "CT_chest")


def test_a_box_that_reaches_over_the_edge_is_fine() -> None:
    IndexBox((-5, -5, -5), (1, 1, 1)).check_inside((20, 30, 40))
