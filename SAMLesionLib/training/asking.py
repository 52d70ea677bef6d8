"""How a network is asked, by its kind: clicks in cubes, or a box in a slice."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from SAMLesionLib.models.sam import Sam
from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.training.box_round import box_round
from SAMLesionLib.training.click_rounds import RoundsResult, click_rounds
from SAMLesionLib.training.simulated_reader import ClickSettings

Network = Sam3D | Sam
"""What can be trained here."""


def ask(
    network: Network, images: Tensor, labels: Tensor, rng: torch.Generator, settings: ClickSettings
) -> RoundsResult:
    """Encode a batch and answer its prompts; see `click_rounds` and `box_round`."""
    if isinstance(network, Sam):
        return box_round(network, images, labels, rng, settings)
    return click_rounds(network, images, labels, rng, settings)


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
