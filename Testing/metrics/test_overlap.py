from __future__ import annotations

import numpy as np
import pytest

from SAMLesionLib import Affine
from SAMLesionLib.metrics import (
    dice,
    jaccard,
    precision,
    recall,
    relative_volume_difference,
    volume_difference_ml,
    volume_ml,
)


def a_row(first: int, stop: int) -> np.ndarray:
    mask = np.zeros((1, 1, 10), bool)
    mask[0, 0, first:stop] = True
    return mask


NOTHING = a_row(0, 0)


def test_four_and_six_voxels_that_share_three() -> None:
    reference, predicted = a_row(0, 4), a_row(1, 7)

    assert dice(reference, predicted) == pytest.approx(6 / 10)
    assert jaccard(reference, predicted) == pytest.approx(3 / 7)
    assert precision(reference, predicted) == pytest.approx(3 / 6)
    assert recall(reference, predicted) == pytest.approx(3 / 4)
    assert relative_volume_difference(reference, predicted) == pytest.approx(0.5)


def test_two_empty_masks_agree() -> None:
    assert [f(NOTHING, NOTHING) for f in (dice, jaccard, precision, recall)] == [1, 1, 1, 1]
    assert relative_volume_difference(NOTHING, NOTHING) == 0


def test_one_empty_mask_disagrees() -> None:
    lesion = a_row(2, 5)

    assert dice(lesion, NOTHING) == dice(NOTHING, lesion) == jaccard(lesion, NOTHING) == 0
    assert recall(lesion, NOTHING) == precision(NOTHING, lesion) == 0
    assert precision(lesion, NOTHING) == recall(NOTHING, lesion) == 1
    assert relative_volume_difference(lesion, NOTHING) == -1
    assert relative_volume_difference(NOTHING, lesion) == float("inf")


def test_any_non_zero_label_is_lesion() -> None:
    assert dice(a_row(0, 4).astype(np.uint8) * 3, a_row(0, 4).astype(np.int16)) == 1


def test_volume_counts_shear_and_spacing() -> None:
    sheared = np.diag([2.0, 3.0, 5.0, 1.0])
    sheared[1, 2] = 4.0  # a tilted gantry moves slices sideways and leaves the volume alone

    assert volume_ml(a_row(0, 4), Affine(sheared)) == pytest.approx(4 * 30 / 1000)
    assert volume_difference_ml(a_row(0, 4), a_row(0, 1), Affine(sheared)) == pytest.approx(-0.09)


def test_masks_of_two_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="one grid"):
        dice(NOTHING, np.zeros((1, 1, 9), bool))
