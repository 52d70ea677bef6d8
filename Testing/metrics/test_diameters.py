from __future__ import annotations

import numpy as np
import pytest

from SAMLesionLib import Affine
from SAMLesionLib.metrics import axial_diameter

UNIT = Affine(np.eye(4))


def a_block(k: slice, j: slice, i: slice, shape: tuple[int, int, int] = (8, 30, 30)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[k, j, i] = True
    return mask


def test_one_voxel_is_one_voxel_wide() -> None:
    found = axial_diameter(a_block(slice(3, 4), slice(5, 6), slice(7, 8)), Affine.from_spacing((2, 3, 9)))

    assert found is not None
    assert (found.long_mm, found.short_mm, found.index) == (pytest.approx(3), pytest.approx(2), 3)
    assert found.long_ends_ijk == ((7, 4.5, 3), (7, 5.5, 3)) or found.long_ends_ijk == (
        (7, 5.5, 3),
        (7, 4.5, 3),
    )


def test_a_row_of_voxels_is_as_long_as_its_voxels() -> None:
    found = axial_diameter(a_block(slice(0, 1), slice(4, 5), slice(10, 20)), Affine.from_spacing((0.5, 2, 1)))

    assert found is not None
    assert found.long_mm == pytest.approx(10 * 0.5)
    assert found.short_mm == pytest.approx(2)


def test_a_rectangle_of_12_by_5_mm() -> None:
    mask = a_block(slice(2, 3), slice(0, 5), slice(0, 12))

    found = axial_diameter(mask, UNIT)

    # From the middle of the first voxel's left face to the middle of the last one's right face.
    assert found is not None
    assert found.long_mm == pytest.approx(np.hypot(12, 4))
    # Square to the direction (12, 4), a chord from side to side spans 5 of 12 parts of the height.
    assert found.short_mm == pytest.approx(5 * np.hypot(12, 4) / 12)


def test_the_slice_with_the_longest_diameter_is_measured() -> None:
    mask = a_block(slice(2, 6), slice(5, 8), slice(5, 8))
    mask[4, 6, 2:12] = True

    found = axial_diameter(mask, UNIT)

    assert found is not None
    assert (found.index, found.long_mm) == (4, pytest.approx(10))


def test_a_disc_has_equal_axes_also_when_its_pixels_are_not_square() -> None:
    j, i = np.mgrid[:60, :120]
    disc = ((j - 30) * 2.0) ** 2 + ((i - 60) * 1.0) ** 2 < 40**2

    found = axial_diameter(disc[None], Affine.from_spacing((1, 2, 5)))

    assert found is not None
    assert found.long_mm == pytest.approx(80, abs=2.0)  # a pixel is 2 mm high
    assert found.short_mm == pytest.approx(80, abs=2.0)


def test_the_short_axis_is_square_to_the_long_one_and_both_ends_lie_in_the_slice() -> None:
    rng = np.random.default_rng(3)
    matrix = np.eye(4)
    matrix[:3, :3] = rng.normal(size=(3, 3))  # oblique, anisotropic and sheared
    affine = Affine(matrix)
    j, i = np.mgrid[:30, :30]
    tilted = ((i - 15) + 0.6 * (j - 15)) ** 2 / 90 + (j - 15) ** 2 / 30 < 1
    mask = np.zeros((5, 30, 30), bool)
    mask[3] = tilted

    found = axial_diameter(mask, affine)

    assert found is not None
    long = np.diff(affine.to_ras(found.long_ends_ijk), axis=0)[0]
    short = np.diff(affine.to_ras(found.short_ends_ijk), axis=0)[0]
    assert np.linalg.norm(long) == pytest.approx(found.long_mm, abs=1e-4)
    assert np.linalg.norm(short) == pytest.approx(found.short_mm, abs=1e-4)
    assert long @ short == pytest.approx(0, abs=1e-3)
    assert {p[2] for p in (*found.long_ends_ijk, *found.short_ends_ijk)} == {3}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_axis_can_be_the_slice_axis(axis: int) -> None:
    shape = [20, 20, 20]
    mask = np.zeros(shape, bool)
    mask[9, 9, 9] = True
    in_plane = next(a for a in (0, 1, 2) if a != axis)
    line = [slice(9, 10)] * 3
    line[2 - in_plane] = slice(3, 15)
    mask[tuple(line)] = True

    found = axial_diameter(mask, UNIT, axis)

    assert found is not None
    assert (found.index, found.long_mm) == (9, pytest.approx(12))
    assert abs(found.long_ends_ijk[0][in_plane] - found.long_ends_ijk[1][in_plane]) == 12


def test_an_empty_mask_has_no_diameter() -> None:
    assert axial_diameter(np.zeros((3, 3, 3), bool), UNIT) is None
