"""`slicer.util` loads and saves nodes and scenes as it does in Slicer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def a_volume(a_slicer: Any) -> Any:
    import slicer

    return slicer.util.addVolumeFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4), name="CT")


def test_a_volume_is_saved_loaded_and_shown(a_slicer: Any, a_volume: Any, tmp_path: Path) -> None:
    import slicer

    assert slicer.util.saveNode(a_volume, str(tmp_path / "scan.nrrd"))
    loaded = slicer.util.loadVolume(str(tmp_path / "scan.nrrd"))
    assert np.array_equal(slicer.util.arrayFromVolume(loaded), slicer.util.arrayFromVolume(a_volume))
    assert slicer.app.applicationLogic().GetSelectionNode().GetActiveVolumeID() == loaded.GetID()


def test_a_segmentation_is_saved_and_loaded(a_slicer: Any, a_volume: Any, tmp_path: Path) -> None:
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetReferenceImageGeometryParameterFromVolumeNode(a_volume)
    segment_id = node.GetSegmentation().AddEmptySegment("a", "Lesion")
    slicer.util.updateSegmentBinaryLabelmapFromArray(np.ones((2, 3, 4), np.uint8), node, segment_id, a_volume)
    assert slicer.util.saveNode(node, str(tmp_path / "lesions.seg.nrrd"))
    loaded = slicer.util.loadSegmentation(str(tmp_path / "lesions.seg.nrrd"))
    assert loaded.GetSegmentation().GetNthSegment(0).GetName() == "Lesion"


def test_a_scene_is_saved_and_loaded_in_place_of_the_old_one(
    a_slicer: Any, a_volume: Any, tmp_path: Path
) -> None:
    import slicer

    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    a_volume.SetName("renamed")
    slicer.util.loadScene(str(tmp_path / "scene.mrb"), {"clear": True})
    assert [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")] == ["CT"]


def test_a_file_that_is_none_raises_as_in_slicer(
    a_slicer: Any, tmp_path: Path, expects_vtk_errors: None
) -> None:
    import slicer

    with pytest.raises(RuntimeError, match="Failed to load node"):
        slicer.util.loadVolume(str(tmp_path / "missing.nrrd"))


def test_new_data_has_an_item_in_the_subject_hierarchy(a_slicer: Any, a_volume: Any) -> None:
    import slicer

    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    assert hierarchy.GetItemByDataNode(a_volume)
    hidden = slicer.mrmlScene.CreateNodeByClass("vtkMRMLMarkupsFiducialNode")
    hidden.UnRegister(None)
    hidden.HideFromEditorsOn()
    slicer.mrmlScene.AddNode(hidden)
    assert not hierarchy.GetItemByDataNode(hidden)
    count = hierarchy.GetNumberOfItems()
    slicer.mrmlScene.RemoveNode(a_volume)
    assert hierarchy.GetNumberOfItems() == count - 1
