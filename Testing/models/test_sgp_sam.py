"""SGP-SAM: our design agrees with what the paper says, and stays out of the way before it is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
import torch
from sam_reference import randomise
from torch import Tensor, nn

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.sam3d import Sam3D, prepare_for_answers
from SAMLesionLib.models.sam3d.image_encoder import ImageEncoderViT3D
from SAMLesionLib.models.sam3d.mask_decoder import MaskDecoder3D
from SAMLesionLib.models.sam3d.prompt_encoder import PromptEncoder3D
from SAMLesionLib.models.sgp_sam import (
    NEW_KEYS,
    GateMode,
    SelfGatedPrompting,
    SgpSam,
    build_sgp_sam,
    build_sgp_sam_small,
    build_tiny_sgp_sam,
)
from SAMLesionLib.training import ZoomLoss, dice_ce_loss


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Networks this small lose more by waiting for a second thread than they win."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny() -> SgpSam:
    """SAM-Med3D's part random, ours as it is before training."""
    network = build_tiny_sgp_sam()
    fresh = deepcopy(network.sgpm.state_dict())
    randomise(network)
    network.sgpm.load_state_dict(fresh)
    return network.eval()


@pytest.fixture
def trained() -> SgpSam:
    """Random everywhere, so that fusion changes what it touches."""
    network = build_tiny_sgp_sam()
    randomise(network)
    return network.eval()


def an_image(batch: int = 1) -> Tensor:
    return torch.randn(batch, 1, 32, 32, 32, generator=torch.Generator().manual_seed(4))


def without_ours(network: SgpSam) -> Sam3D:
    return Sam3D(network.image_encoder, network.prompt_encoder, network.mask_decoder)


def set_decision(module: SelfGatedPrompting, logit: float) -> None:
    """Let a gate say this about every cube."""
    with torch.no_grad():
        module.gate.decide.weight[0] = 0
        module.gate.decide.bias[0] = logit


# -- sizes -----------------------------------------------------------------------------------------


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_additions_are_less_than_a_hundredth_of_the_model() -> None:
    with torch.device("meta"):
        network = build_sgp_sam()
        module = SelfGatedPrompting(768)
    assert (count(module.gate), count(module.fusion), count(module)) == (29_604, 184_897, 214_501)
    assert count(network.sgpm) == 858_004
    assert count(network) == 100_509_232 + 858_004


def test_the_small_model_fits_a_laptop_and_a_repository() -> None:
    with torch.device("meta"):
        network = build_sgp_sam_small()
    assert count(network) < 12_000_000
    n_values = sum(value.numel() for value in network.state_dict().values())
    assert 2 * n_values < 25_000_000  # bytes in half precision
    assert (network.image_size, network.mask_size) == (64, 32)


@torch.inference_mode()
def test_the_small_model_answers_clicks_and_boxes() -> None:
    network = build_sgp_sam_small().eval()
    encoded = network.encode(torch.randn(1, 1, 64, 64, 64))
    box = torch.tensor([[10.0, 12, 14, 40, 42, 44]])
    for prompts in (
        {"points_dhw": torch.tensor([[[30.0, 31, 32]]]), "point_labels": torch.tensor([[1]])},
        {"boxes_dhw": box},
        {"boxes_dhw": box, "mask_input": torch.zeros(1, 1, 32, 32, 32)},
    ):
        logits, _ = network.decode(encoded, **prompts)
        assert logits.shape == (1, 1, 32, 32, 32)
        assert torch.isfinite(logits).all()


# -- before training -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["hard", "soft", "open", "closed"])
@pytest.mark.parametrize("is_training", [False, True])
@torch.inference_mode()
def test_untrained_it_is_the_model_it_was_built_on_bit_for_bit(
    tiny: SgpSam, mode: GateMode, is_training: bool
) -> None:
    tiny.train(is_training)
    tiny.set_gates(mode)
    (ours,), (base,) = tiny.encode(an_image(2)), without_ours(tiny).encode(an_image(2))
    assert torch.equal(ours, base)


@torch.inference_mode()
def test_gates_begin_open(tiny: SgpSam) -> None:
    _, readings = tiny.encode_gated(an_image(3))
    assert len(readings) == 2
    assert all(reading.is_open.all() and reading.probability.shape == (3,) for reading in readings)


# -- the gate --------------------------------------------------------------------------------------


@torch.inference_mode()
def test_open_and_closed_gates_give_different_embeddings(trained: SgpSam) -> None:
    trained.set_gates("open")
    opened = trained.encode(an_image())[0]
    trained.set_gates("closed")
    assert not torch.allclose(opened, trained.encode(an_image())[0])
    assert torch.equal(trained.encode(an_image())[0], without_ours(trained).encode(an_image())[0])


def test_the_fusion_of_a_closed_gate_is_not_computed(trained: SgpSam) -> None:
    fused: list[int] = []
    for module in trained.sgpm:
        set_decision(module, -5.0)
        module.fusion.register_forward_hook(lambda _, inputs, output: fused.append(len(inputs[0])))
    trained.encode(an_image(2))
    assert not fused
    set_decision(trained.sgpm[1], 5.0)
    trained.encode(an_image(2))
    assert fused == [2]


@torch.inference_mode()
def test_only_the_cubes_with_an_open_gate_are_fused_and_as_if_multiplied_by_zero_or_one() -> None:
    torch.manual_seed(3)
    module = SelfGatedPrompting(16, bottleneck=8, hidden=4)
    randomise(module)
    tokens = torch.randn(6, 3, 3, 3, 16)
    probability, scale_weights = module.gate(tokens)
    with torch.no_grad():  # the middle of what the gate says about these six
        module.gate.decide.bias[0] -= torch.logit(probability).median() + 1e-3
    fused: list[int] = []
    module.fusion.register_forward_hook(lambda _, inputs, output: fused.append(len(inputs[0])))
    answer, reading = module.eval()(tokens)
    n_open = int(reading.is_open.sum())
    assert 0 < n_open < 6
    assert fused == [n_open]
    everywhere = module.fusion(tokens, scale_weights) * reading.is_open.view(-1, 1, 1, 1, 1)
    torch.testing.assert_close(answer, tokens + everywhere)
    assert torch.equal(answer[~reading.is_open], tokens[~reading.is_open])


@torch.inference_mode()
def test_training_and_answering_agree_on_what_is_open(trained: SgpSam) -> None:
    set_decision(trained.sgpm[0], -5.0)
    set_decision(trained.sgpm[1], 5.0)
    answering = trained.eval().encode(an_image())[0]
    torch.testing.assert_close(trained.train().encode(an_image())[0], answering)


def test_ready_to_answer_its_filters_see_all_channels_and_give_the_same(trained: SgpSam) -> None:
    trained.set_gates("open")
    expected = trained.encode(an_image(2))
    prepare_for_answers(trained)
    for found, meant in zip(trained.encode(an_image(2)), expected, strict=True):
        torch.testing.assert_close(found, meant, rtol=1e-4, atol=1e-5)
    filters = [m for m in trained.sgpm.modules() if isinstance(m, nn.Conv3d) and max(m.dilation) > 1]
    assert len(filters) == 4  # two scales in each of two blocks
    assert all(conv.groups == 1 and not conv.weight.requires_grad for conv in filters)


def test_the_gate_learns_although_its_answer_is_yes_or_no(trained: SgpSam) -> None:
    trained.train().encode(an_image())[0].square().mean().backward()
    for module in trained.sgpm:
        assert all(p.grad is not None and p.grad.any() for p in module.gate.reduce.parameters())
        assert module.gate.decide.weight.grad[0].any()


def test_a_closed_gate_learns_too(trained: SgpSam) -> None:
    for module in trained.sgpm:
        set_decision(module, -1.0)
    trained.train().encode(an_image())[0].square().mean().backward()
    assert all(module.gate.decide.bias.grad[0] != 0 for module in trained.sgpm)


def test_in_the_first_step_only_the_last_layer_of_the_fusion_learns(tiny: SgpSam) -> None:
    tiny.train().encode(an_image())[0].square().mean().backward()
    learning = {name for name, p in tiny.sgpm.named_parameters() if p.grad is not None and p.grad.any()}
    assert learning == {f"{i}.fusion.expand.{kind}" for i in range(2) for kind in ("weight", "bias")}


# -- weights ---------------------------------------------------------------------------------------


def test_weights_go_there_and_back(trained: SgpSam) -> None:
    copy = build_tiny_sgp_sam().eval()
    copy.load_state_dict(trained.state_dict())
    assert torch.equal(copy.encode(an_image())[0], trained.encode(an_image())[0])


def test_a_plain_sam_med3d_lacks_nothing_but_what_is_ours(tiny: SgpSam) -> None:
    base = without_ours(tiny).state_dict()
    missing, unexpected = build_tiny_sgp_sam().load_state_dict(base, strict=False)
    assert missing
    assert all(key.startswith(NEW_KEYS) for key in missing)
    assert not unexpected


def test_it_starts_from_the_weights_of_a_plain_sam_med3d(tiny: SgpSam) -> None:
    base = without_ours(tiny)
    fresh = build_tiny_sgp_sam().eval()
    fresh.load_base(base.state_dict())
    assert torch.equal(fresh.encode(an_image())[0], base.encode(an_image())[0])


def test_a_base_of_another_size_is_refused_naming_what_differs(tiny: SgpSam) -> None:
    base = dict(without_ours(tiny).state_dict())
    del base["image_encoder.pos_embed"]
    base["mask_decoder.iou_token.weight"] = torch.zeros(1, 7)
    base["surprise"] = torch.zeros(1)
    with pytest.raises(WeightsError, match=r"image_encoder\.pos_embed, mask_decoder\.iou_token.*surprise"):
        tiny.load_base(base)


# -- learning --------------------------------------------------------------------------------------


def a_network_for_small_cubes() -> SgpSam:
    encoder = ImageEncoderViT3D(
        16, 4, 48, 2, 4, global_attn_indexes=(0, 1), out_chans=24, rel_pos=False, stem_chans=(16, 32)
    )
    decoder = MaskDecoder3D(24, 4, 48, 24, finer_chans=(16,))
    return SgpSam(encoder, PromptEncoder3D(24, 4, 16, 8), decoder, after_blocks=(0, 1), bottleneck=16)


def balls_in_noise(batch: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Images (Bx1x16x16x16) and masks (Bx16x16x16) of balls of 2 to 4 voxels, and their middles (Bx1x3)."""
    random = torch.Generator().manual_seed(seed)
    centre = 4 + 8 * torch.rand(batch, 3, generator=random)
    radius = 2 + 2 * torch.rand(batch, 1, 1, 1, generator=random)
    grid = torch.stack(torch.meshgrid(*[torch.arange(16.0)] * 3, indexing="ij"))
    mask = ((grid - centre.view(batch, 3, 1, 1, 1)).norm(dim=1) <= radius).float()
    image = 2 * mask + 0.5 * torch.randn(mask.shape, generator=random)
    return image[:, None], mask, centre[:, None]


def dice_after_training(network: SgpSam, trained: nn.ModuleList, loss: Callable[..., Tensor]) -> float:
    """Forty steps of a few parts, the encoder frozen; then the mean Dice of sixteen unseen balls."""

    def answer(images: Tensor, clicks: Tensor) -> Tensor:
        labels = torch.ones(clicks.shape[:2])
        return network.enlarge(network.decode(network.encode(images), clicks, labels)[0])[:, 0]

    network.image_encoder.requires_grad_(False)
    optimiser = torch.optim.AdamW(trained.parameters(), lr=3e-3)
    for step in range(40):
        images, masks, clicks = balls_in_noise(4, seed=step)
        optimiser.zero_grad()
        loss(answer(images, clicks), masks).backward()
        optimiser.step()
    network.eval()
    images, masks, clicks = balls_in_noise(16, seed=1000)
    with torch.no_grad():
        found = (answer(images, clicks) > 0).float()
    return (2 * (found * masks).sum((1, 2, 3)) / (found + masks).sum((1, 2, 3))).mean().item()


def test_small_balls_are_learned_sooner_than_by_the_decoder_alone(one_thread: None) -> None:
    torch.manual_seed(1)
    ours, base = a_network_for_small_cubes(), a_network_for_small_cubes()
    base.load_state_dict(ours.state_dict())
    base.set_gates("closed")
    ours_dice = dice_after_training(ours, nn.ModuleList([ours.sgpm, ours.mask_decoder]), ZoomLoss())
    base_dice = dice_after_training(base, nn.ModuleList([base.mask_decoder]), dice_ce_loss)
    assert ours_dice > 0.3
    assert ours_dice > base_dice + 0.1
