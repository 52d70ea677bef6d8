"""The fastest way this computer has to run a loaded network."""

from __future__ import annotations

import logging
from typing import Protocol

import torch

from SAMLesionLib.engine.devices import Hardware
from SAMLesionLib.models.sam import Sam
from SAMLesionLib.models.sam.inference import fuse_for_inference
from SAMLesionLib.models.weights import LoadedModel

logger = logging.getLogger(__name__)


class SamNetwork(Protocol):
    """What runs a network of the SAM family: torch, or a faster runtime with the same two calls."""

    @property
    def description(self) -> str:
        """Runtime, device and arithmetic, for people."""

    @property
    def precision(self) -> str:
        """Arithmetic of the image encoder, `float32` or `bfloat16`."""

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """BxCxHxW in [0, 1] to Bx256x64x64."""

    def decode(self, image_embedding: torch.Tensor, boxes_xy: torch.Tensor) -> torch.Tensor:
        """An embedding (1x256x64x64) and boxes Px4 to logits PxHxW."""


class TorchSam:
    """A network in torch, prepared for answering only."""

    def __init__(self, sam: Sam, hardware: Hardware) -> None:
        self._sam = fuse_for_inference(sam, hardware.precision).to(hardware.device)
        self.precision = hardware.precision_name
        self.description = f"torch, {hardware.device}, {self.precision}"

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """See `SamNetwork.encode`."""
        return self._sam.encode(image)

    def decode(self, image_embedding: torch.Tensor, boxes_xy: torch.Tensor) -> torch.Tensor:
        """See `SamNetwork.decode`."""
        low_res, _ = self._sam.decode(image_embedding, boxes_xy=boxes_xy)
        return low_res[:, 0]


def runnable(loaded: LoadedModel, hardware: Hardware) -> SamNetwork:
    """The network, ready to answer."""
    assert isinstance(loaded.network, Sam), "every card of this engine builds a Sam"
    return TorchSam(loaded.network, hardware)
