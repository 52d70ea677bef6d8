"""The table at the end of a reproduction: every arm beside fine-tuning, and beside what was published."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from SAMLesionLib.reports.statistics import PairedDifference, estimate, paired_difference
from SAMLesionLib.training.recipe import Recipe
from SAMLesionLib.training.reproduction import ArmResult


def comparison(recipe: Recipe, results: Sequence[ArmResult]) -> str:
    """Markdown for people: Dice in percent with 95 % intervals over cases."""
    reference = next((r for r in results if r.name == recipe.reference), None)
    lines = [
        f"# {recipe.title}: {len(results[0].scores.names)} test cases",
        "",
        _row(
            "method",
            "trained",
            *(f"Dice, click {n}" for n in recipe.clicks),
            "beside fine-tuning",
            "gates open",
        ),
        _row(*["---"] * (4 + len(recipe.clicks))),
        *(_line(recipe, result, reference) for result in results),
        "",
        f"Published: {recipe.published}. SAM-Med3D has seen these data in its own training, so only the "
        "differences count. Intervals: 95 %, cases drawn anew; p: Wilcoxon's signed-rank test.",
        "",
        *_by_size(results),
    ]
    return "\n".join(lines)


def _line(recipe: Recipe, result: ArmResult, reference: ArmResult | None) -> str:
    dice = result.scores.dice
    first = estimate(zip(result.scores.names, dice[:, 0].tolist(), strict=True))
    spread = f" ({_percent(first.low)} to {_percent(first.high)})"
    means = [_percent(float(dice[:, n - 1].mean())) for n in recipe.clicks]
    beside = "-"
    if reference is not None and result is not reference:
        beside = _difference(_compared(reference, result))
    is_open = f"{100 * float(result.scores.open.mean()):.0f} %" if result.scores.open.numel() else "-"
    return _row(result.name, f"{result.n_learned:,}", means[0] + spread, *means[1:], beside, is_open)


def _compared(reference: ArmResult, result: ArmResult) -> PairedDifference:
    values = [
        dict(zip(r.scores.names, r.scores.dice[:, 0].tolist(), strict=True)) for r in (reference, result)
    ]
    return paired_difference(*values)


def _difference(found: PairedDifference) -> str:
    if found.difference is None:
        return "-"
    p = "" if found.p_value is None else f", p {found.p_value:.2g}"
    return f"{100 * found.difference:+.1f} ({_percent(found.low)} to {_percent(found.high)}{p})"


def _by_size(results: Sequence[ArmResult]) -> list[str]:
    """Dice at the first click and open gates of small, middling and large lesions."""
    n_voxels = results[0].scores.n_voxels
    thirds = torch.tensor_split(n_voxels.argsort(), 3)
    names = [f"{int(n_voxels[t].min())} to {int(n_voxels[t].max())} voxels" for t in thirds if len(t)]
    return [
        _row("Dice at the first click (gates open)", *names),
        _row(*["---"] * (1 + len(names))),
        *(_row(r.name, *(_third(r, third) for third in thirds if len(third))) for r in results),
        "",
    ]


def _third(result: ArmResult, third: Tensor) -> str:
    dice = _percent(float(result.scores.dice[third, 0].mean()))
    if not result.scores.open.numel():
        return dice
    return f"{dice} ({100 * float(result.scores.open[third].mean()):.0f} %)"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
