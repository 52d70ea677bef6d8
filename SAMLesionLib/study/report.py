"""The report of a study: a page that a person likes to read, tables, figures, and the methods paragraph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from SAMLesionLib.io import atomic_write, make_folder
from SAMLesionLib.reports.charts import colour_of
from SAMLesionLib.reports.pages import as_markup, write_page
from SAMLesionLib.study.charts import margin_chart, practice_chart, savings_chart, times_chart
from SAMLesionLib.study.findings import is_simulated
from SAMLesionLib.study.gathering import StudyData
from SAMLesionLib.study.methods import methods_paragraph
from SAMLesionLib.study.summary import EVERYONE, Summary
from SAMLesionLib.study.tables import write_tables
from SAMLesionLib.study.timing import RULE

REPORT, METHODS, FIGURES = "report.html", "methods.txt", "figures"
STATES = ("finished", "begun", "skipped", "open")
TITLES = {
    "dice": "Dice",
    "nsd": "NSD",
    "hd95_mm": "HD95 (mm)",
    "volume_error_ml": "volume error (ml)",
}


def write_report(folder: Path, data: StudyData, summary: Summary) -> None:
    """Write `report.html`, CSV tables, figures as SVG, and `methods.txt`.

    Args:
        folder: where to; made when it is not there.
        data: the study's tables.
        summary: of them.

    Raises:
        OutputError: when something cannot be written.
    """
    make_folder(folder / FIGURES)
    charts = _charts(data, summary)
    methods = methods_paragraph(data, summary.model)
    write_tables(folder, data, summary)
    _write_text(folder / METHODS, methods + "\n")
    for name, svg in charts.items():
        _write_text(folder / FIGURES / f"{name}.svg", svg.replace("currentColor", "#000000"))
    design = data.study.design
    write_page(
        folder / REPORT,
        __package__ or "",
        "study.html",
        design=design,
        baseline=design.baseline,
        colours={arm.id: colour_of(n) for n, arm in enumerate(design.arms)},
        titles=TITLES,
        is_simulated=is_simulated(data),
        everyone=EVERYONE,
        headlines=[_headline(summary, arm.id) for arm in design.others],
        summary=summary,
        charts={name: as_markup(svg) for name, svg in charts.items()},
        rule=RULE.format(limit=design.analysis.idle_after_s),
        progress=_progress(data),
        rows=sorted(data.rows, key=lambda row: (row.case, row.reader, row.is_repeat, row.arm)),
        methods=methods,
        facts=_facts(data),
        machines=_machines(data),
        references=_have_quality(data),
    )


def _charts(data: StudyData, summary: Summary) -> dict[str, str]:
    design = data.study.design
    if not any(row.counts for row in data.rows):
        return {}
    charts = {"times": times_chart(design, data.rows), "practice": practice_chart(design, data.rows)}
    if any(entry.saving.saving is not None for entry in summary.savings):
        charts["savings"] = savings_chart(design, summary)
    margin = margin_chart(design, summary)
    return charts | ({"margin": margin} if margin else {})


def _headline(summary: Summary, arm: str) -> dict[str, Any]:
    saving = next(s.saving for s in summary.savings if s.arm == arm and s.reader == EVERYONE)
    per_case = {numbers.arm: numbers.work_s.mean for numbers in summary.arms}
    return {"arm": arm, "saving": saving, "work_s": per_case[arm], "verdict": summary.verdicts[arm]}


def _progress(data: StudyData) -> list[dict[str, Any]]:
    told = []
    for reader in data.study.design.readers:
        states = Counter(row.state for row in data.rows if row.reader == reader)
        told.append({"reader": reader, "n": sum(states.values()), **{s: states[s] for s in STATES}})
    return told


def _have_quality(data: StudyData) -> bool:
    return any(row.dice is not None for row in data.rows)


def _facts(data: StudyData) -> list[tuple[str, str]]:
    design, start = data.study.design, data.study.start
    return [
        ("study", f"{design.name}, version {design.version}, begun {start.started[:10]}"),
        ("design, SHA-256", start.design_sha256),
        ("order", f"{design.order.scheme}, seed {design.seed}, wash-out {design.order.washout_days:g} days"),
        ("arms", "; ".join(f"{a.id}: {a.method}{', ' + a.model if a.model else ''}" for a in design.arms)),
        ("weights, SHA-256", _listed(_told(data, "weights_sha256"))),
        ("ran on", _listed(_told(data, "device"))),
    ]


def _told(data: StudyData, name: str) -> set[str]:
    lines = (line for log in data.logs.values() for line in log.lines())
    return {str(line.facts[name]) for line in lines if name in line.facts}


def _machines(data: StudyData) -> list[dict[str, Any]]:
    """One row for each reader and machine."""
    rows: dict[tuple[str, ...], int] = {}
    for reader, log in data.logs.items():
        for session in log.sessions:
            gpu = ", ".join(session.facts.get("gpu", []))
            names = ("host", "host_version", "samlesion", "system", "processor")
            key = (reader, *(str(session.facts.get(name, "")) for name in names), gpu)
            rows[key] = rows.get(key, 0) + 1
    columns = ("reader", "host", "host_version", "samlesion", "system", "processor", "gpu")
    return [dict(zip(columns, key, strict=True)) | {"n_sessions": n} for key, n in rows.items()]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(filter(None, words))) or "not told"


def _write_text(path: Path, text: str) -> None:
    with atomic_write(path) as file:
        file.write(text.encode())
