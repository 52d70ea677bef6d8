"""What features of TAGS are held against: the words for the organ of each sample, healthy and diseased."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.tags import Tags
from SAMLesionLib.models.tags.words import TextEncoder, WordFeatures, words_file
from SAMLesionLib.training.batches import Batch
from SAMLesionLib.training.click_rounds import RoundsResult
from SAMLesionLib.training.tables import at_least
from SAMLesionLib.training.tags_losses import alignment_loss

RANDOM_SEED = 0
"""Of the two directions of no word."""


@dataclass(frozen=True)
class WordSettings:
    """The table `[words]`, for TAGS.

    Attributes:
        weight: of the alignment in the loss; 0 to train without words.
        said: the sample's `organ`; the data set's `key`, as the released script says it; or `random`: two
            directions of no word.
        file: directions that were computed before; none for the file beside the weights.
        clip: weights of CLIP ViT-L/14, for a word that the file lacks; its directions are then kept there.
        double_softmax: whether the focal term applies a second softmax, as the released code does.
    """

    weight: float = at_least(0.0, 1.0)
    said: Literal["organ", "key", "random"] = "organ"
    file: Path | None = None
    clip: Path | None = None
    double_softmax: bool = False


class Alignment:
    """The part of the loss that compares features with words; nothing for a network without such features."""

    def __init__(self, settings: WordSettings, network: nn.Module) -> None:
        """Look whether words can be had; none is read or computed yet.

        Raises:
            InputError: when the network needs words and there are none.
        """
        self._settings = settings
        self._width = _width(network) if settings.weight else 0
        self._kept: dict[str, Tensor] = {}
        file = settings.file or words_file()
        if self._width and settings.said != "random" and settings.clip is None and not file.exists():
            raise InputError(
                "TAGS learns with the words of an organ, but neither CLIP's weights nor computed words are "
                f"here ({file}). Name one of them by words.clip or words.file, or set words.weight = 0."
            )
        if self._width and settings.clip is not None and not settings.clip.is_file():
            raise InputError(f"There is no file {settings.clip}. Check the path in words.clip.")
        self._features = WordFeatures(file, _clip_reader(settings.clip))

    def loss(self, rounds: RoundsResult, batch: Batch) -> Tensor | float:
        """The alignment of a batch's features with its words, times the weight."""
        if not self._width or not rounds.aligned:
            return 0.0
        words = self.directions(batch.words).to(batch.labels.device)
        double = self._settings.double_softmax
        return self._settings.weight * alignment_loss(rounds.aligned, words, batch.labels, double)

    def directions(self, words: Sequence[str]) -> Tensor:
        """The healthy and the diseased direction of each word, B x E x 2; no columns without alignment.

        Raises:
            InputError: when a word is empty, or its directions are not as wide as the network.
            WeightsError: when a word cannot be had.
        """
        if not self._width:
            return torch.empty(len(words), 0, 2)
        for word in words:
            if word not in self._kept:
                self._kept[word] = self._checked(word)
        return torch.stack([self._kept[word] for word in words])

    def _checked(self, word: str) -> Tensor:
        if self._settings.said == "random":
            drawn = torch.randn(self._width, 2, generator=torch.Generator().manual_seed(RANDOM_SEED))
            return F.normalize(drawn, dim=0)
        if not word:
            raise InputError(
                "TAGS learns with the words of an organ, but a sample names none. Name it by data.organ, or "
                "set words.weight = 0."
            )
        found = self._features.of(word, as_released=self._settings.said == "key")
        if len(found) != self._width:
            raise InputError(
                f"The words for {word!r} have {len(found)} channels, this network's tokens {self._width}. "
                "Name a file of words for this network by words.file."
            )
        return found


def _width(network: nn.Module) -> int:
    """Channels of the features that are compared; 0 for a network that has none."""
    if not isinstance(network, Tags) or not len(network.image_encoder.alignment_adapters):
        return 0
    return network.image_encoder.embed_dim


def _clip_reader(path: Path | None) -> Callable[[], TextEncoder] | None:
    if path is None:
        return None
    from SAMLesionLib.models.clip_text import read_clip_text

    return lambda: read_clip_text(path)
