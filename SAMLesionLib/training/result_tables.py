"""What the tables of reproductions are made of: rows, percents, intervals and differences, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from SAMLesionLib.reports.statistics import estimate, paired_difference
from SAMLesionLib.training.reproduction import ArmResult


def row(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def percent(value: float | None) -> str:
    """A share in percent, with one decimal."""
    return "-" if value is None else f"{100 * value:.1f}"


def n_tested(names: Sequence[str]) -> str:
    """How many test cases these are, in words."""
    return f"{len(names)} test {'case' if len(names) == 1 else 'cases'}"


def with_interval(names: Sequence[str], values: Tensor) -> str:
    """The mean over cases in percent and its 95 % interval."""
    found = estimate(zip(names, values.tolist(), strict=True))
    return f"{percent(found.mean)} ({percent(found.low)} to {percent(found.high)})"


def beside(reference: ArmResult[Any] | None, result: ArmResult[Any]) -> str:
    """The difference in Dice at the first prompt from another arm's, with interval and p."""
    if reference is None or result is reference:
        return "-"
    ours, theirs = (
        dict(zip(r.scores.names, r.scores.dice[:, 0].tolist(), strict=True)) for r in (result, reference)
    )
    found = paired_difference(theirs, ours)
    if found.difference is None:
        return "-"
    p = "" if found.p_value is None else f", p {found.p_value:.2g}"
    return f"{100 * found.difference:+.1f} ({percent(found.low)} to {percent(found.high)}{p})"
