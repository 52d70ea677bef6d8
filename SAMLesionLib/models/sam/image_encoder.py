"""SAM's image encoder: a vision transformer with attention in windows and, in a few blocks, everywhere.

Kirillov et al., "Segment Anything" (ICCV 2023), appendix A; Li et al., "Exploring Plain Vision
Transformer Backbones for Object Detection" (ECCV 2022); decomposed relative positions from Li et al.,
"MViTv2" (CVPR 2022), equation 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import LayerNorm2d, TransformerBlock, window_partition, window_unpartition

# Rows of the attention matrix that get their position bias at a time: 4096 x 4096 biases in each of
# 12 heads would be 800 MB.
QUERY_CHUNK = 1024


class ImageEncoderViT(nn.Module):
    """A plain vision transformer with SAM's neck.

    Args:
        image_size: side of the square input in pixels.
        patch_size: side of one token in pixels.
        embed_dim: channels of a token.
        depth: number of blocks.
        num_heads: attention heads of each block.
        global_attn_indexes: the blocks that attend over the whole image.
        window_size: side of the windows of the other blocks, in tokens.
        out_chans: channels of the embedding.
    """

    def __init__(
        self,
        image_size: int = 1024,
        patch_size: int = 16,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        global_attn_indexes: Sequence[int] = (2, 5, 8, 11),
        window_size: int = 14,
        out_chans: int = 256,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        side = image_size // patch_size
        self.patch_embed = PatchEmbed(patch_size, embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, side, side, embed_dim))
        self.blocks = nn.ModuleList(
            Block(embed_dim, num_heads, side, None if i in global_attn_indexes else window_size)
            for i in range(depth)
        )
        self.neck = nn.Sequential(
            nn.Conv2d(embed_dim, out_chans, 1, bias=False),
            LayerNorm2d(out_chans),
            nn.Conv2d(out_chans, out_chans, 3, padding=1, bias=False),
            LayerNorm2d(out_chans),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Bx3xHxW to the embedding, BxCx(H/patch)x(W/patch)."""
        x = self.patch_embed(x) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))


class PatchEmbed(nn.Module):
    """Every patch of pixels becomes one token."""

    def __init__(self, patch_size: int, embed_dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, embed_dim, patch_size, patch_size)

    def forward(self, x: Tensor) -> Tensor:
        """Bx3xHxW to tokens, BxhxwxC."""
        return self.proj(x).permute(0, 2, 3, 1)


class Block(TransformerBlock):
    """One transformer block, attending in windows or, with `window_size` None, over the whole map."""

    def __init__(self, dim: int, num_heads: int, side: int, window_size: int | None) -> None:
        super().__init__(dim, Attention(dim, num_heads, window_size or side))
        self.window_size = window_size

    def attend(self, x: Tensor) -> Tensor:
        """Tokens BxhxwxC to the same shape, window by window."""
        _, height, width, _ = x.shape
        window = self.window_size or height
        return window_unpartition(self.attn(window_partition(x, window)), window, height, width)


class Attention(nn.Module):
    """Self-attention over a square of tokens, with relative positions split into rows and columns."""

    def __init__(self, dim: int, num_heads: int, side: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.side = side
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, dim // num_heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, dim // num_heads))

    def forward(self, x: Tensor) -> Tensor:
        """`squares x (side * side) x C` to the same shape."""
        n, length, dim = x.shape
        qkv = self.qkv(x).view(n, length, 3, self.num_heads, dim // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind()
        rows, columns = self._position_bias(q)
        parts = [
            F.scaled_dot_product_attention(a, k, v, attn_mask=(r[..., None] + c[..., None, :]).flatten(-2))
            for a, r, c in zip(*(t.split(QUERY_CHUNK, dim=2) for t in (q, rows, columns)), strict=True)
        ]
        y = parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)
        return self.proj(y.transpose(1, 2).reshape(n, length, dim))

    def _position_bias(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """What a query adds for each row and each column of keys: twice `n x heads x tokens x side`."""
        n, heads, length, dim = q.shape
        grid = q.reshape(n * heads, self.side, self.side, dim)
        place = torch.arange(self.side, device=q.device)
        offset = place[:, None] - place[None] + self.side - 1
        rows = torch.einsum("byxc,ykc->byxk", grid, self.rel_pos_h[offset])
        columns = torch.einsum("byxc,xkc->byxk", grid, self.rel_pos_w[offset])
        return rows.reshape(n, heads, length, self.side), columns.reshape(n, heads, length, self.side)
