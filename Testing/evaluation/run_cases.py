"""A tiny data set on the disk and fake models, small enough to evaluate in a moment."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from fakes import FAKE_MODEL, FakeSegmenter

from SAMLesionLib.datasets.dataset import open_dataset
from SAMLesionLib.evaluation.rows import Row
from SAMLesionLib.evaluation.run import run_evaluation
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.worker import Job, Worker, WorkOrder
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.masks import MaskUpdate, RunReport
from SAMLesionLib.prompts import PointPrompt
from SAMLesionLib.protocol import ModelInfo, SegmentRequest

SHAPE_KJI = (12, 24, 28)
SPACING_MM = (1.0, 1.5, 2.5)
BALLS = {"a": ((6, 8, 8, 4), (5, 17, 20, 3)), "b": ((6, 12, 14, 5),), "c": ((4, 6, 6, 3), (8, 16, 18, 4))}
"""Case by case, the lesions: centre (k, j, i) and radius in voxels."""


def a_dataset(folder: Path, cases: str = "abc") -> Path:
    """Cases of bright balls in noise, with the expert's label a little wider than what is bright."""
    for name in cases:
        rng = np.random.default_rng(ord(name))
        image = rng.integers(0, 60, SHAPE_KJI, dtype=np.int16)
        label = np.zeros(SHAPE_KJI, np.uint8)
        for *centre, radius in BALLS[name]:
            far = np.sqrt(((np.indices(SHAPE_KJI) - np.reshape(centre, (3, 1, 1, 1))) ** 2).sum(0))
            image[far < radius - 0.8] += 150
            label[far < radius] = 1
        write(folder / name / "image.nrrd", image)
        write(folder / name / "label.nrrd", label)
    return folder


def write(path: Path, voxels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(SPACING_MM)
    sitk.WriteImage(image, str(path))


class ClickedSegmenter(FakeSegmenter):
    """Thresholds the box and obeys clicks in a cube around them.

    Args:
        name: of its one model.
        prompts: the kinds of prompt it takes.
        on: what it does on a case: `fail` raises, `die` ends the process as the system would,
            `hang` never answers.
    """

    def __init__(self, name: str, prompts: frozenset[str], on: dict[str, str]) -> None:
        super().__init__()
        self._info = replace(FAKE_MODEL, name=name, prompts=prompts, takes_negative="organ" not in prompts)
        self._on = on

    def models(self) -> tuple[ModelInfo, ...]:
        return (self._info,)

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        volume = self.volumes[request.volume_id]
        self._info.check_prompts(request.prompts)
        if self._on.get(volume.name) == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._on.get(volume.name) == "hang":
            threading.Event().wait()
        if self._on.get(volume.name) == "fail":
            raise RuntimeError("the network has a hole")
        mask = np.zeros(volume.voxels.shape, bool)
        for update in self._slices(volume, request):
            update.paste(mask)
        for point in request.prompts.of(PointPrompt):
            i, j, k = (int(v) for v in point.point_ijk)
            cube = IndexBox((i - 1, j - 1, k - 1), (i + 2, j + 2, k + 2)).intersect(volume.block)
            mask[cube.slices_kji()] = point.is_positive
        report = RunReport(request.model, "", "cpu", "float32", "0", 0.0, 0.0, 1)
        yield MaskUpdate(volume.block, mask, 1.0, report)


@dataclass(frozen=True)
class FakeSegmenters:
    """`boxes` takes boxes, `clicks` takes points too; `tumours` takes points on the lesion and its organ.

    Attributes:
        on: what models do on a case, `fail`, `die` or `hang`.
    """

    on: tuple[tuple[str, str], ...] = ()

    def segmenter(self, model: str, threads: int) -> ClickedSegmenter:
        kinds = {"clicks": {"box", "point"}, "tumours": {"organ", "organ-mask", "point"}}.get(model, {"box"})
        return ClickedSegmenter(model, frozenset(kinds), dict(self.on))

    def peak_device_bytes(self) -> int | None:
        return None


class HereSlot:
    """A worker in this process."""

    def __init__(self, order: WorkOrder) -> None:
        self._worker = Worker(order)
        self.jobs: list[Job] = []

    def run(self, job: Job):
        self.jobs.append(job)
        return self._worker.run(job)

    def stop(self) -> None:
        pass


def evaluate(
    settings: EvaluationSettings, folder: Path, slots=None, on_progress=lambda done, total: None
) -> list[Row]:
    """A run in this process, or in the slots that are given."""
    dataset = open_dataset(settings.dataset)
    slots = slots or [HereSlot(WorkOrder(settings, FakeSegmenters(), 1))]
    return run_evaluation(settings, dataset, folder, slots, on_progress)


def without_times(text: str) -> list[list[str]]:
    """The lines of a `cases.csv` without what depends on the clock and the machine."""
    lines = [line.split(",") for line in text.splitlines()]
    timed = {
        at for at, name in enumerate(lines[0]) if name.endswith("_s") or name in ("seconds", "peak_memory_mb")
    }
    return [[cell for at, cell in enumerate(line) if at not in timed] for line in lines]
