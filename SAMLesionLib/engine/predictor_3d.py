"""What all loaded 3D networks have: where they run, and the embeddings of the cubes they saw."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

import torch

from SAMLesionLib.engine.devices import Hardware
from SAMLesionLib.engine.embeddings import EmbeddingKey, HasBytes, VolumeCache
from SAMLesionLib.imaging import Window
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.models.tags import Tags
from SAMLesionLib.volume import Volume

OWN_RECIPE: Window = (-inf, inf)
"""Stands for the grey values that the model's own recipe chooses."""

Maps = TypeVar("Maps", bound=tuple[torch.Tensor, ...])
Network = TypeVar("Network", Sam3D, Tags)
Embedded = TypeVar("Embedded", bound=HasBytes)


@dataclass(frozen=True, eq=False)
class Embedding3D(Generic[Maps]):
    """What a network's `encode` makes of one cube.

    Attributes:
        maps: what the decoder reads.
    """

    maps: Maps

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return sum(x.nbytes for x in self.maps)


class Predictor3D(Generic[Network, Embedded]):
    """A network on one device that encodes each cube once."""

    def __init__(
        self,
        card: ModelCard,
        network: Network,
        weights_sha256: str,
        hardware: Hardware,
        cache: VolumeCache[Embedded],
    ) -> None:
        """Bring the network to its device.

        Args:
            card: the model.
            network: made ready to answer.
            weights_sha256: hash of its weights.
            hardware: where it runs.
            cache: embeddings computed before.
        """
        self.card = card
        self.weights_sha256 = weights_sha256
        self.hardware = hardware
        self._network: Network = network.to(hardware.device)
        self._cache = cache
        self.precision = hardware.precision_name
        self.device = str(hardware.device)
        self.n_encoded = 0
        self.encode_s = 0.0

    @property
    def size(self) -> int:
        """Cells along each side of a cube."""
        return self._network.image_size

    def key(self, volume: Volume, frame: Hashable, window: Window | None) -> EmbeddingKey:
        """Under which something computed from a volume is kept; `frame` says what."""
        model = f"{self.card.name}:{self.weights_sha256}:{self.device}:{self.precision}"
        return EmbeddingKey(volume.volume_id, model, frame, window or OWN_RECIPE)
