from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SAMLesionLib import Affine
from SAMLesionLib.metrics import hd95_mm, nsd, surface_distances
from SAMLesionLib.metrics.elements import element_areas_mm2

REFERENCE = json.loads((Path(__file__).parents[1] / "Data" / "surface_distance_reference.json").read_text())
UNIT = Affine(np.eye(4))


def unpacked(case: dict[str, Any], name: str) -> np.ndarray:
    bits = np.unpackbits(np.frombuffer(base64.b64decode(case[name]), np.uint8))
    return bits[: np.prod(case["shape_kji"])].reshape(case["shape_kji"]).astype(bool)


def a_cube(start: int, stop: int, size: int = 12) -> np.ndarray:
    mask = np.zeros((size, size, size), bool)
    mask[start:stop, start:stop, start:stop] = True
    return mask


@pytest.mark.parametrize("case", REFERENCE["cases"])
def test_values_agree_with_the_surface_distance_package(case: dict[str, Any]) -> None:
    affine = Affine.from_spacing(tuple(case["spacing_mm"]))

    distances = surface_distances(unpacked(case, "reference"), unpacked(case, "predicted"), affine)

    for tolerance_mm, expected in case["nsd"].items():
        assert distances.nsd(float(tolerance_mm)) == pytest.approx(expected, abs=1e-6)
    for percent, expected in case["hausdorff_mm"].items():
        assert distances.hausdorff_mm(float(percent)) == pytest.approx(expected, abs=1e-6)
    areas = [distances.reference_areas_mm2.sum(), distances.predicted_areas_mm2.sum()]
    assert areas == pytest.approx(case["areas_mm2"], rel=1e-6)


def test_the_recorded_cases_hold_every_kind_of_surface_element() -> None:
    from SAMLesionLib.metrics.surface import _elements

    masks = (unpacked(case, name) for case in REFERENCE["cases"] for name in ("reference", "predicted"))
    seen = {int(code) for mask in masks for code in _elements(mask).codes}

    assert seen == set(range(1, 255))


def a_blob(rng: np.random.Generator, at_kji: tuple[float, float, float]) -> np.ndarray:
    """A lumpy region that leaves the image at one side."""
    grid = np.stack(np.meshgrid(np.arange(14), np.arange(18), np.arange(20), indexing="ij"), axis=-1)
    distance = np.linalg.norm((grid - at_kji) / (6, 5, 7), axis=-1)
    return distance + 0.3 * rng.random(distance.shape) < 1


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.7, 0.7, 5.0), (3.0, 0.5, 1.2)])
def test_values_agree_with_the_installed_surface_distance_package(spacing_mm: Any) -> None:
    import surface_distance.metrics as published

    rng = np.random.default_rng(5)
    reference, predicted = a_blob(rng, (6, 8, 9)), a_blob(rng, (8, 9, 14))
    theirs = published.compute_surface_distances(reference, predicted, spacing_mm[::-1])

    ours = surface_distances(reference, predicted, Affine.from_spacing(spacing_mm))

    for tolerance_mm in (0.3, 0.5, 1.0, 2.2, 5.5):
        expected = published.compute_surface_dice_at_tolerance(theirs, tolerance_mm)
        assert ours.nsd(tolerance_mm) == pytest.approx(expected, abs=1e-6)
    for percent in (50, 95, 100):
        expected = published.compute_robust_hausdorff(theirs, percent)
        assert ours.hausdorff_mm(percent) == pytest.approx(expected, abs=1e-6)


def test_elements_at_one_place_are_no_distance_apart() -> None:
    mask, moved = a_cube(3, 8), a_cube(3, 8)
    moved[3] = False  # one layer less: of the other surface all but the rim below stays

    distances = surface_distances(mask, moved, UNIT)

    assert (surface_distances(mask, mask, UNIT).to_predicted_mm == 0).all()
    assert set(distances.to_predicted_mm) == {0.0, 1.0}
    # The layer's own 6 x 6 elements lie one voxel below the new one's.
    assert np.count_nonzero(distances.to_predicted_mm) == 36


def test_one_voxel_is_an_octahedron() -> None:
    distances = surface_distances(a_cube(3, 4), a_cube(3, 4), Affine.from_spacing((1, 2, 4)))

    # Eight triangles with legs of half a voxel: the cut-off corner has sides (1/2, 1, 2) mm.
    corner = 0.5 * np.sqrt((1 * 2) ** 2 + (0.5 * 2) ** 2 + (0.5 * 1) ** 2)
    assert distances.reference_areas_mm2.sum() == pytest.approx(8 * corner)


def test_a_flat_wall_has_the_area_of_its_voxels() -> None:
    areas = element_areas_mm2(np.diag([2.0, 3.0, 5.0]))

    assert areas[0b00001111] == pytest.approx(2 * 3)
    assert areas[0b00110011] == pytest.approx(2 * 5)
    assert areas[0b01010101] == pytest.approx(3 * 5)
    assert areas[0] == areas[255] == 0


def test_a_cube_one_voxel_larger_all_around() -> None:
    inner, outer = a_cube(4, 8), a_cube(3, 9)

    distances = surface_distances(inner, outer, UNIT)

    assert distances.nsd(0.9) == 0
    assert distances.nsd(2.0) == 1
    assert distances.hausdorff_mm(100) == pytest.approx(np.sqrt(3))  # corner to corner
    assert hd95_mm(inner, outer, UNIT) == pytest.approx(np.sqrt(2))  # edges, not the few corners
    assert 1 < distances.mean_mm() < np.sqrt(2)


def test_a_shift_by_one_slice_is_one_slice_spacing() -> None:
    affine = Affine.from_spacing((1, 1, 6.5))
    low, high = np.zeros((6, 9, 9), bool), np.zeros((6, 9, 9), bool)
    low[2, 2:7, 2:7] = high[3, 2:7, 2:7] = True

    assert surface_distances(low, high, affine).hausdorff_mm(100) == pytest.approx(6.5)


def test_empty_masks_have_stated_answers() -> None:
    lesion, nothing = a_cube(3, 6), np.zeros((12, 12, 12), bool)

    both = surface_distances(nothing, nothing, UNIT)
    assert (both.nsd(1.0), both.hausdorff_mm(), both.mean_mm()) == (1.0, 0.0, 0.0)
    for pair in ((lesion, nothing), (nothing, lesion)):
        one = surface_distances(*pair, UNIT)
        assert (one.nsd(1.0), one.hausdorff_mm(), one.mean_mm()) == (0.0, float("inf"), float("inf"))


def test_a_mask_that_fills_the_image_has_a_surface_at_its_border() -> None:
    full = np.ones((3, 3, 3), bool)

    assert surface_distances(full, full, UNIT).reference_areas_mm2.sum() > 0
    assert nsd(full, full, UNIT, 0.0) == 1


def test_a_tie_with_the_tolerance_is_within_it_whatever_the_spacing() -> None:
    affine = Affine.from_spacing((0.1, 0.1, 0.1))  # 3 x 0.1 is a bit more than 0.3
    here, there = np.zeros((3, 3, 12), bool), np.zeros((3, 3, 12), bool)
    here[1, 1, 3] = there[1, 1, 6] = True

    assert nsd(here, there, affine, 0.3) == 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_turning_and_moving_the_patient_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, predicted = rng.random((2, 6, 7, 8)) > 0.6
    spacing = np.diag([0.75, 1.5, 3.0])
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    placed = np.eye(4)
    placed[:3, :3], placed[:3, 3] = turn @ spacing, rng.uniform(-500, 500, 3)

    plain = surface_distances(reference, predicted, Affine.from_spacing((0.75, 1.5, 3.0)))
    turned = surface_distances(reference, predicted, Affine(placed))

    for tolerance_mm in (0.75, 1.5, 3.0):
        assert turned.nsd(tolerance_mm) == pytest.approx(plain.nsd(tolerance_mm), abs=1e-9)
    assert turned.hausdorff_mm() == pytest.approx(plain.hausdorff_mm(), abs=1e-6)


def test_a_sheared_grid_is_measured_in_the_patient() -> None:
    sheared = np.eye(4)
    sheared[0, 2] = 1.0  # each slice lies one voxel further along i
    upright = np.zeros((4, 4, 12), bool)
    upright[1, 1, 5] = True
    leaning = np.zeros((4, 4, 12), bool)
    leaning[2, 1, 5] = True

    assert hd95_mm(upright, leaning, Affine(sheared)) == pytest.approx(np.sqrt(2))
