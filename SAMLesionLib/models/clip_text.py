"""CLIP's text encoder, by the transformers library, from a checkpoint of OpenAI's or Hugging Face's.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (ICML 2021). Only the
text half is read. It is needed once for each word of an organ, and never to segment.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.cards import PackageFile
from SAMLesionLib.models.clip_names import text_tensors
from SAMLesionLib.models.state_dicts import read_state_dict
from SAMLesionLib.models.store import sha256_of
from SAMLesionLib.models.tokens import tokens_of

VOCABULARY = PackageFile("open-clip-torch", "open_clip/bpe_simple_vocab_16e6.txt.gz")
"""CLIP's pairs of letters; nothing else of the package is used, so it is installed without dependencies."""

START, END = "<|startoftext|>", "<|endoftext|>"
N_TOKENS = 49_408
PUBLISHED_ARCHIVES = frozenset({"b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836"})
"""OpenAI's ViT-L-14.pt is a TorchScript archive, which can hold code: only the published one is read."""

HEAD_CHANNELS = 64


class ClipText:
    """Sentences to vectors, as `words.TextEncoder`."""

    def __init__(self, model: Any, tokenizer: Any, sha256: str) -> None:
        self._model, self._tokenizer, self.sha256 = model, tokenizer, sha256

    @torch.inference_mode()
    def encode(self, sentences: Sequence[str]) -> Tensor:
        """N sentences to NxE, as CLIP projects them, not of length 1."""
        longest = self._model.config.max_position_embeddings
        parts = []
        for tokens in tokens_of(self._tokenizer, sentences, longest):
            # What follows the end of a sentence is never looked at: every token sees only those before it.
            parts.append(self._model(input_ids=tokens["input_ids"]).text_embeds)
        return torch.cat(parts)


def read_clip_text(path: Path) -> ClipText:
    """The text encoder of a CLIP checkpoint.

    Args:
        path: a folder of Hugging Face's, or a .safetensors, .bin, .pth or .pt file with OpenAI's or Hugging
            Face's names.

    Raises:
        WeightsError: when it is missing, damaged, or no CLIP, or a package is missing.
    """
    file = _weights_file(path)
    tensors = text_tensors(_tensors_of(file), file)
    model = build_clip_text(tensors)
    model.load_state_dict(tensors)
    return ClipText(model.eval().requires_grad_(False), clip_tokenizer(), sha256_of(file))


def build_clip_text(tensors: Mapping[str, Tensor]) -> Any:
    """A text encoder of the size of these tensors, which have Hugging Face's names."""
    try:
        from transformers import CLIPTextConfig, CLIPTextModelWithProjection
    except ImportError:
        raise WeightsError("Words need transformers. Run `pip install 'samlesion[text]'`.") from None

    n_tokens, width = tensors["text_model.embeddings.token_embedding.weight"].shape
    config = CLIPTextConfig(
        vocab_size=n_tokens,
        hidden_size=width,
        intermediate_size=tensors["text_model.encoder.layers.0.mlp.fc1.bias"].shape[0],
        projection_dim=tensors["text_projection.weight"].shape[0],
        num_hidden_layers=sum(key.endswith("layer_norm1.bias") for key in tensors),
        num_attention_heads=max(1, width // HEAD_CHANNELS),
        max_position_embeddings=tensors["text_model.embeddings.position_embedding.weight"].shape[0],
        hidden_act="quick_gelu",
        bos_token_id=n_tokens - 2,
        eos_token_id=n_tokens - 1,
        pad_token_id=n_tokens - 1,
    )
    return CLIPTextModelWithProjection(config)


def clip_tokenizer() -> Any:
    """CLIP's tokens: pairs of letters joined in the order of the published list.

    Raises:
        WeightsError: when transformers or the list is not installed.
    """
    try:
        from transformers import CLIPTokenizer
    except ImportError:
        raise WeightsError("Words need transformers. Run `pip install 'samlesion[text]'`.") from None

    file = VOCABULARY.locate()
    if file is None:
        raise WeightsError(
            "CLIP's vocabulary is not here. Run `pip install --no-deps open-clip-torch`, which carries it."
        )
    letters = _letters()
    n_pairs = N_TOKENS - 2 - 2 * len(letters)
    lines = gzip.decompress(file.read_bytes()).decode("utf-8").split("\n")[1 : n_pairs + 1]
    pairs: Any = [tuple(line.split()) for line in lines]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *(a + b for a, b in pairs), START, END]
    return CLIPTokenizer(vocab={token: n for n, token in enumerate(tokens)}, merges=pairs)


def _letters() -> list[str]:
    """A visible letter for each of 256 bytes, the visible ones first, in the order of CLIP's tokens."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(byte) for byte in visible] + [chr(256 + n) for n in range(256 - len(visible))]


def _weights_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (path / name).is_file():
            return path / name
    raise WeightsError(
        f"{path} holds neither model.safetensors nor pytorch_model.bin. Choose the folder of a CLIP model."
    )


def _tensors_of(file: Path) -> dict[str, Tensor]:
    if file.is_file() and sha256_of(file) in PUBLISHED_ARCHIVES:
        archive: dict[str, Tensor] = torch.jit.load(file, map_location="cpu").state_dict()
        return archive
    return read_state_dict(file)
