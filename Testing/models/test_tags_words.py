"""What TAGS is told of an organ, and that it is computed once."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.tags.words import (
    DISEASED,
    HEALTHY,
    TEMPLATES,
    WordFeatures,
    encode_word,
    sentences_of,
)


class Letters:
    """A text encoder that makes a vector of a sentence's hash.

    Attributes:
        heard: all sentences so far.
    """

    def __init__(self, sha256: str = "a" * 64) -> None:
        self.sha256 = sha256
        self.heard: list[str] = []

    def encode(self, sentences: Sequence[str]) -> Tensor:
        self.heard += sentences
        vectors = [
            torch.randn(16, generator=torch.Generator().manual_seed(zlib.crc32(s.encode())))
            for s in sentences
        ]
        return 7 * torch.stack(vectors)


def test_there_are_as_many_sentences_as_published() -> None:
    assert (len(HEALTHY), len(DISEASED), len(TEMPLATES)) == (8, 6, 34)
    healthy, diseased = (sentences_of("kidney", states) for states in (HEALTHY, DISEASED))
    assert (len(set(healthy)), len(set(diseased))) == (272, 204)
    assert "a low resolution 3D photo of the kidney without tumor." in healthy
    assert "this is one flawless kidney in the scene." in healthy
    assert "a 3D photo of a rotated diseased kidney." in diseased
    assert "there is the kidney with illness in the scene." in diseased


def test_a_word_is_the_mean_of_its_sentences_at_length_one() -> None:
    features = encode_word("spleen", Letters())
    assert features.shape == (16, 2)
    torch.testing.assert_close(features.norm(dim=0), torch.ones(2))
    vectors = Letters().encode(sentences_of("spleen", DISEASED))
    mean = (vectors / vectors.norm(dim=1, keepdim=True)).mean(dim=0)
    torch.testing.assert_close(features[:, 1], mean / mean.norm())


def test_the_data_sets_key_is_said_only_when_asked_for() -> None:
    plain, released = Letters(), Letters()
    encode_word("kidney", plain)
    encode_word("kidney", released, as_released=True)
    assert all("kidney" in sentence for sentence in plain.heard)
    assert all("kits" in sentence and "kidney" not in sentence for sentence in released.heard)


def test_a_word_is_computed_once_and_then_needs_no_text_encoder(tmp_path: Path) -> None:
    encoder = Letters()
    words = WordFeatures(tmp_path / "folder" / "words.safetensors", lambda: encoder)
    first = words.of("lymph node")
    n_heard = len(encoder.heard)
    assert torch.equal(words.of("lymph node"), first)
    assert len(encoder.heard) == n_heard == 476
    words.of("kidney")
    alone = WordFeatures(tmp_path / "folder" / "words.safetensors")
    assert torch.equal(alone.of("lymph node"), first)
    assert not torch.equal(alone.of("kidney"), first)


def test_the_quirk_is_kept_apart_from_the_word(tmp_path: Path) -> None:
    words = WordFeatures(tmp_path / "words.safetensors", Letters)
    assert not torch.equal(words.of("liver"), words.of("liver", as_released=True))


def test_a_word_that_nobody_computed_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"words for 'spleen' are not in .*Give the weights of CLIP ViT-L/14"
    ):
        WordFeatures(tmp_path / "words.safetensors").of("spleen")


def test_words_of_two_text_encoders_are_not_mixed(tmp_path: Path) -> None:
    WordFeatures(tmp_path / "words.safetensors", Letters).of("liver")
    other = WordFeatures(tmp_path / "words.safetensors", lambda: Letters("b" * 64))
    other.of("liver")
    with pytest.raises(WeightsError, match="made with another text encoder"):
        other.of("spleen")


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "words.safetensors").write_bytes(b"not tensors")
    with pytest.raises(WeightsError, match="cannot be read as words"):
        WordFeatures(tmp_path / "words.safetensors", Letters).of("liver")
