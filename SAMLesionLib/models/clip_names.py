"""The tensors of CLIP's text encoder under the names of the transformers library, whoever wrote the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from SAMLesionLib.errors import WeightsError

_OPENAI = {
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}
_OPENAI_LAYER = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_LAYERS = "transformer.resblocks."


def text_tensors(state_dict: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The text half of a CLIP checkpoint, in float32, with the names of the transformers library.

    Args:
        state_dict: with OpenAI's names or with Hugging Face's.
        path: the file, for the sentence.

    Raises:
        WeightsError: when it is neither.
    """
    if "text_projection.weight" in state_dict:
        ours = {k: v for k, v in state_dict.items() if k.startswith(("text_model.", "text_projection."))}
        ours.pop("text_model.embeddings.position_ids", None)  # a constant that older versions wrote
    elif "text_projection" in state_dict and "positional_embedding" in state_dict:
        ours = dict(_from_openai(state_dict))
    else:
        raise WeightsError(f"{path} holds no text encoder of CLIP. Choose the weights of CLIP ViT-L/14.")
    return {key: value.float() for key, value in ours.items()}


def _from_openai(state_dict: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    # A factor of rows in OpenAI's code, a linear layer in Hugging Face's.
    yield "text_projection.weight", state_dict["text_projection"].T.contiguous()
    for key, value in state_dict.items():
        if key in _OPENAI:
            yield _OPENAI[key], value
        elif key.startswith(_LAYERS):
            number, _, rest = key.removeprefix(_LAYERS).partition(".")
            yield from _layer(f"text_model.encoder.layers.{number}.", rest, value)


def _layer(prefix: str, rest: str, value: Tensor) -> Iterator[tuple[str, Tensor]]:
    if rest.startswith("attn.in_proj_"):
        kind = rest.removeprefix("attn.in_proj_")
        for name, part in zip("qkv", value.chunk(3), strict=True):
            yield f"{prefix}self_attn.{name}_proj.{kind}", part.contiguous()
        return
    name, _, kind = rest.rpartition(".")
    yield f"{prefix}{_OPENAI_LAYER[name]}.{kind}", value
