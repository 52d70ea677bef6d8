"""One reader's whole way with a real engine process and a real tumour, from an empty scene to a saved one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_fixtures import MODULE_FILE, Reader, openPanel

from SAMLesionLib.commands.sample import SAMPLE
from SAMLesionLib.metrics import dice

# Slicer reads the file's slices from the other end: its slice 16 is the node's 8.
LARGE = ((158, 80), (212, 121), 8)
SMALL = ((177, 123), (207, 155), 12)


@pytest.fixture
def a_real_reader(a_slicer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """A reader whose engine is a process of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    a_slicer.load_module(MODULE_FILE)
    from SAMLesionQt.services import Services

    panel = openPanel(a_slicer, Services(journalFolder=tmp_path / "journals"))
    reader = Reader(panel, panel.ui, None)
    reader.wait(lambda: panel.models.model is not None)
    reader.volume = a_slicer.load_volume(SAMPLE / "image.nrrd", "brain1")
    reader.volume.SetAttribute("DICOM.Modality", "MR")
    reader.volume.CreateDefaultDisplayNodes()
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    yield reader
    panel.engine.restart()


def test_a_reader_marks_a_tumour_and_loses_nothing(
    a_real_reader: Reader, a_slicer: Any, tmp_path: Path, screenshot: Any
) -> None:
    reader = a_real_reader
    expert = expertMask()

    reader.drawBox(*LARGE)
    assert "ready" in reader.ui.statusLabel.text
    large = reader.voxels(reader.lesions[0].lesion_id)
    assert dice(large[8], expert[8]) > 0.8
    screenshot("a-first-lesion")
    reader.ui.acceptButton.click()

    os.kill(reader.panel.engine._engine.pid, signal.SIGKILL)
    reader.drawBox(*SMALL)
    assert len(reader.lesions) == 2, "the engine was killed, and nobody noticed"
    small = reader.voxels(reader.lesions[1].lesion_id)
    assert small.any()
    screenshot("two-lesions")

    reader.ui.nextLesionButton.click()
    assert reader.panel.desk.lesionId == reader.lesions[0].lesion_id
    reader.ui.undoButton.click()
    assert not reader.voxels(reader.lesions[1].lesion_id).any()
    reader.ui.redoButton.click()
    assert np.array_equal(small, reader.voxels(reader.lesions[1].lesion_id))

    reloaded = saveAndReload(reader, a_slicer, tmp_path / "scene.mrb")
    first, second = reloaded.lesions
    assert first.is_accepted
    assert len(second.prompts) == 1
    assert np.array_equal(large, reloaded.voxels(first.lesion_id))
    assert np.array_equal(small, reloaded.voxels(second.lesion_id))


def saveAndReload(reader: Reader, a_slicer: Any, path: Path) -> Reader:
    from SAMLesionLib.host.files import load_scene, save_scene

    save_scene(a_slicer.scene, path)
    a_slicer.scene.Clear(False)
    assert reader.session is None
    load_scene(a_slicer.scene, path)
    a_slicer.app.processEvents()
    reader.volume = a_slicer.scene.GetFirstNodeByName("brain1")
    reader.wait(lambda: reader.session is not None)
    return reader


def expertMask() -> np.ndarray:
    from SAMLesionLib.io import read_mask

    return read_mask(SAMPLE / "label.nrrd")[::-1]
