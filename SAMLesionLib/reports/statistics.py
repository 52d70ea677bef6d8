"""How sure a mean is, and whether two runs differ.

Intervals are 95 percent percentile bootstraps that draw whole cases, since the lesions of one patient are
alike: 5,000 resamples with a fixed seed, so that the same table gives the same interval. Two runs are
compared on the cases both have, with the Wilcoxon signed-rank test and the interval of the mean difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95
N_RESAMPLES = 5000
LEAST_CASES = 2
"""One case has no interval: nothing can be drawn anew."""
LEAST_DIFFERENCES = 6
"""With fewer pairs that differ, the signed-rank test cannot reach p < 0.05 whatever they are."""
_BATCH = 500

Measured = Iterable[tuple[str, float | None]]
"""Values and the case each belongs to; None where nothing was measured."""


@dataclass(frozen=True)
class Estimate:
    """One metric over many masks.

    Attributes:
        n: values, those that are infinite included.
        n_cases: cases they come from.
        n_infinite: values that are infinite (a distance to an empty mask); mean and interval leave them out.
        mean: None without a finite value.
        median: over all values.
        low: lower end of the mean's interval, None with fewer than two cases.
        high: its upper end.
    """

    n: int
    n_cases: int
    n_infinite: int
    mean: float | None
    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PairedDifference:
    """Two runs on the same cases.

    Attributes:
        n: pairs in which both values are finite.
        mean_a: of the first run.
        mean_b: of the second run.
        difference: mean of b minus a.
        low: lower end of its interval, None with fewer than two pairs.
        high: its upper end.
        p_value: two-sided Wilcoxon signed-rank test, None when there are too few pairs that differ.
        n_higher: pairs in which b is larger.
        n_lower: pairs in which a is larger.
        note: what could not be computed, and why.
    """

    n: int
    mean_a: float | None
    mean_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    n_higher: int
    n_lower: int
    note: str


def estimate(measured: Measured) -> Estimate:
    """Mean, median and interval of one metric."""
    known = [(case, value) for case, value in measured if value is not None and not np.isnan(value)]
    values = np.array([value for _, value in known], dtype=np.float64)
    finite = np.isfinite(values)
    cases = [case for case, _ in known]
    low, high = _interval([c for c, is_kept in zip(cases, finite, strict=True) if is_kept], values[finite])
    return Estimate(
        n=len(values),
        n_cases=len(set(cases)),
        n_infinite=int((~finite).sum()),
        mean=float(values[finite].mean()) if finite.any() else None,
        median=_median(values),
        low=low,
        high=high,
    )


def paired_difference(a: Mapping[str, float | None], b: Mapping[str, float | None]) -> PairedDifference:
    """Compare two runs.

    Args:
        a: the first run's value of each case.
        b: the second run's.
    """
    pairs = [
        (x, y) for x, y in ((a[case], b[case]) for case in a if case in b) if x is not None and y is not None
    ]
    left, right = (np.array([pair[n] for pair in pairs], dtype=np.float64) for n in (0, 1))
    kept = np.isfinite(left) & np.isfinite(right)
    left, right = left[kept], right[kept]
    change = right - left
    low, high = _interval([str(n) for n in range(len(change))], change)
    p_value, note = signed_rank(change)
    return PairedDifference(
        n=len(change),
        mean_a=_mean(left),
        mean_b=_mean(right),
        difference=_mean(change),
        low=low,
        high=high,
        p_value=p_value,
        n_higher=int((change > 0).sum()),
        n_lower=int((change < 0).sum()),
        note=note,
    )


def _interval(cases: list[str], values: npt.NDArray[np.float64]) -> tuple[float | None, float | None]:
    """The interval of the mean when whole cases are drawn."""
    names, at = np.unique(cases, return_inverse=True) if cases else (np.empty(0), np.empty(0, int))
    if len(names) < LEAST_CASES:
        return None, None
    sums, counts = np.bincount(at, values), np.bincount(at).astype(np.float64)
    drawn = stats.bootstrap(
        (sums, counts),
        _ratio_of_sums,
        n_resamples=N_RESAMPLES,
        batch=_BATCH,
        paired=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def _ratio_of_sums(
    sums: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], axis: int = -1
) -> npt.NDArray[np.float64]:
    return np.asarray(sums.sum(axis=axis) / counts.sum(axis=axis))


def signed_rank(change: npt.NDArray[np.float64]) -> tuple[float | None, str]:
    """The p value of the two-sided Wilcoxon signed-rank test, or None and a sentence on what is missing."""
    n_different = int(np.count_nonzero(change))
    if len(change) and n_different == 0:
        return None, "All pairs are equal, so there is nothing to test."
    if n_different < LEAST_DIFFERENCES:
        return None, (
            f"The signed-rank test needs {LEAST_DIFFERENCES} pairs that differ to be able to reach p < 0.05; "
            f"there {'is' if n_different == 1 else 'are'} {n_different}."
        )
    return float(stats.wilcoxon(change).pvalue), ""


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _median(values: npt.NDArray[np.float64]) -> float | None:
    if not len(values):
        return None
    middle = float(np.median(values))
    return middle if np.isfinite(middle) else None
