"""The tables of a report as CSV files, for a spreadsheet or another program for statistics."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from SAMLesionLib.io import atomic_write
from SAMLesionLib.study.gathering import StudyData
from SAMLesionLib.study.quality import PairAgreement
from SAMLesionLib.study.rows import LesionRow, ReadingRow, columns_of
from SAMLesionLib.study.summary import Summary


def write_tables(folder: Path, data: StudyData, summary: Summary) -> None:
    """Write all tables into a folder.

    Raises:
        OutputError: when one cannot be written.
    """
    _write(folder / "readings.csv", columns_of(ReadingRow), map(asdict, data.rows))
    _write(folder / "lesions.csv", columns_of(LesionRow), map(asdict, data.lesions))
    _write(folder / "pairs.csv", columns_of(PairAgreement), map(asdict, data.pairs))
    arms = [_flat(asdict(numbers)) for numbers in (*summary.arms, *summary.readers)]
    _write(folder / "arms.csv", list(arms[0]), arms)
    savings = [{"arm": s.arm, "reader": s.reader, **asdict(s.saving)} for s in summary.savings]
    _write(folder / "savings.csv", list(savings[0]), savings)
    quality = [{"arm": q.arm, "metric": q.metric, **asdict(q.difference)} for q in summary.quality]
    _write(folder / "quality.csv", list(quality[0]), quality)
    effects = [asdict(effect) for effect in summary.model.effects]
    _write(folder / "effects.csv", ["name", "ratio", "low", "high", "p_value"], effects)
    agreement = [_flat(asdict(entry)) for entry in summary.agreement]
    columns = list(dict.fromkeys(name for row in agreement for name in row))
    _write(folder / "agreement.csv", columns, agreement)


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Estimates become columns of their own: `dice` gives `dice_mean`, `dice_low` and so on."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}_{part}": told for part, told in value.items()}
        else:
            flat[name] = value
    return flat


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
