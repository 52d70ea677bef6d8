"""How far several readers agree: in voxels, and in measures such as a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.metrics.overlap import as_mask_pair


@dataclass(frozen=True)
class Icc:
    """An intraclass correlation.

    Attributes:
        value: at most 1; near 0 or below when readers differ as much as cases do.
        low: lower end of its 95 percent interval.
        high: its upper end.
        n_cases: rows it comes from.
        n_readers: columns.
    """

    value: float
    low: float
    high: float
    n_cases: int
    n_readers: int


def cohen_kappa(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """Agreement of two masks voxel by voxel beyond what chance would give (Cohen 1960).

    It depends on how much background there is: compare only values from blocks chosen in one way. 1 when both
    masks fill the block, or neither has a voxel.
    """
    one, other = as_mask_pair(one, other)
    share_one, share_other = float(one.mean()), float(other.mean())
    observed = float((one == other).mean())
    by_chance = share_one * share_other + (1 - share_one) * (1 - share_other)
    return 1.0 if by_chance == 1.0 else (observed - by_chance) / (1 - by_chance)


def icc(measures: npt.NDArray[np.float64], confidence: float = 0.95) -> Icc:
    """Absolute agreement of single readers, two-way random effects: ICC(2,1) of Shrout and Fleiss (1979).

    The interval is that of McGraw and Wong (1996), table 7, case A,1.

    Args:
        measures: (cases, readers), none missing.
        confidence: of the interval.

    Raises:
        ValueError: with fewer than two cases or readers, or when all measures are equal.
    """
    from scipy.stats import f

    n, k = measures.shape if measures.ndim == 2 else (0, 0)
    if n < 2 or k < 2 or np.ptp(measures) == 0:
        raise ValueError(f"agreement needs two cases and readers whose measures differ, got {measures.shape}")
    rows, columns, error = _mean_squares(measures)
    value = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    if np.isclose(error, 0) and np.isclose(columns, 0):
        return Icc(1.0, 1.0, 1.0, n, k)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    tail = 1 - (1 - confidence) / 2
    f_low, f_high = float(f.ppf(tail, n - 1, freedom)), float(f.ppf(tail, freedom, n - 1))
    rest = k * columns + (k * n - k - n) * error
    low = n * (rows - f_low * error) / (f_low * rest + n * rows)
    high = n * (f_high * rows - error) / (rest + n * f_high * rows)
    return Icc(float(value), float(low), float(high), n, k)


def _mean_squares(measures: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Between cases, between readers, and what is left."""
    n, k = measures.shape
    of_rows, of_columns = measures.mean(axis=1), measures.mean(axis=0)
    rest = measures - of_rows[:, None] - of_columns + measures.mean()
    rows, columns = k * of_rows.var(ddof=1), n * of_columns.var(ddof=1)
    return float(rows), float(columns), float((rest**2).sum() / ((n - 1) * (k - 1)))
