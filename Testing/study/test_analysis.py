"""Savings, tests, the mixed model and the sample size, by hand and against a planted truth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from simulated_cases import simulated_rows
from study_cases import a_design

from SAMLesionLib.errors import InputError
from SAMLesionLib.reports.statistics import PairedDifference
from SAMLesionLib.study.comparisons import compare_quality, non_inferiority
from SAMLesionLib.study.design import Order
from SAMLesionLib.study.mixed_model import fit
from SAMLesionLib.study.rows import ReadingRow
from SAMLesionLib.study.sample_size import cases_needed, power, spread_of_ratios
from SAMLesionLib.study.savings import expanded_tail, saving_of, savings_by_reader, time_pairs


def a_row(reader: str, case: str, arm: str, **told: object) -> ReadingRow:
    return ReadingRow(f"{reader}{case}{arm}", reader, case, arm, 1, 1, 1, False, "finished", **told)  # type: ignore[arg-type]


@pytest.mark.parametrize("planted", [0.5, 0.0])
def test_a_planted_saving_lies_in_its_interval_and_none_is_found_where_none_was_planted(
    planted: float,
) -> None:
    found = [
        saving_of(time_pairs(simulated_rows(seed, planted)[1], "manual", "assisted")) for seed in range(100)
    ]
    held = sum(told.low <= planted <= told.high for told in found)
    assert held >= 90
    shown = sum(told.low > 0 for told in found)
    assert shown >= 99 if planted else shown <= 10
    assert np.mean([told.saving for told in found]) == pytest.approx(planted, abs=0.02)


def test_the_saving_is_that_of_the_sums_over_pairs() -> None:
    rows = [
        a_row("R1", "C1", "manual", active_s=100.0),
        a_row("R1", "C1", "assisted", active_s=10.0, compute_s=10.0, idle_s=1000.0),
        a_row("R2", "C1", "manual", active_s=60.0),  # no pair: left out
        a_row("R1", "C2", "manual", active_s=300.0),
        a_row("R1", "C2", "assisted", active_s=80.0),
        replace(a_row("R1", "C2", "assisted", active_s=1.0), is_repeat=True),
        replace(a_row("R2", "C2", "assisted", active_s=1.0), state="skipped"),
    ]
    told = saving_of(time_pairs(rows, "manual", "assisted"))
    assert (told.n_cases, told.n_pairs, told.baseline_s, told.arm_s) == (2, 2, 400.0, 100.0)
    assert told.saving == pytest.approx(0.75)
    # Two cases: drawing one twice gives 1 - 20/100 or 1 - 80/300, and nothing lies outside.
    assert (told.low, told.high) == (pytest.approx(1 - 80 / 300), pytest.approx(0.8))
    assert told.p_value is None
    assert "needs 6 pairs" in told.note
    assert savings_by_reader(rows, "manual", "assisted")["R2"].saving is None


def test_percentiles_are_expanded_for_few_cases_as_hesterberg_tells() -> None:
    # By hand for n = 10: t is 2.262 with 9 degrees of freedom; times sqrt(10/9) it is 2.384, the 0.86 % tail.
    assert expanded_tail(10) == pytest.approx(0.0086, abs=2e-4)
    assert expanded_tail(10_000) == pytest.approx(0.025, abs=1e-4)


def test_the_mixed_model_finds_saving_practice_and_spreads() -> None:
    design, rows = simulated_rows(3, 0.6, n_cases=16, n_readers=4)
    told = fit(design, rows)
    by_name = {effect.name: effect for effect in told.effects}
    assert by_name["assisted"].low < 0.4 < by_name["assisted"].high
    assert by_name["assisted"].p_value < 1e-6
    assert by_name["practice"].low < 2**-0.1 < by_name["practice"].high
    assert told.n_readings == 128
    assert told.rest_sd == pytest.approx(0.25, rel=0.25)
    assert None not in (told.reader_sd, told.case_sd)


@pytest.mark.parametrize("planted", [0.5, 0.0])
def test_the_mixed_models_interval_holds_the_truth_and_finds_no_saving_where_none_is(planted: float) -> None:
    effects = [
        next(e for e in fit(*simulated_rows(seed, planted)).effects if e.name == "assisted")
        for seed in range(100)
    ]
    held = sum(effect.low <= 1 - planted <= effect.high for effect in effects)
    # 95 in 100 on average; 89 or fewer come about by chance once in 90 times, and the seeds are fixed.
    assert held >= 90
    shown = sum(effect.high < 1 for effect in effects)
    assert shown >= 99 if planted else shown <= 6
    assert np.mean([math.log(effect.ratio) for effect in effects]) == pytest.approx(
        math.log(1 - planted), abs=0.01
    )


def test_with_arms_in_one_order_for_all_the_model_says_what_it_cannot_tell_apart() -> None:
    design, rows = simulated_rows(1, 0.5, n_cases=6, n_readers=2, order=Order("sequence"))
    told = fit(design, rows)
    assert [effect.name for effect in told.effects] == ["assisted", "practice"]
    assert "same order" in told.note


def test_too_few_readings_get_a_sentence_in_place_of_a_model() -> None:
    told = fit(a_design(), [a_row("R1", "C1", "manual", active_s=5.0)])
    assert told.effects == ()
    assert "needs 8 finished readings" in told.note
    manual = [a_row(f"R{r}", f"C{c}", "manual", active_s=5.0) for r in (1, 2) for c in range(1, 5)]
    assert "assisted has none" in fit(a_design(), manual).note


def test_quality_is_compared_over_what_was_read_in_both_arms() -> None:
    rows = [
        a_row("R1", "C1", "manual", dice=0.8), a_row("R1", "C1", "assisted", dice=0.9),
        a_row("R2", "C1", "manual", dice=0.6), a_row("R2", "C1", "assisted", dice=0.9),
        a_row("R1", "C2", "manual", dice=0.7), a_row("R1", "C2", "assisted", dice=0.5),
        a_row("R2", "C2", "manual", dice=0.1), a_row("R2", "C2", "assisted"),
    ]  # fmt: skip
    told = compare_quality(rows, "manual", "assisted", "dice")
    assert (told.n, told.mean_a, told.mean_b) == (2, pytest.approx(0.7), pytest.approx(0.7))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.04, 0.02, "non-inferior"),
        (-0.09, -0.06, "inferior"),
        (-0.09, 0.02, "inconclusive"),
        (None, None, "too few cases"),
    ],
)
def test_non_inferiority_looks_at_the_whole_interval(low, high, verdict: str) -> None:
    difference = PairedDifference(9, 0.8, 0.79, -0.01, low, high, None, 4, 5, "")
    assert non_inferiority(difference, 0.05).verdict == verdict


def test_five_cases_are_too_few_for_a_verdict() -> None:
    difference = PairedDifference(5, 0.8, 0.8, 0.0, -0.001, 0.001, None, 2, 3, "")
    assert non_inferiority(difference, 0.05).verdict == "too few cases"


def test_the_sample_size_is_that_of_the_tables() -> None:
    # A paired t test at 5 % with 80 % power: 34 pairs for d = 0.5, 15 for d = 0.8 (Cohen; G*Power 3.1).
    assert cases_needed(1 - math.exp(-0.5), 1.0) == 34
    assert cases_needed(1 - math.exp(-0.8), 1.0) == 15
    assert power(34, 0.5) == pytest.approx(0.8078, abs=5e-4)


def test_the_sample_size_agrees_with_statsmodels() -> None:
    from statsmodels.stats.power import TTestPower

    for n, effect in ((5, 1.7), (20, 0.3), (200, 0.1)):
        assert power(n, effect) == pytest.approx(TTestPower().power(effect, n, 0.05), abs=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"saving": 1.0}, {"sd_log": 0.0}, {"wanted_power": 1.0}, {"saving": 0.001}]
)
def test_a_sample_size_that_cannot_be_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError, match=r"expected|100,000"):
        cases_needed(**{"saving": 0.3, "sd_log": 1.0, **wrong})


def test_the_spread_of_a_pilot() -> None:
    pairs = [(100.0, 100.0 * math.exp(x)) for x in (-1.0, -0.5, 0.0)]
    assert spread_of_ratios(pairs) == pytest.approx(0.5)
    with pytest.raises(InputError, match="three cases"):
        spread_of_ratios(pairs[:2])
