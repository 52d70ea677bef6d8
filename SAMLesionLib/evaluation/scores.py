"""The metrics of one mask, measured within the block that holds it and the expert's lesions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from SAMLesionLib.evaluation.blocks import BlockMask, union_of
from SAMLesionLib.geometry import Affine
from SAMLesionLib.metrics import (
    detect_lesions,
    dice,
    precision,
    recall,
    relative_volume_difference,
    surface_distances,
    volume_difference_ml,
    volume_ml,
)


@dataclass(frozen=True)
class Scores:
    """The metrics that `Row` has under the same names."""

    dice: float
    nsd: float
    hd95_mm: float
    predicted_ml: float
    volume_error_ml: float
    volume_error: float
    precision: float
    recall: float
    lesion_precision: float | None = None
    lesion_recall: float | None = None
    lesion_f1: float | None = None


def score(reference: BlockMask, answer: BlockMask, affine: Affine, tolerance_mm: float) -> Scores:
    """Measure an answer.

    Args:
        reference: the expert's mask.
        answer: the model's mask.
        affine: the grid of both.
        tolerance_mm: of the normalised surface Dice.
    """
    block = union_of((reference.box, answer.box))
    expert, ours = reference.over(block), answer.over(block)
    distances = surface_distances(expert, ours, affine)
    return Scores(
        dice(expert, ours),
        distances.nsd(tolerance_mm),
        distances.hausdorff_mm(95.0),
        volume_ml(ours, affine),
        volume_difference_ml(expert, ours, affine),
        relative_volume_difference(expert, ours),
        precision(expert, ours),
        recall(expert, ours),
    )


def with_detection(scores: Scores, reference: BlockMask, answer: BlockMask) -> Scores:
    """The scores of a whole case, with its lesions counted as connected regions."""
    block = union_of((reference.box, answer.box))
    found = detect_lesions(reference.over(block), answer.over(block))
    return replace(scores, lesion_precision=found.precision, lesion_recall=found.recall, lesion_f1=found.f1)
