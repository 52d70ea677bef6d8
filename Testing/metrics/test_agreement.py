"""Agreement of readers, against the tables that textbooks work out."""

from __future__ import annotations

import numpy as np
import pytest

from SAMLesionLib.metrics import cohen_kappa, icc

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)
"""Six targets, four judges: table 2 of Shrout and Fleiss (1979)."""


def test_the_example_of_shrout_and_fleiss() -> None:
    told = icc(SHROUT_FLEISS.astype(float))
    assert (round(told.value, 2), told.n_cases, told.n_readers) == (0.29, 6, 4)
    # The interval that R's psych::ICC gives for this table.
    assert (told.low, told.high) == (pytest.approx(0.019, abs=5e-4), pytest.approx(0.761, abs=5e-4))


def test_readers_who_say_the_same_agree_fully() -> None:
    told = icc(np.repeat(np.arange(5.0)[:, None], 3, axis=1))
    assert (told.value, told.low, told.high) == (1.0, 1.0, 1.0)


def test_a_reader_who_always_says_more_agrees_less() -> None:
    measures = np.repeat(np.arange(8.0)[:, None], 2, axis=1) + np.array([0.0, 3.0])
    # MSR 12, MSC 36, MSE 0: 12 / (12 + 2 * 36 / 8)
    assert icc(measures).value == pytest.approx(12 / 21)


@pytest.mark.parametrize("measures", [np.ones((3, 2)), np.arange(3.0)[:, None], np.arange(3.0)])
def test_what_has_no_agreement_is_refused(measures: np.ndarray) -> None:
    with pytest.raises(ValueError, match="two cases and readers"):
        icc(measures)


def test_kappa_by_hand() -> None:
    # 20 voxels: both inside 5, both outside 10, only the first 3, only the second 2.
    one = np.array([1] * 5 + [0] * 10 + [1] * 3 + [0] * 2).reshape(1, 4, 5)
    other = np.array([1] * 5 + [0] * 10 + [0] * 3 + [1] * 2).reshape(1, 4, 5)
    chance = (8 / 20) * (7 / 20) + (12 / 20) * (13 / 20)
    assert cohen_kappa(one, other) == pytest.approx((15 / 20 - chance) / (1 - chance))


def test_kappa_of_equal_and_of_opposite_masks() -> None:
    half = np.arange(8).reshape(2, 2, 2) < 4
    assert cohen_kappa(half, half) == 1.0
    assert cohen_kappa(half, ~half) == -1.0
    assert cohen_kappa(half & False, half & False) == 1.0
