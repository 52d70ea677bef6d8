"""A model that looks once, for the tests of the engine: it finds what is bright inside the organ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from engine_cases import TINY
from torch import Tensor

from SAMLesionLib.engine import Engine
from SAMLesionLib.models.cards import CropRecipe, ModelCard
from SAMLesionLib.models.tags import Tags, TagsEncoded
from SAMLesionLib.models.tags.image_encoder import ImageEncoderTags
from SAMLesionLib.models.tags.mask_decoder import MaskDecoderTags
from SAMLesionLib.models.tags.prompt_encoder import PointPromptEncoder
from SAMLesionLib.models.weights import LoadedModel

CROPS = replace(
    TINY,
    name="crops",
    title="Crops",
    summary="The architecture of TAGS in few random weights.",
    architecture="SAMLesionLib.models.tags:build_tiny_tags",
    prompts=frozenset({"organ", "organ-mask", "point"}),
    crop=CropRecipe(spacing_mm=1.0, steady_mm=8.0, most_points=10, organs=("kidney", "liver", "pancreas")),
    takes_negative=False,
)


class BrightTags(Tags):
    """Finds what is brighter than the mean where the third channel, organ or grey, is above 0.

    Attributes:
        images: every cube that was encoded.
        points: those of every decoding.
    """

    def __init__(self) -> None:
        encoder = ImageEncoderTags(32, 4, 16, 16, 1, 2, (), 6, 16, 4, 8, stages=1)
        super().__init__(encoder, PointPromptEncoder(8, 2, 8), MaskDecoderTags(8, 4))
        self.images: list[Tensor] = []
        self.points: list[Tensor] = []

    def encode_in_steps(self, image: Tensor) -> Iterator[float | TagsEncoded]:
        self.images.append(image)
        yield 0.5
        yield 1.0
        yield TagsEncoded(image[:, :1], image[:, 2:])

    def decode(self, encoded: TagsEncoded, points_dhw: Tensor) -> Tensor:
        self.points.append(points_dhw)
        grey, organ = encoded
        tumour = torch.where((grey > 1) & (organ > 0), 5.0, -5.0)
        return torch.cat((torch.zeros_like(tumour), tumour), dim=1)


def an_engine_of(network: Tags, card: ModelCard = CROPS, **settings: Any) -> Engine:
    """An engine whose only model looks once."""
    loaded = LoadedModel(network, f"hash of {card.name}", Path("crops.pth"))
    models = MappingProxyType({card.name: card})
    return Engine("cpu", "float32", threads=1, models=models, load=lambda _: loaded, **settings)
