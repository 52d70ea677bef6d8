"""The organ that a lesion lies in, as a mask and as a word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeSegmenter

from SAMLesionLib import (
    IndexBox,
    MaskPrompt,
    ModelInfo,
    OrganMaskPrompt,
    OrganPrompt,
    PointPrompt,
    PromptSet,
    ScribblePrompt,
)
from SAMLesionLib.errors import PromptError

CLICK = PointPrompt((4, 4, 4))


def a_mask() -> np.ndarray:
    mask = np.zeros((6, 8, 9), bool)
    mask[1:5, 2:7, 3:8] = True
    return mask


def test_an_organ_goes_to_json_and_back() -> None:
    prompts = PromptSet((CLICK, OrganPrompt("Lymph  Node"), OrganMaskPrompt.of(a_mask())))
    assert PromptSet.from_json(prompts.to_json()) == prompts
    assert prompts.kinds == {"point", "organ", "organ-mask"}
    assert prompts.of(OrganPrompt)[0].word == "lymph node"


def test_an_organs_mask_is_no_mask_to_start_from() -> None:
    organ, start = OrganMaskPrompt.of(a_mask()), MaskPrompt.of(a_mask())
    assert organ != start
    assert PromptSet((organ,)).of(MaskPrompt) == []


def test_an_empty_organ_is_refused() -> None:
    with pytest.raises(PromptError, match=r"organ's mask is empty\. Choose a segment with voxels"):
        OrganMaskPrompt.of(np.zeros((3, 3, 3)))


@pytest.mark.parametrize("word", ["", "  ", "x" * 61, "kid~ney", "liver2", "a\x00b"])
def test_what_is_no_name_of_an_organ_is_refused(word: str) -> None:
    with pytest.raises(PromptError, match="An organ is a word"):
        OrganPrompt(word)


@pytest.mark.parametrize("values", [{}, {"word": 3}, {"word": None}])
def test_a_damaged_word_is_refused(values: dict) -> None:
    with pytest.raises(PromptError):
        PromptSet.from_json([{"kind": "organ", **values}])


def test_an_organ_that_reaches_beyond_the_image_is_told() -> None:
    beyond = OrganMaskPrompt(IndexBox((5, 5, 5), (12, 8, 8)), np.ones((3, 3, 7), bool))
    prompts = PromptSet((CLICK, OrganPrompt("liver"), beyond))
    prompts.check_inside((10, 10, 10))
    (notice,) = prompts.cut_notices((10, 10, 10))
    assert notice.startswith("The organ mask ")


def a_model() -> ModelInfo:
    model = FakeSegmenter().models()[0]
    return replace(model, prompts=frozenset({"point", "organ", "scribble"}), takes_negative=False)


@pytest.mark.parametrize(
    "negative", [PointPrompt((1, 1, 1), is_positive=False), ScribblePrompt(((1.0, 1.0, 1.0),), False)]
)
def test_a_model_that_knows_no_negative_points_refuses_them(negative: PointPrompt | ScribblePrompt) -> None:
    a_model().check_prompts(PromptSet((CLICK, OrganPrompt("liver"))))
    with pytest.raises(PromptError, match=r"points on the lesion only, got a negative one\. Take it back"):
        a_model().check_prompts(PromptSet((CLICK, negative)))


def test_the_advice_to_a_model_of_points_is_a_point() -> None:
    with pytest.raises(PromptError, match=r"Draw a point\.$"):
        a_model().check_prompts(PromptSet((OrganMaskPrompt.of(a_mask()),)))
