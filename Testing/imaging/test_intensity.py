from __future__ import annotations

import numpy as np
import pytest

from SAMLesionLib.imaging import intensity
from SAMLesionLib.imaging.intensity import (
    looks_like_ct,
    medsam_window,
    positive_z,
    rescale,
    robust_z,
    stretch,
)
from SAMLesionLib.volume import Volume


def a_volume(values: np.ndarray, modality: str = "MR") -> Volume:
    return Volume(values.reshape(-1, 1, 1) if values.ndim == 1 else values, modality=modality)


def a_ct(shape: tuple[int, int, int] = (20, 40, 40)) -> np.ndarray:
    """Air around a body of water with a bone in it."""
    voxels = np.full(shape, -1000, np.int16)
    voxels[:, 5:-5, 5:-5] = 40
    voxels[:, 15:20, 15:20] = 900
    return voxels


def test_ct_is_seen_through_the_soft_tissue_window_whatever_it_holds() -> None:
    assert medsam_window(a_volume(a_ct(), "CT")) == (-160, 240)


def test_a_ct_is_recognised_where_nobody_said_and_only_there() -> None:
    assert medsam_window(a_volume(a_ct(), "OT")) == (-160, 240)
    assert medsam_window(a_volume(a_ct(), "MR")) != (-160, 240)


@pytest.mark.parametrize("modality", ["MR", "PT", "OT"])
def test_other_scans_are_seen_between_their_percentiles(modality: str) -> None:
    # 1 to 1001: the 0.5 percentile lies 0.5 % of the way along.
    assert medsam_window(a_volume(np.arange(1, 1002), modality)) == pytest.approx((6, 996))


def test_percentiles_are_taken_above_zero() -> None:
    values = np.concatenate([np.zeros(50_000), -np.ones(1000), np.arange(1, 1002)])
    assert medsam_window(a_volume(values)) == pytest.approx((6, 996))


def test_an_image_below_zero_is_seen_between_the_percentiles_of_all_of_it() -> None:
    assert medsam_window(a_volume(np.arange(-1001, 0))) == pytest.approx((-996, -6))


def test_an_image_of_zeros_and_one_other_value_is_seen_between_the_two() -> None:
    values = np.zeros(1000)
    values[3] = 7
    assert medsam_window(a_volume(values)) == (0, 7)


def test_a_mask_is_seen_between_false_and_true() -> None:
    assert medsam_window(a_volume(np.arange(100) % 3 == 0)) == (0, 1)


def test_a_window_is_never_empty() -> None:
    low, high = medsam_window(a_volume(np.full(10, 3.0)))
    assert low < high


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_a_window_is_found_in_every_type(dtype: type) -> None:
    low, high = medsam_window(a_volume((np.arange(1000) % 100).astype(dtype)))
    assert (low, high) == pytest.approx((1, 99), abs=1)
    assert isinstance(low, float)


def test_a_large_volume_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    voxels = np.random.default_rng(0).normal(500, 100, (60, 50, 40)).astype(np.float32)
    all_of_it = medsam_window(a_volume(voxels))
    monkeypatch.setattr(intensity, "MAX_SAMPLES", 20_000)
    voxels[1::2] = 1e6  # with 120,000 voxels every second plane is looked at, so these are not
    assert medsam_window(a_volume(voxels)) == pytest.approx(all_of_it, rel=0.05)


def test_a_ct_is_recognised() -> None:
    assert looks_like_ct(a_ct())


@pytest.mark.parametrize("values", [np.arange(2000), np.linspace(-1, 1, 2000), np.linspace(-500, 500, 2000)])
def test_other_images_are_not_taken_for_a_ct(values: np.ndarray) -> None:
    assert not looks_like_ct(values.reshape(20, 10, 10))


def test_grey_values_are_clipped_to_the_window() -> None:
    plane = np.array([[-1000, -160, 40, 240, 3000]], dtype=np.int16)
    assert rescale(plane, (-160, 240)).tolist() == [[0, 0, 0.5, 1, 1]]
    assert rescale(plane, (-160, 240)).dtype == np.float32


def test_unsigned_values_do_not_wrap_below_the_window() -> None:
    assert rescale(np.array([[0, 10]], dtype=np.uint8), (5, 15)).tolist() == [[0, 0.5]]


def test_a_slice_is_stretched_to_its_own_range() -> None:
    image = np.array([[0.25, 0.5, 0.75]], dtype=np.float32)
    assert stretch(image).tolist() == [[0, 0.5, 1]]


def test_an_even_slice_stays_finite() -> None:
    assert stretch(np.full((4, 4), 0.3, np.float32)).tolist() == np.zeros((4, 4)).tolist()


# -- cubes -------------------------------------------------------------------------------------------


def a_cube(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(50, 40, (8, 8, 8)).astype(np.float32)


def test_positive_values_get_mean_zero_and_spread_one_and_the_rest_goes_along() -> None:
    cube = a_cube()
    seen = positive_z(cube, None)
    assert seen[cube > 0].mean() == pytest.approx(0, abs=1e-6)
    assert seen[cube > 0].std() == pytest.approx(1, abs=1e-5)
    assert (seen[cube <= 0] < seen[cube > 0].min()).all()


def test_a_window_clips_before_mean_and_spread_are_taken() -> None:
    cube = a_cube()
    np.testing.assert_array_equal(positive_z(cube, (0, 60)), positive_z(cube.clip(0, 60), None))
    everywhere = np.ones_like(cube, bool)
    seen = robust_z(cube, everywhere, (0, 60))
    assert seen.min() == seen[cube <= 0].max()
    assert seen.max() == seen[cube >= 60].min()


@pytest.mark.parametrize("scale", [0.01, 1, 700])
def test_a_scan_in_other_units_looks_the_same(scale: float) -> None:
    everywhere = np.ones((8, 8, 8), bool)
    np.testing.assert_allclose(
        robust_z(scale * a_cube() - 1000, everywhere, None), robust_z(a_cube(), everywhere, None), atol=0.02
    )


def test_off_the_image_everything_is_as_dark_as_its_darkest_half_percent() -> None:
    cube, inside = a_cube(), np.ones((8, 8, 8), bool)
    inside[:3] = False
    seen = robust_z(np.where(inside, cube, 0), inside, None)
    assert np.unique(seen[~inside]).size == 1
    assert (seen[inside] < seen[0, 0, 0]).mean() == pytest.approx(0.005, abs=0.005)
    assert np.sinh(seen[inside]).mean() == pytest.approx(0, abs=0.02)


def test_a_hot_focus_of_few_voxels_stays_the_hottest() -> None:
    cube = np.random.default_rng(3).normal(1, 0.2, (16, 16, 16)).astype(np.float32)
    cube[4, 4, 4], cube[8, 8, 8] = 6, 12
    seen = robust_z(cube, np.ones_like(cube, bool), None)
    assert seen[8, 8, 8] > seen[4, 4, 4] + 0.5 > np.sort(seen, axis=None)[-3] + 1
    assert seen.max() < 6


@pytest.mark.parametrize("value", [0.0, -5.0, 7.0])
def test_a_cube_of_one_value_or_off_the_image_is_nothing(value: float) -> None:
    flat = np.full((4, 4, 4), value, np.float32)
    assert not positive_z(flat, None).any()
    assert not robust_z(flat, np.ones((4, 4, 4), bool), None).any()
    assert not robust_z(flat, np.zeros((4, 4, 4), bool), None).any()
