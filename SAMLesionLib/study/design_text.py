"""A design as the text of `design.toml`, with a word on what decides a study beside it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from SAMLesionLib.study.design import StudyDesign

FORMAT = 1
WIDTH = 110
HEAD = (
    "Read it, change it, keep it under version control, send it to the readers' sites.\n"
    "After the first reading it is frozen: who changes it then raises version and deals the work lists again."
)
NOTES = {
    "scheme": "latin-square, random-blocks (order of arms drawn for each case), sequence (the same for all)",
    "washout_days": "a reader meets a case again after so many days",
    "repeat_cases": "cases that everyone reads once more at the end, for intra-reader agreement",
    "is_arm_blinded": "true: models are shown to readers as neutral letters",
    "baseline": "the arm that savings are measured against",
    "idle_after_s": "who looks without moving is at work for so long; what goes beyond is idle time",
    "nsd_tolerance_mm": "of the normalised surface Dice",
    "dice_margin": "an arm that loses less Dice than this, with certainty, is non-inferior",
}


def design_text(design: StudyDesign, about: str = "") -> str:
    """The file's text.

    Args:
        design: what it says.
        about: lines to begin with.
    """
    values = asdict(design)
    tables = {name: values.pop(name) for name in ("order", "analysis", "arms", "cases")}
    parts = [_comment(about), _comment(HEAD), f"format = {FORMAT}", _lines(values)]
    parts += [f"\n[{name}]\n{_lines(tables[name])}" for name in ("order", "analysis")]
    parts += [f"\n[[{name}]]\n{_lines(row)}" for name in ("arms", "cases") for row in tables[name]]
    return "\n".join(filter(None, parts)) + "\n"


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in text.splitlines())


def _lines(values: Mapping[str, Any]) -> str:
    """One line a value, notes below each other; what is empty is the default and left out."""
    lines = {name: f"{name} = {_value(value)}" for name, value in values.items() if value != ""}
    width = max((len(line) for name, line in lines.items() if name in NOTES), default=0)
    return "\n".join(_noted(line, NOTES.get(name, ""), width) for name, line in lines.items())


def _noted(line: str, note: str, width: int) -> str:
    return f"{line:<{width}}  # {note}" if note else line


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    # A JSON string is a TOML string, too, but for this one sign.
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if not isinstance(value, str) or len(text) <= WIDTH:
        return text
    wrapped = textwrap.wrap(text[1:-1], WIDTH, break_long_words=False, break_on_hyphens=False)
    return '"""\n' + "\n".join(wrapped) + '"""'
