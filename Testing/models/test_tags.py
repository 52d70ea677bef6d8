"""TAGS: the published names, shapes and sizes; our way of computing gives what the plain way gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from sam_reference import randomise
from tags_reference import reference_logits, reference_slices
from torch import Tensor, nn

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.sam import build_sam_vit_b
from SAMLesionLib.models.state_dicts import read_state_dict
from SAMLesionLib.models.tags import (
    Tags,
    build_3dsam_adapter,
    build_tags,
    build_tiny_tags,
    prepare_for_answers,
)
from SAMLesionLib.models.tags.prompt_encoder import sample_points
from SAMLesionLib.models.tags.tags import SAM_LEAVES_OUT
from SAMLesionLib.models.tags.windows import APART, shifted_regions

KEYS = Path(__file__).parents[1] / "Data" / "keys"


@pytest.fixture
def tiny() -> Tags:
    torch.manual_seed(2)
    network = build_tiny_tags()
    randomise(network)
    return network.eval()


def an_image(batch: int = 1) -> Tensor:
    return torch.randn(batch, 3, 32, 32, 32, generator=torch.Generator().manual_seed(4))


def some_points(*places: tuple[float, float, float]) -> Tensor:
    return torch.tensor([places or ((12, 14, 17),)], dtype=torch.float32)


def on_no_device(build: type[Tags]) -> Tags:
    with torch.device("meta"):
        return build()


# -- what is published -----------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["image_encoder", "prompt_encoder", "mask_decoder"])
def test_names_and_shapes_are_the_published_ones(part: str) -> None:
    published = json.loads((KEYS / f"tags_{part}.json").read_text())
    # The masks of shifted windows follow from the sizes; published files carry 400 MB of them.
    expected = {key: tuple(shape) for key, shape in published.items() if not key.endswith(".attn_mask")}
    ours = getattr(on_no_device(build_tags), part).state_dict()
    assert {key: tuple(value.shape) for key, value in ours.items()} == expected


def count(module: nn.Module, is_trained: bool = True) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not is_trained)


def test_as_many_parameters_are_trained_as_published() -> None:
    network = on_no_device(build_tags)
    assert count(network) == 27_821_696
    assert count(network.image_encoder) == 17_569_280
    assert count(network.image_encoder, is_trained=False) == 106_415_884
    assert count(network.prompt_encoder) == 3_164_160
    assert count(network.mask_decoder) == 7_088_256


def test_without_alignment_it_has_the_size_of_3dsam_adapter() -> None:
    assert count(on_no_device(build_3dsam_adapter)) == 25_462_400


def test_what_is_sams_is_not_trained(tiny: Tags) -> None:
    tiny(an_image(), some_points()).sum().backward()
    trained = {name for name, p in tiny.image_encoder.named_parameters() if p.grad is not None}
    assert not any(
        part in name for name in trained for part in (".qkv.", ".mlp.", "patch_embed", "pos_embed")
    )
    for part in ("depth_embed", "slice_embed", "adapter.conv", "norm1", "rel_pos_d", "neck_3d", "alignment"):
        assert any(part in name for name in trained), part


# -- the same function -----------------------------------------------------------------------------


@torch.inference_mode()
def test_the_voxels_become_the_tokens_of_finer_slices(tiny: Tags) -> None:
    ours = tiny.image_encoder.slices(an_image())
    torch.testing.assert_close(ours, reference_slices(tiny.image_encoder, an_image()), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_logits_are_those_of_the_plain_way(tiny: Tags) -> None:
    points = some_points((12, 14, 17), (3.5, 20, 30))
    reference = reference_logits(tiny, an_image(), points)
    torch.testing.assert_close(tiny(an_image(), points), reference, atol=2e-3, rtol=1e-3)
    assert reference.std() > 0.1


@torch.inference_mode()
def test_cubes_of_a_batch_do_not_meet(tiny: Tags) -> None:
    image = an_image(2)
    points = torch.cat((some_points((12, 14, 17)), some_points((20, 9, 4))))
    together = tiny(image, points)
    for n in range(2):
        torch.testing.assert_close(
            together[n], tiny(image[n : n + 1], points[n : n + 1])[0], atol=2e-3, rtol=1e-3
        )


def test_tokens_that_came_round_are_kept_apart() -> None:
    regions = shifted_regions(8, 4, torch.device("cpu")).argmax(dim=-1)
    assert regions.shape == (8, 64)
    assert regions[0].unique().tolist() == [0]  # the first window lies inside the cube
    assert regions[-1].unique().tolist() == list(range(8))  # the last one meets all eight corners
    assert APART == -100


@torch.inference_mode()
def test_a_point_reads_the_map_at_its_place_in_the_cube() -> None:
    image_map = torch.zeros(1, 1, 8, 8, 8)
    image_map[0, 0, 1, 2, 3] = 1  # h, w, d
    at = sample_points(image_map, some_points((13.5, 5.5, 9.5), (5.5, 9.5, 13.5), (99, 0, 0)), 32)
    assert at[0, :, 0].tolist() == [1, 0, 0]


@torch.inference_mode()
def test_every_channel_and_every_point_counts_and_none_is_needed(tiny: Tags) -> None:
    image, points = an_image(), some_points((12, 14, 17), (20, 8, 9))
    answer = tiny(image, points)
    for channel in range(3):
        other = image.clone()
        other[:, channel] += 1 if channel == 2 else torch.randn(32, 32, 32)
        assert not torch.allclose(tiny(other, points), answer)
    assert not torch.allclose(tiny(image, points[:, :1]), answer)
    assert tiny(image, points[:, :0]).isfinite().all()


# -- weights ---------------------------------------------------------------------------------------


def test_sam_vit_b_lacks_exactly_what_is_added() -> None:
    sam, network = on_no_device(build_sam_vit_b), on_no_device(build_tags)
    missing = network.load_sam(sam.state_dict())
    assert missing == sorted(
        key for key in network.image_encoder.state_dict() if any(part in f".{key}" for part in SAM_LEAVES_OUT)
    )
    by_block = ["adapter.conv", "adapter.linear1", "adapter.linear2"]
    expected = {
        f"blocks.{i}.{name}.{kind}" for i in range(12) for name in by_block for kind in ("weight", "bias")
    }
    expected |= {f"blocks.{i}.attn.{name}" for i in range(12) for name in ("lr", "rel_pos_d")}
    expected |= {f"neck_3d.{i}.{n}.weight" for i in range(4) for n in range(4)}
    expected |= {f"neck_3d.{i}.{n}.bias" for i in range(4) for n in (1, 3)}
    expected |= {f"alignment_adapters.{i}.fc1.0.weight" for i in range(4)}
    assert set(missing) == expected | {"depth_embed", "slice_embed.weight", "slice_embed.bias"}


def test_it_starts_from_a_sam_and_its_third_axis_from_the_other_two(tiny: Tags) -> None:
    sam = {f"image_encoder.{key}": value + 1 for key, value in tiny.image_encoder.state_dict().items()}
    tiny.load_sam(sam)
    attn = tiny.image_encoder.blocks[0].attn
    assert torch.equal(attn.rel_pos_h, sam["image_encoder.blocks.0.attn.rel_pos_h"])
    torch.testing.assert_close(attn.rel_pos_d, (attn.rel_pos_h + attn.rel_pos_w) / 2)


def test_a_sam_of_another_size_is_refused_naming_what_differs(tiny: Tags) -> None:
    sam = {f"image_encoder.{key}": value for key, value in tiny.image_encoder.state_dict().items()}
    del sam["image_encoder.pos_embed"]
    sam["image_encoder.blocks.1.mlp.lin1.bias"] = torch.zeros(3)
    with pytest.raises(
        WeightsError, match=r"blocks\.1\.mlp\.lin1\.bias, image_encoder\.pos_embed.*SAM ViT-B"
    ):
        tiny.load_sam(sam)


def test_a_checkpoint_in_parts_is_read_as_one_network(tiny: Tags, tmp_path: Path) -> None:
    encoder = dict(tiny.image_encoder.state_dict()) | {"blocks.0.attn_mask": torch.zeros(2, 2)}
    unused = build_tiny_tags().prompt_encoder.state_dict()
    content = {
        "epoch": 3,
        "encoder_dict": encoder,
        "feature_dict": [unused, unused, unused, tiny.prompt_encoder.state_dict()],
        "decoder_dict": tiny.mask_decoder.state_dict(),
    }
    torch.save(content, tmp_path / "best.pth.tar")
    network = build_tiny_tags().eval()
    network.load_state_dict(read_state_dict(tmp_path / "best.pth.tar"))
    assert torch.equal(network(an_image(), some_points()), tiny(an_image(), some_points()))


# -- answering -------------------------------------------------------------------------------------


@torch.inference_mode()
def test_half_precision_gives_nearly_the_same_answer(tiny: Tags) -> None:
    exact = tiny(an_image(), some_points())
    answer = prepare_for_answers(tiny, torch.bfloat16)(an_image(), some_points())
    assert answer.dtype == torch.float32
    assert (answer - exact).norm() / exact.norm() < 0.05


def test_checkpointed_blocks_give_the_same_gradients(tiny: Tags) -> None:
    tiny(an_image(), some_points()).sum().backward()
    plain = {name: p.grad.clone() for name, p in tiny.named_parameters() if p.grad is not None}
    tiny.zero_grad()
    tiny.image_encoder.checkpoints_blocks = True
    tiny(an_image(), some_points()).sum().backward()
    for name, parameter in tiny.named_parameters():
        if name in plain:
            torch.testing.assert_close(parameter.grad, plain[name])
