"""What was computed from a volume before, within a memory budget: image embeddings, and answers to refine."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch


@dataclass(frozen=True)
class EmbeddingKey:
    """What a value depends on; equal keys mean equal numbers.

    Attributes:
        volume_id: the volume's content.
        model: name of the model and hash of its weights.
        frame: what was looked at: a `SliceFrame`, a `PatchFrame`, or the prompts of an answer.
        window: grey values between which the model saw it.
    """

    volume_id: str
    model: str
    frame: Hashable
    window: tuple[float, float]


class HasBytes(Protocol):
    """A value that knows its size."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""


V = TypeVar("V", bound=HasBytes)


class VolumeCache(Generic[V]):
    """The most recently used values; the least recently used ones go when the budget is full."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._kept: OrderedDict[EmbeddingKey, V] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def used_bytes(self) -> int:
        """Memory held now."""
        return self._bytes

    def get(self, key: EmbeddingKey) -> V | None:
        """The value of this key, None when it was never computed or has gone."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: EmbeddingKey, value: V) -> None:
        """Keep a value; one larger than the whole budget is not kept."""
        size = value.nbytes
        if size > self.budget_bytes or key in self._kept:
            return
        while self._bytes + size > self.budget_bytes:
            self._drop(next(iter(self._kept)))
        self._kept[key] = value
        self._bytes += size

    def forget(self, volume_id: str) -> None:
        """Drop all values of one volume."""
        for key in [k for k in self._kept if k.volume_id == volume_id]:
            self._drop(key)

    def _drop(self, key: EmbeddingKey) -> None:
        self._bytes -= self._kept.pop(key).nbytes


class EmbeddingCache(VolumeCache[torch.Tensor]):
    """Embeddings of slices."""
