"""The two-way transformer of SAM's decoder: tokens look at the image, and the image looks back.

Kirillov et al., "Segment Anything" (ICCV 2023), figure 14. The batch of the image side may be 1 while
that of the tokens is P: what all prompts share is then computed once.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import MLPBlock


class TwoWayTransformer(nn.Module):
    """`depth` two-way blocks and a last look of the tokens at the image."""

    def __init__(self, depth: int, embed_dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TwoWayAttentionBlock(embed_dim, num_heads, mlp_dim, is_first=i == 0) for i in range(depth)
        )
        self.final_attn_token_to_image = Attention(embed_dim, num_heads, downsample_rate=2)
        self.norm_final_attn = nn.LayerNorm(embed_dim)

    def forward(self, image: Tensor, image_pe: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Let prompts and image read each other.

        Args:
            image: (P or 1)x(h*w)xC, embedding and dense prompt together.
            image_pe: 1x(h*w)xC, positions.
            tokens: PxNxC, output tokens and sparse prompts.

        Returns:
            The tokens (PxNxC) and the image (Px(h*w)xC) after reading.
        """
        queries, keys = tokens, image
        for layer in self.layers:
            queries, keys = layer(queries, keys, tokens, image_pe)
        seen = self.final_attn_token_to_image(queries + tokens, keys + image_pe, keys)
        return self.norm_final_attn(queries + seen), keys


class TwoWayAttentionBlock(nn.Module):
    """Tokens to tokens, tokens to image, a perceptron on the tokens, image to tokens."""

    def __init__(self, embed_dim: int, num_heads: int, mlp_dim: int, is_first: bool) -> None:
        super().__init__()
        self.is_first = is_first
        self.self_attn = Attention(embed_dim, num_heads)
        self.norm1 = nn.LayerNorm(embed_dim)
        self.cross_attn_token_to_image = Attention(embed_dim, num_heads, downsample_rate=2)
        self.norm2 = nn.LayerNorm(embed_dim)
        self.mlp = MLPBlock(embed_dim, mlp_dim, F.relu)
        self.norm3 = nn.LayerNorm(embed_dim)
        self.cross_attn_image_to_token = Attention(embed_dim, num_heads, downsample_rate=2)
        self.norm4 = nn.LayerNorm(embed_dim)

    def forward(
        self, queries: Tensor, keys: Tensor, query_pe: Tensor, key_pe: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Tokens PxNxC and image (P or 1)x(h*w)xC, each with its positions; both come back read."""
        queries = self.norm1(self._read_tokens(queries, query_pe))
        placed_keys = keys + key_pe
        queries = self.norm2(queries + self.cross_attn_token_to_image(queries + query_pe, placed_keys, keys))
        queries = self.norm3(queries + self.mlp(queries))
        keys = self.norm4(keys + self.cross_attn_image_to_token(placed_keys, queries + query_pe, queries))
        return queries, keys

    def _read_tokens(self, queries: Tensor, query_pe: Tensor) -> Tensor:
        if self.is_first:  # the tokens are still their own positions
            return self.self_attn(queries, queries, queries)
        placed = queries + query_pe
        return queries + self.self_attn(placed, placed, queries)


class Attention(nn.Module):
    """Attention that may work in fewer channels than it is given; a batch of 1 serves all others."""

    def __init__(self, embed_dim: int, num_heads: int, downsample_rate: int = 1) -> None:
        super().__init__()
        internal = embed_dim // downsample_rate
        self.num_heads = num_heads
        self.q_proj = nn.Linear(embed_dim, internal)
        self.k_proj = nn.Linear(embed_dim, internal)
        self.v_proj = nn.Linear(embed_dim, internal)
        self.out_proj = nn.Linear(internal, embed_dim)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Queries BxNxC, keys and values BxMxC to BxNxC; each batch is B or 1."""
        batch = max(q.shape[0], k.shape[0])
        q = self._split(self.q_proj(q), batch)
        k = self._split(self.k_proj(k), batch)
        v = self._split(self.v_proj(v), batch)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor, batch: int) -> Tensor:
        x = x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        return x.expand(batch, -1, -1, -1)
