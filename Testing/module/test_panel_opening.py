"""A scan whose lesions take long to read: the panel stays awake, and what happens meanwhile is no harm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from panel_fixtures import Reader, makeScan

BALL = ((19, 19), (41, 41), 7)
SECOND = ((24, 52), (44, 72), 7)


@pytest.fixture
def a_scan_with_lesions(a_reader_with_a_scan: Reader, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A reader who has left a scan with two lesions in one layer, and reads slowly from now on."""
    from SAMLesionQt import session_keeper

    reader = a_reader_with_a_scan
    for box in (BALL, SECOND):
        reader.ui.newLesionButton.click()
        reader.drawBox(*box)
    node = reader.session.controller.segments.node
    reader.ui.volumeSelector.setCurrentNode(None)
    assert reader.session is None
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    monkeypatch.setattr(session_keeper, "READ_S", 0.0)
    return reader


def test_lesions_are_read_in_turns_and_then_are_there(a_scan_with_lesions: Reader) -> None:
    reader = a_scan_with_lesions
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    assert reader.session is None
    assert "Reading the lesions" in reader.ui.statusLabel.text
    assert not reader.ui.boxButton.enabled
    reader.wait(lambda: reader.session is not None)
    assert [len(lesion.prompts) for lesion in reader.lesions] == [1, 1]
    assert all(reader.voxels(lesion.lesion_id).any() for lesion in reader.lesions)
    reader.wait(lambda: reader.ui.lesionTable.rowCount == 2)
    assert "Choose a tool" in reader.ui.statusLabel.text


def test_another_scan_can_be_chosen_while_lesions_are_read(a_scan_with_lesions: Reader) -> None:
    reader = a_scan_with_lesions
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    reader.volume = makeScan("another")
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    reader.wait(lambda: reader.session is not None)
    assert reader.session.controller.segments.volume_node is reader.volume
    assert reader.lesions == ()


def test_a_scan_that_goes_while_its_lesions_are_read_ends_the_reading(
    a_scan_with_lesions: Reader, a_slicer: Any
) -> None:
    reader = a_scan_with_lesions
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    a_slicer.scene.RemoveNode(reader.volume)
    reader.wait(lambda: not reader.panel.keeper.isOpening)
    assert reader.session is None
    assert "Load a scan" in reader.ui.statusLabel.text


def test_what_was_read_in_turns_is_what_is_written(a_scan_with_lesions: Reader, tmp_path: Any) -> None:
    from SAMLesionLib.io import read_segmentation

    reader = a_scan_with_lesions
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    reader.wait(lambda: reader.session is not None)
    reader.targets.append(str(tmp_path / "work.seg.nrrd"))
    reader.ui.exportSegmentationButton.click()
    reader.wait(lambda: reader.ui.exportStatusLabel.text.startswith("Written"))
    for segment in read_segmentation(tmp_path / "work.seg.nrrd").segments:
        mask = np.zeros(reader.voxels(segment.segment_id).shape, bool)
        mask[segment.block.slices_kji()] = segment.mask
        assert np.array_equal(mask, reader.voxels(segment.segment_id))
