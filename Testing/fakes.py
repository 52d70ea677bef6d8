"""Small classes with the same `Protocol` as the real ones; they work, only more simply."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np

from SAMLesionLib.errors import UnknownModel, VolumeNotLoaded
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.masks import MaskUpdate, RunReport
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt
from SAMLesionLib.protocol import ModelInfo, SegmentRequest
from SAMLesionLib.version import __version__
from SAMLesionLib.volume import Volume

FAKE_MODEL = ModelInfo(
    name="fake",
    title="Threshold",
    summary="Thresholds the box at the middle of its grey values.",
    paper="",
    licence="Apache-2.0",
    dimensions=2,
    prompts=frozenset({"box", "mask"}),
    n_parameters=0,
    size_bytes=0,
    is_available=True,
)


class FakeSegmenter:
    """Thresholds each box at the middle of its grey values (or of the window), slice by slice along k.

    Args:
        before_slice: called with the number of the slice within the answer; may wait, raise, or end
            the process.
        keep: how many volumes to hold, the oldest is dropped first.
    """

    def __init__(self, before_slice: Callable[[int], None] = lambda n: None, keep: int = 8) -> None:
        self._before_slice, self._keep = before_slice, keep
        self.volumes: dict[str, Volume] = {}
        self.n_loads = 0
        self.n_slices = 0
        self.requests: list[SegmentRequest] = []
        self.threads: set[int] = set()
        self.was_closed_early = threading.Event()

    def models(self) -> tuple[ModelInfo, ...]:
        return (FAKE_MODEL,)

    def load_volume(self, volume: Volume) -> str:
        volume.check_usable()
        self.n_loads += 1
        self.volumes[volume.volume_id] = volume
        while len(self.volumes) > self._keep:
            del self.volumes[next(iter(self.volumes))]
        return volume.volume_id

    def unload_volume(self, volume_id: str) -> None:
        self.volumes.pop(volume_id, None)

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        self.requests.append(request)
        volume = self.volumes.get(request.volume_id)
        if volume is None:
            raise VolumeNotLoaded(f"The engine does not hold the volume {request.volume_id}. Send it.")
        if request.model != FAKE_MODEL.name:
            raise UnknownModel(f"There is no model {request.model!r}. Choose {FAKE_MODEL.name}.")
        FAKE_MODEL.check_prompts(request.prompts, self.models())
        request.prompts.check_inside(volume.shape_ijk, volume.name)
        try:
            yield from self._slices(volume, request)
        except GeneratorExit:
            self.was_closed_early.set()
            raise

    def _slices(self, volume: Volume, request: SegmentRequest) -> Iterator[MaskUpdate]:
        boxes = [p.box.intersect(volume.block) for p in request.prompts.of(BoxPrompt)]
        boxes += [p.box.intersect(volume.block) for p in request.prompts.of(MaskPrompt)]
        planes = [(box, k) for box in boxes for k in range(box.start_ijk[2], box.stop_ijk[2])]
        if not planes:
            yield MaskUpdate(IndexBox((0, 0, 0), (0, 0, 0)), np.zeros((0, 0, 0), bool), 1.0, _report(0))
        for n, (box, k) in enumerate(planes):
            self.threads.add(threading.get_ident())
            self._before_slice(n)
            self.n_slices += 1
            (i0, j0, _), (i1, j1, _) = box.start_ijk, box.stop_ijk
            low, high = request.window or _range(volume.voxels[box.slices_kji()])
            mask = volume.voxels[k : k + 1, j0:j1, i0:i1] > (low + high) / 2
            is_last = n == len(planes) - 1
            report = _report(len(planes)) if is_last else None
            yield MaskUpdate(IndexBox((i0, j0, k), (i1, j1, k + 1)), mask, (n + 1) / len(planes), report)


def a_lesion_volume(shape_kji: tuple[int, int, int] = (12, 32, 32), name: str = "phantom") -> Volume:
    """A bright ball in the middle of noise, int16, with an oblique grid."""
    grid = np.indices(shape_kji) - (np.array(shape_kji) // 2).reshape(3, 1, 1, 1)
    noise = np.random.default_rng(0).integers(0, 40, shape_kji, dtype=np.int16)
    ball = (grid**2).sum(0) < (min(shape_kji) / 3) ** 2
    matrix = np.array([[0.9, 0.1, 0, -20], [-0.1, 0.9, 0, 5], [0, 0, 2.5, 100], [0, 0, 0, 1]])
    return Volume((noise + 200 * ball).astype(np.int16), Affine(matrix), name, "CT")


def _range(voxels: np.ndarray) -> tuple[float, float]:
    return float(voxels.min()), float(voxels.max())


def _report(n_slices: int) -> RunReport:
    return RunReport("fake", "", "cpu", "float32", __version__, 0.0, 0.0, n_slices)
