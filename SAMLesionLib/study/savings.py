"""How much time an arm saves: the ratio of summed times in pairs, with an interval that draws cases.

A pair is one reader's two readings of one case. The saving is 1 - sum of the arm / sum of the baseline, as
MedSAM reports it. Its interval draws whole cases, with the readers as they are, 5,000 times; the percentiles
are taken a little further out, as Hesterberg (The American Statistician 69:371, 2015) expands them, because
plain ones are too narrow with few cases. The test is Wilcoxon's on the cases' log ratios.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from SAMLesionLib.reports.statistics import CONFIDENCE, LEAST_CASES, N_RESAMPLES, signed_rank
from SAMLesionLib.study.rows import ReadingRow

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Saving:
    """One arm against the baseline.

    Attributes:
        n_cases: cases with a pair.
        n_pairs: pairs of readings.
        baseline_s: summed over the pairs.
        arm_s: summed over the pairs.
        saving: share of time saved, negative when the arm takes longer; None without a pair.
        low: lower end of its interval, None with fewer than two cases.
        high: its upper end.
        p_value: Wilcoxon signed-rank test, None with too few cases.
        note: what could not be computed, and why.
    """

    n_cases: int
    n_pairs: int
    baseline_s: float
    arm_s: float
    saving: float | None
    low: float | None
    high: float | None
    p_value: float | None
    note: str


def time_pairs(rows: Iterable[ReadingRow], baseline: str, arm: str) -> list[tuple[str, float, float]]:
    """For each reader and case with both readings: the case, and seconds of baseline and arm."""
    by_key: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        if row.counts and row.arm in (baseline, arm):
            by_key.setdefault((row.reader, row.case), {})[row.arm] = row.work_s
    return [(case, times[baseline], times[arm]) for (_, case), times in by_key.items() if len(times) == 2]


def saving_of(pairs: Iterable[tuple[str, float, float]]) -> Saving:
    """The saving in these pairs.

    Args:
        pairs: case, seconds of the baseline, seconds of the arm.
    """
    pairs = list(pairs)
    if not pairs or sum(a for _, a, _ in pairs) <= 0:
        return Saving(
            0, len(pairs), 0.0, 0.0, None, None, None, None, "There is no pair of readings with times."
        )
    baseline, arm = _sums_of_cases(pairs)
    low, high = saving_interval(baseline, arm)
    usable = (baseline > 0) & (arm > 0)
    p_value, note = signed_rank(np.log(arm[usable] / baseline[usable]))
    saving = 1 - float(arm.sum() / baseline.sum())
    return Saving(
        len(arm), len(pairs), float(baseline.sum()), float(arm.sum()), saving, low, high, p_value, note
    )


def saving_interval(baseline: Floats, arm: Floats) -> tuple[float | None, float | None]:
    """The interval of the saving when cases are drawn.

    Args:
        baseline: seconds of each case.
        arm: seconds of each case.
    """
    n = len(baseline)
    if n < LEAST_CASES:
        return None, None
    drawn = np.random.default_rng(0).integers(0, n, size=(N_RESAMPLES, n))
    savings = 1 - arm[drawn].sum(axis=1) / baseline[drawn].sum(axis=1)
    tail = expanded_tail(n)
    low, high = np.quantile(savings, (tail, 1 - tail))
    return float(low), float(high)


def expanded_tail(n: int) -> float:
    """How much of the resamples is cut off on each side, so that n cases give the stated confidence."""
    quantile = stats.t.ppf((1 - CONFIDENCE) / 2, n - 1)
    return float(stats.norm.cdf(quantile * np.sqrt(n / (n - 1))))


def _sums_of_cases(pairs: Iterable[tuple[str, float, float]]) -> tuple[Floats, Floats]:
    sums: dict[str, list[float]] = {}
    for case, baseline_s, arm_s in pairs:
        told = sums.setdefault(case, [0.0, 0.0])
        told[0] += baseline_s
        told[1] += arm_s
    values = np.array(list(sums.values()), dtype=np.float64)
    return values[:, 0], values[:, 1]


def savings_by_reader(rows: Iterable[ReadingRow], baseline: str, arm: str) -> Mapping[str, Saving]:
    """The saving of each reader alone."""
    by_reader: dict[str, list[ReadingRow]] = {}
    for row in rows:
        by_reader.setdefault(row.reader, []).append(row)
    return {reader: saving_of(time_pairs(own, baseline, arm)) for reader, own in by_reader.items()}
