"""How long the host keeps the viewer waiting in a 512 x 512 x 300 scan that already holds 40 lesions.

Run `python benchmarks/host_write.py` (needs the extra `slicer`). One answer is a block of 64 x 96 x 96
voxels. Aims: 15 ms to show it, 50 ms to undo it, 20 ms to draw the list of lesions. For comparison the same
block goes through Slicer's editor logic with its undo state, into segments that share one labelmap, as the
Segment Editor would do it. Times are those on the clock, and those of the viewer's thread on its core, which
other programs do not disturb.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.segments import LesionSegments, create_segmentation
from SAMLesionLib.host.session import Session
from SAMLesionLib.masks import MaskUpdate, RunReport
from SAMLesionLib.prompts import BoxPrompt
from SAMLesionLib.protocol import ModelInfo, SegmentRequest
from SAMLesionLib.volume import Volume

SHAPE_IJK = (512, 512, 300)
Times = tuple[float, float]
BLOCK = IndexBox((200, 210, 100), (296, 306, 164))


class OneBlock:
    """A segmenter that answers at once, each time with other voxels."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self._masks = [random.random(BLOCK.shape_kji) < 0.5 for _ in range(4)]
        self._n = 0
        self.has_answered = threading.Event()

    def models(self) -> tuple[ModelInfo, ...]:
        """None that could be asked ahead."""
        return ()

    def load_volume(self, volume: Volume) -> str:
        """Needs no voxels."""
        return "scan"

    def unload_volume(self, volume_id: str) -> None:
        """Holds none."""

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        """One block of noise, the worst case for what packs masks."""
        self._n += 1
        report = RunReport("block", "", "cpu", "float32", "", 0.0, 0.0, 0)
        yield MaskUpdate(BLOCK, self._masks[self._n % len(self._masks)], report=report)
        self.has_answered.set()  # the update was taken over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--segments", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    with HeadlessHost() as host:
        node, volume = scan_with_lesions(host.scene, options.segments)
        print(f"{options.segments} lesions, half of them accepted, {' x '.join(map(str, SHAPE_IJK))} voxels")
        print(f"  {'':<44} {'clock':>11} {'thread':>11}")
        for name, times in our_times(node, volume, options.repeats).items():
            say(name, *times)
        segments = LesionSegments(node, volume)
        node.GetSegmentation().MergeSegmentLabelmaps(segments.segment_ids)
        say("first write in a shared labelmap, once", *once_ms(first_in_shared(segments)))
        node.GetSegmentation().MergeSegmentLabelmaps(segments.segment_ids)
        editor = editor_action(host.scene, segments)
        say("an answer through the editor logic", *median([once_ms(editor) for _ in range(4)]))


def say(name: str, clock_ms: float, thread_ms: float) -> None:
    print(f"  {name:<44} {clock_ms:8.2f} ms {thread_ms:8.2f} ms")


def scan_with_lesions(scene: object, n: int) -> tuple[object, object]:
    image = vtk.vtkImageData()
    image.SetDimensions(*SHAPE_IJK)
    image.AllocateScalars(vtk.VTK_SHORT, 1)
    image.GetPointData().GetScalars().Fill(0)
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "scan")
    volume.SetAndObserveImageData(image)
    node = create_segmentation(scene, volume)
    session = Session.open(OneBlock(), volume, node)
    segments = session.controller.segments
    for number in range(n):
        start = (60 * (number % 8), 90 * (number // 8), 7 * number % 270)
        block = IndexBox(start, tuple(np.add(start, (50, 60, 25))))
        segments.write(session.controller.add_lesion(), block, np.ones(block.shape_kji, bool))
    for lesion in session.annotation.snapshot.lesions[1::2]:
        session.controller.accept(lesion.lesion_id)
    session.pump()
    session.close()
    return node, volume


def our_times(node: object, volume: object, repeats: int) -> dict[str, Times]:
    """What the viewer's thread waits for, the median of several."""
    segmenter = OneBlock()
    session = Session.open(segmenter, volume, node)
    times: dict[str, list[Times]] = {}

    def take(name: str, action: Callable[[], object]) -> None:
        times.setdefault(name, []).append(once_ms(action))

    wait_for_sizes(session)
    for n in range(repeats + 1):
        session.annotation.add_prompt("lesion_1", BoxPrompt(BLOCK.shift((n, 0, 0))))
        segmenter.has_answered.clear()
        session.controller.pump()
        segmenter.has_answered.wait()
        time.sleep(0.02)
        take("show an answer (write, protect, remember)", session.controller.pump)
        assert not session.controller.is_busy
        take("draw the list after it (measured elsewhere)", session.table.rows)
        wait_for_sizes(session)
        take("draw the list when nothing has changed", session.table.rows)
        take("undo it", session.controller.undo)
        take("redo it", session.controller.redo)
        take("a turn of the timer with nothing to do", session.pump)
    session.close()
    return {name: median(values) for name, values in times.items()}


def wait_for_sizes(session: Session) -> None:
    session.table.rows()
    while session.table.is_measuring:
        time.sleep(0.005)
        session.pump()


def first_in_shared(segments: LesionSegments) -> Callable[[], None]:
    mask = np.ones(BLOCK.shape_kji, bool)
    return lambda: segments.write("lesion_3", BLOCK, mask)


def editor_action(scene: object, segments: LesionSegments) -> Callable[[], None]:
    logic = slicer.vtkSlicerSegmentEditorLogic()
    logic.SetMRMLScene(scene)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    logic.SetSegmentEditorNode(node)
    logic.SetSegmentationNode(segments.node)
    logic.SetSourceVolumeNode(segments.volume_node)
    logic.SetCurrentSegmentID("lesion_1")
    logic.UpdateReferenceGeometryImage()
    mask = np.random.default_rng(0).random(BLOCK.shape_kji) < 0.5

    def show() -> None:
        logic.SaveStateForUndo()
        logic.ResetModifierLabelmapToDefault()
        labelmap = logic.GetModifierLabelmap()
        scalars = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(SHAPE_IJK[::-1])
        scalars[BLOCK.slices_kji()] = mask
        labelmap.Modified()
        everywhere = [0, -1, 0, -1, 0, -1]
        logic.ModifySegmentByLabelmap(
            segments.node, "lesion_1", labelmap, logic.ModificationModeSet, everywhere, True, False
        )

    return show


def median(times: list[Times]) -> Times:
    """Of all but the first, which finds nothing prepared."""
    clock_ms, thread_ms = np.median(times[1:], axis=0)
    return float(clock_ms), float(thread_ms)


def once_ms(action: Callable[[], object]) -> Times:
    """Milliseconds on the clock, and of this thread on its core."""
    began, thread_began = time.perf_counter(), time.thread_time()
    action()
    return 1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - thread_began)


if __name__ == "__main__":
    main()
