"""Two runs on the same cases: the paired comparison, as numbers and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import InputError
from SAMLesionLib.evaluation.figures import scatter_pairs
from SAMLesionLib.evaluation.journal import TABLE, read_settings
from SAMLesionLib.evaluation.rows import Row, read_csv
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.summary import by_case, final_rows
from SAMLesionLib.reports.pages import as_markup, write_page
from SAMLesionLib.reports.statistics import PairedDifference, paired_difference

TITLES = {
    "dice": "Dice",
    "nsd": "NSD",
    "hd95_mm": "HD95 (mm)",
    "volume_error": "volume error (share)",
    "lesion_f1": "lesion F1",
    "seconds": "seconds, last step",
}
DRAWN = ("dice", "nsd")


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One side of a comparison.

    Attributes:
        name: how it is called beside the other.
        model: which of its models.
        settings: of the run.
        rows: of the run.
    """

    name: str
    model: str
    settings: EvaluationSettings
    rows: Sequence[Row]

    def values(self, metric: str) -> dict[str, float | None]:
        """The final value of each whole case."""
        return by_case(self.rows, self.model, metric)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs of a model, or of two models, on the cases both have.

    Attributes:
        a: the first run.
        b: the second run.
        metrics: for each metric of `TITLES` the paired difference.
    """

    a: ComparedRun
    b: ComparedRun
    metrics: Mapping[str, PairedDifference]


def compare_runs(folder_a: Path, folder_b: Path) -> list[Comparison]:
    """Compare each model that both runs have; with one model each, these two.

    Raises:
        InputError: when a folder holds no run, or there is nothing to pair.
    """
    settings = [read_settings(folder) for folder in (folder_a, folder_b)]
    rows = [read_csv(folder / TABLE) for folder in (folder_a, folder_b)]
    pairs = _model_pairs(settings[0].models, settings[1].models)
    labels = (str(folder_a), str(folder_b))
    comparisons = []
    for models in pairs:
        names = labels if models[0] == models[1] else models
        sides = [ComparedRun(*side) for side in zip(names, models, settings, rows, strict=True)]
        comparisons.append(_compared(*sides))
    return comparisons


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write the page.

    Raises:
        OutputError: when it cannot be written.
    """
    a, b = comparison.a, comparison.b
    shared = _shared_cases(comparison)
    write_page(
        path,
        "SAMLesionLib.evaluation",
        "compare.html",
        a=a.name,
        b=b.name,
        n_cases=len(shared),
        differing=", ".join(_differing(a.settings, b.settings)),
        table=[{"title": TITLES[name], **asdict(told)} for name, told in comparison.metrics.items()],
        notes=sorted({told.note for told in comparison.metrics.values() if told.note}),
        charts=[_chart(comparison, metric, shared) for metric in DRAWN],
        cases=[_case(comparison, row) for row in final_rows(a.rows) if _is_shown(row, a.model, shared)],
    )


def _model_pairs(a: Sequence[str], b: Sequence[str]) -> list[tuple[str, str]]:
    both = [(name, name) for name in a if name in b]
    if both:
        return both
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    raise InputError(
        f"These runs share no model: the first has {', '.join(a)}, the second {', '.join(b)}. Compare runs "
        "of the same model, or of one model each."
    )


def _compared(a: ComparedRun, b: ComparedRun) -> Comparison:
    metrics = {metric: paired_difference(a.values(metric), b.values(metric)) for metric in TITLES}
    comparison = Comparison(a, b, metrics)
    if not _shared_cases(comparison):
        raise InputError(
            f"{a.name} and {b.name} have no answered case in common, so there is nothing to pair."
        )
    return comparison


def _shared_cases(comparison: Comparison) -> list[str]:
    dice_a, dice_b = comparison.a.values("dice"), comparison.b.values("dice")
    return [case for case, value in dice_a.items() if value is not None and dice_b.get(case) is not None]


def _chart(comparison: Comparison, metric: str, shared: Sequence[str]) -> dict[str, Any]:
    a, b = comparison.a, comparison.b
    pairs = [(a.values(metric)[case] or 0.0, b.values(metric)[case] or 0.0) for case in shared]
    return {
        "title": TITLES[metric],
        "svg": as_markup(scatter_pairs(pairs, (a.name, b.name), TITLES[metric], metric)),
    }


def _is_shown(row: Row, model: str, shared: Sequence[str]) -> bool:
    return row.is_whole_case and row.model == model and row.case in shared


def _case(comparison: Comparison, row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {"case": row.case, "lesion_ml": row.lesion_ml}
    for metric in DRAWN:
        a, b = (side.values(metric)[row.case] or 0.0 for side in (comparison.a, comparison.b))
        told[metric] = {"a": a, "b": b, "change": b - a}
    return told


def _differing(a: EvaluationSettings, b: EvaluationSettings) -> list[str]:
    ours, theirs = a.to_json(), b.to_json()
    names = [name for name in ours if ours[name] != theirs[name]]
    return [f"{name.replace('_', ' ')} ({_said(ours[name])}; {_said(theirs[name])})" for name in names]


def _said(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else "none" if value in (None, "") else str(value)
