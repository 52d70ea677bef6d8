"""How many cases a study needs: the paired t test on log times, with the exact power of its t distribution.

`sd_log` is the spread, between cases, of the logarithm of the ratio of two times. A pilot gives it; ratios of
annotation times commonly spread by 0.3 to 0.6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from SAMLesionLib.errors import InputError

MOST_CASES = 100_000


def power(n_cases: int, effect: float, alpha: float = 0.05) -> float:
    """The chance that a two-sided paired t test finds an effect.

    Args:
        n_cases: pairs.
        effect: mean of the differences over their standard deviation.
        alpha: level of the test.
    """
    critical = stats.t.ppf(1 - alpha / 2, n_cases - 1)
    shift = abs(effect) * math.sqrt(n_cases)
    upper = stats.nct.sf(critical, n_cases - 1, shift)
    lower = stats.nct.cdf(-critical, n_cases - 1, shift)
    # The far tail underflows to nan in SciPy.
    return float(upper + np.nan_to_num(lower))


def cases_needed(saving: float, sd_log: float, wanted_power: float = 0.8, alpha: float = 0.05) -> int:
    """The fewest cases that find a saving with the wanted chance.

    Args:
        saving: share of time, 0.3 for 30 percent.
        sd_log: spread of the log ratio between cases.
        wanted_power: chance to find it.
        alpha: level of the test.

    Raises:
        InputError: when a number lies outside its range, or more than 100,000 cases were needed.
    """
    _check("saving", saving, 0.001, 0.999)
    _check("spread of log ratios", sd_log, 0.01, 5.0)
    _check("power", wanted_power, 0.5, 0.999)
    _check("level", alpha, 0.0001, 0.5)
    effect = effect_of(saving, sd_log)
    low, high = 2, 4
    while power(high, effect, alpha) < wanted_power:
        low, high = high, 2 * high
        if high > MOST_CASES:
            raise InputError(f"More than {MOST_CASES:,} cases were needed. Plan for a larger saving.")
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if power(middle, effect, alpha) < wanted_power else (low, middle)
    return high


def effect_of(saving: float, sd_log: float) -> float:
    """The effect of a saving: the mean log ratio of times over its spread.

    Args:
        saving: share of time, below 1.
        sd_log: spread of the log ratio between cases.
    """
    return -math.log(1 - saving) / sd_log


def spread_of_ratios(pairs: Sequence[tuple[float, float]]) -> float:
    """`sd_log` of a pilot.

    Args:
        pairs: seconds of both arms, one pair a case.

    Raises:
        InputError: with fewer than three pairs of positive times.
    """
    logs = [math.log(b / a) for a, b in pairs if a > 0 and b > 0]
    if len(logs) < 3:
        raise InputError(f"A spread needs three cases with both times or more, got {len(logs)}.")
    return float(np.std(logs, ddof=1))


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"The {name} is {value:g}, expected {low:g} to {high:g}.")
