"""From voxels to tokens: one patch convolution as published, or a few small ones.

A transformer that starts from one large convolution needs millions of images; a stem of small ones learns
from few (Xiao et al., "Early Convolutions Help Transformers See Better", NeurIPS 2021). Its maps are finer
than the tokens, and the mask decoder can use them as SAM 2 does (Ravi et al., arXiv 2408.00714).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import Conv3d

NORM_GROUPS = 8


class PatchEmbed(nn.Module):
    """Every cube of voxels becomes one token."""

    def __init__(self, patch_size: int, embed_dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(1, embed_dim, patch_size, patch_size)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Bx1xDxHxW to tokens, BxdxhxwxC, and no finer map."""
        return (self.proj(image).movedim(1, -1),)


class ConvStem(nn.Module):
    """Halves the cube once for each number of channels, and keeps the maps of every step but the last.

    Args:
        chans: channels after each halving, multiples of 8.
        embed_dim: channels of a token.
    """

    def __init__(self, chans: Sequence[int], embed_dim: int) -> None:
        super().__init__()
        inputs = [1, *chans[:-1]]
        self.steps = nn.ModuleList(_halving(a, b) for a, b in zip(inputs, chans, strict=True))
        self.proj = Conv3d(chans[-1], embed_dim, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Bx1xDxHxW to tokens, BxdxhxwxC, and maps of several sizes, channels last.

        The stem's own maps come first, from the coarsest to the finest, then the grey values in the cells of
        the finest.
        """
        maps = [F.avg_pool3d(image, 2).movedim(1, -1)]
        x = image
        for step in self.steps:
            x = step(x)
            maps.append(x.movedim(1, -1))
        return self.proj(x).movedim(1, -1), *maps[-2:0:-1], maps[0]


def _halving(in_chans: int, out_chans: int) -> nn.Sequential:
    return nn.Sequential(
        Conv3d(in_chans, out_chans, 3, stride=2, padding=1, bias=False),
        nn.GroupNorm(NORM_GROUPS, out_chans),
        nn.GELU(),
        Conv3d(out_chans, out_chans, 3, padding=1, bias=False),
        nn.GroupNorm(NORM_GROUPS, out_chans),
        nn.GELU(),
    )
