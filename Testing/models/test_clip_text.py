"""CLIP's text encoder from files with OpenAI's and with Hugging Face's names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from sam_reference import randomise
from torch import Tensor, nn

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models import clip_text
from SAMLesionLib.models.clip_names import text_tensors
from SAMLesionLib.models.clip_text import N_TOKENS, build_clip_text, clip_tokenizer, read_clip_text

KEYS = Path(__file__).parents[1] / "Data" / "keys"
SENTENCES = ["a 3D photo of the kidney.", "this is one kidney without tumor in the scene.", "liver"]
WIDTH, DEPTH, PROJECTED = 128, 2, 24


class OpenAiLayer(nn.Module):
    """A layer of CLIP with the names and the operations of OpenAI's code."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(WIDTH, WIDTH // 64)
        self.ln_1 = nn.LayerNorm(WIDTH)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(WIDTH, 4 * WIDTH), "c_proj": nn.Linear(4 * WIDTH, WIDTH)})
        self.ln_2 = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.full((len(x), len(x)), -torch.inf).triu(1)
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        hidden = self.mlp["c_fc"](self.ln_2(x))
        return x + self.mlp["c_proj"](hidden * torch.sigmoid(1.702 * hidden))


class OpenAiText(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(N_TOKENS, WIDTH)
        self.positional_embedding = nn.Parameter(torch.randn(77, WIDTH))
        self.transformer = nn.ModuleDict({"resblocks": nn.Sequential(*(OpenAiLayer() for _ in range(DEPTH)))})
        self.ln_final = nn.LayerNorm(WIDTH)
        self.text_projection = nn.Parameter(torch.randn(WIDTH, PROJECTED))
        self.logit_scale = nn.Parameter(torch.ones(()))

    @torch.inference_mode()
    def encode(self, sentences: list[str]) -> Tensor:
        """With zeros behind each sentence up to 77 tokens, as OpenAI's tokenizer fills it up."""
        ids = [clip_tokenizer()(text)["input_ids"] for text in sentences]
        tokens = torch.tensor([row + [0] * (77 - len(row)) for row in ids])
        x = (self.token_embedding(tokens) + self.positional_embedding).transpose(0, 1)
        x = self.ln_final(self.transformer["resblocks"](x).transpose(0, 1))
        return x[torch.arange(len(x)), tokens.argmax(dim=-1)] @ self.text_projection


@pytest.fixture(scope="module")
def openai() -> OpenAiText:
    torch.manual_seed(1)
    network = OpenAiText()
    randomise(network)
    return network.eval()


def test_words_become_the_published_tokens() -> None:
    tokens = clip_tokenizer()(["a photo of a cat", "A  Photo of a CAT"])["input_ids"]
    assert tokens == [[49406, 320, 1125, 539, 320, 2368, 49407]] * 2


def test_a_file_with_openais_names_gives_openais_vectors(openai: OpenAiText, tmp_path: Path) -> None:
    torch.save(openai.state_dict(), tmp_path / "clip.pt")
    ours = read_clip_text(tmp_path / "clip.pt").encode(SENTENCES)
    assert ours.shape == (3, PROJECTED)
    torch.testing.assert_close(ours, openai.encode(SENTENCES), atol=1e-4, rtol=1e-4)


def test_a_folder_of_hugging_faces_gives_the_same(openai: OpenAiText, tmp_path: Path) -> None:
    tensors = text_tensors(openai.state_dict(), tmp_path)
    save_file(
        {**tensors, "logit_scale": torch.ones(()), "vision_model.x": torch.ones(1)},
        tmp_path / "model.safetensors",
    )
    ours = read_clip_text(tmp_path).encode(SENTENCES)
    torch.testing.assert_close(ours, openai.encode(SENTENCES), atol=1e-4, rtol=1e-4)


def test_half_precision_is_read(openai: OpenAiText, tmp_path: Path) -> None:
    save_file(
        {key: value.half() for key, value in openai.state_dict().items()}, tmp_path / "clip.safetensors"
    )
    assert read_clip_text(tmp_path / "clip.safetensors").encode(SENTENCES).dtype == torch.float32


def test_the_published_sizes_have_the_published_names() -> None:
    published = {
        name: {
            key: torch.empty(shape, device="meta")
            for key, shape in json.loads((KEYS / f"{name}.json").read_text()).items()
        }
        for name in ("clip_hf_vit_l_14", "clip_openai_vit_l_14")
    }
    hugging_face, openai = (text_tensors(tensors, Path("clip")) for tensors in published.values())
    assert {k: v.shape for k, v in hugging_face.items()} == {k: v.shape for k, v in openai.items()}
    with torch.device("meta"):
        model = build_clip_text(hugging_face)
    assert {k: v.shape for k, v in model.state_dict().items()} == {k: v.shape for k, v in openai.items()}
    assert sum(p.numel() for p in model.parameters()) + 1 == 123_650_305  # and the scale of the logits
    assert model.config.num_attention_heads == 12


def test_another_network_is_refused(tmp_path: Path) -> None:
    save_file({"image_encoder.x": torch.ones(1)}, tmp_path / "sam.safetensors")
    with pytest.raises(WeightsError, match=r"sam\.safetensors holds no text encoder of CLIP"):
        read_clip_text(tmp_path / "sam.safetensors")


def test_a_missing_file_and_an_empty_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="There is no file"):
        read_clip_text(tmp_path / "none.pt")
    with pytest.raises(WeightsError, match=r"holds neither model\.safetensors"):
        read_clip_text(tmp_path)


def test_a_missing_vocabulary_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_text, "VOCABULARY", clip_text.PackageFile("no-such-package", "x.gz"))
    with pytest.raises(WeightsError, match="pip install --no-deps open-clip-torch"):
        clip_tokenizer()
