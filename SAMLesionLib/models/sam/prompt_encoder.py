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


class PromptEncoderBase(nn.Module):
    """What the prompt encoders of SAM and SAM-Med3D share, whatever the number of axes.

    Prompts of P objects become sparse tokens (PxNxC) and a dense map (PxCx..., or 1xCx1x... without masks).

    Args:
        embed_dim: channels C of tokens and map.
        embedding_size: side of the image embedding.
        image_size: side of the network's input in pixels.
        mask_in_chans: channels inside the mask branch.
        pe_layer: positions in [0, 1] to C channels.
        n_kinds: how many kinds of point have an embedding: 2, or 4 with the two corners of a box.
        conv: the convolution of the input's number of axes.
        norm: the layer normalisation that goes with it.
    """

    frozen_pe: Tensor | None

    def __init__(
        self,
        embed_dim: int,
        embedding_size: int,
        image_size: int,
        mask_in_chans: int,
        pe_layer: nn.Module,
        n_kinds: int,
        conv: type[nn.Conv2d] | type[nn.Conv3d],
        norm: type[LayerNorm2d],
    ) -> None:
        super().__init__()
        self.embed_dim = embed_dim
        self.embedding_size = embedding_size
        self.image_size = image_size
        self.n_axes = 2 if conv is nn.Conv2d else 3
        self.pe_layer = pe_layer
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, embed_dim) for _ in range(n_kinds))
        self.not_a_point_embed = nn.Embedding(1, embed_dim)
        self.mask_downscaling = nn.Sequential(
            conv(1, mask_in_chans // 4, 2, 2),
            norm(mask_in_chans // 4),
            nn.GELU(),
            conv(mask_in_chans // 4, mask_in_chans, 2, 2),
            norm(mask_in_chans),
            nn.GELU(),
            conv(mask_in_chans, embed_dim, 1),
        )
        self.no_mask_embed = nn.Embedding(1, embed_dim)
        self.register_buffer("frozen_pe", None, persistent=False)

    def forward(
        self,
        points: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes: Tensor | None = None,
        mask_input: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Encode prompts; see `Sam.decode` and `Sam3D.decode` for their shapes.

        Returns:
            sparse: PxNxC, the points and then the corners of the box; N is 0 without either.
            dense: PxCx... for masks, else 1xCx1x..., to be added to the embedding.
        """
        corners = gather_points(points, point_labels, boxes)
        if corners is None:
            count = 1 if mask_input is None else mask_input.shape[0]
            sparse = self.no_mask_embed.weight.new_zeros(count, 0, self.embed_dim)
        else:
            sparse = self.embed_points(*corners)
        return sparse, self.embed_mask(mask_input)

    def embed_points(self, points: Tensor, labels: Tensor) -> Tensor:
        """Points in input pixels (PxNxaxes) of the kinds `labels` (PxN, -1 to 3) to tokens PxNxC."""
        kinds = [self.not_a_point_embed, *self.point_embeddings]
        table = torch.cat([cast(Tensor, kind.weight) for kind in kinds])
        # A pixel's centre lies half a pixel from its corner.
        position = self.pe_layer((points + 0.5) / self.image_size)
        is_point = (labels != NOT_A_POINT).to(position.dtype)
        return position * is_point[..., None] + table[labels.long() + 1]

    def embed_mask(self, mask_input: Tensor | None) -> Tensor:
        """Mask logits Px1x... to a map PxCx...; no mask gives the learned 1xCx1x... in its place."""
        if mask_input is None:
            return self.no_mask_embed.weight.view(1, -1, *[1] * self.n_axes)
        return self.mask_downscaling(mask_input)

    def dense_pe(self) -> Tensor:
        """The position of every token of the image embedding, 1x(tokens)xC."""
        return self.grid_pe() if self.frozen_pe is None else self.frozen_pe

    def grid_pe(self) -> Tensor:
        """`dense_pe`, computed from the present weights."""
        raise NotImplementedError

    def token_centres(self) -> Tensor:
        """Where the tokens lie along one axis of the input, in [0, 1]."""
        place = torch.arange(self.embedding_size, device=self.no_mask_embed.weight.device)
        return (place + 0.5) / self.embedding_size

    def freeze_pe(self) -> None:
        """Keep the positions that the present weights give, so that evaluation need not compute them."""
        self.frozen_pe = self.grid_pe().detach()


class PromptEncoder(PromptEncoderBase):
    """SAM's: points and boxes are (X, Y) in pixels; see `PromptEncoderBase`."""

    def __init__(self, embed_dim: int, embedding_size: int, image_size: int, mask_in_chans: int = 16) -> None:
        pe_layer = PositionEmbeddingRandom(embed_dim // 2)
        sizes = (embed_dim, embedding_size, image_size, mask_in_chans)
        super().__init__(*sizes, pe_layer, 4, nn.Conv2d, LayerNorm2d)

    def grid_pe(self) -> Tensor:
        """The position of every token, row by row, 1x(h*w)xC."""
        centre = self.token_centres()
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        return self.pe_layer(torch.stack((x, y), dim=-1)).flatten(0, 1)[None]


class PositionEmbeddingRandom(nn.Module):
    """Positions as sines and cosines of random frequencies, which are part of the weights."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, num_frequencies: int, n_axes: int = 2) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(n_axes, num_frequencies))

    def forward(self, places: Tensor) -> Tensor:
        """`(..., axes)` in [0, 1] to `(..., 2 * num_frequencies)`."""
        phase = self.phase(places)
        return torch.cat((phase.sin(), phase.cos()), dim=-1)

    def phase(self, places: Tensor) -> Tensor:
        """`(..., axes)` in [0, 1] to the angle of each frequency, `(..., num_frequencies)`."""
        turns = 2 * math.pi * self.positional_encoding_gaussian_matrix
        # Sums and no matrix product: autocast would round the phase to bfloat16, whole turns wrong.
        along = (2 * places - 1)[..., None].unbind(-2)
        first, *others = (place * turn for place, turn in zip(along, turns.unbind(), strict=True))
        return sum(others, start=first)


def gather_points(
    points: Tensor | None, point_labels: Tensor | None, boxes: Tensor | None
) -> tuple[Tensor, Tensor] | None:
    """Points and boxes as one list of labelled points: PxNxaxes and PxN, or None without any.

    As in SAM, points without a box are followed by one `NOT_A_POINT`.
    """
    places, labels = [], []
    if points is not None and point_labels is not None:
        places.append(points)
        labels.append(point_labels)
    if boxes is not None:
        places.append(boxes.unflatten(-1, (2, -1)))
        kinds = torch.tensor([BOX_TOP_LEFT, BOX_BOTTOM_RIGHT], device=boxes.device)
        labels.append(kinds.expand(len(places[-1]), 2))
    elif places:
        places.append(torch.zeros_like(places[0][:, :1]))
        labels.append(torch.full_like(labels[0][:, :1], NOT_A_POINT))
    if not places:
        return None
    return torch.cat(places, dim=1), torch.cat(labels, dim=1)
