"""What the reader's hands do in the views, through the panel: a box in 3D, a brush, a DICOM file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import dicom_exporter
import numpy as np
import pytest
from panel_fixtures import Reader
from slicer_host.hands import Mouse, pixel_of

from SAMLesionLib.prompts import BoxPrompt, MaskPrompt

BALL = ((19, 19), (41, 41), 7)
SECOND = ((24, 52), (44, 72), 7)


def place(reader: Reader, *points_ijk: tuple[float, float, float]) -> list[tuple[float, float]]:
    """Where in the red view, which shows their slice, these voxels are, in pixels."""
    widget = reader.show(int(points_ijk[0][2]))
    return [pixel_of(widget, reader._ras(*point)) for point in points_ijk]


def red_mouse() -> Mouse:
    import slicer

    return Mouse(slicer.app.layoutManager().sliceWidget("Red").sliceView())


def test_two_clicks_place_a_box_through_several_slices(a_reader_with_a_scan: Reader) -> None:
    import slicer

    reader = a_reader_with_a_scan
    reader.ui.box3dButton.click()
    for pixel in place(reader, (18, 18, 7), (42, 42, 7)):
        red_mouse().click(pixel)
    reader.waitForMask()
    (lesion,) = reader.lesions
    (prompt,) = lesion.prompts.prompts
    assert isinstance(prompt, BoxPrompt)
    assert prompt.box.shape_ijk[2] > 3, "it is as deep as it is wide, in millimetres"
    mask = reader.voxels(lesion.lesion_id)
    assert mask.any(axis=(1, 2)).sum() > 3
    assert reader.ui.box3dButton.checked, "the next box can be placed"
    reader.ui.box3dButton.click()
    rois = slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")
    assert [roi.GetName() for roi in rois] == ["Prompt (box)"], "only the lesion's own box is left"


def test_a_box_in_3d_that_is_given_up_leaves_nothing(a_reader_with_a_scan: Reader) -> None:
    import slicer

    reader = a_reader_with_a_scan
    reader.ui.box3dButton.click()
    red_mouse().click(place(reader, (18, 18, 7))[0])
    reader.ui.box3dButton.click()
    assert reader.lesions == ()
    assert not slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform


def test_a_face_of_the_box_is_pulled_and_the_mask_follows(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.boxButton.click()
    (node,) = (node for node in reader.panel._promptNodes.nodes if node is not None)
    before = reader.lesions[0].prompts.prompts[0]
    node.SetSize(*np.multiply(node.GetSize(), (0.5, 1, 1)))
    node.InvokeEvent(node.PointEndInteractionEvent)  # as the views do when a handle is let go
    reader.waitForMask()
    after = reader.lesions[0].prompts.prompts[0]
    assert after.box.n_voxels < before.box.n_voxels
    assert reader.lastQuestion.prompts.prompts == (after,)


def test_a_stroke_of_the_brush_joins_the_next_request(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*SECOND)
    reader.ui.acceptButton.click()
    reader.drawBox(*BALL)
    accepted, lesion = (x.lesion_id for x in reader.lesions)
    neighbour, before = reader.voxels(accepted), reader.voxels(lesion)
    reader.ui.editButton.click()
    paint(reader, (30, 46, 7), diameter_mm=14)
    reader.waitForMask()

    painted = reader.voxels(lesion)
    assert painted[7, 46, 30]
    assert (painted & ~before).sum() > 50
    assert np.array_equal(reader.voxels(accepted), neighbour), "a stroke reaches no accepted lesion"
    assert not (painted & neighbour).any()
    assert np.array_equal(reader.lesions[1].edit.unpack().sum(), painted.sum())

    reader.drawBox(*BALL)
    box, mask, again = reader.lastQuestion.prompts.prompts
    assert (type(box), type(mask), type(again)) == (BoxPrompt, MaskPrompt, BoxPrompt)
    assert mask.mask.sum() == painted.sum()
    reader.ui.undoButton.click()
    assert np.array_equal(reader.voxels(lesion), painted)
    reader.ui.undoButton.click()
    assert np.array_equal(reader.voxels(lesion), before)


def paint(reader: Reader, point_ijk: tuple[float, float, float], diameter_mm: float) -> None:
    """Take the embedded editor's brush, and click with it."""
    editor = reader.panel.edit._editor
    editor.setActiveEffectByName("Paint")
    editor.activeEffect().setCommonParameter("BrushDiameterIsRelative", 0)
    editor.activeEffect().setCommonParameter("BrushAbsoluteDiameter", diameter_mm)
    red_mouse().click(place(reader, point_ijk)[0])


@pytest.fixture
def an_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "DICOMSegmentationPlugin", dicom_exporter)


@pytest.mark.usefixtures("an_exporter")
def test_a_dicom_scan_gets_its_lesions_beside_it(a_reader_with_a_scan: Reader, tmp_path: Path) -> None:
    import slicer

    reader = a_reader_with_a_scan
    study = put_into_a_study(reader.volume)
    reader.drawBox(*BALL)
    reader.ui.newLesionButton.click()
    begin_without_a_mask(reader)
    object.__setattr__(reader.panel._services, "chooseFolder", lambda: str(tmp_path))
    reader.ui.exportDicomButton.click()
    assert str(tmp_path) in reader.ui.exportStatusLabel.text
    written = json.loads((tmp_path / "subject_hierarchy_export.SEG.json").read_text())
    assert (written["study"], written["instances"]) == (study, "1.2.3.1 1.2.3.2")
    (segment,) = written["segments"]
    assert segment["label"] == reader.lesions[0].name, "the lesion without a mask is left out"
    assert segment["algorithm"] == "SEMIAUTOMATIC"
    assert segment["name"].startswith("SAMLesion")
    assert segment["type"].endswith("Mass")
    assert len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode")) == 1, "the copy is gone again"


@pytest.mark.usefixtures("an_exporter")
def test_a_scan_from_elsewhere_is_not_put_into_a_study(a_reader_with_a_scan: Reader, tmp_path: Path) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    object.__setattr__(reader.panel._services, "chooseFolder", lambda: str(tmp_path))
    reader.ui.exportDicomButton.click()
    assert "does not come from DICOM" in reader.ui.statusLabel.text
    assert list(tmp_path.glob("*.json")) == []


def put_into_a_study(volume: Any) -> str:
    """Make a volume look as if Slicer had loaded it from its DICOM database; returns the study's UID."""
    import slicer

    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Doe")
    study = hierarchy.CreateStudyItem(patient, "CT")
    hierarchy.SetItemUID(study, "DICOM", "1.2.3")
    item = hierarchy.GetItemByDataNode(volume)
    hierarchy.SetItemParent(item, study)
    hierarchy.SetItemUID(item, "DICOM", "1.2.3.0")
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3.1 1.2.3.2")
    return "1.2.3"


def begin_without_a_mask(reader: Reader) -> None:
    reader.session.controller.add_lesion()
    reader.panel.tick()
