"""A text encoder's vectors in as many channels as a smaller TAGS has."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import torch
from torch import Tensor

from SAMLesionLib.models.tags.words import TextEncoder

PROJECTION_SEED = 0
"""The same projection wherever it is drawn: words that were computed once fit every network of a width."""


class ProjectedText:
    """Sentences to vectors of another width, as `words.TextEncoder`.

    A fixed matrix of normal numbers keeps angles about as they are (Johnson and Lindenstrauss, 1984), and
    nothing of it is learned: what the words say is still the text encoder's.
    """

    def __init__(self, encoder: TextEncoder, width: int) -> None:
        """Nothing is drawn before the first sentence, whose width is then known.

        Args:
            encoder: a text encoder of any width.
            width: channels of the vectors that come out.
        """
        self._encoder, self._width = encoder, width

    @property
    def sha256(self) -> str:
        """Hash of the encoder's weights and of the projection, which belong together."""
        return sha256(f"{self._encoder.sha256} {self._width} {PROJECTION_SEED}".encode()).hexdigest()

    def encode(self, sentences: Sequence[str]) -> Tensor:
        """N sentences to Nx`width`."""
        vectors = self._encoder.encode(sentences).float()
        rng = torch.Generator().manual_seed(PROJECTION_SEED)
        return vectors @ torch.randn(vectors.shape[1], self._width, generator=rng) * self._width**-0.5
