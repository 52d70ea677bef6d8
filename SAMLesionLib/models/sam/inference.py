"""Prepare a trained network for answering only: fewer layers, kinder memory, shorter numbers."""

from __future__ import annotations

from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.sam.sam import Sam
from SAMLesionLib.models.sam.tiny_vit import Attention, ConvNorm, MBConv, Stage, TinyViT

# Rows of a map that go through an MBConv together. Its widened map is 64 MB for a 256x256 slice; 16 rows
# of it stay in the processor's cache (one block, 1 thread: 201 ms whole, 96 ms in strips).
STRIP_ROWS = 16


def fuse_for_inference(sam: Sam, encoder_dtype: torch.dtype = torch.float32) -> Sam:
    """A copy of a network that evaluates faster and can no longer be trained or saved.

    Batch normalisations are folded into their convolutions, position tables are computed once, and the
    encoder's weights lie in channels-last memory.

    Args:
        sam: the network as loaded; it stays as it is.
        encoder_dtype: arithmetic of the image encoder. Whatever it is, TinyViT's first stage is computed
            in float32, since bfloat16 has 256 greys and a scan has more; prompts and masks are too.
    """
    sam = deepcopy(sam).eval()
    fold_norms(sam)
    sam.requires_grad_(False)
    for module in sam.modules():
        if isinstance(module, Attention):
            module.freeze_bias()
    sam.prompt_encoder.freeze_pe()
    # torch accepts a memory format alone, its type stubs do not say so
    sam.image_encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if isinstance(sam.image_encoder, TinyViT):
        _prepare_tiny_vit(sam.image_encoder, encoder_dtype)
    else:
        sam.image_encoder.to(encoder_dtype)
    return sam


def fold_norms(module: nn.Module) -> None:
    """Replace every convolution that a batch normalisation follows by the one that does both."""
    for name, child in module.named_children():
        if isinstance(child, ConvNorm):
            setattr(module, name, child.fused())
        else:
            fold_norms(child)


def _prepare_tiny_vit(encoder: TinyViT, dtype: torch.dtype) -> None:
    first, *others = encoder.layers
    first = cast(Stage, first)
    first.blocks = nn.ModuleList(StripMBConv(cast(MBConv, block)) for block in first.blocks)
    encoder.layers = nn.ModuleList([CastAfter(first, dtype), *(stage.to(dtype) for stage in others)])
    encoder.neck.to(dtype)


class CastAfter(nn.Module):
    """A layer whose result continues in another number format."""

    def __init__(self, layer: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = layer
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer and round."""
        return self.layer(x).to(self.dtype)


class StripMBConv(nn.Module):
    """An MBConv with folded norms that, on a CPU, works through the map a few rows at a time."""

    def __init__(self, block: MBConv) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = block.conv1, block.conv2, block.conv3

    def forward(self, x: Tensor) -> Tensor:
        """BxCxHxW to the same shape."""
        height = x.shape[2]
        step = STRIP_ROWS if x.device.type == "cpu" else height
        out = torch.empty_like(x)
        for top in range(0, height, step):
            bottom = min(top + step, height)
            out[:, :, top:bottom] = F.gelu(x[:, :, top:bottom] + self._filter(x, top, bottom))
        return out

    def _filter(self, x: Tensor, top: int, bottom: int) -> Tensor:
        """The bottleneck's answer for one strip, from its rows and one neighbour on each side."""
        height = x.shape[2]
        wide = F.gelu(self.conv1(x[:, :, max(top - 1, 0) : bottom + 1]))
        # The 3x3 filter sees zeros outside the map, and only there.
        wide = F.pad(wide, (0, 0, int(top == 0), int(bottom == height)))
        conv = cast(nn.Conv2d, self.conv2)
        wide = F.conv2d(wide, conv.weight, conv.bias, padding=(0, 1), groups=conv.groups)
        return self.conv3(F.gelu(wide))
