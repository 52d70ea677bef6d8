from __future__ import annotations

import numpy as np
import pytest

from SAMLesionLib.metrics import detect_lesions


def a_mask(*rows: tuple[int, int]) -> np.ndarray:
    """Lesions along one row of voxels, as (first, stop)."""
    mask = np.zeros((1, 3, 40), bool)
    for first, stop in rows:
        mask[0, 1, first:stop] = True
    return mask


def test_two_of_three_lesions_found_and_one_false_finding() -> None:
    detection = detect_lesions(a_mask((0, 4), (10, 14), (20, 24)), a_mask((1, 3), (12, 16), (30, 33)))

    assert (detection.n_reference, detection.n_predicted) == (3, 3)
    assert (detection.n_found, detection.n_confirmed) == (2, 2)
    assert detection.recall == detection.precision == detection.f1 == pytest.approx(2 / 3)


def test_one_finding_may_cover_two_lesions() -> None:
    detection = detect_lesions(a_mask((0, 4), (6, 9)), a_mask((0, 9)))

    assert (detection.recall, detection.precision, detection.f1) == (1, 1, 1)


def test_a_finding_that_only_touches_can_be_asked_to_share_more() -> None:
    reference, predicted = a_mask((0, 10)), a_mask((9, 12))

    assert detect_lesions(reference, predicted).n_found == 1
    strict = detect_lesions(reference, predicted, min_share=0.2)
    assert (strict.n_found, strict.n_confirmed) == (0, 1)  # 1 of 10 voxels found, 1 of 3 confirmed


def test_voxels_that_meet_at_a_corner_are_one_lesion() -> None:
    mask = np.zeros((2, 2, 2), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True

    assert detect_lesions(mask, mask).n_reference == 1


@pytest.mark.parametrize(
    ("reference", "predicted", "recall", "precision", "f1"),
    [((), (), 1, 1, 1), (((0, 2),), (), 0, 1, 0), ((), ((0, 2),), 1, 0, 0)],
)
def test_empty_masks_have_stated_answers(
    reference: tuple, predicted: tuple, recall: float, precision: float, f1: float
) -> None:
    detection = detect_lesions(a_mask(*reference), a_mask(*predicted))

    assert (detection.recall, detection.precision, detection.f1) == (recall, precision, f1)


def test_a_miss_on_both_sides_scores_zero() -> None:
    assert detect_lesions(a_mask((0, 2)), a_mask((10, 12))).f1 == 0
