"""What corrections are worth: the area under the click curve, and how many clicks a goal takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import numpy as np

from SAMLesionLib.evaluation.rows import Row, value_of
from SAMLesionLib.metrics import area_under_clicks, clicks_to_reach
from SAMLesionLib.reports.statistics import estimate

GOALS = (0.80, 0.85, 0.90)
"""Dice at which a reader might stop."""


def clicks_of(rows: Sequence[Row]) -> dict[str, Any]:
    """The click measures of one model, over its lesions.

    Args:
        rows: of the model, in the order of `cases.csv`.
    """
    lesions = [row for row in rows if not row.is_whole_case]
    curves = [list(steps) for _, steps in groupby(lesions, key=lambda row: (row.case, row.lesion))]
    return {
        "dice_auc": _area(curves, "dice"),
        "nsd_auc": _area(curves, "nsd"),
        "to_dice": [_to_goal(curves, goal) for goal in GOALS],
    }


def _area(curves: Sequence[Sequence[Row]], metric: str) -> dict[str, Any]:
    areas = []
    for curve in curves:
        values = _values(curve, metric)
        if values and len(values) > 1:
            areas.append((curve[0].case, area_under_clicks(values)))
    return asdict(estimate(areas))


def _to_goal(curves: Sequence[Sequence[Row]], goal: float) -> dict[str, Any]:
    told = [values for curve in curves if (values := _values(curve, "dice"))]
    needed = [clicks_to_reach(values, goal) for values in told]
    reached = [n for n in needed if n is not None]
    mean = float(np.mean(reached)) if reached else None
    return {"dice": goal, "n": len(told), "n_reached": len(reached), "mean_clicks": mean}


def _values(curve: Sequence[Row], metric: str) -> list[float]:
    """The values step by step; none when the lesion has no answer to count."""
    values = [value_of(row, metric) for row in curve]
    return [v for v in values if v is not None] if None not in values else []
