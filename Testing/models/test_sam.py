from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from SAMLesionLib.models import sam as sam_package
from SAMLesionLib.models.sam import (
    Sam,
    build_lite_medsam,
    build_sam_vit_b,
    build_sam_vit_h,
    build_sam_vit_l,
    build_tiny_lite_medsam,
    build_tiny_sam,
)

KEYS = Path(__file__).parents[1] / "Data" / "keys"
PUBLISHED = {
    "sam_vit_b": (build_sam_vit_b, 93_735_472),
    "sam_vit_l": (build_sam_vit_l, 312_342_832),
    "sam_vit_h": (build_sam_vit_h, 641_090_608),
    "lite_medsam": (build_lite_medsam, 9_791_300),
}


@pytest.fixture(params=[build_tiny_sam, build_tiny_lite_medsam], ids=["vit", "tiny_vit"])
def tiny(request: pytest.FixtureRequest) -> Sam:
    torch.manual_seed(0)
    return request.param().eval()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_tensor_of_a_published_checkpoint_has_its_place(name: str) -> None:
    build, _ = PUBLISHED[name]
    with torch.device("meta"):
        ours = {key: list(value.shape) for key, value in build().state_dict().items()}
    assert ours == json.loads((KEYS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_number_of_parameters_is_the_published_one(name: str) -> None:
    build, total = PUBLISHED[name]
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in build().parameters()) == total


def test_the_package_names_what_others_may_use() -> None:
    assert sorted(sam_package.__all__) == sam_package.__all__
    assert all(hasattr(sam_package, name) for name in sam_package.__all__)


@torch.inference_mode()
def test_encoding_gives_a_float32_embedding_that_serves_the_decoder(tiny: Sam) -> None:
    embedding = tiny.encode(torch.rand(2, 3, tiny.image_size, tiny.image_size))
    assert embedding.shape == (2, 16, 8, 8)
    assert embedding.dtype == torch.float32
    logits, iou = tiny.decode(embedding, boxes_xy=torch.tensor([[4.0, 4, 20, 20]]).expand(2, 4))
    assert logits.shape == (2, 1, 32, 32)
    assert iou.shape == (2, 1)


@torch.inference_mode()
def test_a_grey_image_is_one_with_three_equal_colours(tiny: Sam) -> None:
    grey = torch.rand(1, 1, tiny.image_size, tiny.image_size)
    torch.testing.assert_close(tiny.encode(grey), tiny.encode(grey.repeat(1, 3, 1, 1)))


@torch.inference_mode()
def test_an_ambiguous_prompt_gets_three_masks(tiny: Sam) -> None:
    logits, iou = tiny.decode(an_embedding(), torch.tensor([[[9.0, 9]]]), torch.tensor([[1]]), multimask=True)
    assert logits.shape == (1, 3, 32, 32)
    assert iou.shape == (1, 3)


@torch.inference_mode()
def test_many_boxes_in_one_call_equal_one_by_one(tiny: Sam) -> None:
    embedding, boxes = an_embedding(), some_boxes(5)
    together = tiny.decode(embedding, boxes_xy=boxes)
    one_by_one = [tiny.decode(embedding, boxes_xy=box[None]) for box in boxes]
    for i, alone in enumerate(zip(*one_by_one, strict=True)):
        torch.testing.assert_close(together[i], torch.cat(alone), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_many_boxes_with_masks_in_one_call_equal_one_by_one(tiny: Sam) -> None:
    embedding, boxes, masks = an_embedding(), some_boxes(3), torch.randn(3, 1, 32, 32)
    together, _ = tiny.decode(embedding, boxes_xy=boxes, mask_input=masks)
    for i in range(3):
        alone, _ = tiny.decode(embedding, boxes_xy=boxes[i : i + 1], mask_input=masks[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_slices_in_one_batch_equal_one_by_one(tiny: Sam) -> None:
    images, boxes = torch.rand(3, 1, tiny.image_size, tiny.image_size), some_boxes(3)
    together, _ = tiny(images, boxes)
    for i in range(3):
        alone, _ = tiny(images[i : i + 1], boxes[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_points_without_a_box_end_with_one_that_is_none(tiny: Sam) -> None:
    sparse, _ = tiny.prompt_encoder(torch.tensor([[[5.0, 6.0]]]), torch.tensor([[1]]))
    assert sparse.shape == (1, 2, 16)
    torch.testing.assert_close(sparse[0, 1], tiny.prompt_encoder.not_a_point_embed.weight[0])


@torch.inference_mode()
def test_a_mask_alone_is_a_prompt(tiny: Sam) -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:16, 8:16] = 1
    logits, _ = tiny.decode(an_embedding(), mask_input=mask)
    without, _ = tiny.decode(an_embedding())
    assert logits.shape == without.shape == (1, 1, 32, 32)
    assert not torch.allclose(logits, without)


def test_gradients_reach_every_weight_that_a_box_uses(tiny: Sam) -> None:
    logits, iou = tiny.train()(torch.rand(2, 3, tiny.image_size, tiny.image_size), some_boxes(2))
    (logits.square().mean() + iou.mean()).backward()
    unused = {name for name, p in tiny.named_parameters() if p.grad is None}
    assert all("mask_downscaling" in name or "hypernetworks" in name for name in unused)
    assert all(p.grad.any() for p in tiny.image_encoder.parameters())


def an_embedding() -> torch.Tensor:
    return torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(1))


def some_boxes(count: int) -> torch.Tensor:
    corner = torch.rand(count, 2, generator=torch.Generator().manual_seed(2)) * 10
    return torch.cat((corner, corner + 12), dim=1)
