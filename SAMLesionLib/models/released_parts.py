"""Checkpoints that hold a network in parts, as the training script of 3DSAM-adapter and TAGS writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENCODER, PROMPT_ENCODERS, DECODER = "encoder_dict", "feature_dict", "decoder_dict"


def is_in_parts(content: Any) -> bool:
    """Whether a checkpoint holds image encoder, prompt encoders and mask decoder each on its own."""
    return (
        isinstance(content, Mapping)
        and isinstance(content.get(ENCODER), Mapping)
        and isinstance(content.get(DECODER), Mapping)
        and isinstance(content.get(PROMPT_ENCODERS), list)
        and bool(content[PROMPT_ENCODERS])
        and isinstance(content[PROMPT_ENCODERS][-1], Mapping)
    )


def joined(content: Mapping[str, Any]) -> dict[str, Any]:
    """The parts as one network's tensors.

    Of four prompt encoders the last one is used. The masks of shifted windows (400 MB) follow from the sizes
    and are left out.
    """
    parts = {
        "image_encoder": content[ENCODER],
        "prompt_encoder": content[PROMPT_ENCODERS][-1],
        "mask_decoder": content[DECODER],
    }
    return {
        f"{part}.{key}": value
        for part, values in parts.items()
        for key, value in values.items()
        if not str(key).endswith(".attn_mask")
    }
