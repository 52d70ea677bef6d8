from __future__ import annotations

import pytest
import torch
from sam_reference import (
    ReferenceSam,
    lite_medsam_weights,
    randomise,
    reference_sam_vit_b,
    reference_tiny_sam,
    relative_error,
)
from torch import Tensor

from SAMLesionLib.models.sam import Sam, build_lite_medsam, build_tiny_sam, image_encoder
from SAMLesionLib.models.sam.image_encoder import ImageEncoderViT
from SAMLesionLib.models.sam.mask_decoder import MaskDecoder
from SAMLesionLib.models.sam.prompt_encoder import PromptEncoder

POINTS = {
    "points_xy": torch.tensor([[[20.0, 30], [50, 9]], [[1, 2], [60, 63]]]),
    "point_labels": torch.tensor([[1, 0], [1, -1]]),
}
BOXES = {"boxes_xy": torch.tensor([[10.0, 12, 40, 44], [3, 20, 30, 63]])}
MASKS = {"mask_input": torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(3))}
PROMPTS = {
    "points": POINTS,
    "boxes": BOXES,
    "masks": MASKS,
    "points and boxes": POINTS | BOXES,
    "points and masks": POINTS | MASKS,
    "everything": POINTS | BOXES | MASKS,
}


@pytest.fixture(scope="module")
def tiny_pair() -> tuple[Sam, ReferenceSam]:
    return same_weights(build_tiny_sam(), reference_tiny_sam())


@pytest.fixture(scope="module")
def vit_b_pair() -> tuple[Sam, ReferenceSam]:
    """ViT-B in all its layers on half the side, a sixth of the time of 1024x1024."""
    encoder = ImageEncoderViT(image_size=512)
    ours = Sam(encoder, PromptEncoder(256, 32, image_size=512), MaskDecoder())
    return same_weights(ours, reference_sam_vit_b(image_size=512))


@pytest.fixture(scope="module")
def lite_medsam() -> Sam:
    network = build_lite_medsam().eval()
    network.load_state_dict(lite_medsam_weights())
    return network


@torch.inference_mode()
def test_the_tiny_encoder_is_the_reference(tiny_pair: tuple[Sam, ReferenceSam]) -> None:
    ours, theirs = tiny_pair
    image = torch.rand(2, 3, 64, 64)
    assert relative_error(ours.encode(image), theirs.encode(image)) < 1e-4


@torch.inference_mode()
def test_attention_in_parts_is_attention_at_once(
    tiny_pair: tuple[Sam, ReferenceSam], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = tiny_pair
    monkeypatch.setattr(image_encoder, "QUERY_CHUNK", 7)
    image = torch.rand(1, 3, 64, 64)
    assert relative_error(ours.encode(image), theirs.encode(image)) < 1e-4


@pytest.mark.parametrize("multimask", [False, True], ids=["one mask", "three masks"])
@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS)
@torch.inference_mode()
def test_every_kind_of_prompt_decodes_as_in_the_reference(
    tiny_pair: tuple[Sam, ReferenceSam], prompts: dict[str, Tensor], multimask: bool
) -> None:
    ours, theirs = tiny_pair
    embedding = torch.randn(1, 16, 8, 8)
    for a, b in zip(
        ours.decode(embedding, **prompts, multimask=multimask),
        theirs.decode(embedding, **prompts, multimask=multimask),
        strict=True,
    ):
        assert a.shape == b.shape
        assert relative_error(a, b) < 1e-4


@torch.inference_mode()
def test_a_whole_vit_b_is_the_reference(vit_b_pair: tuple[Sam, ReferenceSam]) -> None:
    ours, theirs = vit_b_pair
    image = torch.rand(1, 3, 512, 512)
    embedding, expected = ours.encode(image), theirs.encode(image)
    assert expected.std() > 0.1
    assert relative_error(embedding, expected) < 1e-4
    mask = {"mask_input": torch.randn(1, 1, 128, 128)}
    click = {"points_xy": torch.tensor([[[200.0, 150]]]), "point_labels": torch.tensor([[1]])}
    box = {"boxes_xy": torch.tensor([[50.0, 100, 350, 450]])}
    for prompts in (box, click, box | click | mask):
        logits, iou = ours.decode(embedding, **prompts)
        expected_logits, expected_iou = theirs.decode(expected, **prompts)
        assert relative_error(logits, expected_logits) < 1e-4
        assert relative_error(iou, expected_iou) < 1e-4


@pytest.mark.parametrize(
    ("picture", "embedding_values", "logit_values", "inside", "iou_value"),
    [
        ("ramp", (-0.001568, 0.105566, -0.100446), (-18.43745, 7.99304, 9.3430), 3582, 0.81036),
        ("disc", (-0.002717, 0.105276, -0.122768), (-27.40133, 13.54288, 16.7958), 4977, 0.97167),
    ],
)
@torch.inference_mode()
def test_the_published_lite_medsam_gives_the_values_measured_on_the_original(
    lite_medsam: Sam,
    picture: str,
    embedding_values: tuple[float, float, float],
    logit_values: tuple[float, float, float],
    inside: int,
    iou_value: float,
) -> None:
    embedding = lite_medsam.encode(a_picture(picture))
    logits, iou = lite_medsam.decode(embedding, boxes_xy=torch.tensor([[76.0, 84, 164, 172]]))
    assert summary(embedding, (0, 100, 32, 32)) == pytest.approx(embedding_values, abs=2e-6)
    assert summary(logits, (0, 0, 128, 120)) == pytest.approx(logit_values, abs=2e-4)
    assert abs((logits > 0).sum().item() - inside) <= 1
    assert iou.item() == pytest.approx(iou_value, abs=1e-5)


def same_weights(ours: Sam, theirs: ReferenceSam) -> tuple[Sam, ReferenceSam]:
    randomise(theirs)
    theirs.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix.normal_()
    ours.load_state_dict(theirs.state_dict())
    return ours.eval(), theirs.eval()


def a_picture(name: str) -> Tensor:
    """A 256x256 slice: brightness along the diagonal, or a bright disc on a dark ground."""
    row, column = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    if name == "ramp":
        return ((row + column) / 510)[None, None]
    return torch.where((row - 128) ** 2 + (column - 120) ** 2 < 1600, 0.8, 0.2)[None, None]


def summary(values: Tensor, place: tuple[int, int, int, int]) -> tuple[float, float, float]:
    return values.mean().item(), values.std().item(), values[place].item()
