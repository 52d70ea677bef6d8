from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from SAMLesionLib import (
    BoxPrompt,
    IndexBox,
    MaskUpdate,
    ModelInfo,
    PointPrompt,
    PromptSet,
    Segmenter,
    SegmentRequest,
    Volume,
)
from SAMLesionLib.errors import PromptError

BOX = BoxPrompt(IndexBox((0, 0, 0), (2, 2, 2)))
POINT = PointPrompt((1, 1, 1))


def a_model(name: str, *prompts: str) -> ModelInfo:
    return ModelInfo(name, name.title(), "", "", "", 2, frozenset(prompts), 1, 1)


def test_a_model_takes_the_prompts_it_understands() -> None:
    a_model("medsam", "box").check_prompts(PromptSet((BOX,)))
    a_model("medsam", "box").check_prompts(PromptSet())


def test_a_refusal_names_the_prompt_and_the_models_that_understand_it() -> None:
    medsam, sam, tags = a_model("medsam", "box"), a_model("sam", "box", "point"), a_model("tags", "point")

    with pytest.raises(
        PromptError, match=r"Medsam understands box prompts, got point\. Choose sam, or draw a box"
    ):
        medsam.check_prompts(PromptSet((BOX, POINT)), (medsam, sam, tags))
    with pytest.raises(PromptError, match="Choose sam or tags"):
        medsam.check_prompts(PromptSet((POINT,)), (medsam, sam, tags))
    with pytest.raises(PromptError, match="No model here understands all of these together"):
        medsam.check_prompts(PromptSet((BOX, POINT)), (medsam,))
    with pytest.raises(PromptError, match="No model here understands these yet"):
        medsam.check_prompts(PromptSet((POINT,)), (medsam,))
    with pytest.raises(PromptError, match="Draw a point"):
        tags.check_prompts(PromptSet((BOX,)))


@pytest.mark.parametrize(
    "window", [(10.0, 10.0), (20.0, -20.0), (float("nan"), 1.0), (0.0, float("inf")), (-float("inf"), 0.0)]
)
def test_a_window_needs_its_ends_in_order(window: tuple[float, float]) -> None:
    with pytest.raises(PromptError, match="low below its high"):
        SegmentRequest("id", "sam", PromptSet((BOX,)), window)


def test_requests_compare_by_value_so_that_a_cache_can_hold_them() -> None:
    one, same = (SegmentRequest("id", "sam", PromptSet((BOX, POINT)), (-160, 240)) for _ in range(2))

    assert one == same
    assert hash(one) == hash(same)
    assert one != SegmentRequest("id", "sam", PromptSet((BOX,)), (-160, 240))


class WholeBlock:
    """Answers with the whole volume."""

    def models(self) -> tuple[ModelInfo, ...]:
        return (a_model("all", "box"),)

    def load_volume(self, volume: Volume) -> str:
        self.block = volume.block
        return volume.volume_id

    def unload_volume(self, volume_id: str) -> None: ...

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        yield MaskUpdate(self.block, np.ones(self.block.shape_kji, bool))


def test_whatever_has_the_four_methods_is_a_segmenter() -> None:
    assert isinstance(WholeBlock(), Segmenter)
    assert not isinstance(object(), Segmenter)
