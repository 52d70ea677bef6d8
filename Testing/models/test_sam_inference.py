from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from sam_reference import lite_medsam_weights, randomise, relative_error

from SAMLesionLib.models.sam import (
    Sam,
    build_lite_medsam,
    build_tiny_lite_medsam,
    build_tiny_sam,
    fuse_for_inference,
)

BOX = torch.tensor([[4.0, 5, 20, 28]])
TINY = pytest.mark.parametrize("build", [build_tiny_sam, build_tiny_lite_medsam], ids=["vit", "tiny_vit"])


@TINY
@torch.inference_mode()
def test_the_fused_network_answers_like_the_plain_one(build: Callable[[], Sam]) -> None:
    plain = a_used(build())
    fused = fuse_for_inference(plain)
    image = torch.rand(2, 3, plain.image_size, plain.image_size)
    assert relative_error(fused.encode(image), plain.encode(image)) < 1e-3
    boxes = BOX.expand(2, 4)
    for ours, theirs in zip(fused(image, boxes), plain(image, boxes), strict=True):
        assert relative_error(ours, theirs) < 1e-3


@TINY
@torch.inference_mode()
def test_bfloat16_comes_close(build: Callable[[], Sam]) -> None:
    plain = a_used(build())
    image = torch.rand(1, 3, plain.image_size, plain.image_size)
    embedding = fuse_for_inference(plain, torch.bfloat16).encode(image)
    assert embedding.dtype == torch.float32
    assert relative_error(embedding, plain.encode(image)) < 0.05


@TINY
def test_fusing_leaves_the_network_as_it_was(build: Callable[[], Sam]) -> None:
    plain = a_used(build())
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    fuse_for_inference(plain, torch.bfloat16)
    assert all(torch.equal(value, before[name]) for name, value in plain.state_dict().items())
    assert all(parameter.requires_grad for parameter in plain.parameters())


def test_the_fused_network_holds_no_batch_normalisation_and_no_gradient() -> None:
    fused = fuse_for_inference(build_tiny_lite_medsam())
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())
    assert not any(parameter.requires_grad for parameter in fused.parameters())


def test_a_network_first_used_for_evaluation_can_still_be_trained() -> None:
    network = build_tiny_lite_medsam()
    with torch.inference_mode():
        network.eval().encode(torch.rand(1, 3, 32, 32))
    network.train()(torch.rand(1, 3, 32, 32), BOX)[0].sum().backward()


@torch.inference_mode()
def test_the_real_lite_medsam_draws_the_same_mask_fused_and_in_bfloat16() -> None:
    plain = build_lite_medsam().eval()
    plain.load_state_dict(lite_medsam_weights())
    image, disc = a_disc()
    box = torch.tensor([[80.0, 88, 160, 168]])
    networks = (plain, fuse_for_inference(plain), fuse_for_inference(plain, torch.bfloat16))
    embeddings = [network.encode(image) for network in networks]
    assert relative_error(embeddings[1], embeddings[0]) < 1e-4
    masks = [n.decode(x, boxes_xy=box)[0] > 0 for n, x in zip(networks, embeddings, strict=True)]
    assert dice(masks[0], disc) > 0.95
    assert dice(masks[1], masks[0]) > 0.9999
    assert dice(masks[2], masks[0]) > 0.99


def a_used(network: Sam) -> Sam:
    """Random weights, and running statistics as if some images had passed."""
    randomise(network)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    return network.eval()


def a_disc() -> tuple[torch.Tensor, torch.Tensor]:
    """A bright disc on a dark, slightly noisy ground, and where it is."""
    row, column = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    disc = ((row - 128) ** 2 + (column - 120) ** 2 < 1600)[None, None]
    noise = torch.randn(256, 256, generator=torch.Generator().manual_seed(0)) * 0.03
    return (torch.where(disc, 0.8, 0.2) + noise).clamp(0, 1), disc


def dice(a: torch.Tensor, b: torch.Tensor) -> float:
    return (2 * (a & b).sum() / (a.sum() + b.sum())).item()
