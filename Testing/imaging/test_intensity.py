from __future__ import annotations

import numpy as np
import pytest

from SAMLesionLib.imaging import intensity
from SAMLesionLib.imaging.intensity import looks_like_ct, medsam_window, rescale, stretch
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
