"""The organ as a word and as a mask: offered for models that understand it, and only for those."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_cases import POINTS_MODEL, AnsweringSegmenter, chooseItem
from panel_fixtures import Reader, makeScan, readerWith

from SAMLesionLib import IndexBox, MaskUpdate, ModelInfo, RunReport, SegmentRequest
from SAMLesionLib.errors import VolumeNotLoaded
from SAMLesionLib.prompts import OrganMaskPrompt, OrganPrompt, PointPrompt

ORGANS_MODEL = replace(
    POINTS_MODEL,
    name="organs",
    title="Organs",
    licence="Apache-2.0",
    prompts=frozenset({"organ", "organ-mask", "point"}),
    takes_negative=False,
)


class AroundPoints(AnsweringSegmenter):
    """Marks some voxels around the last point, whatever else is said."""

    def models(self) -> tuple[ModelInfo, ...]:
        return (ORGANS_MODEL, POINTS_MODEL)

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        self.requests.append(request)
        if request.volume_id not in self.volumes:
            raise VolumeNotLoaded("Send it.")
        i, j, k = (round(v) for v in request.prompts.of(PointPrompt)[-1].point_ijk)
        box = IndexBox((i - 2, j - 2, k), (i + 3, j + 3, k + 1))
        report = RunReport(request.model, "", "cpu", "float32", "9.9", 0.0, 0.0, 0)
        yield MaskUpdate(box, np.ones(box.shape_kji, bool), report=report)


@pytest.fixture
def a_reader_of_organs(a_slicer: Any, tmp_path: Path) -> Reader:
    reader = readerWith(a_slicer, tmp_path, AroundPoints())
    reader.volume = makeScan()
    reader.ui.volumeSelector.setCurrentNode(reader.volume)
    reader.wait(lambda: reader.session is not None)
    reader.ui.pointPositiveButton.click()
    reader.drag((30, 30, 7))
    reader.waitForMask()
    return reader


def chooseOrgan(reader: Reader, word: str) -> None:
    chooseItem(reader.ui.organSelector, reader.ui.organSelector.findText(word))
    reader.waitForMask()


def kindsAsked(reader: Reader) -> list[str]:
    return [prompt.kind for prompt in reader.segmenter.requests[-1].prompts]


def test_the_organs_word_joins_the_request_of_a_model_that_reads_it(a_reader_of_organs: Reader) -> None:
    reader = a_reader_of_organs
    chooseOrgan(reader, "Liver")
    assert reader.lesions[0].prompts.prompts[-1] == OrganPrompt("liver")
    assert kindsAsked(reader) == ["point", "organ"]
    chooseOrgan(reader, "Kidney")
    assert kindsAsked(reader) == ["point", "organ"]
    assert reader.segmenter.requests[-1].prompts.of(OrganPrompt) == [OrganPrompt("kidney")]
    assert reader.ui.promptList.item(1).text().endswith("Organ, kidney")
    reader.ui.promptList.setCurrentRow(1)
    chooseOrgan(reader, "")
    assert kindsAsked(reader) == ["point"]


def test_a_model_without_organs_gets_no_word(a_reader_of_organs: Reader) -> None:
    reader = a_reader_of_organs
    chooseItem(reader.ui.modelSelector, 1)
    n_asked = len(reader.segmenter.requests)
    chooseOrgan(reader, "Liver")
    assert reader.lesions[0].organ == "liver", "it says where the lesion is, in any case"
    assert [prompt.kind for prompt in reader.lesions[0].prompts] == ["point"]
    assert len(reader.segmenter.requests) == n_asked


def test_a_segment_is_offered_as_what_the_model_understands(a_reader_of_organs: Reader) -> None:
    reader = a_reader_of_organs
    reader.ui.newLesionButton.click()
    reader.drag((34, 62, 7))
    reader.waitForMask()
    assert offered(reader) == ["Lesion 1 is the organ"]
    reader.panel.drawing._menu.pythonqt_native.actions()[0].trigger()
    reader.waitForMask()
    (organ,) = reader.lesions[1].prompts.of(OrganMaskPrompt)
    assert organ.mask.sum() == reader.voxels(reader.lesions[0].lesion_id).sum()
    assert kindsAsked(reader) == ["point", "organ-mask"]
    chooseItem(reader.ui.modelSelector, 1)
    assert not reader.ui.segmentButton.enabled


def offered(reader: Reader) -> list[str]:
    reader.ui.segmentButton.click()
    return [action.text() for action in reader.panel.drawing._menu.pythonqt_native.actions()]


def test_what_must_not_be_said_is_grey(a_reader_of_organs: Reader) -> None:
    reader = a_reader_of_organs
    assert not reader.ui.pointNegativeButton.enabled
    assert reader.ui.pointNegativeButton.toolTip.startswith("Organs cannot be told where the lesion is not.")
    chooseItem(reader.ui.modelSelector, 1)
    assert reader.ui.pointNegativeButton.enabled
