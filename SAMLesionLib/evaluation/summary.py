"""The numbers that papers report, from the rows of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from SAMLesionLib.evaluation.clicks import clicks_of
from SAMLesionLib.evaluation.environment import environment
from SAMLesionLib.evaluation.journal import write_json
from SAMLesionLib.evaluation.rows import Row, value_of
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.reports.statistics import Estimate, estimate, paired_difference

SUMMARY = "summary.json"
METRICS = (
    "dice",
    "nsd",
    "hd95_mm",
    "volume_error_ml",
    "volume_error",
    "precision",
    "recall",
    "lesion_precision",
    "lesion_recall",
    "lesion_f1",
)
COMPARED = ("dice", "nsd", "hd95_mm")
"""Metrics by which two runs or models are compared in pairs."""
LEAST_LESIONS = 3
"""Fewer lesions are not parted by size."""


def summarise(
    rows: Sequence[Row], settings: EvaluationSettings, dataset: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything `summary.json` holds, as plain values.

    Args:
        rows: the run's rows.
        settings: of the run.
        dataset: what the data set says about itself.
    """
    edges = size_edges_ml(rows)
    return {
        "settings": settings.to_json(),
        "dataset": dict(dataset),
        "n_cases": len({row.case for row in rows}),
        "n_lesions": len(_lesion_sizes(rows)),
        "size_edges_ml": edges,
        "environment": environment(),
        "models": {
            model: _of_model([row for row in rows if row.model == model], edges) for model in settings.models
        },
        "paired": [
            _paired(rows, settings.models[0], model, metric)
            for model in settings.models[1:]
            for metric in COMPARED
        ],
    }


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write `summary.json`.

    Raises:
        OutputError: when it cannot be written.
    """
    write_json(folder / SUMMARY, summary)


def by_case(rows: Iterable[Row], model: str, metric: str) -> dict[str, float | None]:
    """A model's final value of a metric on each whole case."""
    whole = [row for row in final_rows(rows) if row.is_whole_case and row.model == model]
    return {row.case: value_of(row, metric) for row in whole}


def _paired(rows: Sequence[Row], a: str, b: str, metric: str) -> dict[str, Any]:
    difference = paired_difference(by_case(rows, a, metric), by_case(rows, b, metric))
    return {"a": a, "b": b, "metric": metric, **asdict(difference)}


def final_rows(rows: Iterable[Row]) -> list[Row]:
    """The last step of each case, lesion and model; rows come in the order of `cases.csv`."""
    grouped = groupby(rows, key=lambda row: (row.case, row.lesion, row.model))
    return [list(group)[-1] for _, group in grouped]


def size_edges_ml(rows: Iterable[Row]) -> list[float]:
    """The two lesion volumes that part the lesions into thirds; none with too few lesions."""
    sizes = list(_lesion_sizes(rows).values())
    if len(sizes) < LEAST_LESIONS:
        return []
    return [float(edge) for edge in np.quantile(sizes, (1 / 3, 2 / 3))]


def size_group(lesion_ml: float, edges_ml: Sequence[float]) -> int:
    """In which third a lesion lies: 0 for the smallest."""
    return int(np.searchsorted(edges_ml, lesion_ml))


def _lesion_sizes(rows: Iterable[Row]) -> dict[tuple[str, str], float]:
    return {
        (row.case, row.lesion): row.lesion_ml
        for row in rows
        if not row.is_whole_case and row.lesion_ml is not None
    }


def _of_model(rows: Sequence[Row], edges_ml: Sequence[float]) -> dict[str, Any]:
    final = final_rows(rows)
    cases = [row for row in final if row.is_whole_case]
    lesions = [row for row in final if not row.is_whole_case]
    return {
        **_made_by(rows),
        "cases": _estimates(cases, METRICS),
        "lesions": _estimates(lesions, METRICS[:7]),
        "sizes": [_of_size(lesions, edges_ml, group) for group in range(len(edges_ml) + 1)]
        if edges_ml
        else [],
        "steps": _steps(rows),
        "clicks": clicks_of(rows),
        "failures": _failures(rows),
        **_costs(rows),
    }


def _made_by(rows: Sequence[Row]) -> dict[str, str]:
    """Where and with what the model ran, as its last answer says."""
    answered = [row for row in rows if row.device]
    names = ("device", "arithmetic", "weights_sha256")
    return {name: getattr(answered[-1], name) if answered else "" for name in names}


def _of_size(lesions: Sequence[Row], edges_ml: Sequence[float], group: int) -> dict[str, Any]:
    ours = [
        row for row in lesions if row.lesion_ml is not None and size_group(row.lesion_ml, edges_ml) == group
    ]
    ends = [None, *edges_ml, None]
    return {"above_ml": ends[group], "up_to_ml": ends[group + 1], **_estimates(ours, COMPARED)}


def _steps(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The click curve: lesions and whole cases at each step."""
    curve = []
    for step in range(max((row.step for row in rows), default=-1) + 1):
        here = [row for row in rows if row.step == step]
        lesions = [row for row in here if not row.is_whole_case]
        cases = [row for row in here if row.is_whole_case]
        curve.append(
            {"step": step, "lesions": _estimates(lesions, COMPARED), "cases": _estimates(cases, COMPARED)}
        )
    return curve


def _failures(rows: Sequence[Row]) -> dict[str, int]:
    """How many lesions (or cases, where lesions are not known) failed in each way."""
    told: dict[str, set[tuple[str, str]]] = {"case": set(), "reader": set(), "model": set(), "killed": set()}
    known = {row.case for row in rows if not row.is_whole_case}
    for row in rows:
        if row.failure and not (row.is_whole_case and row.case in known):
            told[row.failure].add((row.case, row.lesion))
    return {name: len(places) for name, places in told.items()}


def _costs(rows: Sequence[Row]) -> dict[str, Any]:
    asked = [row for row in rows if not row.is_whole_case and row.encode_s is not None]
    whole = [row for row in rows if row.is_whole_case]
    walls = [row.wall_s for row in whole if row.wall_s is not None]
    worked = sum(row.seconds or 0.0 for row in whole) + sum(row.load_s or 0.0 for row in whole)
    by_name = {case: [row for row in whole if row.case == case] for case in {row.case for row in whole}}
    totals = [(case, sum(row.seconds or 0.0 for row in own)) for case, own in sorted(by_name.items())]
    return {
        "seconds_per_prompt": asdict(estimate((row.case, row.seconds) for row in asked)),
        "seconds_per_case": asdict(estimate(totals)),
        "overhead_s_per_case": (sum(walls) - worked) / len(walls) if walls else None,
        "overhead_share": (sum(walls) - worked) / worked if worked else None,
        "peak_memory_mb": _most(row.peak_memory_mb for row in whole),
        "peak_device_mb": _most(row.peak_device_mb for row in whole),
    }


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _estimates(rows: Sequence[Row], metrics: Sequence[str]) -> dict[str, Any]:
    return {metric: asdict(_estimate(rows, metric)) for metric in metrics}


def _estimate(rows: Sequence[Row], metric: str) -> Estimate:
    return estimate((row.case, value_of(row, metric)) for row in rows)
