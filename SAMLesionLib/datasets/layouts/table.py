"""A CSV of pairs: columns `image` and `label`, and `case`, `modality`, `instances`, `organ`, `word`.

Paths are relative to the table.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from SAMLesionLib.datasets.layouts.listing import CaseFiles, Listing, modality_of
from SAMLesionLib.errors import InputError
from SAMLesionLib.io import image_name

Line = dict[str, str]


def is_here(path: Path) -> bool:
    """Whether this is a table."""
    return path.suffix.lower() == ".csv" and path.is_file()


def list_cases(path: Path, channel: int | None) -> Listing:
    """One case a line.

    Raises:
        InputError: when the table cannot be read, misses a column, or names two cases alike.
    """
    cases = [_case(path, line, channel) for line in _lines(path)]
    twice = [name for name, n in Counter(c.name for c in cases).items() if n > 1]
    if twice:
        raise InputError(f"{path} names more than one case {twice[0]}. Tell them apart with a column case.")
    return Listing(path.stem, tuple(sorted(cases, key=lambda c: c.name)))


def _lines(path: Path) -> list[Line]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, restval="")
            lines = [{key.strip(): (line[key] or "").strip() for key in line if key} for line in table]
            columns = {name.strip() for name in table.fieldnames or ()}
    except (OSError, UnicodeDecodeError, csv.Error) as broken:
        raise InputError(f"{path} cannot be read as a CSV table ({broken}). Export it again.") from None
    missing = sorted({"image", "label"} - columns)
    if missing:
        raise InputError(
            f"{path} needs the columns image and label in its first line, got {', '.join(sorted(columns))}."
        )
    return [line for line in lines if any(line.values())]


def _case(path: Path, line: Line, channel: int | None) -> CaseFiles:
    image = path.parent / line["image"]
    return CaseFiles(
        line.get("case") or image_name(image),
        image,
        path.parent / line["label"],
        modality_of(line.get("modality", "")),
        channel,
        _optional(path, line.get("instances", "")),
        _optional(path, line.get("organ", "")),
        line.get("word") or None,
    )


def _optional(path: Path, relative: str) -> Path | None:
    return path.parent / relative if relative else None
