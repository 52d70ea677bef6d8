"""Small layers that several of the networks share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LayerNorm2d(nn.Module):
    """Layer normalisation over the channels of a BxCxHxW map, each pixel on its own."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise BxCxHxW; the result lies in channels-last memory."""
        return self.last_axis(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def last_axis(self, x: Tensor) -> Tensor:
        """Normalise `(..., C)`."""
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


class LayerNorm3d(LayerNorm2d):
    """The same for a BxCxDxHxW map, each voxel on its own."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise BxCxDxHxW; the result lies in channels-last memory."""
        return self.last_axis(x.movedim(1, -1)).movedim(-1, 1)


class Conv3d(nn.Conv3d):
    """A 3D convolution of one group, padded with zeros by half its kernel, the same numbers in less time.

    On a CPU, PyTorch leaves a small batch of one in single precision to a routine of its own that takes up to
    ten times as long as oneDNN, which gets all batches of two (benchmarks/sam3d_speed.py). So a single cube
    goes through as two slabs, which overlap by what the kernel reaches. A kernel of one voxel is a linear
    layer.
    """

    def forward(self, x: Tensor) -> Tensor:
        """BxCxDxHxW to BxC'xD'xH'xW'."""
        reach, step, stride = int(self.padding[0]), x.shape[2] // 2, self.stride[0]
        if not reach:
            return F.linear(x.movedim(1, -1), self.weight.flatten(1), self.bias).movedim(-1, 1)
        is_slow = x.device.type == "cpu" and x.dtype == torch.float32 and len(x) == 1
        if not is_slow or x.shape[2] % (2 * stride):
            return super().forward(x)
        padded = F.pad(x, (0, 0, 0, 0, reach, reach))
        slabs = torch.cat((padded[:, :, : step + 2 * reach], padded[:, :, step:]))
        halves = F.conv3d(slabs, self.weight, self.bias, self.stride, (0, *self.padding[1:]))
        return torch.cat(halves.split(1), dim=2)


class Neck3d(nn.Sequential):
    """SAM's neck for a cube of tokens: fewer channels, and a look at the neighbours.

    Args:
        in_chans: channels of a token.
        out_chans: channels C of the map.
    """

    def __init__(self, in_chans: int, out_chans: int) -> None:
        super().__init__(
            Conv3d(in_chans, out_chans, 1, bias=False),
            LayerNorm3d(out_chans),
            Conv3d(out_chans, out_chans, 3, padding=1, bias=False),
            LayerNorm3d(out_chans),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens, channels last, to a map BxCxDxHxW."""
        return super().forward(tokens.movedim(-1, 1))


class MLPBlock(nn.Module):
    """The two-layer perceptron of a transformer block, `(..., C)` to `(..., C)`."""

    def __init__(self, channels: int, hidden: int, act: Callable[[Tensor], Tensor] = F.gelu) -> None:
        super().__init__()
        self.lin1 = nn.Linear(channels, hidden)
        self.lin2 = nn.Linear(hidden, channels)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """Apply both layers to the last axis."""
        return self.lin2(self.act(self.lin1(x)))


class TransformerBlock(nn.Module):
    """A block of a vision transformer, normalised before attention and before the perceptron.

    Args:
        dim: channels of a token.
        attn: its attention.
        mlp_ratio: how much wider the perceptron is inside.
    """

    def __init__(self, dim: int, attn: nn.Module, mlp_ratio: int = 4) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = attn
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLPBlock(dim, dim * mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens, channels last, to the same shape."""
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def attend(self, x: Tensor) -> Tensor:
        """What attention makes of normalised tokens, everywhere or in windows."""
        return self.attn(x)


class MLP(nn.Module):
    """A perceptron of `depth` linear layers with ReLU between them (the heads of SAM's decoder)."""

    def __init__(self, channels: int, hidden: int, out_channels: int, depth: int) -> None:
        super().__init__()
        sizes = [channels, *[hidden] * (depth - 1), out_channels]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """Map `(..., channels)` to `(..., out_channels)`."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


def window_partition(x: Tensor, window: int) -> Tensor:
    """Cut BxHxWxC into square windows, `(B * windows) x (window * window) x C`, row by row.

    Height and width are padded with zeros at the bottom and right to whole windows.
    """
    b, h, w, c = x.shape
    pad_h, pad_w = -h % window, -w % window
    if pad_h or pad_w:
        x = F.pad(x, (0, 0, 0, pad_w, 0, pad_h))
    rows, columns = (h + pad_h) // window, (w + pad_w) // window
    x = x.view(b, rows, window, columns, window, c).transpose(2, 3)
    return x.reshape(b * rows * columns, window * window, c)


def window_unpartition(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    """Put windows back together as BxHxWxC and drop the padding; undoes `window_partition`."""
    rows, columns = -(-height // window), -(-width // window)
    c = windows.shape[-1]
    x = windows.view(-1, rows, columns, window, window, c).transpose(2, 3)
    return x.reshape(-1, rows * window, columns * window, c)[:, :height, :width]
