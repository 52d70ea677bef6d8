from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from SAMLesionLib import Affine, IndexBox, Volume
from SAMLesionLib.errors import ImageError


def some_voxels(dtype: Any = np.int16) -> np.ndarray:
    return np.arange(24, dtype=dtype).reshape(2, 3, 4)


def test_a_volume_knows_its_size_in_ijk() -> None:
    volume = Volume(some_voxels())

    assert volume.shape_ijk == (4, 3, 2)
    assert volume.block == IndexBox((0, 0, 0), (4, 3, 2))


def test_voxels_are_shared_and_cannot_be_written_through_the_volume() -> None:
    voxels = some_voxels()
    volume = Volume(voxels)

    assert np.shares_memory(volume.voxels, voxels)
    with pytest.raises(ValueError, match="read-only"):
        volume.voxels[0, 0, 0] = 9
    voxels[0, 0, 0] = 9  # the caller's own array stays writable


def test_the_id_is_made_from_content_and_not_from_the_name() -> None:
    assert Volume(some_voxels(), name="a").volume_id == Volume(some_voxels(), name="b").volume_id
    assert len(Volume(some_voxels()).volume_id) == 32
    int(Volume(some_voxels()).volume_id, 16)


def test_the_id_is_the_same_however_the_voxels_lie_in_memory() -> None:
    strided = np.asfortranarray(some_voxels())

    assert Volume(strided).volume_id == Volume(some_voxels()).volume_id
    assert Volume(some_voxels()[::-1]).volume_id == Volume(some_voxels()[::-1].copy()).volume_id


def test_any_difference_in_content_gives_another_id() -> None:
    changed = some_voxels()
    changed[1, 2, 3] += 1
    volumes = [
        Volume(some_voxels()),
        Volume(changed),
        Volume(some_voxels(np.uint16)),
        Volume(some_voxels().reshape(3, 2, 4)),
        Volume(some_voxels(), Affine.from_spacing((1, 1, 2))),
        Volume(some_voxels(), modality="CT"),
    ]

    assert len({v.volume_id for v in volumes}) == len(volumes)


@pytest.mark.parametrize(
    ("voxels", "words"),
    [
        (np.zeros((2, 3, 4, 5)), r"scan must be a 3D scalar image .* got 4 dimensions \(5, 4, 3, 2\)"),
        (np.zeros((3, 4)), "got 2 dimensions"),
        (np.zeros((0, 3, 4)), "holds no voxels"),
        (np.zeros((2, 3, 4), complex), "real numbers, got complex128"),
        (np.zeros((2, 3, 4), "U1"), "real numbers"),
    ],
)
def test_arrays_that_are_no_scan_are_refused(voxels: np.ndarray, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        Volume(voxels, name="scan")


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(ImageError, match="CT, MR, PT, OT, got 'XR'"):
        Volume(some_voxels(), modality="XR")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_counted(bad: float) -> None:
    voxels = some_voxels(np.float32)
    voxels[0, 0, :2] = bad

    with pytest.raises(ImageError, match=r"voxels that are not finite numbers .*, 2 of 24"):
        Volume(voxels).check_usable()
    with pytest.raises(ImageError, match=r"not finite numbers .*, 24 of 24"):
        Volume(np.full((2, 3, 4), bad)).check_usable()


def test_voxels_beyond_single_precision_are_refused() -> None:
    voxels = some_voxels(np.float64)
    Volume(voxels * 1e10).check_usable()
    with pytest.raises(ImageError, match=r"holds values up to .*e\+201, expected 1e\+18 at most. Divide"):
        Volume(voxels * -1e200).check_usable()


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.bool_])
def test_a_constant_volume_is_refused(dtype: Any) -> None:
    with pytest.raises(ImageError, match=r"is constant \(every voxel is 1\)"):
        Volume(np.ones((2, 3, 4), dtype)).check_usable()


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_an_ordinary_volume_is_usable(dtype: Any) -> None:
    Volume(some_voxels(dtype)).check_usable()
