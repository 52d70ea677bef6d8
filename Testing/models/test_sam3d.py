from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from sam_reference import randomise
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.models.sam3d import Sam3D, build_sam_med3d, build_tiny_sam3d
from SAMLesionLib.models.sam3d.image_encoder import Attention, Block, ImageEncoderViT3D
from SAMLesionLib.models.sam3d.mask_decoder import MaskDecoder3D
from SAMLesionLib.models.sam3d.prompt_encoder import PromptEncoder3D

KEYS = Path(__file__).parents[1] / "Data" / "keys" / "sam_med3d_vit_b_ori.json"


@pytest.fixture
def tiny() -> Sam3D:
    network = build_tiny_sam3d()
    randomise(network)
    return network.eval()


def test_every_tensor_of_the_published_checkpoint_has_its_place() -> None:
    with torch.device("meta"):
        ours = {key: list(value.shape) for key, value in build_sam_med3d().state_dict().items()}
    assert ours == json.loads(KEYS.read_text())


def test_each_part_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        network = build_sam_med3d()
    parts = (network.image_encoder, network.prompt_encoder, network.mask_decoder)
    assert [sum(p.numel() for p in part.parameters()) for part in parts] == [92_924_928, 8_668, 7_575_636]


def test_shapes_are_those_of_the_paper() -> None:
    with torch.device("meta"):
        network = build_sam_med3d()
        (embedding,) = network.encode(torch.empty(2, 1, 128, 128, 128))
        logits, iou = network.decode((embedding,), torch.empty(2, 3, 3), torch.empty(2, 3))
        three, _ = network.decode((embedding,), mask_input=torch.empty(2, 1, 32, 32, 32), multimask=True)
    assert embedding.shape == (2, 384, 8, 8, 8)
    assert logits.shape == (2, 1, 32, 32, 32)
    assert iou.shape == (2, 1)
    assert three.shape == (2, 3, 32, 32, 32)
    assert network.enlarge(logits).shape == (2, 1, 128, 128, 128)
    assert (network.image_size, network.mask_size) == (128, 32)


@pytest.mark.parametrize("size", [(3, 3, 3), (5, 5, 5), (2, 5, 5), (5, 2, 5), (5, 5, 2), (1, 4, 2)])
@torch.inference_mode()
def test_padding_as_one_key_is_padding_as_all_its_keys(size: tuple[int, int, int]) -> None:
    attention = Attention(24, 3, side=5).double()
    randomise(attention)
    x = torch.randn(2, *size, 24, dtype=torch.double)
    torch.testing.assert_close(attention(x), attention_with_all_keys(attention, x))


@torch.inference_mode()
def test_windows_at_the_border_are_padded_like_the_one_of_the_published_size() -> None:
    block = Block(24, 3, window_size=3).double()
    randomise(block)
    x = torch.randn(1, 4, 3, 5, 24, dtype=torch.double)
    seen = block.norm1(x)
    attended = torch.empty_like(seen)
    for d, h, w in [(0, 0, 0), (0, 0, 3), (3, 0, 0), (3, 0, 3)]:
        window = (slice(None), slice(d, d + 3), slice(h, h + 3), slice(w, w + 3))
        attended[window] = attention_with_all_keys(block.attn, seen[window])
    expected = x + attended
    torch.testing.assert_close(block(x), expected + block.mlp(block.norm2(expected)))


def attention_with_all_keys(attention: Attention, x: Tensor) -> Tensor:
    """The published arithmetic: zeros filled in, every score computed, and the answers of zeros dropped."""
    side, heads = attention.side, attention.num_heads
    b, *size, dim = x.shape
    padded = F.pad(x, (0, 0, 0, side - size[2], 0, side - size[1], 0, side - size[0]))
    length = side**3
    q, k, v = attention.qkv(padded).reshape(b, length, 3, heads, -1).permute(2, 0, 3, 1, 4).unbind()
    scores = (q @ k.transpose(-2, -1)) * (dim // heads) ** -0.5
    place = torch.arange(side)
    offset = place[:, None] - place[None] + side - 1
    grid = q.reshape(b, heads, side, side, side, -1)
    along_d = torch.einsum("bndhwc,dkc->bndhwk", grid, attention.rel_pos_d[offset])
    along_h = torch.einsum("bndhwc,hkc->bndhwk", grid, attention.rel_pos_h[offset])
    along_w = torch.einsum("bndhwc,wkc->bndhwk", grid, attention.rel_pos_w[offset])
    scores = scores.view(b, heads, *[side] * 6)
    scores = scores + along_d[:, :, :, :, :, None, None] + along_h[:, :, :, :, None, :, None]
    scores = scores + along_w[:, :, :, :, None, None]
    y = scores.reshape(b, heads, length, length).softmax(-1) @ v
    y = attention.proj(y.transpose(1, 2).reshape(b, side, side, side, dim))
    return y[:, : size[0], : size[1], : size[2]]


@torch.inference_mode()
def test_cubes_in_one_batch_equal_one_by_one(tiny: Sam3D) -> None:
    images = torch.randn(3, 1, 32, 32, 32)
    points, labels = torch.rand(3, 2, 3) * 31, torch.tensor([[1, 0], [1, -1], [0, 1]])
    together, _ = tiny.decode(tiny.encode(images), points, labels)
    for i in range(3):
        one = slice(i, i + 1)
        alone, _ = tiny.decode(tiny.encode(images[one]), points[one], labels[one])
        torch.testing.assert_close(together[one], alone, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_many_objects_share_one_cube(tiny: Sam3D) -> None:
    encoded = tiny.encode(torch.randn(1, 1, 32, 32, 32))
    points, labels = torch.rand(3, 1, 3) * 31, torch.ones(3, 1)
    together, _ = tiny.decode(encoded, points, labels)
    for i in range(3):
        alone, _ = tiny.decode(encoded, points[i : i + 1], labels[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_points_end_with_one_that_is_none_and_no_points_are_no_tokens(tiny: Sam3D) -> None:
    sparse, _ = tiny.prompt_encoder(torch.tensor([[[5.0, 6, 7]]]), torch.tensor([[1]]))
    assert sparse.shape == (1, 2, 24)
    torch.testing.assert_close(sparse[0, 1], tiny.prompt_encoder.not_a_point_embed.weight[0])
    assert tiny.prompt_encoder()[0].shape == (1, 0, 24)


@torch.inference_mode()
def test_corners_of_a_box_are_two_kinds_of_point() -> None:
    encoder = PromptEncoder3D(24, 2, 32, 8, takes_boxes=True)
    box = torch.tensor([[1.0, 2, 3, 20, 21, 22]])
    sparse, _ = encoder(boxes=box)
    corners = encoder.embed_points(box.view(1, 2, 3), torch.tensor([[2, 3]]))
    torch.testing.assert_close(sparse, corners)
    assert "point_embeddings.3.weight" in encoder.state_dict()


@torch.inference_mode()
def test_frozen_positions_are_those_of_the_weights(tiny: Sam3D) -> None:
    computed = tiny.prompt_encoder.dense_pe()
    tiny.prompt_encoder.freeze_pe()
    torch.testing.assert_close(tiny.prompt_encoder.dense_pe(), computed)
    assert "prompt_encoder.frozen_pe" not in tiny.state_dict()


def test_gradients_reach_every_weight_that_a_click_uses(tiny: Sam3D) -> None:
    encoded = tiny.train().encode(torch.randn(1, 1, 32, 32, 32))
    clicks = torch.tensor([[[9.0, 8, 7], [1, 2, 3]]]), torch.tensor([[1, 0]])
    logits, iou = tiny.decode(encoded, *clicks, mask_input=torch.randn(1, 1, 8, 8, 8))
    (logits.square().mean() + iou.mean()).backward()
    unused = {name for name, p in tiny.named_parameters() if p.grad is None}
    assert all("hypernetworks" in name or "no_mask" in name for name in unused)
    assert all(torch.isfinite(p.grad).all() for p in tiny.parameters() if p.grad is not None)
    assert all(p.grad.any() for p in tiny.image_encoder.parameters())


def test_mixed_precision_trains_on_nearly_the_same_answer() -> None:
    # 4x4x4 tokens: on the 2x2x2 of `tiny`, torch 2.13's bfloat16 gradients of 3x3x3 filters are garbage.
    encoder = ImageEncoderViT3D(64, 16, 48, 2, 4, global_attn_indexes=(1,), window_size=3, out_chans=24)
    tiny = Sam3D(encoder, PromptEncoder3D(24, 4, 64, 8), MaskDecoder3D(24, 4, 48, 24)).eval()
    image, clicks = torch.randn(1, 1, 64, 64, 64), (torch.tensor([[[9.0, 8, 7]]]), torch.tensor([[1]]))
    expected, _ = tiny.decode(tiny.encode(image), *clicks)
    with torch.autocast("cpu", torch.bfloat16):
        logits, _ = tiny.train().decode(tiny.encode(image), *clicks)
    logits.float().square().mean().backward()
    assert ((logits - expected).norm() / expected.norm()).item() < 0.05
    assert all(torch.isfinite(p.grad).all() for p in tiny.parameters() if p.grad is not None)


# -- a stem of small convolutions -------------------------------------------------------------------


def a_network_with_a_stem() -> Sam3D:
    encoder = ImageEncoderViT3D(
        32, 8, 24, 1, 2, global_attn_indexes=(0,), out_chans=24, rel_pos=False, stem_chans=(8, 16, 24)
    )
    decoder = MaskDecoder3D(24, 4, 48, 24, finer_chans=(16, 8))
    return Sam3D(encoder, PromptEncoder3D(24, 4, 32, 8), decoder)


def test_a_stem_adds_finer_maps_that_the_decoder_reads_and_the_grey_values() -> None:
    network = a_network_with_a_stem()
    encoded = network.encode(torch.randn(2, 1, 32, 32, 32))
    assert [tuple(x.shape) for x in encoded] == [
        (2, 24, 4, 4, 4),
        (2, 8, 8, 8, 16),
        (2, 16, 16, 16, 8),
        (2, 16, 16, 16, 1),  # grey values
    ]
    logits, _ = network.decode(encoded, torch.rand(2, 1, 3) * 31, torch.ones(2, 1))
    assert logits.shape == (2, 1, 16, 16, 16)
    logits.square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.image_encoder.patch_embed.parameters())
    assert all(p.grad is not None and p.grad.any() for p in network.mask_decoder.finer.parameters())


def test_attention_without_positions_has_no_tables() -> None:
    assert not any("rel_pos" in key for key in a_network_with_a_stem().state_dict())
