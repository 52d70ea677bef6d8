"""M-SAM's mask-enhanced adapter: image and mask look at each other before the decoder sees them.

Shi et al., "Mask-Enhanced Segment Anything Model for Tumor Lesion Semantic Segmentation" (arXiv 2403.05912).
What is known to us of it: convolutions with a residual norm for the image's embedding and for the mask's,
attention of six heads with relative positions over the sums of what came in and what came out, a perceptron
four times as wide, then a joint attention. Order and sharing within that are our reading; so is the last
layer, which makes it begin by changing nothing, as all that it is compared with do.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.layers import LayerNorm3d, MLPBlock
from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.models.sam3d.image_encoder import Attention

ADAPTER = "mask_decoder.mask_adapter."
"""What the names of its parameters begin with."""

MLP_RATIO = 4


class MaskAdapter(nn.Module):
    """Takes the place of the sum of the image's embedding and the mask's.

    Args:
        dim: channels C of both.
        num_heads: of each attention.
        side: of the embedding, in tokens.
    """

    def __init__(self, dim: int, num_heads: int, side: int) -> None:
        super().__init__()
        self.image, self.mask = (_Branch(dim, num_heads, side) for _ in range(2))
        self.joint = _Attending(dim, num_heads, side)
        self.out = nn.Linear(dim, dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, embedding: Tensor, dense: Tensor) -> Tensor:
        """Both (P or 1)xCxdxhxw, the mask's also 1xCx1x1x1, to PxCxdxhxw."""
        image, mask = torch.broadcast_tensors(embedding, dense)
        joined = self.joint(self.image(image.movedim(1, -1)) + self.mask(mask.movedim(1, -1)))
        return image + mask + self.out(joined).movedim(-1, 1)


class _Branch(nn.Module):
    """Convolutions, then attention over the sum of what came in and what came out; channels last."""

    def __init__(self, dim: int, num_heads: int, side: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv3d(dim, dim, 3, padding=1), LayerNorm3d(dim), nn.GELU(), nn.Conv3d(dim, dim, 1)
        )
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.attending = _Attending(dim, num_heads, side)

    def forward(self, x: Tensor) -> Tensor:
        updated = self.norm(x + self.convs(x.movedim(-1, 1)).movedim(1, -1))
        seen: Tensor = self.attending(x + updated)
        return seen


class _Attending(nn.Module):
    """Attention and a perceptron, each normalised after its residual."""

    def __init__(self, dim: int, num_heads: int, side: int) -> None:
        super().__init__()
        self.attn = Attention(dim, num_heads, side)
        self.mlp = MLPBlock(dim, MLP_RATIO * dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim, eps=1e-6) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norms[0](x + self.attn(x))
        normalised: Tensor = self.norms[1](x + self.mlp(x))
        return normalised


def add_mask_adapter(network: nn.Module, num_heads: int = 6) -> None:
    """A `MaskAdapter` before the mask decoder of a 3D network.

    Args:
        network: is changed in place.
        num_heads: of its attentions.

    Raises:
        InputError: when the network is no 3D one, or its channels cannot be shared out among the heads.
    """
    if not isinstance(network, Sam3D):
        raise InputError("tune.method m-sam needs a SAM-Med3D. Choose model sam-med3d.")
    dim, side = network.mask_decoder.iou_token.embedding_dim, network.prompt_encoder.embedding_size
    if dim % num_heads:
        raise InputError(f"tune.method m-sam needs a multiple of {num_heads} channels, the model has {dim}.")
    network.mask_decoder.add_module("mask_adapter", MaskAdapter(dim, num_heads, side))
    network.mask_decoder.register_forward_pre_hook(_join)


def _join(decoder: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The decoder's arguments with image and mask put together, and no mask any more."""
    (embedding, *finer), image_pe, sparse, dense, *others = args
    adapter = cast(MaskAdapter, decoder.mask_adapter)
    return ((adapter(embedding, dense), *finer), image_pe, sparse, torch.zeros_like(dense), *others)
