"""Our SAM-Med3D against golden numbers of the published network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sam_med3d_golden import (
    FACTS,
    TOLERANCE,
    answers,
    error,
    golden_network,
    golden_volume,
    golden_weight,
    prompts,
)
from torch import Tensor

CASES = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize("key", FACTS["weight_checks"])
def test_the_formula_makes_the_weights_of_the_golden_numbers(key: str) -> None:
    facts = FACTS["weight_checks"][key]
    weight = golden_weight(key, tuple(golden_network().state_dict()[key].shape)).double().flatten()
    assert weight[:4].tolist() == pytest.approx(facts["first4"], rel=1e-6)
    assert weight.sum().item() == pytest.approx(facts["sum"], rel=1e-6)
    assert weight.abs().sum().item() == pytest.approx(facts["abs_sum"], rel=1e-6)


def test_the_formula_makes_the_volume_of_the_golden_numbers() -> None:
    volume, facts = golden_volume().double(), FACTS["volume_stats"]
    measured = (volume.mean(), volume.std(correction=0), volume.min(), volume.max())
    for value, name in zip(measured, ("mean", "std", "min", "max"), strict=True):
        assert value.item() == pytest.approx(facts[name], abs=1e-6)


@torch.inference_mode()
def test_every_block_of_the_encoder_gives_the_golden_values() -> None:
    encoder = golden_network().image_encoder
    assert error("patch_embed", encoder.patch_embed(golden_volume())[0]) < TOLERANCE["blocks"]
    seen: dict[int, Tensor] = {}
    (embedding,) = encoder(golden_volume(), {i: lambda x, i=i: seen.setdefault(i, x) for i in range(12)})
    errors = {i: error(f"block_{i:02d}", tokens) for i, tokens in seen.items()}
    assert len(errors) == 12
    assert max(errors.values()) < TOLERANCE["blocks"], errors
    assert error("image_embedding", embedding) < TOLERANCE["image_embedding"]


@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_every_prompt_decodes_to_the_golden_logits(case: str) -> None:
    network = golden_network()
    logits, iou = network.decode((an_embedding(),), **prompts(case))
    assert error(f"logits_{case}", logits) < TOLERANCE["logits"]
    assert error(f"iou_{case}", iou) < TOLERANCE["iou"]
    assert error(f"full_{case}", network.enlarge(logits)) < TOLERANCE["full_resolution_samples"]


@pytest.mark.parametrize("case", CASES[:3])
@torch.inference_mode()
def test_every_prompt_becomes_the_golden_tokens_and_map(case: str) -> None:
    given = prompts(case)
    sparse, dense = golden_network().prompt_encoder(
        given["points_dhw"], given["point_labels"], None, given.get("mask_input")
    )
    assert error(f"sparse_{case}", sparse) < TOLERANCE["sparse_dense_pe"]
    assert error(f"dense_{case}", dense.expand(1, 384, 8, 8, 8)) < TOLERANCE["sparse_dense_pe"]


@torch.inference_mode()
def test_the_positions_of_tokens_are_the_golden_ones() -> None:
    by_channel = golden_network().prompt_encoder.dense_pe().transpose(1, 2)
    assert error("dense_pe", by_channel) < TOLERANCE["sparse_dense_pe"]


@torch.inference_mode()
def test_an_ambiguous_prompt_gets_the_three_golden_masks() -> None:
    logits, iou = golden_network().decode((an_embedding(),), **prompts("a"), multimask=True)
    assert logits.shape == (1, 3, 32, 32, 32)
    assert error("multimask_a", logits) < TOLERANCE["logits"]
    assert np.linalg.norm(iou.numpy() - answers()["multimask_a_iou"]) < TOLERANCE["iou"]


def an_embedding() -> Tensor:
    return torch.from_numpy(answers()["image_embedding"])
