"""One lesion's way from the first prompts to the last correction."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import numpy.typing as npt

from SAMLesionLib.datasets.cases import Case, Lesion
from SAMLesionLib.errors import SAMLesionError, UnknownModel, WeightsError
from SAMLesionLib.evaluation.blocks import BlockMask, gather
from SAMLesionLib.evaluation.readers import Reader
from SAMLesionLib.evaluation.scores import Scores, score
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.masks import RunReport
from SAMLesionLib.prompts import PromptSet
from SAMLesionLib.protocol import ModelInfo, Segmenter, SegmentRequest

logger = logging.getLogger(__name__)

NOTHING_TO_CORRECT = "The reader had nothing left to correct; the last answer stands."


@dataclass(frozen=True, eq=False)
class Sitting:
    """A model before a case, and the reader who draws on it.

    Attributes:
        case: the scan and its lesions.
        segmenter: what makes the masks; it holds the scan already.
        info: the model's name and what it understands.
        reader: what draws the prompts.
        settings: of the evaluation.
        canvas: an empty (k, j, i) mask of the whole scan, lent to the reader and left empty again.
    """

    case: Case
    segmenter: Segmenter
    info: ModelInfo
    reader: Reader
    settings: EvaluationSettings
    canvas: npt.NDArray[np.bool_]

    @property
    def n_steps(self) -> int:
        """The first prompts and each correction."""
        return len(self.reader.prompt_kinds)

    def is_understood(self, step: int) -> bool:
        """Whether the model takes every kind of prompt that the reader draws up to this step."""
        return self.reader.prompt_kinds[step] <= self.info.prompts


@dataclass(frozen=True, eq=False)
class Step:
    """What was asked and what came back.

    Attributes:
        answer: the mask, empty when there is none.
        prompts: what the reader drew; None when nothing was asked at this step.
        scores: the mask's metrics; None when there is no answer.
        seconds: from the request to the last voxel.
        report: how the mask was made.
        failure: as in `Row`.
        note: as in `Row`.
    """

    answer: BlockMask
    prompts: PromptSet | None = None
    scores: Scores | None = None
    seconds: float | None = None
    report: RunReport | None = None
    failure: str = ""
    note: str = ""

    @classmethod
    def failed(cls, failure: str, note: str) -> Step:
        """A step without an answer."""
        return cls(BlockMask.empty(), failure=failure, note=note)

    def standing(self, note: str) -> Step:
        """The same answer a step later, when nothing was asked."""
        return replace(self, prompts=None, seconds=0.0, report=None, note=self.note or note)


def follow_lesion(sitting: Sitting, lesion: Lesion) -> list[Step]:
    """Every step of one lesion; a failure ends the asking and fills the steps that are left."""
    rng = sitting.settings.generator(sitting.case.name, lesion.number)
    try:
        prompts = sitting.reader.first(sitting.case, lesion, rng)
    except SAMLesionError as refused:
        return [Step.failed("reader", str(refused))] * sitting.n_steps
    steps = [_ask(sitting, lesion, prompts)]
    while len(steps) < sitting.n_steps:
        steps.append(_next(sitting, lesion, steps, rng))
    return steps


def _next(sitting: Sitting, lesion: Lesion, steps: list[Step], rng: np.random.Generator) -> Step:
    last = steps[-1]
    if last.failure:
        return last
    if not sitting.is_understood(len(steps)):
        unknown = ", ".join(sorted(sitting.reader.prompt_kinds[len(steps)] - sitting.info.prompts))
        return last.standing(f"{sitting.info.name} takes no {unknown} prompts; its last answer stands.")
    if last.prompts is None:
        return last.standing(NOTHING_TO_CORRECT)
    with _painted(sitting.canvas, last.answer) as shown:
        prompts = sitting.reader.correct(sitting.case, lesion, last.prompts, shown, rng)
    return last.standing(NOTHING_TO_CORRECT) if prompts is None else _ask(sitting, lesion, prompts)


def _ask(sitting: Sitting, lesion: Lesion, prompts: PromptSet) -> Step:
    case, start = sitting.case, perf_counter()
    try:
        request = SegmentRequest(case.volume.volume_id, sitting.info.name, prompts)
        answer, report = gather(sitting.segmenter.segment(request))
    except (UnknownModel, WeightsError):  # no case will fare better
        raise
    except SAMLesionError as refused:
        return replace(Step.failed("model", str(refused)), prompts=prompts)
    except Exception as surprise:  # whatever a model does wrong, the other lesions are measured
        logger.exception("%s failed on %s, lesion %s", sitting.info.name, case.name, lesion.name)
        return replace(Step.failed("model", f"{type(surprise).__name__}: {surprise}"), prompts=prompts)
    seconds = perf_counter() - start
    reference = BlockMask(lesion.box, lesion.mask)
    scores = score(reference, answer, case.volume.affine, sitting.settings.tolerance_mm)
    return Step(answer, prompts, scores, seconds, report)


@contextmanager
def _painted(canvas: npt.NDArray[np.bool_], answer: BlockMask) -> Iterator[npt.NDArray[np.bool_]]:
    """The answer as a mask of the whole scan, without a new array for each."""
    block = canvas[answer.box.slices_kji()]
    block[...] = answer.mask
    try:
        yield canvas
    finally:
        block[...] = False
