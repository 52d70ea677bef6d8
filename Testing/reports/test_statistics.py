"""Intervals and paired tests, against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from SAMLesionLib.reports.statistics import estimate, paired_difference


def test_mean_and_median_are_over_all_values() -> None:
    told = estimate([("a", 0.2), ("a", 0.4), ("b", 0.9)])
    assert (told.n, told.n_cases, told.n_infinite) == (3, 2, 0)
    assert told.mean == pytest.approx(0.5)
    assert told.median == pytest.approx(0.4)


def test_whole_cases_are_drawn() -> None:
    # Drawing a, a gives 0.1, b, b gives 0.7, and a mix their mean: nothing lies outside.
    told = estimate([("a", 0.1), ("a", 0.1), ("b", 0.7), ("b", 0.7)])
    assert (told.low, told.high) == (pytest.approx(0.1), pytest.approx(0.7))


def test_the_interval_is_the_same_each_time_and_holds_the_mean() -> None:
    measured = [(str(n), math.sin(n) ** 2) for n in range(30)]
    told = estimate(measured)
    assert told == estimate(measured)
    assert told.low < told.mean < told.high
    # The bootstrap's standard error is close to the textbook's.
    spread = (sum((v - told.mean) ** 2 for _, v in measured) / 29) ** 0.5
    assert told.high - told.low == pytest.approx(2 * 1.96 * spread / 30**0.5, rel=0.1)


def test_one_case_has_no_interval() -> None:
    told = estimate([("a", 0.5), ("a", 0.6)])
    assert told.mean == pytest.approx(0.55)
    assert (told.low, told.high) == (None, None)


def test_nothing_measured_is_said() -> None:
    told = estimate([("a", None), ("b", float("nan"))])
    assert (told.n, told.mean, told.median, told.low) == (0, None, None, None)


def test_infinite_distances_are_counted_and_left_out_of_the_mean() -> None:
    told = estimate([("a", 2.0), ("b", 4.0), ("c", math.inf)])
    assert (told.n, told.n_infinite, told.mean, told.median) == (3, 1, 3.0, 4.0)


def test_a_median_that_is_infinite_is_not_told_as_a_number() -> None:
    assert estimate([("a", math.inf), ("b", math.inf), ("c", 1.0)]).median is None


def test_the_difference_is_that_of_the_shared_cases() -> None:
    told = paired_difference({"a": 0.5, "b": 0.6, "c": 0.9}, {"b": 0.7, "a": 0.9, "d": 0.1})
    assert told.n == 2
    assert told.difference == pytest.approx(0.25)
    assert (told.n_higher, told.n_lower) == (2, 0)


def test_the_signed_rank_test_is_exact_on_a_case_worked_out_by_hand() -> None:
    # Ten gains of different size: both tails together are 2 of 2**10 orders of signs.
    a = {str(n): 0.5 for n in range(10)}
    b = {str(n): 0.5 + 0.01 * (n + 1) for n in range(10)}
    assert paired_difference(a, b).p_value == pytest.approx(2 / 1024)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_pairs_get_a_sentence_in_place_of_a_p_value(n: int) -> None:
    told = paired_difference({str(k): 0.1 for k in range(n)}, {str(k): 0.2 + k for k in range(n)})
    assert told.p_value is None
    assert "needs 6 pairs" in told.note


def test_equal_runs_are_told_as_equal() -> None:
    same = {str(n): 0.1 * n for n in range(9)}
    told = paired_difference(same, same)
    assert (told.difference, told.low, told.high, told.p_value) == (0.0, 0.0, 0.0, None)
    assert "equal" in told.note


def test_a_pair_with_an_infinite_distance_is_left_out() -> None:
    told = paired_difference({"a": 1.0, "b": math.inf}, {"a": 2.0, "b": 3.0})
    assert (told.n, told.difference) == (1, 1.0)
