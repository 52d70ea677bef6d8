"""TAGS in a size that one core of a CPU can teach in minutes, to see its parts at work."""

from __future__ import annotations

from torch import nn

from SAMLesionLib.models.tags.image_encoder import ImageEncoderTags
from SAMLesionLib.models.tags.mask_decoder import MaskDecoderTags
from SAMLesionLib.models.tags.prompt_encoder import PointPromptEncoder
from SAMLesionLib.models.tags.tags import Tags

EMBED_DIM = 48
"""Channels of a token, and of the words that it is held against."""


def build_small_tags() -> Tags:
    """TAGS of 0.36 million parameters on 32x32x32 voxels, 8x8x8 tokens in four blocks.

    There is no SAM of this size to start from, so all of it is to be trained (`tune.method = "full"`), and
    the positions, which SAM would bring, begin as small random numbers.
    """
    encoder = ImageEncoderTags(
        image_size=32,
        embed_dim=EMBED_DIM,
        depth=4,
        num_heads=4,
        global_attn_indexes=(1, 3),
        sam_window=4,
        sam_side=8,
        window=4,
        out_chans=24,
    )
    nn.init.trunc_normal_(encoder.pos_embed, std=0.02)
    return Tags(encoder, PointPromptEncoder(24, 4, 96), MaskDecoderTags(24, 16))
