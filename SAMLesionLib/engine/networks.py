"""The fastest way this computer has to run a loaded network."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import torch

from SAMLesionLib.engine.devices import Hardware, slices_at_once
from SAMLesionLib.models.sam import Sam, fuse_for_inference
from SAMLesionLib.models.store import converted_folder, make_usable
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

    @property
    def device(self) -> str:
        """Where it runs, and with what when that is not torch."""

    @property
    def batch_size(self) -> int:
        """How many slices `encode` is given at once, neither more nor fewer."""

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """BxCxHxW in [0, 1] to Bx256x64x64."""

    def decode(self, image_embedding: torch.Tensor, boxes_xy: torch.Tensor) -> torch.Tensor:
        """An embedding (1x256x64x64) and boxes Px4 to logits PxHxW."""


class TorchSam:
    """A network in torch, prepared for answering only."""

    def __init__(self, sam: Sam, hardware: Hardware) -> None:
        self._sam = fuse_for_inference(sam, hardware.precision).to(hardware.device)
        self.precision = hardware.precision_name
        self.device = str(hardware.device)
        self.batch_size = slices_at_once(hardware.device)
        self.description = f"torch, {hardware.device}, {self.precision}"

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """See `SamNetwork.encode`."""
        return self._sam.encode(image)

    def decode(self, image_embedding: torch.Tensor, boxes_xy: torch.Tensor) -> torch.Tensor:
        """See `SamNetwork.decode`."""
        low_res, _ = self._sam.decode(image_embedding, boxes_xy=boxes_xy)
        return low_res[:, 0]


class OpenVinoNetwork:
    """A network in OpenVINO, several times faster on a CPU; the extra `fast-cpu`."""

    def __init__(self, sam: Sam, hardware: Hardware) -> None:
        from SAMLesionLib.models.sam.openvino_backend import OpenVinoSam

        wish: Literal["bf16", "f32"] = "bf16" if hardware.precision == torch.bfloat16 else "f32"
        self._sam = OpenVinoSam(sam, _usable_folder(), wish, hardware.threads)
        self.device = "cpu, OpenVINO"
        self.batch_size = 1
        self.precision = "bfloat16" if self._sam.precision == "bf16" else "float32"
        self.description = f"OpenVINO, cpu, {self.precision}"

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """See `SamNetwork.encode`."""
        return self._sam.encode(image)

    def decode(self, image_embedding: torch.Tensor, boxes_xy: torch.Tensor) -> torch.Tensor:
        """See `SamNetwork.decode`."""
        low_res, _ = self._sam.decode(image_embedding, boxes_xy=boxes_xy)
        return low_res[:, 0]


def runnable(loaded: LoadedModel, hardware: Hardware) -> SamNetwork:
    """The network, ready to answer: by OpenVINO on a CPU where that is installed, else by torch."""
    assert isinstance(loaded.network, Sam), "every card of this engine builds a Sam"
    if hardware.device.type == "cpu" and find_spec("openvino") is not None:
        try:
            return OpenVinoNetwork(loaded.network, hardware)
        except (RuntimeError, OSError) as error:  # a processor or disk that OpenVINO cannot use
            logger.warning("OpenVINO cannot run this model (%s); torch does, more slowly.", error)
    return TorchSam(loaded.network, hardware)


def _usable_folder() -> Path | None:
    """Where converted models are kept, None when nothing can be written there."""
    folder = converted_folder()
    try:
        return make_usable(folder)
    except OSError as error:
        logger.warning(
            "Nothing can be written to %s (%s), so models are converted anew at each start. Free some space "
            "or change its permissions.",
            folder,
            error.strerror,
        )
        return None
