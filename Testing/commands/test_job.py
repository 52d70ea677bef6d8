"""The main job with a simple segmenter: names, measures and provenance of each lesion."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fakes import FakeSegmenter

from SAMLesionLib import Affine, BoxPrompt, IndexBox, PromptSet, Volume
from SAMLesionLib.commands.job import Lesion, axial_axis, segment_lesions
from SAMLesionLib.errors import EngineError
from SAMLesionLib.io import LesionPrompts
from SAMLesionLib.palette import lesion_colour


@pytest.fixture
def a_scan() -> Volume:
    voxels = np.zeros((8, 16, 16), np.int16)
    voxels[2:5, 4:8, 5:11] = 100
    return Volume(voxels, Affine.from_spacing((0.5, 1.0, 2.0)), "scan")


ASKED = LesionPrompts("Tumour", PromptSet((BoxPrompt(IndexBox((3, 2, 1), (13, 10, 7))),)))


def run(scan: Volume, *asked: LesionPrompts) -> list[Lesion]:
    return list(segment_lesions(FakeSegmenter(), scan, asked, "fake"))


def test_voxels_and_millilitres_are_those_of_the_lesion(a_scan) -> None:
    (lesion,) = run(a_scan, ASKED)
    assert lesion.n_voxels == 6 * 4 * 3
    assert lesion.ml == pytest.approx(72 * 0.5 * 1.0 * 2.0 / 1000)


def test_the_longest_axial_diameter_is_in_millimetres(a_scan) -> None:
    (lesion,) = run(a_scan, ASKED)
    # 6 voxels of 0.5 mm by 4 of 1 mm: about the diagonal of 3 x 4 mm, half voxels of the outline aside.
    assert 4.0 <= lesion.longest_axial_diameter_mm <= 5.0


def test_each_lesion_has_its_name_and_a_colour_of_its_own(a_scan) -> None:
    lesions = run(a_scan, ASKED, LesionPrompts("Other", ASKED.prompts))
    assert [x.segment.name for x in lesions] == ["Tumour", "Other"]
    assert [x.segment.colour for x in lesions] == [lesion_colour(0), lesion_colour(1)]


def test_the_tags_hold_the_prompts(a_scan) -> None:
    (lesion,) = run(a_scan, ASKED)
    assert PromptSet.from_json(json.loads(lesion.segment.tags["SAMLesion.Prompts"])) == ASKED.prompts


def test_progress_reaches_the_end(a_scan) -> None:
    told: list[float] = []
    list(segment_lesions(FakeSegmenter(), a_scan, [ASKED], "fake", on_progress=told.append))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_an_answer_without_its_end_is_an_engine_fault(a_scan) -> None:
    class Broken(FakeSegmenter):
        def segment(self, request):
            yield next(super().segment(request))

    with pytest.raises(EngineError, match="too early"):
        list(segment_lesions(Broken(), a_scan, [ASKED], "fake"))


def test_an_empty_lesion_has_no_diameter(a_scan) -> None:
    (lesion,) = segment_lesions(FakeSegmenter(), a_scan, [ASKED], "fake", window=(500.0, 900.0))
    assert (lesion.n_voxels, lesion.longest_axial_diameter_mm) == (0, 0.0)


@pytest.mark.parametrize(
    ("matrix", "axis"),
    [(np.diag([1, 1, 5, 1]), 2), (np.array([[0, 0, 5, 0], [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]), 1)],
)
def test_axial_means_across_the_bodys_long_axis(matrix, axis) -> None:
    """The second grid is sagittal: its j runs downwards."""
    assert axial_axis(Affine(matrix)) == axis
