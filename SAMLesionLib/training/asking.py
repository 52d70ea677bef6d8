"""How a network is asked, by its kind: clicks or points in cubes, or a box in a slice."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import nn

from SAMLesionLib.models.sam import Sam
from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.models.tags import Tags
from SAMLesionLib.training.batches import Batch
from SAMLesionLib.training.box_round import box_round
from SAMLesionLib.training.click_rounds import RoundsResult, click_rounds
from SAMLesionLib.training.point_round import PointSettings, point_round
from SAMLesionLib.training.simulated_reader import ClickSettings

Network = Sam3D | Sam | Tags
"""What can be trained here."""


class Question(Protocol):
    """How samples are asked about; the whole run's and the validation's settings are such."""

    @property
    def prompts(self) -> ClickSettings:
        """Clicks and boxes."""

    @property
    def points(self) -> PointSettings:
        """Points for TAGS."""


def ask(network: Network, batch: Batch, rng: torch.Generator, question: Question) -> RoundsResult:
    """Encode a batch and answer its prompts; see `click_rounds`, `point_round` and `box_round`."""
    if isinstance(network, Tags):
        return point_round(network, batch, rng, question.points)
    if isinstance(network, Sam):
        return box_round(network, batch.images, batch.labels, rng, question.prompts)
    return click_rounds(network, batch.images, batch.labels, rng, question.prompts)


def compile_blocks(network: Network) -> None:
    """Translate the encoder for this machine when it first runs, in place.

    Block by block: what lies between them changes from step to step, and would be translated anew.
    """
    encoder: Any = network.image_encoder
    for block in getattr(encoder, "blocks", [encoder]):
        block.compile()


def let_learn(network: nn.Module) -> None:
    """Training mode, but for batch norms: the few images of a batch would blur what they have learned."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
