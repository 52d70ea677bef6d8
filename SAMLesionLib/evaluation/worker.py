"""What one process does: it takes a case and a model and gives back the outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from SAMLesionLib.datasets.cases import Case
from SAMLesionLib.datasets.dataset import Dataset, open_dataset
from SAMLesionLib.errors import EngineError, PromptError, SAMLesionError, UnknownModel
from SAMLesionLib.evaluation.benchmark import CaseOutcome, evaluate_case, failed_case, unread_case
from SAMLesionLib.evaluation.readers import FittingReader, Reader, find_reader
from SAMLesionLib.evaluation.replay import RecordedReader
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.warm_up import warm_up
from SAMLesionLib.io import peak_memory_bytes, reset_peak_memory
from SAMLesionLib.prompts import OrganPrompt
from SAMLesionLib.protocol import ModelInfo, Segmenter


class WorkerDied(EngineError):
    """A worker process ended while it worked on a case."""


class Segmenters(Protocol):
    """Makes the segmenter of a model; sent to worker processes, so it must be small and picklable."""

    def segmenter(self, model: str, threads: int) -> Segmenter:
        """The segmenter that has this model, in this process.

        Raises:
            SAMLesionError: when there is none, or it cannot run here.
        """

    def peak_device_bytes(self) -> int | None:
        """The most memory the GPU held since the last call; None without one."""


@dataclass(frozen=True)
class Job:
    """One case for one model.

    Attributes:
        case: name of the case.
        model: name of the model.
        died: how the process that tried it before ended; then nothing is asked and only the failure
            is written down.
    """

    case: str
    model: str
    died: str = ""


@dataclass(frozen=True)
class WorkOrder:
    """Everything a worker must know before its first job.

    Attributes:
        settings: of the evaluation.
        segmenters: where models come from.
        threads: CPU threads of each worker.
    """

    settings: EvaluationSettings
    segmenters: Segmenters
    threads: int


class Worker:
    """Does job after job; the last case and all models stay loaded."""

    def __init__(self, order: WorkOrder) -> None:
        """Make ready; no weights are loaded yet.

        Raises:
            SAMLesionError: when a model is unknown, cannot run here, or can never answer this reader.
        """
        self._order = order
        self._dataset = dataset_of(order.settings)
        self._case: Case | None = None
        self._warm: set[str] = set()
        self._warming_s = 0.0
        models = order.settings.models
        self._segmenters = {model: order.segmenters.segmenter(model, order.threads) for model in models}
        self._infos = {model: model_info(self._segmenters[model], model) for model in models}
        self._readers = {model: reader_of(order.settings, info) for model, info in self._infos.items()}
        for model, info in self._infos.items():
            check_can_begin(self._readers[model], info)
        check_organ(order.settings.organ, self._infos.values())

    def run(self, job: Job) -> CaseOutcome:
        """The outcome of one job."""
        start = perf_counter()
        reset_peak_memory()
        self._warming_s = 0.0
        outcome = self._outcome(job)
        first = next(at for at, row in enumerate(outcome.rows) if row.is_whole_case)
        gpu_bytes = self._order.segmenters.peak_device_bytes()
        costs: dict[str, Any] = {
            "wall_s": perf_counter() - start - self._warming_s,
            "peak_memory_mb": peak_memory_bytes() / 1e6,
            "peak_device_mb": None if gpu_bytes is None else gpu_bytes / 1e6,
        }
        rows = [replace(row, **costs) if at == first else row for at, row in enumerate(outcome.rows)]
        return replace(outcome, rows=tuple(rows))

    def _outcome(self, job: Job) -> CaseOutcome:
        settings = self._order.settings
        try:
            case = self._load(job.case)
        except SAMLesionError as refused:
            return unread_case(job.case, job.model, settings, "case", str(refused))
        reader = self._readers[job.model]
        if job.died:
            return failed_case(case, job.model, len(reader.prompt_kinds), settings, "killed", job.died)
        segmenter, info = self._segmenters[job.model], self._infos[job.model]
        self._warm_up(segmenter, info)
        try:
            return evaluate_case(case, segmenter, info, reader, settings)
        finally:  # the next model may share an engine, and must not find what this one computed
            segmenter.unload_volume(case.volume.volume_id)

    def _warm_up(self, segmenter: Segmenter, info: ModelInfo) -> None:
        if info.name not in self._warm:
            start = perf_counter()
            warm_up(segmenter, info)
            self._warm.add(info.name)
            self._warming_s = perf_counter() - start

    def _load(self, name: str) -> Case:
        if self._case is None or self._case.name != name:
            self._case = None  # two cases at once may not fit
            self._case = self._dataset.load(name)
        return self._case


def dataset_of(settings: EvaluationSettings) -> Dataset:
    """The data set of an evaluation."""
    return open_dataset(
        Path(settings.dataset),
        label=settings.label,
        channel=settings.channel,
        components=settings.components,
        least_ml=settings.least_ml,
        least_voxels=settings.least_voxels,
        layout=settings.layout,
    )


def reader_of(settings: EvaluationSettings, info: ModelInfo) -> Reader:
    """The reader of an evaluation for a model; one that repeats what was recorded when a run is replayed."""
    reader = simulated_reader(settings)
    if settings.replay_of:
        return RecordedReader.of(reader, Path(settings.replay_of), info.name)
    return FittingReader(reader, info, settings.organ)


def simulated_reader(settings: EvaluationSettings) -> Reader:
    """The reader that the settings name.

    Raises:
        InputError: when there is no such reader, or an option does not fit it.
    """
    return find_reader(
        settings.reader,
        clicks=settings.clicks,
        jitter=settings.jitter,
        every=settings.every,
        in_plane=settings.in_plane,
    )


def model_info(segmenter: Segmenter, model: str) -> ModelInfo:
    """What a model understands.

    Raises:
        UnknownModel: when the segmenter has none of this name.
    """
    known = {info.name: info for info in segmenter.models()}
    if model not in known:
        raise UnknownModel(f"There is no model {model!r}. The models are {', '.join(known)}.")
    return known[model]


def check_can_begin(reader: Reader, info: ModelInfo) -> None:
    """Refuse a reader whose very first prompts a model does not understand.

    Raises:
        PromptError: naming both.
    """
    drawn = reader.prompt_kinds[0]
    if not drawn <= info.prompts:
        raise PromptError(
            f"The reader {reader.name} begins with {' and '.join(sorted(drawn))} prompts, and {info.name} "
            f"takes {', '.join(sorted(info.prompts))}. Choose another reader, or leave {info.name} out."
        )


def check_organ(word: str, infos: Collection[ModelInfo]) -> None:
    """Refuse an organ's word that no model takes.

    Raises:
        PromptError: naming the models.
    """
    if word and not any(OrganPrompt.kind in info.prompts for info in infos):
        names = ", ".join(info.name for info in infos)
        raise PromptError(
            f"The organ {word} was given, but no model here takes one, got {names}. Leave out --organ."
        )


def jobs_of(cases: Sequence[str], models: Sequence[str], done: set[tuple[str, str]]) -> list[list[Job]]:
    """What is left to do: for each case its models, so that one worker reads the case once."""
    left = [[Job(case, model) for model in models if (case, model) not in done] for case in cases]
    return [jobs for jobs in left if jobs]
