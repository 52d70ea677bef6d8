"""The Segment Editor's stand-in edits real segments, by Slicer's own rules of masking and undo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slicer_host.hands import Mouse, pixel_of


@pytest.fixture
def a_volume(a_slicer: Any) -> Any:
    import slicer

    node = slicer.util.addVolumeFromArray(np.zeros((10, 32, 32), np.int16), name="CT")
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


@pytest.fixture
def a_segmentation(a_slicer: Any, a_volume: Any) -> Any:
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(a_volume)
    for segment_id in ("one", "two"):
        node.GetSegmentation().AddEmptySegment(segment_id, segment_id)
    return node


@pytest.fixture
def an_editor(a_slicer: Any, a_segmentation: Any, a_volume: Any) -> Any:
    import slicer

    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    editor.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.setSegmentationNode(a_segmentation)
    editor.setSourceVolumeNode(a_volume)
    editor.setCurrentSegmentID("one")
    editor.setupViewObservations()
    yield editor
    editor.removeViewObservations()


def mask(segmentation: Any, segment_id: str, volume: Any) -> np.ndarray:
    import slicer

    return slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment_id, volume)


def paint(effect: str, editor: Any, place_ras: tuple[float, float, float]) -> None:
    import slicer

    editor.setActiveEffectByName(effect)
    editor.activeEffect().setCommonParameter("BrushDiameterIsRelative", 0)
    editor.activeEffect().setCommonParameter("BrushAbsoluteDiameter", 6)
    red = slicer.app.layoutManager().sliceWidget("Red")
    red.mrmlSliceNode().JumpSlice(*place_ras)
    Mouse(red.sliceView()).click(pixel_of(red, place_ras))


PLACE = (16.0, 16.0, 5.0)


def test_a_click_with_the_brush_paints_a_disk_in_the_slice(
    an_editor: Any, a_segmentation: Any, a_volume: Any
) -> None:
    paint("Paint", an_editor, PLACE)
    painted = mask(a_segmentation, "one", a_volume)
    assert set(np.argwhere(painted)[:, 0]) == {5}
    assert 20 <= painted.sum() <= 32  # a disk of 6 mm has 28 square millimetres


def test_undo_and_redo_bring_the_stroke_away_and_back(
    an_editor: Any, a_segmentation: Any, a_volume: Any
) -> None:
    paint("Paint", an_editor, PLACE)
    count = mask(a_segmentation, "one", a_volume).sum()
    an_editor.undo()
    assert mask(a_segmentation, "one", a_volume).sum() == 0
    an_editor.redo()
    assert mask(a_segmentation, "one", a_volume).sum() == count


def test_the_eraser_takes_off(an_editor: Any, a_segmentation: Any, a_volume: Any) -> None:
    paint("Paint", an_editor, PLACE)
    paint("Erase", an_editor, PLACE)
    assert mask(a_segmentation, "one", a_volume).sum() == 0


def test_a_mask_of_the_editor_node_protects_other_segments(
    an_editor: Any, a_segmentation: Any, a_volume: Any
) -> None:
    node = an_editor.mrmlSegmentEditorNode()
    paint("Paint", an_editor, PLACE)
    before = mask(a_segmentation, "one", a_volume)
    node.SetMaskMode(a_segmentation.EditAllowedOutsideAllSegments)
    an_editor.setCurrentSegmentID("two")
    paint("Paint", an_editor, (18.0, 16.0, 5.0))
    assert np.array_equal(mask(a_segmentation, "one", a_volume), before)
    assert mask(a_segmentation, "two", a_volume).sum() > 0
    assert not (mask(a_segmentation, "two", a_volume) & before).any()


def test_a_click_is_the_views_own_without_an_effect(
    an_editor: Any, a_segmentation: Any, a_volume: Any
) -> None:
    paint("Paint", an_editor, PLACE)
    before = mask(a_segmentation, "one", a_volume)
    paint("Scissors", an_editor, (10.0, 10.0, 5.0))
    assert np.array_equal(mask(a_segmentation, "one", a_volume), before)


def test_a_choice_without_an_editor_node_is_refused(a_slicer: Any, a_segmentation: Any) -> None:
    import slicer

    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    with pytest.raises(RuntimeError, match="setMRMLSegmentEditorNode"):
        editor.setSegmentationNode(a_segmentation)


def test_the_table_follows_the_segments(a_slicer: Any, a_segmentation: Any) -> None:
    import slicer

    table = slicer.qMRMLSegmentsTableView()
    table.setMRMLScene(slicer.mrmlScene)
    table.setSegmentationNode(a_segmentation)
    chosen = []
    table.connect(
        "selectionChanged(QItemSelection,QItemSelection)", lambda: chosen.append(table.selectedSegmentIDs())
    )
    table.setSelectedSegmentIDs(["two"])
    a_segmentation.GetSegmentation().GetSegment("two").SetName("Liver lesion")
    assert table.segmentCount == 2
    assert table.selectedSegmentIDs() == ("two",)
    assert table.tableWidget().item(1, 2).text() == "Liver lesion"
    assert chosen[0] == ("two",)
