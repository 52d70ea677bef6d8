"""SAM-Med3D's prompt encoder: points, boxes and a mask in a cube become tokens and a map.

Wang et al., "SAM-Med3D" (arXiv 2310.15161), and the code released with it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from SAMLesionLib.models.layers import LayerNorm3d
from SAMLesionLib.models.sam.prompt_encoder import PositionEmbeddingRandom, PromptEncoderBase


class PromptEncoder3D(PromptEncoderBase):
    """Points and boxes lie in input voxels, in the order of the input's axes; see `PromptEncoderBase`.

    Args:
        embed_dim: channels C of tokens and map.
        embedding_size: side of the image embedding.
        image_size: side of the network's input in voxels.
        mask_in_chans: channels inside the mask branch.
        takes_boxes: whether the corners of a box have embeddings; the published checkpoints know points only.
    """

    def __init__(
        self,
        embed_dim: int = 384,
        embedding_size: int = 8,
        image_size: int = 128,
        mask_in_chans: int = 16,
        takes_boxes: bool = False,
    ) -> None:
        sizes = (embed_dim, embedding_size, image_size, mask_in_chans)
        pe_layer = PositionEmbeddingRandom3D(embed_dim // 3, n_axes=3)
        super().__init__(*sizes, pe_layer, 4 if takes_boxes else 2, nn.Conv3d, LayerNorm3d)
        self.takes_boxes = takes_boxes

    def grid_pe(self) -> Tensor:
        """The position of every token in the order of the input's axes, 1x(d*h*w)xC.

        The published network swaps the first two coordinates here, and not for points; its weights expect
        that.
        """
        centre = self.token_centres()
        d, h, w = torch.meshgrid(centre, centre, centre, indexing="ij")
        return self.pe_layer(torch.stack((h, d, w), dim=-1)).flatten(0, 2)[None]


class PositionEmbeddingRandom3D(PositionEmbeddingRandom):
    """Sines, cosines and the sines once more: three axes share the channels of three thirds."""

    def forward(self, places: Tensor) -> Tensor:
        """`(..., 3)` in [0, 1] to `(..., 3 * num_frequencies)`."""
        phase = self.phase(places)
        return torch.cat((phase.sin(), phase.cos(), phase.sin()), dim=-1)
