"""`report.html`: a run as a page that a person likes to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from SAMLesionLib.datasets.dataset import Dataset
from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.evaluation.contact_sheet import EXPERT, OURS, picture_of
from SAMLesionLib.evaluation.figures import click_curves, size_boxes
from SAMLesionLib.evaluation.journal import read_masks
from SAMLesionLib.evaluation.rows import Row, value_of
from SAMLesionLib.evaluation.summary import final_rows, size_group
from SAMLesionLib.reports.charts import colour_of
from SAMLesionLib.reports.pages import as_markup, number, write_page

REPORT = "report.html"
MOST_LESION_ROWS = 5000
"""A page with more rows is slow to open; the table beside it holds them all."""
TITLES = {"dice": "Dice", "nsd": "NSD", "hd95_mm": "HD95 (mm)"}


def write_report(
    folder: Path, rows: Sequence[Row], summary: Mapping[str, Any], dataset: Dataset, command: str
) -> None:
    """Write the page.

    Args:
        folder: the run's folder, whose masks are shown.
        rows: of the run, in the order of `cases.csv`.
        summary: of the run.
        dataset: where the shown cases are read from.
        command: what makes this run again.

    Raises:
        OutputError: when it cannot be written.
    """
    colours = {model: colour_of(n) for n, model in enumerate(summary["models"])}
    models = [{"name": name, "colour": colours[name], **facts} for name, facts in summary["models"].items()]
    for model in models:
        model["n_failed"] = sum(model["failures"].values())
    final = final_rows(rows)
    lesions = [row for row in final if not row.is_whole_case]
    write_page(
        folder / REPORT,
        "SAMLesionLib.evaluation",
        "report.html",
        dataset=summary["dataset"],
        settings=summary["settings"],
        reader=summary["settings"]["reader"],
        n_cases=summary["n_cases"],
        n_lesions=summary["n_lesions"],
        models=models,
        best={metric: _best(models, metric) for metric in ("dice", "nsd")},
        curves=_curves(summary),
        click_goals=[f"clicks to {goal['dice']:.2f}" for goal in models[0]["clicks"]["to_dice"]],
        sizes=_sizes(lesions, summary),
        sheets=_sheets(folder, final, dataset, colours),
        expert_colour=EXPERT,
        our_colour=OURS,
        paired=[pair | {"title": TITLES[pair["metric"]]} for pair in summary["paired"]],
        cases=[_shown(row, colours) for row in final if row.is_whole_case],
        lesions=[_shown(row, colours) for row in lesions] if len(lesions) <= MOST_LESION_ROWS else [],
        command=command,
        facts=_facts(summary),
    )


def _best(models: Sequence[Mapping[str, Any]], metric: str) -> str:
    """The model with the highest mean, none when there is only one."""
    told = [(m["cases"][metric]["mean"], m["name"]) for m in models if m["cases"][metric]["mean"] is not None]
    return str(max(told)[1]) if len(models) > 1 and told else ""


def _curves(summary: Mapping[str, Any]) -> str:
    curves = {name: facts["steps"] for name, facts in summary["models"].items()}
    if max(len(steps) for steps in curves.values()) < 2:
        return ""
    return as_markup(click_curves(curves, summary["settings"]["tolerance_mm"]))


def _sizes(lesions: Sequence[Row], summary: Mapping[str, Any]) -> str:
    edges = summary["size_edges_ml"]
    if not edges:
        return ""
    groups = [
        (name, {model: _dice_of(lesions, model, edges, group) for model in summary["models"]})
        for group, name in enumerate(_size_names(edges))
    ]
    return as_markup(size_boxes(groups, "Dice of each lesion"))


def _size_names(edges_ml: Sequence[float]) -> list[str]:
    low, high = (f"{edge:.3g}" for edge in edges_ml)
    return [f"up to {low} ml", f"{low} to {high} ml", f"over {high} ml"]


def _dice_of(lesions: Sequence[Row], model: str, edges_ml: Sequence[float], group: int) -> list[float]:
    ours = [
        row for row in lesions if row.model == model and size_group(row.lesion_ml or 0.0, edges_ml) == group
    ]
    return [value for row in ours if (value := value_of(row, "dice")) is not None]


def _sheets(
    folder: Path, final: Sequence[Row], dataset: Dataset, colours: Mapping[str, str]
) -> list[dict[str, Any]]:
    """For each model its best, median and worst case; every case is read once."""
    chosen = {model: _ranked(final, model) for model in colours}
    masks = read_masks(folder)
    drawn: dict[tuple[str, str], dict[str, Any]] = {}
    for name in dict.fromkeys(row.case for ranks in chosen.values() for _, row in ranks):
        try:
            case = dataset.load(name)
        except SAMLesionError:  # it was there when it was measured; the page does without
            continue
        for model, ranks in chosen.items():
            if any(row.case == name for _, row in ranks):
                drawn[name, model] = asdict(picture_of(case, masks[name, model]))
    sheets = []
    for model, ranks in chosen.items():
        pictures = [
            {"rank": rank, "case": row.case, "dice": value_of(row, "dice"), **drawn[row.case, model]}
            for rank, row in ranks
            if (row.case, model) in drawn
        ]
        if pictures:
            sheets.append({"model": model, "colour": colours[model], "pictures": pictures})
    return sheets


def _ranked(final: Sequence[Row], model: str) -> list[tuple[str, Row]]:
    """The best, the median and the worst case by Dice, each case once."""
    whole = [row for row in final if row.is_whole_case and row.model == model and row.lesion_ml]
    told = [(value, row) for row in whole if (value := value_of(row, "dice")) is not None]
    ordered = [row for _, row in sorted(told, key=lambda pair: pair[0], reverse=True)]
    n = len(ordered)
    if n < 3:
        return list(zip(("Only case",) if n == 1 else ("Best", "Worst"), ordered, strict=False))
    return list(zip(("Best", "Median", "Worst"), (ordered[0], ordered[n // 2], ordered[-1]), strict=True))


def _shown(row: Row, colours: Mapping[str, str]) -> dict[str, Any]:
    return asdict(row) | {"colour": colours[row.model]}


def _facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    settings, dataset = summary["settings"], summary["dataset"]
    parts = "connected components" if settings["components"] else "one a case"
    told = {
        "data set": f"{dataset['path']} ({dataset['layout']})",
        "lesions": f"label {_or(settings['label'], 'any')}, {parts}, from {settings['least_ml']:g} ml and "
        f"{settings['least_voxels']} voxels",
        "reader": f"{settings['reader']}, jitter {settings['jitter']}"
        f"{' in plane' if settings['in_plane'] else ''}, seed {settings['seed']}",
        "device": f"{settings['device']}, precision {settings['precision']}",
        "NSD tolerance": f"{number(settings['tolerance_mm'], 1)} mm",
        **summary["environment"],
    }
    return [(name.replace("_", " "), str(value)) for name, value in told.items()]


def _or(value: Any, otherwise: str) -> Any:
    return otherwise if value is None else value
