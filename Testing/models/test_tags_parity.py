"""The way into TAGS's encoder and its first block against golden numbers of the published network.

The whole network takes minutes: benchmarks/tags_speed.py --golden.
"""

from __future__ import annotations

import pytest
import torch
from golden import weight_of
from tags_golden import FACTS, TOLERANCE, error, fill, golden_image

from SAMLesionLib.models.tags import build_tags
from SAMLesionLib.models.tags.image_encoder import ImageEncoderTags


@pytest.mark.parametrize("key", FACTS["weight_checks"])
def test_the_formula_makes_the_weights_of_the_golden_numbers(key: str) -> None:
    with torch.device("meta"):
        shape = build_tags().state_dict()[key].shape
    facts = FACTS["weight_checks"][key]
    weight = weight_of(FACTS["seed"], key, tuple(shape)).double().flatten()
    assert weight[:4].tolist() == pytest.approx(facts["first4"], rel=1e-6)
    assert weight.sum().item() == pytest.approx(facts["sum"], rel=1e-6)
    assert weight.abs().sum().item() == pytest.approx(facts["abs_sum"], rel=1e-6)


@torch.inference_mode()
def test_voxels_and_the_first_block_give_the_golden_values() -> None:
    with torch.device("meta"):
        encoder = ImageEncoderTags(depth=1, stages=1, align=False)
    fill(encoder, "image_encoder.")
    image = golden_image()
    assert error("slice_embed", encoder.slices(image)) < TOLERANCE["blocks"]
    tokens = encoder.blocks[0](encoder.embed(image))
    assert error("plain_block_00", tokens) < TOLERANCE["blocks"]
