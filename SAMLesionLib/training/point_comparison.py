"""The table at the end of TAGS's reproduction: every arm, and what others published by the same protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from SAMLesionLib.training.point_protocol import TOLERANCE_MM, PointScores
from SAMLesionLib.training.recipe import Recipe
from SAMLesionLib.training.reproduction import ArmResult
from SAMLesionLib.training.result_tables import beside, n_tested, percent, row, with_interval


def point_comparison(recipe: Recipe, results: Sequence[ArmResult[PointScores]]) -> str:
    """Markdown for people: Dice and NSD in percent, with 95 % intervals over cases."""
    reference = next((r for r in results if r.name == recipe.reference), None)
    first, *others = recipe.points
    head = row(
        "method",
        "trained",
        f"Dice, {first} points",
        f"NSD at {TOLERANCE_MM:g} mm, {first} points",
        *(f"Dice, {n}" for n in others),
        f"Dice beside {recipe.reference}",
    )
    lines = [
        f"# {recipe.title}: {n_tested(results[0].scores.names)}",
        "",
        head,
        row(*["---"] * (5 + len(others))),
        *(_line(result, reference) for result in results),
        *(_published(told, len(others)) for told in recipe.baselines),
        "",
        f"Published: {recipe.published}. Points are drawn from the expert's tumour, so methods without "
        "points know less. With 0 points the cube is still the one around the first 3. Intervals: 95 %, "
        "cases drawn anew; p: Wilcoxon's signed-rank test.",
        "",
    ]
    return "\n".join(lines)


def _line(result: ArmResult[PointScores], reference: ArmResult[PointScores] | None) -> str:
    names, dice, nsd = result.scores
    others = [percent(float(values.mean())) for values in dice[:, 1:].T]
    counts = (with_interval(names, dice[:, 0]), with_interval(names, nsd[:, 0]))
    return row(result.name, f"{result.n_learned:,}", *counts, *others, beside(reference, result))


def _published(told: Mapping[str, Any], n_others: int) -> str:
    """A line for a method as its authors measured it."""
    trained = told.get("trained", "-")
    measured = (f"{told['dice']:.1f}", f"{told['nsd']:.1f}")
    return row(f"{told['method']} (published)", str(trained), *measured, *["-"] * (n_others + 1))
