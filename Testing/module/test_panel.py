"""The reader's day at the panel: real nodes, buttons and mouse, and a double in the place of the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from panel_cases import chooseItem
from panel_fixtures import Reader, makeScan

from SAMLesionLib.errors import EngineUnavailable
from SAMLesionLib.lesions import Status

BALL = ((19, 19), (41, 41), 7)
SECOND = ((24, 52), (44, 72), 7)


def test_the_panel_says_what_to_do_first(a_reader: Reader) -> None:
    assert a_reader.session is None
    assert "Load a scan" in a_reader.ui.statusLabel.text
    assert not a_reader.ui.boxButton.enabled
    assert "Choose a volume first" in a_reader.ui.boxButton.toolTip


def test_a_box_drawn_with_the_mouse_becomes_a_segment(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    (lesion,) = reader.lesions
    assert reader.voxels(lesion.lesion_id)[7, 30, 30]
    assert reader.ui.lesionTable.item(0, 1).text() == lesion.name
    assert float(reader.ui.lesionTable.item(0, 4).text()) > 0
    assert "×" in reader.ui.lesionTable.item(0, 5).text()
    assert "ready" in reader.ui.statusLabel.text
    assert reader.ui.progressFrame.isHidden()


def test_tools_that_the_model_does_not_understand_are_grey_and_say_why(a_reader_with_a_scan: Reader) -> None:
    ui = a_reader_with_a_scan.ui
    assert ui.boxButton.enabled
    assert not ui.pointPositiveButton.enabled
    assert ui.pointPositiveButton.toolTip.startswith("Threshold understands box, mask, and not this.")
    chooseItem(ui.modelSelector, 1)
    assert ui.pointPositiveButton.enabled
    assert not ui.boxButton.enabled


def test_only_one_tool_is_in_the_hand(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.ui.boxButton.click()
    reader.ui.outlineButton.click()
    assert (reader.ui.boxButton.checked, reader.ui.outlineButton.checked) == (False, True)
    reader.ui.outlineButton.click()
    assert reader.panel.drawing.tool is None
    assert not reader.ui.outlineButton.checked


def test_an_outline_drawn_with_the_mouse_becomes_a_mask_prompt(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.ui.outlineButton.click()
    angles = np.linspace(0, 6, 24)
    reader.drag(*((30 + 10 * np.cos(t), 30 + 10 * np.sin(t), 7) for t in angles))
    reader.waitForMask()
    (lesion,) = reader.lesions
    (prompt,) = lesion.prompts.prompts
    assert prompt.kind == "mask"
    assert 250 < prompt.mask.sum() < 330


def test_points_and_strokes_carry_their_sign(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.ui.autoRunCheckBox.checked = False
    chooseItem(reader.ui.modelSelector, 1)
    reader.ui.pointPositiveButton.click()
    reader.drag((30, 30, 7))
    reader.ui.pointNegativeButton.click()
    reader.drag((10, 10, 7))
    (lesion,) = reader.lesions
    first, second = lesion.prompts.prompts
    assert (first.is_positive, second.is_positive) == (True, False)
    assert np.allclose(first.point_ijk, (30, 30, 7), atol=0.5)


def test_after_acceptance_the_next_box_begins_another_lesion(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.acceptButton.click()
    assert reader.lesions[0].is_accepted
    before = reader.voxels(reader.lesions[0].lesion_id)
    reader.drawBox(*SECOND)
    assert len(reader.lesions) == 2
    assert np.array_equal(before, reader.voxels(reader.lesions[0].lesion_id))
    assert reader.panel.desk.lesionId == reader.lesions[1].lesion_id


def test_a_second_prompt_refines_the_chosen_lesion(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.drawBox(*SECOND)
    (lesion,) = reader.lesions
    assert len(lesion.prompts) == 2
    assert reader.ui.promptList.count == 2
    assert reader.ui.lesionTable.item(0, 7).text() == "2"


def test_new_lesion_takes_the_next_prompt(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.newLesionButton.click()
    assert len(reader.lesions) == 1, "no empty lesion is left behind by the button"
    reader.drawBox(*SECOND)
    assert len(reader.lesions) == 2


def test_undo_and_redo_take_prompts_and_masks_together(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    assert not reader.ui.undoButton.enabled
    reader.drawBox(*BALL)
    mask = reader.voxels(reader.lesions[0].lesion_id)
    reader.ui.undoButton.click()
    reader.ui.undoButton.click()
    assert reader.lesions == ()
    assert not reader.ui.undoButton.enabled
    reader.ui.redoButton.click()
    reader.ui.redoButton.click()
    reader.waitForMask()
    assert np.array_equal(mask, reader.voxels(reader.lesions[0].lesion_id))


def test_a_refused_prompt_is_told_and_leaves_no_lesion(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.ui.boxButton.click()
    reader.drag((30, 30, 7))
    assert reader.lesions == ()
    assert "box" in reader.ui.statusLabel.text.lower()


def test_states_are_shown_filtered_and_taken_back(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.newLesionButton.click()
    reader.drawBox(*SECOND)
    reader.ui.flagButton.click()
    assert reader.lesions[1].status is Status.FLAGGED
    reader.ui.statusFilter.currentIndex = 2
    assert reader.panel.lesions._table.ids == [reader.lesions[1].lesion_id]
    reader.ui.flagButton.click()
    assert reader.lesions[1].status is Status.DRAFT
    reader.ui.statusFilter.currentIndex = 0
    assert reader.ui.lesionSummary.text.endswith("Accepted 0, flagged 0, draft 2.")


def test_next_lesion_jumps_the_views(a_reader_with_a_scan: Reader) -> None:
    import slicer

    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.newLesionButton.click()
    reader.drawBox(*SECOND)
    reader.ui.nextLesionButton.click()
    assert reader.panel.desk.lesionId == reader.lesions[0].lesion_id
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    first = red.GetSliceToRAS().GetElement(1, 3)
    reader.ui.nextLesionButton.click()
    assert reader.panel.desk.lesionId == reader.lesions[1].lesion_id
    assert red.GetSliceToRAS().GetElement(1, 3) != pytest.approx(first)


def test_a_name_and_an_organ_reach_the_segment(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.lesionTable.item(0, 1).setText("Segment VII")
    assert reader.lesions[0].name == "Segment VII"
    chooseItem(reader.ui.organSelector, reader.ui.organSelector.findText("Liver"))
    assert reader.lesions[0].organ == "liver"
    reader.panel.tick()
    segment = reader.session.controller.segments.segment(reader.lesions[0].lesion_id)
    assert segment.GetName() == "Segment VII"
    assert "Liver" in segment.GetTerminology()
    assert reader.ui.lesionTable.item(0, 2).text() == "liver"


def test_lesions_are_merged_split_and_deleted(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.newLesionButton.click()
    reader.drawBox(*SECOND)
    assert not reader.ui.mergeButton.enabled
    reader.ui.lesionTable.selectAll()
    reader.ui.mergeButton.click()
    assert len(reader.lesions) == 1
    reader.ui.lesionTable.selectRow(0)
    reader.ui.splitButton.click()
    assert len(reader.lesions) == 2
    reader.ui.lesionTable.selectRow(0)
    reader.ui.deleteButton.click()
    assert len(reader.lesions) == 1
    reader.ui.undoButton.click()
    assert len(reader.lesions) == 2


def test_collected_prompts_run_when_segment_is_pressed(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.ui.autoRunCheckBox.checked = False
    reader.drawBox(*BALL)
    assert reader.segmenter.requests == []
    assert not reader.voxels(reader.lesions[0].lesion_id).any()
    reader.ui.runButton.click()
    reader.waitForMask()
    assert reader.voxels(reader.lesions[0].lesion_id).any()


def test_segment_asks_again_when_the_mask_is_up_to_date(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    asked = len(reader.segmenter.requests)
    reader.ui.runButton.click()
    reader.waitForMask()
    assert len(reader.segmenter.requests) > asked


def test_the_displayed_window_reaches_the_model(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    chooseItem(reader.ui.windowSelector, 1)
    reader.volume.GetDisplayNode().SetWindowLevelMinMax(10, 210)
    reader.drawBox(*BALL)
    assert reader.segmenter.requests[-1].window == (10, 210)


def test_an_engine_that_fails_is_told_and_the_prompt_stays(
    a_reader_with_a_scan: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = a_reader_with_a_scan

    def fail(request: Any) -> Any:
        raise EngineUnavailable("No engine answers at 127.0.0.1:9. Start it with: samlesion serve")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(reader.segmenter, "segment", fail)
        reader.drawBox(*BALL)
    assert "No engine answers at 127.0.0.1:9. Start it there" in reader.ui.statusLabel.text
    assert len(reader.lesions[0].prompts) == 1
    reader.ui.runButton.click()
    reader.waitForMask()
    assert reader.voxels(reader.lesions[0].lesion_id).any()


def test_closing_the_scene_empties_the_panel_and_a_new_scan_begins_anew(
    a_reader_with_a_scan: Reader, a_slicer: Any
) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    a_slicer.scene.Clear(False)
    assert reader.session is None
    assert reader.ui.lesionTable.rowCount == 0
    assert not reader.ui.boxButton.checked
    reader.volume = makeScan("another")
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    reader.drawBox(*BALL)
    assert len(reader.lesions) == 1


def test_removing_the_scan_ends_the_session_with_a_sentence(
    a_reader_with_a_scan: Reader, a_slicer: Any
) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    a_slicer.scene.RemoveNode(reader.volume)
    reader.panel.tick()
    assert reader.session is None
    assert "image was removed" in reader.ui.statusLabel.text


def test_leaving_the_module_puts_everything_away(a_reader_with_a_scan: Reader, a_slicer: Any) -> None:
    reader = a_reader_with_a_scan
    reader.ui.boxButton.click()
    a_slicer.leave_module()
    assert reader.panel.drawing.tool is None
    assert reader.panel.shortcuts._shortcuts == []
    a_slicer.show_module("SAMLesion")
    reader.drawBox(*BALL)
    assert len(reader.lesions) == 1


def test_the_scan_is_never_written(a_reader_with_a_scan: Reader) -> None:
    import slicer

    reader = a_reader_with_a_scan
    before = slicer.util.arrayFromVolume(reader.volume).copy()
    reader.drawBox(*BALL)
    assert np.array_equal(before, slicer.util.arrayFromVolume(reader.volume))


def test_the_editor_opens_on_the_chosen_lesion_and_protects_all_others(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.editButton.click()
    assert reader.panel.drawing.tool is None, "the mouse is the editor's"
    editor = reader.panel.edit._editor
    assert editor.currentSegmentID() == reader.lesions[0].lesion_id
    node = editor.mrmlSegmentEditorNode()
    assert node.GetMaskMode() == reader.session.controller.segments.node.EditAllowedOutsideAllSegments
    reader.ui.boxButton.click()
    assert reader.ui.editSection.collapsed, "a tool in the hand puts the editor away"


def test_an_accepted_lesion_is_not_edited(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.acceptButton.click()
    reader.waitForMask()
    assert not reader.ui.editButton.enabled
    assert "Reopen it" in reader.ui.editHint.text


def test_work_of_a_crash_is_offered_and_brought_back(a_reader_with_a_scan: Reader, a_slicer: Any) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    reader.ui.acceptButton.click()
    reader.drawBox(*SECOND)
    reader.panel.tick()
    before = [(x, reader.voxels(x.lesion_id)) for x in reader.lesions]
    left_behind = JournalOfACrash(reader)
    a_slicer.scene.Clear(False)
    assert not left_behind.path.exists(), "a scene that is closed leaves nothing behind"
    left_behind.put_back()

    reader.volume = makeScan()
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    reader.wait(lambda: reader.panel.notice.isShown)
    assert "brought back" in reader.ui.noticeLabel.text
    assert reader.lesions == ()
    reader.ui.noticeButton.click()
    reader.waitForMask()
    assert [x for x, _ in before] == list(reader.lesions)
    assert all(np.array_equal(reader.voxels(x.lesion_id), mask) for x, mask in before)
    assert reader.ui.lesionTable.rowCount == 2
    assert not reader.panel.notice.isShown
    reader.ui.undoButton.click()
    assert reader.lesions == (), "it is one step that can be taken back"


class JournalOfACrash:
    """A session's journal, put back later as a crash would have left it: locked by nobody."""

    def __init__(self, reader: Reader) -> None:
        journal = reader.session._journal
        assert journal.flush(60)
        self.path, self._content = journal.path, journal.path.read_bytes()

    def put_back(self) -> None:
        self.path.write_bytes(self._content)


def test_lesions_are_written_where_the_reader_says(a_reader_with_a_scan: Reader, tmp_path: Any) -> None:
    reader = a_reader_with_a_scan
    assert not reader.ui.exportCsvButton.enabled
    reader.drawBox(*BALL)
    for button, name, written in (
        ("exportSegmentationButton", "a.seg.nrrd", "a.seg.nrrd"),
        ("exportNiftiButton", "b", "b.nii.gz"),
        ("exportCsvButton", "c.csv", "c.csv"),
    ):
        reader.targets.append(str(tmp_path / name))
        getattr(reader.ui, button).click()
        assert not getattr(reader.ui, button).enabled, "one file at a time"
        reader.wait(lambda: reader.ui.exportStatusLabel.text.startswith("Written"))
        assert (tmp_path / written).stat().st_size > 100
        assert written in reader.ui.exportStatusLabel.text


def test_a_dicom_export_says_what_it_needs(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    reader.drawBox(*BALL)
    object.__setattr__(reader.panel._services, "chooseFolder", lambda: "/tmp")
    reader.ui.exportDicomButton.click()
    assert "cannot write DICOM SEG" in reader.ui.statusLabel.text


def test_the_keys_press_the_buttons(a_reader_with_a_scan: Reader) -> None:
    reader = a_reader_with_a_scan
    by_key = {shortcut.key.toString(): shortcut for shortcut in reader.panel.shortcuts._shortcuts}
    by_key["Shift+B"].pythonqt_native.activated.emit()
    assert reader.ui.boxButton.checked
    by_key["P"].pythonqt_native.activated.emit()
    assert not reader.ui.pointPositiveButton.checked, "a grey button does nothing"
