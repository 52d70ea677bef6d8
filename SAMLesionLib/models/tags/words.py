"""What TAGS is told of an organ in words: healthy and diseased, as two directions in a text encoder's space.

The sentences are those of TAGS's released code, built as in MVFA (Huang et al., CVPR 2024): each state of the
organ in each template, all embeddings of a state averaged. They take part in training only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.store import weights_folder

_FLAWS = ("flaw", "illness", "lesion", "tumor")
_OF_OBJECT = ("large", "small", "rotated")
_OF_PHOTO = (
    *("flipped", "bright", "dark", "good", "bad", "corrupted", "blurry"),
    *("low resolution", "close-up", "cropped"),
)

HEALTHY = ("{}", "flawless {}", "perfect {}", "healthy {}", *(f"{{}} without {flaw}" for flaw in _FLAWS))
DISEASED = ("diseased {}", "anomalous {}", *(f"{{}} with {flaw}" for flaw in _FLAWS))
TEMPLATES = (
    *(f"this is {article} {{}} in the scene." for article in ("one", "a", "the")),
    *(f"there is {article} {{}} in the scene." for article in ("a", "the")),
    *(f"a 3D photo of {article} {{}}." for article in ("one", "a", "the")),
    *(f"a 3D photo of {article} {kind} {{}}." for kind, article in product(_OF_OBJECT, ("a", "the"))),
    *(f"a {kind} 3D photo of {article} {{}}." for kind, article in product(_OF_PHOTO, ("a", "the"))),
)

RELEASED_WORDS = MappingProxyType({"kidney": "kits", "liver": "lits", "pancreas": "pancreas"})
"""The released training script says the data set's key in place of the organ."""


class TextEncoder(Protocol):
    """What turns sentences into vectors: CLIP's text encoder, or another one."""

    @property
    def sha256(self) -> str:
        """Hash of its weights."""

    def encode(self, sentences: Sequence[str]) -> Tensor:
        """N sentences to NxE, of any length."""


def sentences_of(word: str, states: Sequence[str]) -> list[str]:
    """Every state of an organ in every template."""
    return [template.format(state.format(word)) for state, template in product(states, TEMPLATES)]


def encode_word(word: str, encoder: TextEncoder, as_released: bool = False) -> Tensor:
    """The directions of the healthy and the diseased organ, Ex2, each of length 1.

    Args:
        word: the organ, any word.
        encoder: a text encoder of as many channels as TAGS's tokens, 768 as published.
        as_released: say the data set's key where the released script does.
    """
    said = RELEASED_WORDS.get(word, word) if as_released else word
    columns = []
    for states in (HEALTHY, DISEASED):
        embeddings = F.normalize(encoder.encode(sentences_of(said, states)).float(), dim=-1)
        columns.append(F.normalize(embeddings.mean(dim=0), dim=0))
    return torch.stack(columns, dim=1)


class WordFeatures:
    """Directions that were computed once, kept in a file that can be carried to a machine without CLIP."""

    def __init__(self, path: Path, encoder: Callable[[], TextEncoder] | None = None) -> None:
        """Nothing is read or computed before a word is asked for.

        Args:
            path: the file; made when the first word is computed.
            encoder: loads the text encoder when a word is missing; None where there is none.
        """
        self._path, self._load = path, encoder
        self._encoder: TextEncoder | None = None

    def of(self, word: str, as_released: bool = False) -> Tensor:
        """The directions of a word, Ex2; see `encode_word`.

        Raises:
            WeightsError: when the word was never computed and there is no text encoder, or the file was made
                with another one.
        """
        key = f"{word} (as released)" if as_released else word
        kept = self._read()
        if key not in kept:
            kept[key] = encode_word(word, self._text_encoder(key), as_released)
            self._write(kept)
        return kept[key]

    def _text_encoder(self, key: str) -> TextEncoder:
        if self._load is None:
            raise WeightsError(
                f"The words for {key!r} are not in {self._path}, and no text encoder is here to compute "
                "them. Give the weights of CLIP ViT-L/14, or a file that holds this word."
            )
        if self._encoder is None:
            self._encoder = self._load()
        made_with = self._made_with()
        if made_with not in ("", self._encoder.sha256):
            raise WeightsError(
                f"{self._path} was made with another text encoder ({made_with[:12]}, this one is "
                f"{self._encoder.sha256[:12]}). Name another file, so that words are not mixed."
            )
        return self._encoder

    def _read(self) -> dict[str, Tensor]:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        if not self._path.exists():
            return {}
        try:
            return load_file(self._path)
        except (SafetensorError, OSError) as broken:
            raise WeightsError(
                f"{self._path} cannot be read as words ({str(broken)[:80]}). Delete it, or name another file."
            ) from None

    def _made_with(self) -> str:
        from safetensors import safe_open

        if not self._path.exists():
            return ""
        with safe_open(self._path, "pt") as file:
            return (file.metadata() or {}).get("text_encoder", "")

    def _write(self, kept: dict[str, Tensor]) -> None:
        from safetensors.torch import save_file

        assert self._encoder is not None, "only computed words are written"
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            save_file(kept, part, {"text_encoder": self._encoder.sha256})
            part.replace(self._path)
        except OSError as refused:
            raise WeightsError(
                f"{self._path} cannot be written ({refused.strerror}). Name another."
            ) from None


def words_file() -> Path:
    """Where words are kept when nobody names another file."""
    return weights_folder() / "tags-words.safetensors"
