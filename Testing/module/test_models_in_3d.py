"""A model that sees volumes, driven through the panel by clicks and boxes, the engine in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cube_cases import BrightSam, an_engine_of
from panel_fixtures import Reader, makeScan, readerWith

from SAMLesionLib import MaskUpdate, SegmentRequest
from SAMLesionLib.engine import EngineWorker
from SAMLesionLib.prompts import BoxPrompt, PointPrompt


class InProcess(EngineWorker):
    """The engine's thread, which also remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(an_engine_of(BrightSam(takes_boxes=True)))
        self.requests: list[SegmentRequest] = []

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        self.requests.append(request)
        yield from super().segment(request)

    def health(self) -> Any:
        return SimpleNamespace(version="9.9", device="cpu", protocol=1, pid=1, is_busy=False)


@pytest.fixture
def a_reader_in_3d(a_slicer: Any, tmp_path: Path) -> Iterator[Reader]:
    engine = InProcess()
    reader = readerWith(a_slicer, tmp_path, engine)
    reader.volume = makeScan()
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    reader.wait(lambda: reader.session is not None)
    yield reader
    engine.close()


def test_clicks_drive_a_model_that_sees_volumes(a_reader_in_3d: Reader) -> None:
    reader = a_reader_in_3d
    ui = reader.ui
    assert reader.panel.models.model.dimensions == 3
    assert all(getattr(ui, name).enabled for name in ("pointPositiveButton", "boxButton", "box3dButton"))
    assert not ui.scribblePositiveButton.enabled
    ui.pointPositiveButton.click()
    reader.drag((30, 30, 7))
    reader.waitForMask()
    (lesion,) = reader.lesions
    mask = reader.voxels(lesion.lesion_id)
    assert mask[7, 30, 30]
    assert mask.any(axis=(1, 2)).sum() > 3, "one click, several slices"
    ui.pointNegativeButton.click()
    reader.drag((12, 12, 7))
    reader.waitForMask()
    first, second = (prompt for prompt in reader.segmenter.requests[-1].prompts)
    assert (type(first), type(second)) == (PointPrompt, PointPrompt)
    assert (first.is_positive, second.is_positive) == (True, False)
    assert len(reader.lesions) == 1


def test_a_box_drives_a_model_that_sees_volumes(a_reader_in_3d: Reader) -> None:
    reader = a_reader_in_3d
    reader.drawBox((19, 19), (41, 41), 7)
    (lesion,) = reader.lesions
    assert [type(prompt) for prompt in reader.segmenter.requests[-1].prompts] == [BoxPrompt]
    mask = reader.voxels(lesion.lesion_id)
    assert mask[7, 30, 30]
    assert not mask[:, 62, 34].any(), "the neighbour is another lesion"
    assert "ready" in reader.ui.statusLabel.text
