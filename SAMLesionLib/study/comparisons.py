"""Quality of an arm against the baseline, in pairs, and whether it is no worse than a margin allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from SAMLesionLib.reports.statistics import LEAST_DIFFERENCES, PairedDifference, paired_difference
from SAMLesionLib.study.rows import ReadingRow

METRICS = ("dice", "nsd", "hd95_mm", "volume_error_ml")
Verdict = Literal["non-inferior", "inferior", "inconclusive", "too few cases"]


@dataclass(frozen=True)
class NonInferiority:
    """Whether an arm's Dice may be called no worse.

    Attributes:
        margin: the Dice that may be lost.
        difference: mean Dice of the arm minus the baseline's over cases.
        low: lower end of its 95 percent interval; above -margin the arm is non-inferior (one-sided 2.5 %).
        high: upper end; below -margin the arm is inferior.
        verdict: what follows.
    """

    margin: float
    difference: float | None
    low: float | None
    high: float | None
    verdict: Verdict


def by_case(
    rows: Iterable[ReadingRow], arm: str, metric: str, keys: set[tuple[str, str]]
) -> dict[str, float]:
    """Mean of a metric over readers, for each case; only pairs of reader and case in `keys`."""
    found: dict[str, list[float]] = {}
    for row in rows:
        value = getattr(row, metric)
        if row.counts and row.arm == arm and (row.reader, row.case) in keys and value is not None:
            found.setdefault(row.case, []).append(float(value))
    return {case: float(np.mean(values)) for case, values in found.items()}


def compare_quality(rows: Sequence[ReadingRow], baseline: str, arm: str, metric: str) -> PairedDifference:
    """The arm minus the baseline, over cases that a reader read in both."""
    keys = [
        {
            (row.reader, row.case)
            for row in rows
            if row.counts and row.arm == a and getattr(row, metric) is not None
        }
        for a in (baseline, arm)
    ]
    shared = keys[0] & keys[1]
    return paired_difference(by_case(rows, baseline, metric, shared), by_case(rows, arm, metric, shared))


def non_inferiority(difference: PairedDifference, margin: float) -> NonInferiority:
    """Judge a difference in Dice by the margin that the design laid down.

    Args:
        difference: of `compare_quality`.
        margin: the Dice that may be lost.
    """
    low, high = difference.low, difference.high
    verdict: Verdict
    if difference.n < LEAST_DIFFERENCES or low is None or high is None:
        verdict = "too few cases"
    elif low > -margin:
        verdict = "non-inferior"
    else:
        verdict = "inferior" if high < -margin else "inconclusive"
    return NonInferiority(margin, difference.difference, low, high, verdict)
