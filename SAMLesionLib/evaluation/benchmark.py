"""One model on one case: the rows of its table, the prompts that were given, and the final mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from SAMLesionLib.datasets.cases import Case
from SAMLesionLib.evaluation.blocks import BlockMask, united
from SAMLesionLib.evaluation.readers import Reader
from SAMLesionLib.evaluation.rows import WHOLE_CASE, Row
from SAMLesionLib.evaluation.scores import Scores, score, with_detection
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.trail import Sitting, Step, follow_lesion
from SAMLesionLib.protocol import ModelInfo, Segmenter

_SUMMED = ("encode_s", "decode_s", "n_encoded")
NO_LESION = "This case has no lesion, so nothing was asked."


@dataclass(frozen=True, eq=False)
class CaseOutcome:
    """What came out of one case.

    Attributes:
        rows: a row each lesion and step, then the rows of `all`.
        prompts: what was drawn, as plain values for JSON, one entry each lesion and step that was asked.
        mask: the union of the last answers.
    """

    rows: tuple[Row, ...]
    prompts: tuple[dict[str, Any], ...]
    mask: BlockMask


def evaluate_case(
    case: Case, segmenter: Segmenter, info: ModelInfo, reader: Reader, settings: EvaluationSettings
) -> CaseOutcome:
    """Ask one model about every lesion of a case.

    Whatever the model does wrong becomes rows that say so.

    Args:
        case: the scan and its lesions.
        segmenter: what makes the masks.
        info: the model to ask it for.
        reader: what draws the prompts.
        settings: of the evaluation.
    """
    n_steps = len(reader.prompt_kinds)
    _ = case.volume.volume_id  # found once, and not on the first model's time
    start = perf_counter()
    try:
        segmenter.load_volume(case.volume)
    except Exception as refused:  # the other models are still measured
        return failed_case(case, info.name, n_steps, settings, "model", str(refused))
    load_s = perf_counter() - start
    canvas = np.zeros(case.volume.voxels.shape, bool)
    sitting = Sitting(case, segmenter, info, reader, settings, canvas)
    trails = [follow_lesion(sitting, lesion) for lesion in case.lesions]
    return _outcome(case, info.name, trails, settings, load_s)


def failed_case(
    case: Case, model: str, n_steps: int, settings: EvaluationSettings, failure: str, note: str
) -> CaseOutcome:
    """The rows of a case that got no answer at all."""
    trails = [[Step.failed(failure, note)] * n_steps for _ in case.lesions]
    return _outcome(case, model, trails, settings, None)


def unread_case(name: str, model: str, settings: EvaluationSettings, failure: str, note: str) -> CaseOutcome:
    """The one row of a case whose lesions are not known."""
    row = Row(name, WHOLE_CASE, None, model, settings.reader, 0, failure=failure, note=note)
    return CaseOutcome((row,), (), BlockMask.empty())


def _outcome(
    case: Case,
    model: str,
    trails: Sequence[Sequence[Step]],
    settings: EvaluationSettings,
    load_s: float | None,
) -> CaseOutcome:
    who: dict[str, Any] = {"case": case.name, "model": model, "reader": settings.reader}
    if not trails:
        alone = Row(**who, lesion=WHOLE_CASE, lesion_ml=0.0, step=0, load_s=load_s, note=NO_LESION)
        return CaseOutcome((alone,), (), BlockMask.empty())
    rows, prompts = [], []
    for lesion, trail in zip(case.lesions, trails, strict=True):
        for number, step in enumerate(trail):
            place = who | {"lesion": lesion.name, "step": number}
            rows.append(Row(**place, lesion_ml=lesion.volume_ml, **_columns([step], step.scores)))
            if step.prompts is not None:
                prompts.append(place | {"prompts": step.prompts.to_json()})
    whole, mask = _whole_case(case, trails, settings)
    total_ml = sum(lesion.volume_ml for lesion in case.lesions)
    for number, columns in enumerate(whole):
        columns |= {"load_s": None if number else load_s}
        rows.append(Row(**who, lesion=WHOLE_CASE, step=number, lesion_ml=total_ml, **columns))
    return CaseOutcome(tuple(rows), tuple(prompts), mask)


def _whole_case(
    case: Case, trails: Sequence[Sequence[Step]], settings: EvaluationSettings
) -> tuple[list[dict[str, Any]], BlockMask]:
    """The columns of `all` at each step, and the last step's mask."""
    reference = united(BlockMask(lesion.box, lesion.mask) for lesion in case.lesions)
    columns: list[dict[str, Any]] = []
    answers: list[BlockMask] = []
    mask, scores = BlockMask.empty(), None
    for steps in zip(*trails, strict=True):
        before, answers = answers, [step.answer for step in steps]
        if not (before and all(a is b for a, b in zip(answers, before, strict=True))):
            mask = united(answers)
            scores = _score_together(reference, mask, steps, case, settings)
        columns.append(_columns(steps, scores))
    return columns, mask


def _score_together(
    reference: BlockMask, mask: BlockMask, steps: Sequence[Step], case: Case, settings: EvaluationSettings
) -> Scores | None:
    """All lesions' answers of one step against all lesions; None when none was answered."""
    if all(step.failure for step in steps):
        return None
    alone = steps[0].scores if len(steps) == 1 else None
    scores = alone or score(reference, mask, case.volume.affine, settings.tolerance_mm)
    return with_detection(scores, reference, mask)


def _columns(steps: Sequence[Step], scores: Scores | None) -> dict[str, Any]:
    """What one lesion's step, or one step of all lesions, adds to its row."""
    reports = [step.report for step in steps if step.report is not None]
    failures = [step for step in steps if step.failure]
    is_failure = len(failures) == len(steps)
    columns: dict[str, Any] = asdict(scores) if scores else {}
    columns |= {"seconds": _sum([step.seconds for step in steps])}
    columns |= {"failure": failures[0].failure if is_failure else "", "note": _note(steps, failures)}
    if reports:
        columns |= {name: sum(getattr(r, name) for r in reports) for name in _SUMMED}
        columns |= {"device": reports[0].device, "arithmetic": reports[0].precision}
        columns |= {"weights_sha256": reports[0].weights_sha256}
    return columns


def _note(steps: Sequence[Step], failures: Sequence[Step]) -> str:
    if failures and len(failures) < len(steps):
        return f"{len(failures)} of {len(steps)} lesions got no answer: {failures[0].note}"
    notes = {step.note for step in steps}
    return notes.pop() if len(notes) == 1 else ""


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
