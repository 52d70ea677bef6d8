"""3D models for the tests of the engine: one with random weights, and one that finds what is bright."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from engine_cases import TINY
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.engine import Engine
from SAMLesionLib.geometry import Affine
from SAMLesionLib.models.cards import CubeRecipe, ModelCard
from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.models.sam3d.image_encoder import ImageEncoderViT3D
from SAMLesionLib.models.sam3d.mask_decoder import MaskDecoder3D
from SAMLesionLib.models.sam3d.prompt_encoder import PromptEncoder3D
from SAMLesionLib.models.weights import LoadedModel
from SAMLesionLib.volume import Volume

CUBES = replace(
    TINY,
    name="cubes",
    title="Cubes",
    summary="The architecture of SAM-Med3D in few random weights.",
    architecture="SAMLesionLib.models.sam3d:build_tiny_sam3d",
    intensity="robust-z",
    prompts=frozenset({"box", "line", "mask", "point"}),
    cube=CubeRecipe(spacing_mm=1.0, finest_mm=0.5, coarsest_mm=4.0),
)


class RandomSam(Sam3D):
    """The real network, with random weights that make it listen to the image and to every prompt."""

    def __init__(self, takes_boxes: bool) -> None:
        encoder = ImageEncoderViT3D(32, 16, 48, 2, 4, global_attn_indexes=(1,), window_size=3, out_chans=24)
        prompt_encoder = PromptEncoder3D(24, 2, 32, 8, takes_boxes)
        super().__init__(encoder, prompt_encoder, MaskDecoder3D(24, 4, 48, 24))
        with torch.no_grad():
            for parameter in self.parameters():
                if parameter.ndim > 1:
                    parameter.mul_(2.0)


class BrightSam(RandomSam):
    """Finds what is brighter than most, but not around a click beside the lesion.

    Attributes:
        asked: the prompts of every call of `decode`.
    """

    def __init__(self, takes_boxes: bool = False) -> None:
        super().__init__(takes_boxes)
        self.asked: list[dict[str, Any]] = []

    def encode(self, image: Tensor) -> tuple[Tensor, ...]:
        cells = F.avg_pool3d(image, 4)
        is_off_image = F.max_pool3d(image, 4) == -F.max_pool3d(-image, 4)
        return (torch.where(is_off_image, cells[~is_off_image].median(), cells),)

    def decode(
        self,
        encoded: Sequence[Tensor],
        points_dhw: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_dhw: Tensor | None = None,
        mask_input: Tensor | None = None,
        multimask: bool = False,
    ) -> tuple[Tensor, Tensor]:
        self.asked.append(
            {"points": points_dhw, "labels": point_labels, "box": boxes_dhw, "mask": mask_input}
        )
        (cells,) = encoded
        logits = 4 * (cells - (cells.amin() + cells.amax()) / 2)
        if points_dhw is not None and point_labels is not None:
            grid = torch.stack(torch.meshgrid(*[4 * torch.arange(8.0) + 1.5] * 3, indexing="ij"), dim=-1)
            for point, label in zip(points_dhw[0], point_labels[0], strict=True):
                if label == 0:
                    logits[0, 0][(grid - point).norm(dim=-1) < 9] = -4
        return logits, torch.zeros(1, 1)


class BlobSam(BrightSam):
    """Knows nothing: answers with a ball of eight cells around the first click, whatever their size."""

    def decode(self, encoded: Sequence[Tensor], points_dhw: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
        super().decode(encoded, points_dhw, *others)
        grid = torch.stack(torch.meshgrid(*[4 * torch.arange(8.0) + 1.5] * 3, indexing="ij"), dim=-1)
        return (8 - (grid - points_dhw[0, 0]).norm(dim=-1))[None, None] / 2, torch.zeros(1, 1)


@cache
def a_random_network(takes_boxes: bool) -> RandomSam:
    torch.manual_seed(5)
    return RandomSam(takes_boxes)


def an_engine_of(network: Sam3D, card: ModelCard = CUBES, **settings: Any) -> Engine:
    """An engine whose only model is this 3D network."""
    loaded = LoadedModel(network, f"hash of {card.name}", Path("cubes.pth"))
    models = MappingProxyType({card.name: card})
    return Engine("cpu", "float32", threads=1, models=models, load=lambda _: loaded, **settings)


def a_ball(
    centre_ras: tuple[float, float, float],
    radius_mm: float,
    affine: Affine,
    shape_ijk: tuple[int, int, int],
    contrast: float = 200.0,
) -> tuple[Volume, np.ndarray]:
    """A scan with a bright ball in noise, and the ball (k, j, i)."""
    ijk = np.moveaxis(np.indices(shape_ijk[::-1]), 0, -1).reshape(-1, 3)[:, ::-1]
    distance = np.linalg.norm(affine.to_ras(ijk) - centre_ras, axis=1).reshape(shape_ijk[::-1])
    ball = distance <= radius_mm
    noise = np.random.default_rng(1).normal(100, 3, ball.shape)
    return Volume((noise + contrast * ball).astype(np.float32), affine, modality="MR"), ball
