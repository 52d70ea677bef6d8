"""SAM's mask decoder: an image embedding and prompt tokens become masks and their expected quality.

Kirillov et al., "Segment Anything" (ICCV 2023), figure 14 and appendix A, "Lightweight mask decoder".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import MLP, LayerNorm2d
from SAMLesionLib.models.sam.transformer import TwoWayTransformer

NUM_MASK_TOKENS = 4  # one for a clear prompt and three for an ambiguous one


class MaskDecoderBase(nn.Module):
    """What the mask decoders of SAM and SAM-Med3D share: one small linear classifier per mask token.

    Args:
        embed_dim: channels C of embedding and tokens.
        num_heads: attention heads of the transformer.
        mlp_dim: hidden channels of its perceptrons.
        iou_hidden_dim: hidden channels of the quality head.
        conv: the transposed convolution of the input's number of axes.
        norm: the layer normalisation that goes with it.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        mlp_dim: int,
        iou_hidden_dim: int,
        conv: type[nn.ConvTranspose2d] | type[nn.ConvTranspose3d],
        norm: type[LayerNorm2d],
    ) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(2, embed_dim, num_heads, mlp_dim)
        self.iou_token = nn.Embedding(1, embed_dim)
        self.mask_tokens = nn.Embedding(NUM_MASK_TOKENS, embed_dim)
        self.output_upscaling = nn.Sequential(
            conv(embed_dim, embed_dim // 4, 2, 2),
            norm(embed_dim // 4),
            nn.GELU(),
            conv(embed_dim // 4, embed_dim // 8, 2, 2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(embed_dim, embed_dim, embed_dim // 8, 3) for _ in range(NUM_MASK_TOKENS)
        )
        self.iou_prediction_head = MLP(embed_dim, iou_hidden_dim, NUM_MASK_TOKENS, 3)

    def read(self, image: Tensor, image_pe: Tensor, sparse: Tensor) -> tuple[Tensor, Tensor]:
        """Let the output tokens, the prompts and the image read each other.

        Args:
            image: (P or 1)xCx..., embedding and dense prompt together.
            image_pe: 1x(tokens)xC, positions of its tokens.
            sparse: PxNxC, prompt tokens.

        Returns:
            The output and prompt tokens (Px(5+N)xC) and the image's tokens (Px(tokens)xC).
        """
        batch = max(image.shape[0], sparse.shape[0])
        tokens = torch.cat((self.iou_token.weight, self.mask_tokens.weight))
        tokens = torch.cat((tokens.expand(batch, -1, -1), sparse.expand(batch, -1, -1)), dim=1)
        return self.transformer(image.flatten(2).transpose(1, 2), image_pe, tokens)

    def classifiers(self, tokens: Tensor, masks: range) -> Tensor:
        """The linear classifier of each wanted mask: PxC/8xM."""
        return torch.stack([self.output_hypernetworks_mlps[i](tokens[:, 1 + i]) for i in masks], dim=2)

    def expected_iou(self, tokens: Tensor, masks: range) -> Tensor:
        """The expected overlap of each wanted mask with the object: PxM."""
        return self.iou_prediction_head(tokens[:, 0])[:, masks.start : masks.stop]


def wanted_masks(multimask: bool) -> range:
    """The three masks of an ambiguous prompt, or the one of a clear prompt."""
    return range(1, NUM_MASK_TOKENS) if multimask else range(1)


class MaskDecoder(MaskDecoderBase):
    """SAM's; see `MaskDecoderBase`."""

    def __init__(
        self, embed_dim: int = 256, num_heads: int = 8, mlp_dim: int = 2048, iou_hidden_dim: int = 256
    ) -> None:
        super().__init__(embed_dim, num_heads, mlp_dim, iou_hidden_dim, nn.ConvTranspose2d, LayerNorm2d)

    def forward(
        self, image_embedding: Tensor, image_pe: Tensor, sparse: Tensor, dense: Tensor, multimask: bool
    ) -> tuple[Tensor, Tensor]:
        """Predict the masks of P prompts.

        Args:
            image_embedding: (P or 1)xCxhxw.
            image_pe: 1x(h*w)xC, positions of its tokens.
            sparse: PxNxC, prompt tokens.
            dense: (P or 1)xCxhxw or 1xCx1x1, added to the embedding.
            multimask: the three masks of an ambiguous prompt; otherwise the one of a clear prompt.

        Returns:
            low_res_logits: PxMx4hx4w, above 0 inside the object; M is 3 or 1.
            iou: PxM, expected overlap of each mask with the object.
        """
        return self.predict(image_embedding + dense, image_pe, sparse, wanted_masks(multimask))

    def predict(self, image: Tensor, image_pe: Tensor, sparse: Tensor, masks: range) -> tuple[Tensor, Tensor]:
        """The masks with these numbers, 0 to 3, for an embedding that holds its dense prompt already."""
        tokens, pixels = self.read(image, image_pe, sparse)
        logits = torch.bmm(self._enlarge(pixels), self.classifiers(tokens, masks)).transpose(1, 2)
        return fold_quarters(logits, image.shape[-2:]), self.expected_iou(tokens, masks)

    def _enlarge(self, pixels: Tensor) -> Tensor:
        """The image tokens (Px(h*w)xC), each cut twice into 2x2: Px(h*w*2*2*2*2)xC/8.

        A transposed convolution with stride 2 on 2x2 is a linear layer from a token to its quarters.
        All that follows works on single pixels, so they need not be put in rows before the end.
        """
        first, norm, act, second, last_act = self.output_upscaling
        quarters = _quarter(pixels, cast(nn.ConvTranspose2d, first))
        quarters = act(cast(LayerNorm2d, norm).last_axis(quarters))
        return last_act(_quarter(quarters, cast(nn.ConvTranspose2d, second)))


def _quarter(pixels: Tensor, conv: nn.ConvTranspose2d) -> Tensor:
    weight = conv.weight.permute(2, 3, 1, 0).flatten(0, 2)
    bias = None if conv.bias is None else conv.bias.repeat(4)
    return F.linear(pixels, weight, bias).unflatten(-1, (4, -1)).flatten(1, 2)


def fold_quarters(values: Tensor, size: Sequence[int]) -> Tensor:
    """Values of twice-cut tokens (PxMx(h*w*2*2*2*2)) in rows and columns: PxMx4hx4w."""
    height, width = size
    cells = values.unflatten(-1, (height, width, 2, 2, 2, 2))
    return cells.permute(0, 1, 2, 4, 6, 3, 5, 7).flatten(5, 7).flatten(2, 4)
