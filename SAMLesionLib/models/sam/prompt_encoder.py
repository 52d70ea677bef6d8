"""SAM's prompt encoder: points, boxes and a mask become tokens and a map.

Kirillov et al., "Segment Anything" (ICCV 2023), appendix A, "Prompt encoder"; random Fourier positions
from Tancik et al., "Fourier Features" (NeurIPS 2020).
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from SAMLesionLib.models.layers import LayerNorm2d

# What a point can be. The reader clicks the middle two; a box is its two corners.
NOT_A_POINT, BACKGROUND, FOREGROUND, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT = -1, 0, 1, 2, 3


class PromptEncoder(nn.Module):
    """Prompts of P objects to sparse tokens (PxNxC) and a dense map (PxCxhxw, or 1xCxhxw without masks).

    Args:
        embed_dim: channels C of tokens and map.
        embedding_size: side h = w of the image embedding.
        image_size: side of the network's input in pixels.
        mask_in_chans: channels inside the mask branch.
    """

    frozen_pe: Tensor | None

    def __init__(self, embed_dim: int, embedding_size: int, image_size: int, mask_in_chans: int = 16) -> None:
        super().__init__()
        self.embed_dim = embed_dim
        self.embedding_size = embedding_size
        self.image_size = image_size
        self.pe_layer = PositionEmbeddingRandom(embed_dim // 2)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, embed_dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, embed_dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, mask_in_chans // 4, 2, 2),
            LayerNorm2d(mask_in_chans // 4),
            nn.GELU(),
            nn.Conv2d(mask_in_chans // 4, mask_in_chans, 2, 2),
            LayerNorm2d(mask_in_chans),
            nn.GELU(),
            nn.Conv2d(mask_in_chans, embed_dim, 1),
        )
        self.no_mask_embed = nn.Embedding(1, embed_dim)
        self.register_buffer("frozen_pe", None, persistent=False)

    def forward(
        self,
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xy: Tensor | None = None,
        mask_input: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Encode prompts; see `Sam.decode` for their shapes.

        Returns:
            sparse: PxNxC, the points and then the corners of the box; N is 0 without either.
            dense: PxCxhxw for masks, else 1xCx1x1, to be added to the embedding.
        """
        corners = gather_points(points_xy, point_labels, boxes_xy)
        if corners is None:
            count = 1 if mask_input is None else mask_input.shape[0]
            sparse = self.no_mask_embed.weight.new_zeros(count, 0, self.embed_dim)
        else:
            sparse = self.embed_points(*corners)
        return sparse, self.embed_mask(mask_input)

    def embed_points(self, xy: Tensor, labels: Tensor) -> Tensor:
        """Points in input pixels (PxNx2) of the kinds `labels` (PxN, -1 to 3) to tokens PxNxC."""
        kinds = [self.not_a_point_embed, *self.point_embeddings]
        table = torch.cat([cast(Tensor, kind.weight) for kind in kinds])
        # A pixel's centre lies half a pixel from its corner.
        position = self.pe_layer((xy + 0.5) / self.image_size)
        is_point = (labels != NOT_A_POINT).to(position.dtype)
        return position * is_point[..., None] + table[labels.long() + 1]

    def embed_mask(self, mask_input: Tensor | None) -> Tensor:
        """Mask logits Px1x4hx4w to a map PxCxhxw; no mask gives the learned 1xCx1x1 in its place."""
        if mask_input is None:
            return self.no_mask_embed.weight[:, :, None, None]
        return self.mask_downscaling(mask_input)

    def dense_pe(self) -> Tensor:
        """The position of every token of the image embedding, 1x(h*w)xC."""
        if self.frozen_pe is not None:
            return self.frozen_pe
        matrix = self.pe_layer.positional_encoding_gaussian_matrix
        centre = (torch.arange(self.embedding_size, device=matrix.device) + 0.5) / self.embedding_size
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        return self.pe_layer(torch.stack((x, y), dim=-1)).flatten(0, 1)[None]

    def freeze_pe(self) -> None:
        """Keep the positions that the present weights give, so that evaluation need not compute them."""
        self.frozen_pe = None
        self.frozen_pe = self.dense_pe().detach()


class PositionEmbeddingRandom(nn.Module):
    """Positions as sines and cosines of random frequencies, which are part of the weights."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, num_frequencies: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, num_frequencies))

    def forward(self, xy: Tensor) -> Tensor:
        """`(..., 2)` in [0, 1] to `(..., 2 * num_frequencies)`."""
        to_x, to_y = 2 * math.pi * self.positional_encoding_gaussian_matrix
        # Sums and no matrix product: autocast would round the phase to bfloat16, whole turns wrong.
        x, y = (2 * xy - 1)[..., None].unbind(-2)
        phase = x * to_x + y * to_y
        return torch.cat((phase.sin(), phase.cos()), dim=-1)


def gather_points(
    points_xy: Tensor | None, point_labels: Tensor | None, boxes_xy: Tensor | None
) -> tuple[Tensor, Tensor] | None:
    """Points and boxes as one list of labelled points: PxNx2 and PxN, or None without any.

    As in SAM, points without a box are followed by one `NOT_A_POINT`.
    """
    xy, labels = [], []
    if points_xy is not None and point_labels is not None:
        xy.append(points_xy)
        labels.append(point_labels)
    if boxes_xy is not None:
        xy.append(boxes_xy.reshape(-1, 2, 2))
        kinds = torch.tensor([BOX_TOP_LEFT, BOX_BOTTOM_RIGHT], device=boxes_xy.device)
        labels.append(kinds.expand(len(xy[-1]), 2))
    elif xy:
        xy.append(torch.zeros_like(xy[0][:, :1]))
        labels.append(torch.full_like(labels[0][:, :1], NOT_A_POINT))
    if not xy:
        return None
    return torch.cat(xy, dim=1), torch.cat(labels, dim=1)
