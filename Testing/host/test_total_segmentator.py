"""An organ's mask by another extension, which a test stands in for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from mrml_cases import SHAPE_KJI

from SAMLesionLib.errors import EngineError, PromptError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.host.total_segmentator import STRUCTURES, organ_of_scan, total_segmentator
from SAMLesionLib.terminology import ORGANS

pytestmark = pytest.mark.mrml

BLOCKS = {"kidney_left": IndexBox((1, 1, 1), (4, 5, 6)), "kidney_right": IndexBox((8, 2, 2), (11, 7, 6))}


class Extension:
    """Finds kidneys where they are, and nothing else.

    Attributes:
        options: those of the last call.
    """

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.options: dict[str, Any] = {}

    def process(self, input_volume: Any, output_segmentation: Any, **options: Any) -> None:
        self.options = options
        if self.failure:
            raise self.failure
        segments = LesionSegments(output_segmentation, input_volume)
        for name in options["subset"]:
            segment_id = segments.add(name, name)
            if name in BLOCKS:
                segments.write(segment_id, BLOCKS[name], np.ones(BLOCKS[name].shape_kji, bool))


def n_segmentations(scene: Any) -> int:
    return int(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"))


def test_both_kidneys_are_the_organ_and_the_scene_stays_as_it_was(scene: Any, a_volume_node: Any) -> None:
    extension = Extension()
    organ = organ_of_scan("kidney", a_volume_node, extension)
    expected = np.zeros(SHAPE_KJI, bool)
    for block in BLOCKS.values():
        expected[block.slices_kji()] = True
    found = np.zeros(SHAPE_KJI, bool)
    found[organ.box.slices_kji()] = organ.mask
    assert np.array_equal(found, expected)
    assert extension.options == {"fast": True, "subset": ["kidney_left", "kidney_right"]}
    assert n_segmentations(scene) == 0


def test_an_organ_that_it_does_not_find_is_told(scene: Any, a_volume_node: Any) -> None:
    with pytest.raises(PromptError, match="TotalSegmentator found no liver in CT_chest"):
        organ_of_scan("liver", a_volume_node, Extension())
    assert n_segmentations(scene) == 0


def test_an_organ_that_it_does_not_know_is_told(a_volume_node: Any) -> None:
    with pytest.raises(PromptError, match="no mask of the organ 'ovary'; it knows adrenal gland, bladder"):
        organ_of_scan("ovary", a_volume_node, Extension())


def test_its_failure_is_one_sentence(scene: Any, a_volume_node: Any) -> None:
    with pytest.raises(EngineError, match=r"could not segment the spleen \(no network\)\. Try it in its own"):
        organ_of_scan("spleen", a_volume_node, Extension(RuntimeError("no network")))
    assert n_segmentations(scene) == 0


def test_it_is_asked_for_organs_of_our_list_only() -> None:
    assert STRUCTURES.keys() <= ORGANS.keys()


def test_it_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicer, "modules", type("Modules", (), {})(), raising=False)
    assert total_segmentator() is None
    extension = Extension()
    monkeypatch.setattr(
        slicer, "modules", type("Modules", (), {"totalsegmentator": object()})(), raising=False
    )
    monkeypatch.setattr(slicer.util, "getModuleLogic", {"TotalSegmentator": extension}.get, raising=False)
    assert total_segmentator() is extension
