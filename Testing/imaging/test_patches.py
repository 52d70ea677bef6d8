from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import PatchFrame
from SAMLesionLib.volume import Volume


def a_grid(spacing_mm: tuple[float, float, float], degrees: float = 0.0, order: str = "RAS") -> Affine:
    """Voxel axes that point to these directions, turned about the patient's long axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    towards = {
        "R": (1, 0, 0),
        "L": (-1, 0, 0),
        "A": (0, 1, 0),
        "P": (0, -1, 0),
        "S": (0, 0, 1),
        "I": (0, 0, -1),
    }
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.array([towards[letter] for letter in order]).T * spacing_mm
    matrix[:3, 3] = (-31, 12, 7)
    return Affine(matrix)


GRIDS = {
    "cubic voxels": a_grid((1, 1, 1)),
    "thick slices": a_grid((0.7, 0.7, 6.5)),
    "left, posterior, superior": a_grid((0.8, 1.1, 3), order="LPS"),
    "sagittal slices": a_grid((1.2, 0.9, 4), order="ASL"),
    "oblique": a_grid((0.8, 0.9, 3), degrees=30, order="LPS"),
    "sheared": Affine(np.array([[-0.8, 0, 0.2, 3], [0, 0.9, -0.8, 1], [0, 0, 3, 2], [0, 0, 0, 1.0]])),
}
ANY_GRID = pytest.mark.parametrize("affine", GRIDS.values(), ids=GRIDS)


def a_frame(affine: Affine, step_mm: float = 1.5, size: int = 16) -> PatchFrame:
    return PatchFrame.around((12.3, 9.8, 4.6), affine, step_mm, size)


@ANY_GRID
def test_positions_go_there_and_back(affine: Affine) -> None:
    frame = a_frame(affine)
    points = np.random.default_rng(0).uniform(-5, 30, (20, 3))
    np.testing.assert_allclose(frame.to_ijk(frame.to_dhw(points)), points, atol=1e-12)
    np.testing.assert_allclose(frame.to_dhw([frame.centre_ijk]), [[7.5, 7.5, 7.5]])


@ANY_GRID
def test_cells_are_cubes_that_run_to_right_anterior_and_superior(affine: Affine) -> None:
    frame = a_frame(affine)
    corner, *ends = affine.to_ras(frame.to_ijk([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    for ras, end in enumerate(ends):
        step = end - corner
        assert np.linalg.norm(step) == pytest.approx(1.5)
        assert step[ras] == max(step, key=abs) > 0


@ANY_GRID
def test_a_straight_ramp_is_seen_as_it_lies_in_the_patient(affine: Affine) -> None:
    """Along each voxel axis linear interpolation is exact on a ramp, inside the image."""
    shape_kji = (12, 24, 26)
    k, j, i = np.indices(shape_kji)
    slope = np.array([2.0, -3.0, 5.0])
    voxels = 2 * i - 3 * j + 5 * k
    frame = a_frame(affine, step_mm=0.9, size=8)
    seen = frame.image(Volume(voxels.astype(np.float32), affine))
    where = np.moveaxis(np.indices((8, 8, 8)), 0, -1).reshape(-1, 3)
    expected = frame.to_ijk(where) @ slope
    inside = ((frame.to_ijk(where) >= 0) & (frame.to_ijk(where) <= np.array(shape_kji)[::-1] - 1)).all(axis=1)
    assert inside.sum() > 100
    np.testing.assert_allclose(seen.reshape(-1)[inside], expected[inside], atol=1e-3)


@ANY_GRID
def test_a_voxel_of_a_mask_comes_back_where_it_was(affine: Affine) -> None:
    frame = a_frame(affine, step_mm=0.4, size=48)
    block = IndexBox((10, 8, 3), (15, 12, 7))
    mask = np.zeros(block.shape_kji, bool)
    mask[1, 2, 3] = mask[2, 1, 1] = True
    cells = frame.mask(mask, block, 48)
    back = frame.voxels(cells, block) > 0.5
    # What lies in the cube, and only as far as its cells are finer than the voxels.
    centres = np.moveaxis(np.indices(block.shape_kji), 0, -1)[..., ::-1].reshape(-1, 3) + block.start_ijk
    is_seen = (np.abs(frame.to_dhw(centres) - 23.5) < 22).all(axis=1).reshape(block.shape_kji)
    assert is_seen.any()
    assert np.array_equal(back[is_seen], mask[is_seen])


@ANY_GRID
def test_a_mask_keeps_its_volume_in_coarse_cells(affine: Affine) -> None:
    frame = a_frame(affine, step_mm=3.0, size=24)
    block = IndexBox((9, 7, 3), (15, 12, 6))
    mask = np.random.default_rng(1).random(block.shape_kji) < 0.6
    shares = frame.mask(mask, block, 12)
    assert 0 <= shares.min() <= shares.max() <= 1
    voxel_mm3 = float(np.prod(affine.spacing_mm))
    assert shares.sum() * 6.0**3 == pytest.approx(mask.sum() * voxel_mm3, rel=0.35)


@ANY_GRID
def test_a_box_becomes_the_cells_between_its_outer_faces(affine: Affine) -> None:
    frame = a_frame(affine)
    box = IndexBox((10, 8, 3), (15, 12, 6))
    low, high = frame.box_dhw(box)
    sides_mm = np.subtract(high, low) * 1.5
    expected = np.multiply(box.shape_ijk, affine.spacing_mm)[list(frame.axes)]
    np.testing.assert_allclose(sides_mm, expected)
    middle = frame.to_ijk([np.add(low, high) / 2])[0]
    np.testing.assert_allclose(middle, box.centre_ijk)


def test_off_the_image_there_is_nothing() -> None:
    volume = Volume(np.full((6, 6, 6), 7.0, np.float32), GRIDS["cubic voxels"])
    frame = PatchFrame.around((-0.5, 2.5, 2.5), volume.affine, 1.0, 8)
    seen, inside = frame.image(volume), frame.is_on_image(volume.shape_ijk)
    assert np.array_equal(seen == 7, inside)
    assert inside.sum() == 4 * 6 * 6  # half of the cube lies before the first voxel
    far = PatchFrame.around((400, 400, 400), volume.affine, 1.0, 8)
    assert not far.image(volume).any()
    assert not far.is_on_image(volume.shape_ijk).any()


@ANY_GRID
def test_cells_lie_on_the_image_where_their_centres_do(affine: Affine) -> None:
    frame, shape = a_frame(affine, step_mm=4.0), (26, 24, 12)
    where = np.moveaxis(np.indices((16, 16, 16)), 0, -1).reshape(-1, 3)
    whole = IndexBox.whole(shape)
    expected = [whole.contains(p) for p in frame.to_ijk(where)]
    assert np.array_equal(frame.is_on_image(shape).reshape(-1), expected)


@ANY_GRID
def test_values_are_carried_to_a_coarser_cube_and_to_one_beside_it(affine: Affine) -> None:
    frame = a_frame(affine, step_mm=1.0, size=16)
    other = PatchFrame.around((13.1, 9.2, 4.4), affine, 2.0, 16)
    ramp = np.indices((8, 8, 8)).astype(np.float32) + 1
    for axis in range(3):
        carried = frame.carry(ramp[axis], other)
        where = np.moveaxis(np.indices((8, 8, 8)), 0, -1).reshape(-1, 3)
        cells = frame.to_dhw(other.to_ijk(2 * where + 0.5))  # an eighth of the cube's cells are two wide
        expected = (cells[:, axis] - 0.5) / 2 + 1
        inside = ((cells > 2) & (cells < 13)).all(axis=1)
        outside = ((cells < -2.5) | (cells > 17.5)).any(axis=1)
        assert inside.any()
        np.testing.assert_allclose(carried.reshape(-1)[inside], expected[inside], atol=0.05)
        assert not carried.reshape(-1)[outside].any()


def test_carrying_to_the_same_cube_changes_nothing() -> None:
    frame = a_frame(GRIDS["oblique"])
    values = np.random.default_rng(2).normal(size=(4, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(frame.carry(values, frame), values, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.floats(-20, 60), st.floats(-20, 60), st.floats(-20, 60)),
    st.floats(0.2, 12),
    st.sampled_from(list(GRIDS.values())),
)
def test_the_block_holds_every_cell_of_the_cube(
    centre: tuple[float, float, float], step_mm: float, affine: Affine
) -> None:
    frame = PatchFrame.around(centre, affine, step_mm, 8)
    corners = frame.to_ijk([(d, h, w) for d in (-0.5, 7.5) for h in (-0.5, 7.5) for w in (-0.5, 7.5)])
    block = frame.block()
    assert (corners >= np.subtract(block.start_ijk, 0.5) - 1e-6).all()
    assert (corners <= np.subtract(block.stop_ijk, 0.5) + 1e-6).all()
