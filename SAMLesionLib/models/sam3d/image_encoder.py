"""SAM-Med3D's image encoder: a vision transformer over a cube of tokens.

Wang et al., "SAM-Med3D" (arXiv 2310.15161), and the code released with it. The published network cuts its
8x8x8 tokens into windows of 14x14x14: one window, filled up with zeros that take part in the attention. The
zeros become keys and values that are the biases of the layer that makes them. These 2232 keys differ in
nothing but their place, so they act exactly as one more key of a greater weight, and are computed as one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import Neck3d, TransformerBlock
from SAMLesionLib.models.sam3d.stem import ConvStem, PatchEmbed

NONE = 1e-30
"""Stands for no key at all where a logarithm is taken."""

Step = Callable[[Tensor], Tensor]
"""Tokens BxDxHxWxC to tokens of the same shape."""


class ImageEncoderViT3D(nn.Module):
    """A plain vision transformer over cubes of voxels, with SAM's neck.

    Args:
        image_size: side of the cubic input in voxels.
        patch_size: side of one token in voxels.
        embed_dim: channels of a token.
        depth: number of blocks.
        num_heads: attention heads of each block.
        global_attn_indexes: the blocks that attend over the whole cube, without padding.
        window_size: side of the windows of the other blocks, in tokens.
        out_chans: channels of the embedding.
        rel_pos: whether attention knows relative positions, as published.
        stem_chans: channels of each halving of a convolutional stem in place of the single patch
            convolution; it leads to a patch of 2 to the power of their number. Empty as published.
    """

    def __init__(
        self,
        image_size: int = 128,
        patch_size: int = 16,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        global_attn_indexes: Sequence[int] = (2, 5, 8, 11),
        window_size: int = 14,
        out_chans: int = 384,
        rel_pos: bool = True,
        stem_chans: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.embed_dim = embed_dim
        side = image_size // patch_size
        self.patch_embed = (
            ConvStem(stem_chans, embed_dim) if stem_chans else PatchEmbed(patch_size, embed_dim)
        )
        self.pos_embed = nn.Parameter(torch.zeros(1, side, side, side, embed_dim))
        self.blocks = nn.ModuleList(
            Block(embed_dim, num_heads, side if i in global_attn_indexes else window_size, rel_pos)
            for i in range(depth)
        )
        self.neck = Neck3d(embed_dim, out_chans)

    def forward(self, image: Tensor, after: Mapping[int, Step] | None = None) -> tuple[Tensor, ...]:
        """Encode cubes.

        Args:
            image: Bx1xDxHxW.
            after: what is done to the tokens after the block of this number.

        Returns:
            The embedding, BxCx(D/patch)x(H/patch)x(W/patch), and then what the stem gives, channels last: its
            maps from the coarsest to the finest, and the grey values; nothing without a stem.
        """
        tokens, *finer = self.patch_embed(image)
        tokens = (tokens + self.pos_embed).to(cast(nn.Conv3d, self.neck[0]).weight.dtype)
        for i, block in enumerate(self.blocks):
            tokens = block(tokens)
            if after is not None and i in after:
                tokens = after[i](tokens)
        return self.neck(tokens), *finer


class Block(TransformerBlock):
    """One transformer block, attending in windows of `window_size` tokens a side."""

    attn: Attention

    def __init__(self, dim: int, num_heads: int, window_size: int, rel_pos: bool = True) -> None:
        super().__init__(dim, Attention(dim, num_heads, window_size, rel_pos))
        self.window_size = window_size

    def attend(self, x: Tensor) -> Tensor:
        """Tokens BxDxHxWxC to the same shape, window by window."""
        if max(x.shape[1:4]) <= self.window_size:
            return self.attn(x)
        y = torch.empty_like(x)
        spans = [
            [slice(n, n + self.window_size) for n in range(0, s, self.window_size)] for s in x.shape[1:4]
        ]
        for d, h, w in product(*spans):
            y[:, d, h, w] = self.attn(x[:, d, h, w])
        return y


class Attention(nn.Module):
    """Self-attention over a cube of tokens, with the relative positions of the published network.

    Three tables were meant for three axes. As released, all of them depend on the key's place along w, and
    two are read at other queries of the same row: the score of query (d, h, w) and key (a, b, c) is, with
    unscaled queries Q,

        Q[d, h, w] . (K[a, b, c] / sqrt(C) + D[d - c]) + Q[d, h, a] . H[h - c] + Q[d, h, b] . W[b - c].

    The published weights were trained with that. Without `rel_pos` there are no tables and no padding.
    """

    def __init__(self, dim: int, num_heads: int, side: int, rel_pos: bool = True) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.side = side
        self.rel_pos = rel_pos
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        if rel_pos:
            self.rel_pos_d = nn.Parameter(torch.zeros(2 * side - 1, dim // num_heads))
            self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, dim // num_heads))
            self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, dim // num_heads))

    def forward(self, x: Tensor) -> Tensor:
        """BxDxHxWxC to the same shape; one smaller than `side` is as if filled up with zeros at its ends."""
        size = x.shape[1:4]
        qkv = self.qkv(x.flatten(1, 3)).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind()
        bias = None
        if self.rel_pos:
            query, row_h, row_w = self._position_bias(q.unflatten(2, size))
            bias = _bias_of_tokens(query, row_h, row_w, size)
            if min(size) < self.side:
                _, zero_k, zero_v = self._zeros(len(x))
                k, v = torch.cat((k, zero_k), dim=2), torch.cat((v, zero_v), dim=2)
                padding = _bias_of_padding(query, row_h, row_w, size).flatten(2)
                bias = torch.cat((bias, padding[..., None]), dim=-1)
            bias = bias.to(q.dtype)  # under autocast the sums of exponentials are float32
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.proj(y.transpose(1, 2).flatten(2)).view(x.shape)

    def _position_bias(self, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What place adds to the scores of queries, B x heads x D x H x W x C.

        Returns:
            query: for each query and each key's place along w, B x heads x D x H x W x side.
            row_h: for each row of queries and each key's place along d and w, B x heads x D x H x side x
                side.
            row_w: the same for each key's place along h and w.
        """
        b, _, d, h, w, _ = q.shape
        query = torch.einsum("bndhwc,dkc->bndhwk", q, self._table(self.rel_pos_d)[:d])
        zero_q = self._zeros(b)[0][:, :, None, None].expand(-1, -1, d, h, self.side - w, -1)
        row = torch.cat((q, zero_q), dim=4)
        row_h = torch.einsum("bndhac,hkc->bndhak", row, self._table(self.rel_pos_h)[:h])
        row_w = torch.einsum("bndhac,akc->bndhak", row, self._table(self.rel_pos_w))
        return query, row_h, row_w

    def _table(self, rel_pos: Tensor) -> Tensor:
        """The row of a table for every two places, side x side x C."""
        place = torch.arange(self.side, device=rel_pos.device)
        return rel_pos[place[:, None] - place[None] + self.side - 1]

    def _zeros(self, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of every zero around the tokens: B x heads x 1 x C each."""
        q, k, v = self.qkv.bias.view(3, 1, self.num_heads, 1, -1).expand(-1, batch, -1, -1, -1).unbind()
        return q, k, v


def _bias_of_tokens(query: Tensor, row_h: Tensor, row_w: Tensor, size: Sequence[int]) -> Tensor:
    """The position biases between all tokens, B x heads x (D*H*W) x (D*H*W); see `_position_bias`."""
    d, h, w = size
    row = row_h[..., :d, None, :w] + row_w[..., None, :h, :w]
    return (query[..., None, None, :w] + row[:, :, :, :, None]).flatten(5).flatten(2, 4)


def _bias_of_padding(query: Tensor, row_h: Tensor, row_w: Tensor, size: Sequence[int]) -> Tensor:
    """The logarithm of the summed exponentials of the biases of all padding keys, B x heads x D x H x W.

    Padding is what lies past the end along d, and what does not but lies past the end along h or w: two
    products of sums for each place along w.
    """
    d, h, w = size
    place = torch.arange(query.shape[-1], device=query.device)
    past_d = (place >= d)[:, None]
    past_h_or_w = (place >= h)[:, None] | (place >= w)
    beyond = _log_sum(row_h, past_d) + row_w.logsumexp(dim=-2)
    beside = _log_sum(row_h, ~past_d) + _log_sum(row_w, past_h_or_w)
    rows = torch.logaddexp(beyond, beside)
    return (query + rows[..., None, :]).logsumexp(dim=-1)


def _log_sum(row: Tensor, counts: Tensor) -> Tensor:
    """The logarithm of the summed exponentials along the axis before the last, of what counts."""
    return (row + counts.to(row.dtype).clamp(min=NONE).log()).logsumexp(dim=-2)
