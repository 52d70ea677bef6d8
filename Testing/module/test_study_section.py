"""A reader's study within the panel, from the first case to the log and the masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_cases import AnsweringSegmenter, waitUntil
from panel_fixtures import Reader, readerWith

from SAMLesionLib.commands.sample import SAMPLE
from SAMLesionLib.geometry import Affine
from SAMLesionLib.io import Segment, atomic_write, nrrd, read_mask, write_segmentation
from SAMLesionLib.study.dealing import deal
from SAMLesionLib.study.design import Order, StudyCase
from SAMLesionLib.study.design_templates import find_template
from SAMLesionLib.study.gathering import gather
from SAMLesionLib.study.log import LOG
from SAMLesionLib.study.log_reading import read_log
from SAMLesionLib.study.new_design import write_design
from SAMLesionLib.study.reading_session import ReadingSession
from SAMLesionLib.study.study_folder import StudyFolder, freeze
from SAMLesionLib.volume import Volume

AFFINE = Affine.from_spacing((0.8, 0.8, 2.0))


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    """One case with a bright ball, read by hand and with AI, with no rest in between."""
    import gzip

    k, j, i = np.indices((14, 96, 96))
    ball = ((k - 7) * 2.5) ** 2 + (j - 30) ** 2 + (i - 30) ** 2 < 81
    voxels = (np.random.default_rng(0).integers(0, 40, ball.shape) + 200 * ball).astype(np.uint16)
    folder = tmp_path / "pilot"
    folder.mkdir()
    with atomic_write(folder / "scan.nrrd") as file:
        file.write(nrrd.header(AFFINE, (96, 96, 14), voxels.dtype) + gzip.compress(voxels.tobytes()))
    write_segmentation(folder / "expert.nrrd", [Segment("x", ball)], Volume(voxels, AFFINE))
    template = find_template("assisted").design
    cases = (StudyCase("C1", "scan.nrrd", "expert.nrrd", modality="CT"),)
    write_design(folder, replace(template, cases=cases, readers=("R1",), order=Order(washout_days=0)))
    frozen = freeze(folder)
    deal(frozen)
    return frozen


class StudyReader:
    """Somebody who takes part in a study."""

    def __init__(self, reader: Reader) -> None:
        from SAMLesionQt.study_section import StudySection

        self.reader, self.hasFocus = reader, True
        layout = reader.ui.noticeFrame.parentWidget().layout()
        choose = reader.ui.volumeSelector.setCurrentNode
        self.models: list[str] = []
        desk = reader.panel.desk
        self.section = StudySection(layout, desk, choose, self.models.append, lambda: self.hasFocus)
        self.frame = self.section._frame

    def tick(self) -> None:
        self.section.beforeTick()
        self.reader.panel.tick()
        self.section.tick()

    def start(self) -> None:
        self.frame.startButton.click()
        waitUntil(lambda: self.section._study.task is not None, self.tick)
        self.reader.volume = self.section._case.volume

    def kinds(self, folder: Path) -> list[str]:
        assert self.section._study._writer.flush()
        return [line.kind for line in read_log(folder / LOG).lines()]


@pytest.fixture
def a_study_reader(a_reader: Reader) -> Any:
    reader = StudyReader(a_reader)
    yield reader
    reader.section.close()


def test_nothing_is_seen_of_studies_until_one_is_open(
    a_study_reader: StudyReader, study: StudyFolder
) -> None:
    assert not a_study_reader.frame.frame.visible
    a_study_reader.section.open(study.reader_folder("R1"))
    assert a_study_reader.frame.frame.visible
    assert "C1" in a_study_reader.frame.title.text
    a_study_reader.section.close()
    assert not a_study_reader.frame.frame.visible


def test_a_reading_from_start_to_finish(a_study_reader: StudyReader, study: StudyFolder) -> None:
    import slicer

    me, folder = a_study_reader, study.reader_folder("R1")
    me.section.open(folder)
    me.start()
    me.reader.drawBox((20, 20), (40, 40), 7)
    me.reader.show(9)
    me.section._watching._looked_s = 0.0
    me.tick()
    me.hasFocus, me.section._watching._looked_s = False, 0.0
    me.tick()
    me.frame.pauseButton.click()
    assert me.frame.pauseButton.text == "Resume"
    me.frame.pauseButton.click()
    me.frame.finishButton.click()
    kinds = me.kinds(folder)
    assert kinds[0] == "start"
    assert kinds[-1] == "finish"
    for kind in ("prompt_added", "mask_shown", "scroll", "focus_lost", "pause", "resume"):
        assert kind in kinds, kinds
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert me.section._next is not None
    me.section.close()
    data = gather(study)
    (row,) = [row for row in data.rows if row.state == "finished"]
    assert row.n_prompts == 1
    assert row.dice > 0.2  # one box in one slice
    assert row.active_s > 0


def test_a_reading_goes_on_with_what_was_saved(a_study_reader: StudyReader, study: StudyFolder) -> None:
    me, folder = a_study_reader, study.reader_folder("R1")
    me.section.open(folder)
    me.start()
    me.reader.drawBox((20, 20), (40, 40), 7)
    before = me.reader.voxels(me.reader.lesions[0].lesion_id)
    me.section.close()
    me.section.open(folder)
    me.start()
    (lesion,) = me.reader.lesions
    assert np.array_equal(me.reader.voxels(lesion.lesion_id), before)
    me.frame.finishButton.click()
    (path,) = folder.glob("masks/*.seg.nrrd")
    assert np.array_equal(read_mask(path), before)


def test_work_is_saved_now_and_then_in_a_thread(a_study_reader: StudyReader, study: StudyFolder) -> None:
    me, folder = a_study_reader, study.reader_folder("R1")
    me.section.open(folder)
    me.start()
    me.reader.drawBox((20, 20), (40, 40), 7)
    me.section._saving.savedAt_s -= 100.0
    waitUntil(lambda: list(folder.glob("masks/*.part.seg.nrrd")), me.tick)
    me.frame.finishButton.click()
    assert not list(folder.glob("masks/*.part.seg.nrrd"))


def test_each_stroke_of_the_editor_is_a_line_of_its_own(
    a_study_reader: StudyReader, study: StudyFolder
) -> None:
    me, folder = a_study_reader, study.reader_folder("R1")
    me.section.open(folder)
    me.start()
    me.reader.drawBox((20, 20), (40, 40), 7)
    me.reader.ui.editButton.click()
    editor = me.reader.panel.edit._editor
    for tool, place in (("Paint", (60, 60, 7)), ("Paint", (70, 60, 7)), ("Erase", (60, 60, 7))):
        editor.setActiveEffectByName(tool)
        me.tick()
        me.reader.drag(place, (place[0] + 6, place[1], 7))
        me.tick()
    me.reader.waitForMask()
    assert me.section._study._writer.flush()
    lines = list(read_log(folder / LOG).lines())
    strokes = [line for line in lines if line.kind == "stroke"]
    assert [line.facts["tool"] for line in strokes] == ["Paint", "Paint", "Erase"]
    assert {line.facts["lesion"] for line in strokes} == {me.reader.lesions[0].lesion_id}
    assert any(line.kind == "mask_edited" for line in lines)
    me.frame.finishButton.click()
    me.section.close()
    (row,) = [row for row in gather(study).rows if row.state == "finished"]
    assert row.n_edits == 3


def test_a_skipped_reading_is_followed_by_the_next(a_study_reader: StudyReader, study: StudyFolder) -> None:
    me, folder = a_study_reader, study.reader_folder("R1")
    me.section.open(folder)
    first = me.section._next
    me.start()
    me.section.skip("time")
    assert me.section._next not in (None, first)
    assert me.kinds(folder)[-1] == "skip"
    me.start()
    assert me.models == ["lite-medsam"]  # of the one assisted reading


def test_a_folder_that_cannot_be_opened_is_told(
    a_study_reader: StudyReader, study: StudyFolder, tmp_path: Path
) -> None:
    folder, said = study.reader_folder("R1"), a_study_reader.reader.ui.statusLabel

    def refused(path: Path) -> str:
        a_study_reader.section.open(path)
        assert not a_study_reader.section.isOpen
        assert not a_study_reader.frame.frame.visible
        return str(said.text)

    assert "There is no work list" in refused(tmp_path / "masks")
    assert refused(study.path) == f"{study.path} is no reader's folder. Choose that of R1 in it."
    with ReadingSession(folder):
        assert "Another session of reader R1 is open" in refused(folder)
    design = study.path / "design.toml"
    text = design.read_text()
    design.write_text(text.replace("seed = 1", "seed = 2"))
    assert "The design was changed (seed)" in refused(folder)
    design.write_text(text.replace("version = 1", "version = 2"))
    assert "Run `samlesion study deal`" in refused(folder)


def test_a_scan_or_a_saved_mask_that_cannot_be_loaded_is_told(
    a_study_reader: StudyReader, study: StudyFolder, expects_vtk_errors: None
) -> None:
    me, folder = a_study_reader, study.reader_folder("R1")
    label = me.reader.ui.statusLabel
    me.section.open(folder)
    (study.path / "scan.nrrd").rename(study.path / "away.nrrd")
    me.frame.startButton.click()
    assert "scan.nrrd cannot be loaded" in label.text
    assert me.section._case is None
    (study.path / "away.nrrd").rename(study.path / "scan.nrrd")
    damaged = folder / "masks" / f"{me.section._next.reading}.part.seg.nrrd"
    damaged.write_bytes(b"nothing")
    me.frame.startButton.click()
    waitUntil(lambda: "part.seg.nrrd cannot be loaded" in label.text, me.tick)
    assert me.section._study.task is None
    assert me.frame.startButton.visible
    damaged.unlink()
    me.start()
    assert me.frame.finishButton.visible


def test_a_picture_of_a_reading(a_study_reader: StudyReader, tmp_path: Path, screenshot) -> None:
    folder = tmp_path / "brain"
    folder.mkdir()
    cases = (StudyCase("C07", str(SAMPLE / "image.nrrd"), modality="MR"),)
    write_design(folder, replace(find_template("assisted").design, cases=cases, readers=("R1", "R2")))
    study = freeze(folder)
    deal(study)
    me = a_study_reader
    me.section.open(study.reader_folder("R2"))  # who begins with AI
    me.start()
    me.reader.drawBox((158, 80), (212, 121), 8)
    me.section._clock._ran_s = 83.0
    me.tick()
    assert me.frame.timer.text == "1:23"
    assert screenshot("slicer-study-reading").stat().st_size > 10_000


def test_a_study_opens_with_the_panel_when_the_environment_names_one(
    a_slicer: Any, study: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    monkeypatch.setenv("SAMLESION_STUDY", str(study.reader_folder("R1")))
    reader = readerWith(a_slicer, tmp_path, AnsweringSegmenter())
    panel, section = reader.panel, reader.panel.study
    assert section.isOpen
    assert not reader.ui.modelSelector.visible
    section._frame.startButton.click()
    reader.wait(lambda: section._study.task is not None)
    reader.volume = section._case.volume
    reader.drawBox((20, 20), (40, 40), 7)
    slicer.mrmlScene.Clear(0)
    assert section._study.task is None
    assert section._next is not None
    section._frame.startButton.click()
    reader.wait(lambda: section._study.task is not None)
    assert len(reader.lesions) == 1
    panel.close()
    assert not section.isOpen
