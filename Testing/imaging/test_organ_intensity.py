"""A cube's grey values as they were in training, organ by organ."""

from __future__ import annotations

import numpy as np
import pytest

from SAMLesionLib.geometry import Affine
from SAMLesionLib.imaging import PatchFrame
from SAMLesionLib.imaging.organ_intensity import ORGAN_INTENSITIES, organ_image
from SAMLesionLib.models.registry import find
from SAMLesionLib.volume import Volume

FRAME = PatchFrame.around((3.5, 3.5, 3.5), Affine.from_spacing((1, 1, 1)), 1.0, 12)


def a_ct(modality: str = "CT") -> Volume:
    voxels = np.linspace(-1000, 1000, 8**3, dtype=np.float32).reshape(8, 8, 8)
    return Volume(voxels, Affine.from_spacing((1, 1, 1)), modality=modality)


def inside(cube: np.ndarray) -> np.ndarray:
    return cube[2:10, 2:10, 2:10]


@pytest.mark.parametrize("organ", ORGAN_INTENSITIES)
def test_a_ct_of_a_trained_organ_has_the_values_of_training(organ: str) -> None:
    (low, high), mean, spread = ORGAN_INTENSITIES[organ]
    cube = organ_image(a_ct(), FRAME, organ, None)
    assert inside(cube).min() == pytest.approx((low - mean) / spread, abs=1e-5)
    assert inside(cube).max() == pytest.approx((high - mean) / spread, abs=1e-5)


def test_the_mean_lies_off_the_image() -> None:
    for organ in ("liver", None):
        cube = organ_image(a_ct(), FRAME, organ, None)
        assert cube[:2].any() == cube[10:].any() == cube[:, :, :2].any() == np.False_


def test_other_organs_and_other_scans_are_scaled_by_their_own_values() -> None:
    unknown = organ_image(a_ct(), FRAME, "spleen", None)
    assert np.array_equal(unknown, organ_image(a_ct(), FRAME, None, None))
    assert not np.array_equal(unknown, organ_image(a_ct(), FRAME, "liver", None))
    mr = organ_image(a_ct("MR"), FRAME, "liver", None)
    assert np.array_equal(mr, organ_image(a_ct("MR"), FRAME, None, None))


def test_a_window_that_the_reader_chose_comes_first() -> None:
    wide, narrow = (organ_image(a_ct(), FRAME, "liver", window) for window in ((-500.0, 500.0), (0.0, 100.0)))
    assert len(np.unique(inside(wide))) > 3 * len(np.unique(inside(narrow)))
    assert np.array_equal(wide, organ_image(a_ct(), FRAME, None, (-500.0, 500.0)))


def test_the_card_names_the_organs_whose_values_are_known() -> None:
    recipe = find("tags").crop
    assert recipe is not None
    assert recipe.organs == tuple(ORGAN_INTENSITIES)
