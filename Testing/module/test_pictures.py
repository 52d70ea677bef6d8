"""Every state of the panel as a picture, for the user guide and for the eye.

`SAMLESION_SCREENSHOTS=Screenshots python -m pytest Testing/module -k "picture or tumour"` writes them into
the repository.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FAKE_MODEL
from panel_cases import AnsweringSegmenter, chooseItem
from panel_fixtures import Reader, readerWith
from PySide6.QtGui import QImage

from SAMLesionLib import MaskUpdate, ModelInfo, SegmentRequest
from SAMLesionLib.commands.sample import SAMPLE
from SAMLesionLib.models.registry import MODELS

SECTIONS = ("engineSection", "modelsSection", "exportSection", "promptsSection")


class Pretending(AnsweringSegmenter):
    """Says it has the models of the registry, and answers for each of them with a threshold."""

    def models(self) -> tuple[ModelInfo, ...]:
        return tuple(card.info(is_available=name == "lite-medsam") for name, card in MODELS.items())

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        yield from super().segment(replace(request, model=FAKE_MODEL.name))


@pytest.fixture
def a_reader(a_slicer: Any, tmp_path: Path) -> Reader:
    return readerWith(a_slicer, tmp_path, Pretending())


@pytest.fixture
def a_reader_at_work(a_reader: Reader, a_slicer: Any) -> Reader:
    """A reader with a real scan, three lesions in three states, and a double that makes their masks."""
    reader = a_reader
    reader.volume = a_slicer.load_volume(SAMPLE / "image.nrrd", "brain1")
    reader.volume.SetAttribute("DICOM.Modality", "MR")
    reader.volume.CreateDefaultDisplayNodes()
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    for low, high, k in (((158, 80), (212, 121), 8), ((176, 122), (208, 156), 12), ((60, 60), (90, 90), 10)):
        reader.ui.newLesionButton.click()
        reader.drawBox(low, high, k)
    reader.ui.flagButton.click()
    reader.ui.lesionTable.selectRow(0)
    reader.ui.lesionTable.item(0, 1).setText("Parietal left")
    chooseItem(reader.ui.organSelector, reader.ui.organSelector.findText("Brain"))
    reader.ui.acceptButton.click()
    reader.waitForMask()
    return reader


def isDrawn(path: Path) -> bool:
    """Whether a picture shows more than a few colours."""
    image = QImage(str(path))
    n, width, height = 200, image.width(), image.height()
    return len({image.pixel(t * width // n, t * height // n) for t in range(n)}) > 3


def test_a_picture_of_the_panel_before_a_scan_is_loaded(a_reader: Reader, screenshot: Any) -> None:
    assert isDrawn(screenshot("panel-empty", panelOf(a_reader)))


def test_pictures_of_the_reader_at_work(a_reader_at_work: Reader, a_slicer: Any, screenshot: Any) -> None:
    assert isDrawn(screenshot("at-work"))
    for section in SECTIONS:
        widget = getattr(a_reader_at_work.ui, section)
        widget.collapsed = False
        assert isDrawn(screenshot(f"section-{section.removesuffix('Section')}", widget))
        widget.collapsed = True
    a_slicer.set_dark()
    assert isDrawn(screenshot("at-work-dark"))


def test_a_picture_of_an_engine_elsewhere(a_reader: Reader, screenshot: Any) -> None:
    a_reader.ui.engineSection.collapsed = False
    chooseItem(a_reader.ui.engineModeSelector, 1)
    a_reader.ui.engineAddressEdit.text = "127.0.0.1:8765"
    assert isDrawn(screenshot("section-engine-elsewhere", a_reader.ui.engineSection))


def test_a_picture_of_the_editor(a_reader_at_work: Reader, screenshot: Any) -> None:
    a_reader_at_work.ui.lesionTable.selectRow(1)
    a_reader_at_work.panel.tick()
    a_reader_at_work.ui.editButton.click()
    for _ in range(5):
        a_reader_at_work.wait(lambda: True)
        a_reader_at_work.panel.tick()
    assert isDrawn(screenshot("section-edit", a_reader_at_work.ui.editSection))


def test_a_picture_of_a_mask_on_its_way(a_reader_at_work: Reader, screenshot: Any) -> None:
    from SAMLesionLib.events import WorkProgressed

    a_reader_at_work.panel._timer.stop()
    status = a_reader_at_work.panel.status
    status.setBusy(True)
    status.progressed(WorkProgressed("lesion_1", "edit", "segmenting", 0.62))
    assert isDrawn(screenshot("panel-busy", panelOf(a_reader_at_work)))


def test_a_picture_of_the_notice(a_reader: Reader, screenshot: Any) -> None:
    a_reader.panel.models.show((), "")
    a_reader.panel.refresh()
    a_reader.panel.notice.show(
        "The engine that makes the masks is not installed yet.", "Install…", lambda: None
    )
    assert isDrawn(screenshot("panel-not-installed", panelOf(a_reader)))


def panelOf(reader: Reader) -> Any:
    """The whole panel as a widget."""
    return reader.ui.noticeFrame.parent()
