"""The table at the end of a reproduction: every arm beside fine-tuning, and beside what was published."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from SAMLesionLib.training.judging import NSD_MM, Scores
from SAMLesionLib.training.recipe import Recipe
from SAMLesionLib.training.reproduction import ArmResult
from SAMLesionLib.training.result_tables import beside, n_tested, percent, row, with_interval


def comparison(recipe: Recipe, results: Sequence[ArmResult[Scores]]) -> str:
    """Markdown for people: Dice in percent with 95 % intervals over cases."""
    reference = next((r for r in results if r.name == recipe.reference), None)
    lines = [
        f"# {recipe.title}: {n_tested(results[0].scores.names)}",
        "",
        row(
            "method",
            "trained",
            *(f"Dice, click {n}" for n in recipe.clicks),
            "beside fine-tuning",
            f"NSD, {NSD_MM:g} mm",
            "lesions met",
            "gates open",
            "FLOPs saved",
            "s a case",
        ),
        row(*["---"] * (8 + len(recipe.clicks))),
        *(_line(recipe, result, reference) for result in results),
        "",
        f"Published: {recipe.published}. SAM-Med3D has seen these data in its own training, so only the "
        "differences count. All is measured in one cube of each case, theirs may be in whole scans; NSD, "
        "lesions met and gates are those of the first click. FLOPs saved: by closed gates, of an encoding "
        "with all of them open. Seconds: to encode a cube and answer all clicks in it, with the simulated "
        "reader's own time, which is the same for all. Intervals: 95 %, cases drawn anew; p: Wilcoxon's "
        "signed-rank test.",
        "",
        *_by_size(results),
    ]
    return "\n".join(lines)


def _line(recipe: Recipe, result: ArmResult[Scores], reference: ArmResult[Scores] | None) -> str:
    names, dice = result.scores.names, result.scores.dice
    later = [percent(float(dice[:, n - 1].mean())) for n in recipe.clicks[1:]]
    first = with_interval(names, dice[:, recipe.clicks[0] - 1])
    measures = result.scores.measures
    means = measures.mean(dim=0).tolist() if measures.numel() else [None, None]
    shown = (*later, beside(reference, result), *map(percent, means), *_gates(result))
    seconds = f"{result.scores.seconds.mean():.2f}" if result.scores.seconds.numel() else "-"
    return row(result.name, f"{result.n_learned:,}", first, *shown, seconds)


def _gates(result: ArmResult[Scores]) -> tuple[str, str]:
    """How many gates were open, and what the closed ones saved."""
    if not result.scores.open.numel():
        return "-", "-"
    is_open = float(result.scores.open.mean())
    share = result.fusion_share
    return f"{100 * is_open:.0f} %", "-" if share is None else f"{100 * share * (1 - is_open):.1f} %"


def _by_size(results: Sequence[ArmResult[Scores]]) -> list[str]:
    """Dice at the first click and open gates of small, middling and large lesions."""
    n_voxels = results[0].scores.n_voxels
    thirds = torch.tensor_split(n_voxels.argsort(), 3)
    names = [f"{int(n_voxels[t].min())} to {int(n_voxels[t].max())} voxels" for t in thirds if len(t)]
    return [
        row("Dice at the first click (gates open)", *names),
        row(*["---"] * (1 + len(names))),
        *(row(r.name, *(_third(r, third) for third in thirds if len(third))) for r in results),
        "",
    ]


def _third(result: ArmResult[Scores], third: Tensor) -> str:
    dice = percent(float(result.scores.dice[third, 0].mean()))
    if not result.scores.open.numel():
        return dice
    return f"{dice} ({100 * float(result.scores.open[third].mean()):.0f} %)"
