"""How long it takes to show one result in a 512 x 512 x 300 scan that already holds 40 segments.

Run `python -m benchmarks.host_write` (needs the extra `slicer`). The aim is 15 ms for one block of
64 x 96 x 96 voxels, undo included. For comparison the same block goes through Slicer's editor logic with its
undo state, into segments that share one labelmap, as the Segment Editor would do it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.segments import LesionSegments, create_segmentation
from SAMLesionLib.host.shown import ShownLesions
from SAMLesionLib.lesions import Lesion
from SAMLesionLib.packed_masks import PackedMask

SHAPE_IJK = (512, 512, 300)
BLOCK = IndexBox((200, 210, 100), (296, 306, 164))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--segments", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    with HeadlessHost() as host:
        segments = LesionSegments(*scan_with_lesions(host.scene, options.segments))
        print(f"{options.segments} segments, half of them accepted, {' x '.join(map(str, SHAPE_IJK))} voxels")
        for name, action in our_actions(segments).items():
            print(f"  {name:<44} {median_ms(action, options.repeats):8.2f} ms")
        ids = segments.segment_ids
        segments.node.GetSegmentation().MergeSegmentLabelmaps(ids)
        print(
            f"  {'first result in a shared labelmap, once':<44} {once_ms(first_in_shared(segments)):8.2f} ms"
        )
        segments.node.GetSegmentation().MergeSegmentLabelmaps(ids)
        editor = editor_action(host.scene, segments)
        print(f"  {'the same through the editor logic':<44} {median_ms(editor, 3):8.2f} ms")


def scan_with_lesions(scene: object, n: int) -> tuple[object, object]:
    image = vtk.vtkImageData()
    image.SetDimensions(*SHAPE_IJK)
    image.AllocateScalars(vtk.VTK_SHORT, 1)
    image.GetPointData().GetScalars().Fill(0)
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "scan")
    volume.SetAndObserveImageData(image)
    node = create_segmentation(scene, volume)
    segments = LesionSegments(node, volume)
    for number in range(n):
        start = (60 * (number % 8), 90 * (number // 8), 7 * number % 270)
        block = IndexBox(start, tuple(np.add(start, (50, 60, 25))))
        segment_id = segments.add(f"lesion_{number + 1}")
        segments.write(segment_id, block, np.ones(block.shape_kji, bool))
        if number % 2:
            segments.accept(segment_id)
    return node, volume


def our_actions(segments: LesionSegments) -> dict[str, Callable[[], None]]:
    random = np.random.default_rng(0)
    masks = [random.random(BLOCK.shape_kji) < 0.5 for _ in range(2)]
    packed = [PackedMask.of(mask, BLOCK.start_ijk) for mask in masks]
    shown = ShownLesions(segments)
    shown.add(Lesion("lesion_1", "Lesion 1"))
    state = {"n": 0}

    def show() -> None:
        state["n"] += 1
        shown.preview("lesion_1", BLOCK, masks[state["n"] % 2])
        shown.settle("lesion_1")

    def go_back() -> None:
        state["n"] += 1
        shown.put("lesion_1", packed[state["n"] % 2])

    return {
        "show a result (write, protect, remember)": show,
        "undo or redo it": go_back,
        "write the block alone": lambda: segments.write("lesion_1", BLOCK, masks[0]),
        "find the protected voxels alone": lambda: segments.protected(BLOCK, "lesion_1"),
    }


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

    def show() -> None:
        logic.SaveStateForUndo()
        logic.ResetModifierLabelmapToDefault()
        labelmap = logic.GetModifierLabelmap()
        scalars = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(SHAPE_IJK[::-1])
        scalars[BLOCK.slices_kji()] = 1
        labelmap.Modified()
        everywhere = [0, -1, 0, -1, 0, -1]
        logic.ModifySegmentByLabelmap(
            segments.node, "lesion_1", labelmap, logic.ModificationModeSet, everywhere, True, False
        )

    return show


def median_ms(action: Callable[[], None], repeats: int) -> float:
    action()
    return float(np.median([once_ms(action) for _ in range(repeats)]))


def once_ms(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
