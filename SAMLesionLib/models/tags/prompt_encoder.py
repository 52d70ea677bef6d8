"""TAGS's prompt encoder: points on a tumour change the map of the cube that they lie in.

As in 3DSAM-adapter (Gong et al., arXiv 2306.13465), whose class TAGS's released code imports. A point is the
map's own features at its place; it has no label, so a point beside the tumour cannot be told from one on it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import MLPBlock
from SAMLesionLib.models.sam.transformer import Attention


class PointPromptEncoder(nn.Module):
    """Reads the features at the points into the map.

    Args:
        embed_dim: channels C of the map.
        num_heads: attention heads.
        mlp_dim: hidden channels of the perceptrons.
        depth: number of layers.
    """

    def __init__(self, embed_dim: int = 256, num_heads: int = 8, mlp_dim: int = 2048, depth: int = 2) -> None:
        super().__init__()
        # Published weights carry frequencies for positions; the network as released computes with none.
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(3, embed_dim // 2))
        self.transformer = PointTransformer(embed_dim, num_heads, mlp_dim, depth)

    def forward(self, image_map: Tensor, points_dhw: Tensor, image_size: int) -> Tensor:
        """The map after it has seen the points.

        Args:
            image_map: BxCxhxwxd.
            points_dhw: BxNx3, positions in the cube's voxels, their centres at whole numbers; N may be 0.
            image_size: side of the cube in voxels.
        """
        points = sample_points(image_map, points_dhw, image_size)
        tokens = self.transformer(image_map.flatten(2).transpose(1, 2), points)
        return tokens.transpose(1, 2).view(image_map.shape)


class PointTransformer(nn.Module):
    """Layers in which a map looks at points, one after the other."""

    def __init__(self, embed_dim: int, num_heads: int, mlp_dim: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(PointLayer(embed_dim, num_heads, mlp_dim) for _ in range(depth))

    def forward(self, image: Tensor, points: Tensor) -> Tensor:
        """The map's tokens, BxMxC, after they have seen the points, BxNxC."""
        for layer in self.layers:
            image, points = layer(image, points)
        return image


class PointLayer(nn.Module):
    """Learned queries look at the points, and the map looks at the queries."""

    def __init__(self, embed_dim: int, num_heads: int, mlp_dim: int, num_queries: int = 10) -> None:
        super().__init__()
        self.global_query = nn.Parameter(0.1 * torch.randn(1, num_queries, embed_dim))
        self.self_attn = Attention(embed_dim, num_heads)
        self.norm1 = nn.LayerNorm(embed_dim)
        # In published weights and in no computation: the queries never look at the map.
        self.cross_attn_token_to_image = Attention(embed_dim, num_heads, downsample_rate=2)
        self.norm2 = nn.LayerNorm(embed_dim)
        self.mlp = MLPBlock(embed_dim, mlp_dim, F.relu)
        self.norm3 = nn.LayerNorm(embed_dim)
        self.norm4 = nn.LayerNorm(embed_dim)
        self.cross_attn_image_to_token = Attention(embed_dim, num_heads, downsample_rate=2)

    def forward(self, image: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """The map's tokens, BxMxC, after a look at the points, BxNxC, and the points after one at theirs."""
        tokens = torch.cat((self.global_query.expand(len(points), -1, -1), points), dim=1)
        tokens = self.norm2(tokens + self.norm1(self.self_attn(tokens, tokens, tokens)))
        queries, points = tokens.tensor_split([self.global_query.shape[1]], dim=1)
        queries = self.norm3(queries + self.mlp(queries))
        return self.norm4(image + self.cross_attn_image_to_token(image, queries, queries)), points


def sample_points(image_map: Tensor, points_dhw: Tensor, image_size: int) -> Tensor:
    """The features of a map BxCxhxwxd at points BxNx3 of its cube, BxNxC; zero outside."""
    # grid_sample counts the last axis first: d, w, h.
    places = (points_dhw[..., [0, 2, 1]] + 0.5) * (2 / image_size) - 1
    grid = places[:, :, None, None].to(image_map.dtype)
    return F.grid_sample(image_map, grid, align_corners=False)[..., 0, 0].transpose(1, 2)
