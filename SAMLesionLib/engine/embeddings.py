"""Image embeddings that were computed before, within a memory budget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class EmbeddingKey:
    """What an embedding depends on; equal keys mean equal numbers.

    Attributes:
        volume_id: the volume's content.
        model: name of the model and hash of its weights.
        frame: the `SliceFrame` looked at.
        window: grey values between which the model saw it.
    """

    volume_id: str
    model: str
    frame: Hashable
    window: tuple[float, float]


class EmbeddingCache:
    """The most recently used embeddings; the least recently used ones go when the budget is full."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._kept: OrderedDict[EmbeddingKey, torch.Tensor] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def used_bytes(self) -> int:
        """Memory held now."""
        return self._bytes

    def get(self, key: EmbeddingKey) -> torch.Tensor | None:
        """The embedding of this key, None when it was never computed or has gone."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: EmbeddingKey, embedding: torch.Tensor) -> None:
        """Keep an embedding; one larger than the whole budget is not kept."""
        size = embedding.element_size() * embedding.nelement()
        if size > self.budget_bytes or key in self._kept:
            return
        while self._bytes + size > self.budget_bytes:
            self._drop(next(iter(self._kept)))
        self._kept[key] = embedding
        self._bytes += size

    def forget(self, volume_id: str) -> None:
        """Drop all embeddings of one volume."""
        for key in [k for k in self._kept if k.volume_id == volume_id]:
            self._drop(key)

    def _drop(self, key: EmbeddingKey) -> None:
        gone = self._kept.pop(key)
        self._bytes -= gone.element_size() * gone.nelement()
