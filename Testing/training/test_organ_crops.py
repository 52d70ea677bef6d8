"""Where cubes are cut and how they are changed, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.organ_crops import (
    ChangeSettings,
    CropSettings,
    Look,
    cube_of,
    drawn_look,
    first_cell,
    plain_look,
    seen_cells,
    turned,
)

STILL = ChangeSettings(shift=0, zoom=0, flip=0, quarter=0)
TUMOUR = np.array([[100, 200, 300]])
SHAPE = (200, 400, 500)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"least_zoom": 2.0}, "least_zoom is 2, more than most_zoom, 1.25"),
        ({"stretch_by": 1.0}, "stretch_by must be less than 1, got 1"),
    ],
)
def test_zooms_that_no_scan_can_have_are_refused(values: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ChangeSettings(**values)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def shown(look: Look, array: np.ndarray, size: int) -> np.ndarray:
    seen = seen_cells(look, array.shape, size)
    return cube_of(array[seen], seen, look, size)


@pytest.mark.parametrize(
    ("middle", "shape", "start"),
    [
        ((100, 100, 100), (300, 300, 300), (23, 23, 23)),  # 100 - 154 / 2
        ((5, 150, 299), (300, 300, 300), (0, 73, 146)),  # moved inwards at both ends
        ((5, 90, 40), (100, 154, 101), (-27, 0, -26)),  # padded by 54 and 53, the larger half behind
    ],
)
def test_the_larger_cube_lies_in_the_scan(middle: tuple, shape: tuple, start: tuple) -> None:
    assert first_cell(np.array(middle), shape, 154).tolist() == list(start)


def test_a_cube_of_128_is_cut_out_of_154_around_the_tumour() -> None:
    draw, crops = seeded(), CropSettings(on_tumour=1.0)
    looks = [drawn_look(SHAPE, TUMOUR, 128, crops, STILL, draw) for _ in range(400)]

    starts = np.array([look.middle - 63.5 for look in looks])
    assert (starts == starts.round()).all()
    # 100 - 77 = 23, 200 - 77 = 123, 300 - 77 = 223, and by chance 0 to 26 more.
    assert starts.min(axis=0).tolist() == [23, 123, 223]
    assert starts.max(axis=0).tolist() == [49, 149, 249]
    assert all((look.matrix == np.eye(3)).all() for look in looks)


def test_two_of_three_cubes_lie_on_the_tumour() -> None:
    draw = seeded()
    looks = [drawn_look(SHAPE, TUMOUR, 128, CropSettings(), STILL, draw) for _ in range(600)]

    away = np.array([np.abs(look.middle - TUMOUR[0]).max() for look in looks])
    assert 0.62 < (away < 14).mean() < 0.72  # a few of those beside lie there too


def test_what_lies_beside_is_never_tumour() -> None:
    shape = (2, 2, 2)
    tumour = np.argwhere(np.arange(8).reshape(shape) != 5)
    look = drawn_look(shape, tumour, 1, CropSettings(1.0, on_tumour=0.0), STILL, seeded())

    assert look.middle.tolist() == [1, 0, 1]


def test_a_zoom_draws_the_scan_larger_around_what_was_chosen() -> None:
    twice = replace(STILL, zoom=1, least_zoom=2.0, most_zoom=2.0)
    scan = np.zeros((40, 40, 40), np.float32)
    scan[20:22, 20:22, 20:22] = 1

    look = drawn_look(scan.shape, np.argwhere(scan), 16, CropSettings(1.0, 1.0), twice, seeded())
    cube = shown(look, scan, 16)

    np.testing.assert_array_equal(look.matrix, np.eye(3) / 2)
    # Two cells are four halves; of those at the corners, with three quarters along each axis, 0.42 is left.
    assert (cube > 0.5).sum() == 4**3 - 8
    assert cube[8, 8, 8] > 0.4


def test_a_turn_stays_within_the_axial_plane() -> None:
    right = replace(STILL, rotate=1, rotate_by=0.0)
    assert (drawn_look(SHAPE, TUMOUR, 16, CropSettings(), right, seeded()).matrix == np.eye(3)).all()

    looks = [
        drawn_look(SHAPE, TUMOUR, 16, CropSettings(), replace(right, rotate_by=30.0), seeded(n))
        for n in range(50)
    ]
    sines = [look.matrix[2, 1] for look in looks]
    assert 0.3 < max(sines) <= 0.5
    assert -0.5 <= min(sines) < -0.3
    assert all((look.matrix[0] == (1, 0, 0)).all() for look in looks)
    assert all(np.linalg.det(look.matrix) == pytest.approx(1) for look in looks)


def test_a_stretch_leaves_the_slices_apart_as_they_are() -> None:
    stretched = replace(STILL, stretch=1)
    matrix = drawn_look(SHAPE, TUMOUR, 16, CropSettings(), stretched, seeded()).matrix

    assert matrix[0, 0] == 1
    assert matrix[1, 1] != matrix[2, 2]
    assert all(1 / 1.1 <= matrix[n, n] <= 1 / 0.9 for n in (1, 2))


def test_what_lies_off_the_scan_is_zero() -> None:
    cube = shown(Look(np.array([1.5, 1.5, 1.5]), np.eye(3)), np.ones((4, 4, 4)), 8)

    assert cube.sum() == 64
    assert (cube[2:6, 2:6, 2:6] == 1).all()


def test_a_cube_to_judge_by_lies_around_the_tumour() -> None:
    assert plain_look(SHAPE, TUMOUR, 128, seeded()).middle.tolist() == [99.5, 199.5, 299.5]
    assert plain_look((100, 400, 310), TUMOUR, 128, seeded()).middle.tolist() == [49.5, 199.5, 245.5]


def test_arrays_are_flipped_and_turned_alike() -> None:
    always = replace(STILL, flip=1, quarter=1)
    one = np.arange(27).reshape(3, 3, 3)
    for seed in range(5):
        first, second = turned((one, one * 2), always, seeded(seed))
        np.testing.assert_array_equal(second, 2 * first)
        assert sorted(first.ravel()) == sorted(one.ravel())
        assert first[1, 1, 1] == 13
        assert set(first[:, :, 0].ravel()) == set(one[:, :, 2].ravel())  # flipped, and no quarter goes there
    (still,) = turned((one,), STILL, seeded())
    np.testing.assert_array_equal(still, one)
