"""Runs of TAGS that take seconds: bright spheres in round organs, and directions of words from no encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.tags import Tags
from SAMLesionLib.models.tags.image_encoder import ImageEncoderTags
from SAMLesionLib.models.tags.mask_decoder import MaskDecoderTags
from SAMLesionLib.models.tags.prompt_encoder import PointPromptEncoder
from SAMLesionLib.models.tags.words import WordFeatures
from SAMLesionLib.training.config import TrainingConfig, read_config
from SAMLesionLib.training.samples import Origin, Part, Sample
from SAMLesionLib.training.tables import merge

TINY = "tiny_organs:build_tinier_tags"
WIDTH = 24


@dataclass(frozen=True)
class Organs:
    """Spheres brighter than the organ, which is brighter than the noise around it.

    Attributes:
        has_organ: whether the organ's mask is given.
        word: what the organ is called.
    """

    has_organ: bool = True
    word: str = "kidney"

    def open(self, card: ModelCard, part: Part) -> OrganSource:
        """See `SourceSettings.open`."""
        return OrganSource(self, card.image_size)


@dataclass(frozen=True)
class OrganSource:
    """See `SampleSource`."""

    settings: Organs
    size: int
    provenance: tuple[Origin, ...] = (Origin("organs", "CC0-1.0"),)

    def sample(self, index: int, epoch_seed: int) -> Sample:
        """See `SampleSource.sample`."""
        draw = np.random.default_rng((epoch_seed, index))
        from_middle = np.indices((self.size,) * 3) / self.size - 0.5
        organ = (from_middle**2).sum(axis=0) < 0.16
        middle, radius = draw.uniform(-0.15, 0.15, 3), draw.uniform(0.1, 0.2)
        label = ((from_middle - middle[:, None, None, None]) ** 2).sum(axis=0) < radius**2
        image = 0.5 * draw.standard_normal(label.shape, np.float32) + organ + label
        drawn = organ | label if self.settings.has_organ else None
        return Sample(image.astype(np.float32), label, f"organ {index}", drawn, self.settings.word)


class Letters:
    """A `TextEncoder` of counts of letters; every sentence has its own vector."""

    sha256 = "letters"

    def encode(self, sentences: Sequence[str]) -> torch.Tensor:
        """N sentences to N x `WIDTH`."""
        places = [
            [(ord(letter) * (1 + place % 3)) % WIDTH for place, letter in enumerate(sentence)]
            for sentence in sentences
        ]
        return torch.stack([torch.tensor(x).bincount(minlength=WIDTH) for x in places])


def build_tinier_tags(align: bool = True) -> Tags:
    """All parts of TAGS for cubes of 16x16x16 voxels, with random weights."""
    encoder = ImageEncoderTags(
        image_size=16,
        embed_dim=WIDTH,
        depth=4,
        num_heads=2,
        global_attn_indexes=(1, 3),
        sam_window=3,
        sam_side=8,
        window=2,
        out_chans=16,
        align=align,
    )
    return Tags(encoder, PointPromptEncoder(16, 2, 32), MaskDecoderTags(16, 8))


def build_tinier_adapter() -> Tags:
    """The same without alignment."""
    return build_tinier_tags(align=False)


def a_words_file(folder: Path, *words: str) -> Path:
    """Directions of these words, as a machine with CLIP would have left them."""
    features = WordFeatures(folder / "words.safetensors", Letters)
    for word in words or ("kidney",):
        features.of(word)
        features.of(word, as_released=True)
    return folder / "words.safetensors"


def a_tags_config(words_file: Path, **changes: Any) -> TrainingConfig:
    """A run of a few steps; tables are merged with what is there."""
    table: dict[str, Any] = {
        "model": "tags",
        "architecture": TINY,
        "steps": 4,
        "log_every": 2,
        "save_every": 2,
        "device": "cpu",
        "precision": "float32",
        "threads": 1,
        "data": {"source": "tiny_organs:Organs"},
        "words": {"file": str(words_file)},
        "loss": {"name": "tags"},
        "optimizer": {"lr": 2e-3, "fall": "linear", "clip_parts": True, "decay_all": True},
        "batch": {"samples": 2, "workers": 0},
        "validation": {"every": 2, "samples": 2, "best_at": "loss"},
    }
    merge(table, changes)
    return read_config(table)
