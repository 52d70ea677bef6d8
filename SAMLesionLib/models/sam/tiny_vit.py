"""The TinyViT image encoder of LiteMedSAM: convolutions at full size, then attention in windows.

Wu et al., "TinyViT" (ECCV 2022), sections 3 and A; LiteMedSAM keeps every pixel of a 256x256 slice
as a token of the first stage and adds SAM's neck, so the embedding is 64x64 like SAM's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import LayerNorm2d, window_partition, window_unpartition


class TinyViT(nn.Module):
    """Image encoder in four stages: MBConv blocks first, windowed attention in the other three.

    Args:
        image_size: side of the square input in pixels.
        embed_dims: channels of each stage.
        depths: blocks in each stage.
        num_heads: attention heads of each stage (the first has no attention).
        window_sizes: side of the attention windows of each stage, in tokens.
        strides: how much smaller each merge between two stages makes the map.
        out_chans: channels of the embedding.
    """

    def __init__(
        self,
        image_size: int = 256,
        embed_dims: Sequence[int] = (64, 128, 160, 320),
        depths: Sequence[int] = (2, 2, 6, 2),
        num_heads: Sequence[int] = (2, 4, 5, 10),
        window_sizes: Sequence[int] = (7, 7, 14, 7),
        strides: Sequence[int] = (2, 2, 1),
        out_chans: int = 256,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.patch_embed = PatchEmbed(embed_dims[0])
        self.layers = nn.ModuleList()
        for i, dim in enumerate(embed_dims):
            blocks: list[nn.Module] = [
                MBConv(dim) if i == 0 else TinyViTBlock(dim, num_heads[i], window_sizes[i])
                for _ in range(depths[i])
            ]
            is_last = i == len(embed_dims) - 1
            merge = None if is_last else PatchMerging(dim, embed_dims[i + 1], strides[i])
            self.layers.append(Stage(blocks, merge))
        self.neck = nn.Sequential(
            nn.Conv2d(embed_dims[-1], out_chans, 1, bias=False),
            LayerNorm2d(out_chans),
            nn.Conv2d(out_chans, out_chans, 3, padding=1, bias=False),
            LayerNorm2d(out_chans),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Bx3xHxW in [0, 1] to the embedding, BxCx(H/4)x(W/4)."""
        x = self.patch_embed(x)
        for stage in self.layers:
            x = stage(x)
        return self.neck(x)


class ConvNorm(nn.Sequential):
    """A convolution without bias and its batch normalisation, which `fused` folds into one."""

    def __init__(
        self, in_chans: int, out_chans: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.c = nn.Conv2d(in_chans, out_chans, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out_chans)

    @torch.no_grad()
    def fused(self) -> nn.Conv2d:
        """The one convolution that this pair computes in evaluation."""
        scale = self.bn.weight / torch.sqrt(cast(Tensor, self.bn.running_var) + self.bn.eps)
        c = self.c
        conv = nn.utils.skip_init(
            nn.Conv2d, c.in_channels, c.out_channels, c.kernel_size, c.stride, c.padding, groups=c.groups
        )
        conv.weight.copy_(c.weight * scale[:, None, None, None])
        conv.bias.copy_(self.bn.bias - cast(Tensor, self.bn.running_mean) * scale)
        return conv


class PatchEmbed(nn.Module):
    """Two 1x1 convolutions at full size: 3 colours to the first stage's channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(ConvNorm(3, dim // 2), nn.GELU(), ConvNorm(dim // 2, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Bx3xHxW to BxCxHxW."""
        return self.seq(x)


class MBConv(nn.Module):
    """Inverted bottleneck: widen four times, filter each channel in 3x3, narrow, add the input."""

    def __init__(self, dim: int, expansion: int = 4) -> None:
        super().__init__()
        hidden = dim * expansion
        self.conv1 = ConvNorm(dim, hidden)
        self.conv2 = ConvNorm(hidden, hidden, 3, groups=hidden)
        self.conv3 = ConvNorm(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """BxCxHxW to the same shape."""
        y = F.gelu(self.conv1(x))
        y = F.gelu(self.conv2(y))
        return F.gelu(x + self.conv3(y))


class PatchMerging(nn.Module):
    """The step between two stages: new channels, and a smaller map where `stride` is 2."""

    def __init__(self, dim: int, out_dim: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(dim, out_dim)
        self.conv2 = ConvNorm(out_dim, out_dim, 3, stride, groups=out_dim)
        self.conv3 = ConvNorm(out_dim, out_dim)

    def forward(self, x: Tensor) -> Tensor:
        """BxCxHxW to BxC'x(H/stride)x(W/stride)."""
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class Stage(nn.Module):
    """The blocks of one resolution, and the merge that leads to the next."""

    def __init__(self, blocks: Sequence[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """BxCxHxW through every block, then through the merge."""
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class TinyViTBlock(nn.Module):
    """Windowed attention, a 3x3 filter per channel, and a perceptron."""

    def __init__(self, dim: int, num_heads: int, window_size: int, mlp_ratio: int = 4) -> None:
        super().__init__()
        self.window_size = window_size
        self.attn = Attention(dim, num_heads, window_size)
        self.local_conv = ConvNorm(dim, dim, 3, groups=dim)
        self.mlp = Mlp(dim, dim * mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """BxCxHxW to the same shape, in channels-last memory."""
        b, c, height, width = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + self._attend(tokens, height, width)
        x = self.local_conv(tokens.transpose(1, 2).reshape(b, c, height, width))
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + self.mlp(tokens)
        return tokens.transpose(1, 2).reshape(b, c, height, width)

    def _attend(self, tokens: Tensor, height: int, width: int) -> Tensor:
        windows = window_partition(tokens.unflatten(1, (height, width)), self.window_size)
        return window_unpartition(self.attn(windows), self.window_size, height, width).flatten(1, 2)


class Attention(nn.Module):
    """Self-attention inside a window, with a learned bias for each distance between two tokens."""

    frozen_bias: Tensor | None

    def __init__(self, dim: int, num_heads: int, window_size: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.attention_biases = nn.Parameter(torch.zeros(num_heads, window_size**2))
        self.window_size = window_size
        self.register_buffer("frozen_bias", None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`windows x tokens x C` to the same shape."""
        n, length, dim = x.shape
        # One linear layer gives q, k and v of head 0, then q, k and v of head 1, and so on.
        qkv = self.qkv(self.norm(x)).view(n, length, self.num_heads, 3, dim // self.num_heads)
        q, k, v = qkv.permute(3, 0, 2, 1, 4).unbind()
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=self.bias_table()[None])
        return self.proj(y.transpose(1, 2).reshape(n, length, dim))

    def bias_table(self) -> Tensor:
        """The bias between every two tokens of a window, `heads x tokens x tokens`."""
        if self.frozen_bias is not None:
            return self.frozen_bias
        return self.attention_biases[:, bias_index(self.window_size, self.attention_biases.device)]

    def freeze_bias(self) -> None:
        """Keep the table that the present weights give, so that evaluation need not gather it."""
        self.frozen_bias = None
        self.frozen_bias = self.bias_table().detach()


class Mlp(nn.Module):
    """The perceptron of a block, with its normalisation in front."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """`(..., C)` to the same shape."""
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


@cache
@torch.inference_mode(False)  # the first caller may be evaluating, a later one may be training
def bias_index(window_size: int, device: torch.device) -> Tensor:
    """Which learned bias belongs to each pair of tokens, `tokens x tokens`.

    A bias belongs to an offset `(|dy|, |dx|)`. TinyViT numbers offsets as it meets them in row-major
    order; the first token of the window meets all of them, so an offset's number is its own
    row-major place.
    """
    yx = torch.tensor(list(product(range(window_size), repeat=2)), device=device)
    dy, dx = (yx[:, None] - yx[None]).abs().unbind(-1)
    return dy * window_size + dx
