"""A reader in front of a controller, for tests: draws boxes, paints, waits for masks, looks at them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
from fakes import FakeSegmenter
from mrml_cases import SHAPE_KJI, make_volume

from SAMLesionLib.events import LesionEvent, WorkFailed
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.controller import Controller
from SAMLesionLib.host.dispatch import Dispatch, Job
from SAMLesionLib.host.labelmaps import image_of_block
from SAMLesionLib.host.markups import roi_around
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.segments import LesionSegments, create_segmentation
from SAMLesionLib.host.volumes import volume_from_node
from SAMLesionLib.masks import collect
from SAMLesionLib.prompts import BoxPrompt, PromptSet
from SAMLesionLib.protocol import SegmentRequest

A_BOX, B_BOX = IndexBox((2, 3, 1), (7, 9, 5)), IndexBox((4, 2, 3), (11, 8, 8))
LONG_S = 20.0


def a_noisy_volume(scene):
    """Any box holds voxels on both sides of its middle grey; a ROI can follow the grid."""
    voxels = np.random.default_rng(5).integers(0, 1000, SHAPE_KJI, dtype=np.int16)
    return make_volume(scene, voxels, np.diag([-0.8, -0.9, 2.5, 1.0]))


def settle(controller: Controller, is_settled: Callable[[], bool] = lambda: True) -> None:
    """Pump until no mask is on its way."""
    tick = threading.Event()
    for _ in range(int(LONG_S / 0.001)):
        controller.pump()
        if not controller.is_busy and is_settled():
            return
        tick.wait(0.001)
    raise AssertionError("work never ended")


class WithoutThread(Dispatch):
    """Does the work of its thread when it is pumped: nobody waits, and it goes the same way each time."""

    def start(self, job: Job) -> None:
        self.cancel(job.key)
        self._alive[job.key] = job
        self._waiting.append(job)

    def pump(self, budget_s: float | None = None) -> int:
        while self._waiting:
            self._run(self._waiting.pop())
        return super().pump(budget_s)


class Reader:
    """A controller with what a test needs to drive it and to look at it."""

    def __init__(
        self, scene: Any, volume: Any, segmenter: Any, node: Any = None, dispatch: Dispatch | None = None
    ) -> None:
        self.scene, self.volume, self.segmenter = scene, volume, segmenter
        self.segments = LesionSegments(node or create_segmentation(scene, volume), volume)
        self.controller = Controller(segmenter, self.segments, Parameters("fake"), dispatch)
        self.annotation = self.controller.annotation
        self.told: list[LesionEvent] = []
        self.failures: list[WorkFailed] = []
        self.controller.annotation.changed.connect(self.told.append)
        self.controller.failed.connect(self.failures.append)

    def draw(self, lesion: str, box: IndexBox) -> None:
        self.controller.add_markup(roi_around(self.scene, box, self.volume), lesion)

    def settle(self, is_settled: Callable[[], bool] = lambda: True) -> None:
        settle(self.controller, is_settled)

    def expected(self, *boxes: IndexBox) -> np.ndarray:
        scan = volume_from_node(self.volume)
        fake = FakeSegmenter()
        request = SegmentRequest(fake.load_volume(scan), "fake", PromptSet(tuple(map(BoxPrompt, boxes))))
        return collect(fake.segment(request), scan.shape_ijk)[0]

    def drawn(self, *boxes: IndexBox) -> str:
        """A new lesion with the mask of these boxes."""
        lesion = self.controller.add_lesion()
        for box in boxes:
            self.draw(lesion, box)
        self.settle()
        return lesion

    def paint(self, segment_id: str, box: IndexBox, value: bool = True) -> None:
        """What the Segment Editor does: a stroke goes into the labelmap, whatever the segment's status."""
        segment = self.segments.segment(segment_id)
        mask = self.segments.read(segment_id)
        mask[box.slices_kji()] = value
        grid = self.segments._grid
        whole = IndexBox.whole(SHAPE_KJI[::-1])
        image = image_of_block(grid, whole, mask)
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        assert logic.SetBinaryLabelmapToSegment(image, self.segments.node, segment_id, logic.MODE_REPLACE)
        assert segment is self.segments.segment(segment_id)

    def masks(self) -> dict[str, bytes]:
        """Every segment's voxels, to be compared."""
        return {i: self.segments.read(i).tobytes() for i in self.segments.segment_ids}


class Interrupted:
    """A reader who sees half of an answer, while the engine waits at the third slice for `go_on`.

    Attributes:
        reader: the reader.
        lesion: the lesion whose mask is on its way.
    """

    def __init__(self, scene: Any, volume: Any) -> None:
        self._began, self._may_go_on = threading.Event(), threading.Event()
        self.reader = Reader(scene, volume, FakeSegmenter(self._wait))
        self.lesion = self.reader.controller.add_lesion()
        self.reader.draw(self.lesion, A_BOX)
        assert self._began.wait(LONG_S)
        self.reader.controller.pump()
        assert self.reader.segments.read(self.lesion).any()

    def go_on(self) -> None:
        """Let the engine work again."""
        self._may_go_on.set()

    def _wait(self, n: int) -> None:
        if n == 2:
            self._began.set()
            assert self._may_go_on.wait(LONG_S)
