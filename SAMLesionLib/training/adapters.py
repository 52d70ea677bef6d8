"""Small things that are put into an encoder which stays as it is: what SGP-SAM is compared with.

LoRA and adapters begin by changing nothing, so that training starts from the network as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.sam3d.image_encoder import Attention, Block, ImageEncoderViT3D, _bias_of_tokens

LOW_RANK = ".parametrizations.weight.0."
"""What the names of a `LowRank`'s parameters have in them."""


class LowRank(nn.Module):
    """LoRA on queries and values, as M-SAM has it (Hu et al., arXiv 2106.09685; arXiv 2403.05912).

    Args:
        dim: channels of a token.
        rank: of what is added to the matrices.
    """

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.down_q, self.down_v = (nn.Parameter(torch.empty(rank, dim)) for _ in range(2))
        self.up_q, self.up_v = (nn.Parameter(torch.zeros(dim, rank)) for _ in range(2))
        for down in (self.down_q, self.down_v):
            nn.init.kaiming_uniform_(down, sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        """The matrix of a `qkv` layer (3C x C), changed in its first and its last third."""
        q, v = self.up_q @ self.down_q, self.up_v @ self.down_v
        return weight + torch.cat((q, torch.zeros_like(q), v))


class Adapter(nn.Module):
    """A narrow residual path with a 3x3x3 filter in it (3DSAM-adapter, Gong et al., arXiv 2306.13465).

    Args:
        dim: channels of a token.
        narrow: channels inside.
    """

    def __init__(self, dim: int, narrow: int) -> None:
        super().__init__()
        self.down = nn.Linear(dim, narrow)
        self.filter = nn.Conv3d(narrow, narrow, 3, padding=1, groups=narrow)
        self.up = nn.Linear(narrow, dim)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens BxDxHxWxC to the same shape."""
        narrow = F.gelu(self.down(tokens)).movedim(-1, 1)
        return tokens + self.up(F.gelu(self.filter(narrow)).movedim(1, -1))


class PromptedAttention(Attention):
    """Attention that also sees a few learned tokens (Jia et al., "Visual Prompt Tuning", ECCV 2022).

    Their own answers are not used: the next block has tokens of its own.
    """

    def __init__(self, attention: Attention, n_tokens: int) -> None:
        dim = attention.proj.out_features
        super().__init__(dim, attention.num_heads, attention.side, attention.rel_pos)
        self.load_state_dict(attention.state_dict())
        self.prompts = nn.Parameter(0.02 * torch.randn(1, n_tokens, dim))

    def forward(self, x: Tensor) -> Tensor:
        """See `Attention.forward`; for tokens that fill the whole cube."""
        size, n_tokens = x.shape[1:4], self.prompts.shape[1]
        together = torch.cat((x.flatten(1, 3), self.prompts.expand(len(x), -1, -1)), dim=1)
        qkv = self.qkv(together).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind()
        q, bias = q[:, :, :-n_tokens], None
        if self.rel_pos:
            bias = _bias_of_tokens(*self._position_bias(q.unflatten(2, size)), size)
            bias = F.pad(bias, (0, n_tokens)).to(q.dtype)  # a learned token has no place
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.proj(y.transpose(1, 2).flatten(2)).view(x.shape)


def add_low_rank(network: nn.Module, rank: int) -> None:
    """LoRA in every block of the encoder."""
    for block in _blocks(network):
        layer = block.attn.qkv
        parametrize.register_parametrization(layer, "weight", LowRank(layer.in_features, rank))


def add_adapters(network: nn.Module, narrow_share: float) -> None:
    """An `Adapter` before every block of a 3D encoder.

    Args:
        network: is changed in place.
        narrow_share: channels inside over the channels of a token.
    """
    for block in _blocks(network):
        dim = block.attn.proj.out_features
        block.add_module("adapter", Adapter(dim, max(1, round(narrow_share * dim))))
        block.register_forward_pre_hook(lambda block, args: (block.adapter(args[0]),))


def add_prompts(network: nn.Module, n_tokens: int) -> None:
    """Learned tokens in every block of a 3D encoder that attends globally."""
    for block in _blocks(network):
        if block.window_size == cast(ImageEncoderViT3D, network.image_encoder).pos_embed.shape[1]:
            block.attn = PromptedAttention(block.attn, n_tokens)


def plain_state_dict(network: nn.Module) -> dict[str, Tensor]:
    """The weights under the network's own names, LoRA merged into them."""
    weights = dict(network.state_dict())
    for name, module in network.named_modules():
        if parametrize.is_parametrized(module, "weight"):
            for key in [key for key in weights if key.startswith(f"{name}.parametrizations.weight.")]:
                del weights[key]
            weights[f"{name}.weight"] = module.weight.detach()
    return weights


def take_plain(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that `plain_state_dict` gave, under the names of a network with the same things put in.

    Args:
        network: as `tune` has left it, so that its LoRA changes nothing.
        weights: by the network's own names.
    """
    taken = dict(weights)
    for name, value in network.state_dict().items():
        layer, is_low_rank, _ = name.partition(LOW_RANK)
        if is_low_rank:
            taken[name] = value
            if f"{layer}.weight" in taken:
                taken[f"{layer}.parametrizations.weight.original"] = taken.pop(f"{layer}.weight")
    return taken


def _blocks(network: nn.Module) -> list[Block]:
    encoder = network.image_encoder
    if not isinstance(encoder, ImageEncoderViT3D):
        raise InputError(
            "LoRA, adapters and learned tokens are for 3D encoders. Use tune.method full or decoder."
        )
    return [cast(Block, block) for block in encoder.blocks]
