"""TAGS's mask decoder: four maps of a cube, and the cube's own grey values, become logits of its voxels.

"Multi-layer aggregation" of 3DSAM-adapter (Gong et al., arXiv 2306.13465), whose class TAGS's released code
imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEADS = ("head2", "head3", "head4", "head5")
"""One for each map, from the first to the last."""


class MaskDecoderTags(nn.Module):
    """Joins the maps of all stages; what no point changes can be computed once.

    Args:
        embed_dim: channels C of the maps.
        channels: channels K inside.
    """

    def __init__(self, embed_dim: int = 256, channels: int = 128) -> None:
        super().__init__()
        self.channels = channels
        self.mlahead = nn.ModuleDict(
            {
                name: nn.Sequential(*_filter(embed_dim, channels), *_filter(channels, channels))
                for name in HEADS
            }
        )
        self.cls = nn.Sequential(
            *_filter(len(HEADS) * channels + 1, channels), nn.Conv3d(channels, 2, 3, padding=1, bias=False)
        )

    def prepare(self, maps: Sequence[Tensor], grey: Tensor) -> Tensor:
        """What the first three maps and the grey values add to the decoder's sum, BxKx2hx2wx2d.

        Args:
            maps: BxCxhxwxd, the first three.
            grey: Bx1xDxHxW, the cube.
        """
        names = HEADS[: len(maps)]
        seen = [_double(self._head(name)(x)) for name, x in zip(names, maps, strict=True)]
        halved = _resize(grey.permute(0, 1, 3, 4, 2), seen[0].shape[2:]).to(seen[0].dtype)
        weight = self._first.weight
        n_last = self.channels
        others = torch.cat((weight[:, : -n_last - 1], weight[:, -1:]), dim=1)
        return F.conv3d(torch.cat((*seen, halved), dim=1), others, padding=1)

    def forward(self, last_map: Tensor, prepared: Tensor, image_size: int) -> Tensor:
        """Predict the two classes of every voxel.

        Args:
            last_map: BxCxhxwxd, which has seen the points.
            prepared: from `prepare`.
            image_size: side of the cube in voxels.

        Returns:
            Logits Bx2xDxHxW, of background and tumour.
        """
        _, norm, act, last = self.cls
        seen = _double(self._head(HEADS[-1])(last_map.to(self._first.weight.dtype)))
        ours = self._first.weight[:, -self.channels - 1 : -1]
        joined = prepared + F.conv3d(seen, ours, padding=1)
        logits = last(act(norm(joined.to(cast(nn.Conv3d, last).weight.dtype))))
        finer = F.interpolate(logits, size=(image_size,) * 3, mode="trilinear", align_corners=True)
        return finer.permute(0, 1, 4, 2, 3)

    @property
    def _first(self) -> nn.Conv3d:
        return cast(nn.Conv3d, self.cls[0])

    def _head(self, name: str) -> nn.Module:
        return self.mlahead[name]


def _filter(in_chans: int, out_chans: int) -> list[nn.Module]:
    return [
        nn.Conv3d(in_chans, out_chans, 3, padding=1, bias=False),
        nn.InstanceNorm3d(out_chans),
        nn.ReLU(),
    ]


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=True)


def _resize(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="trilinear", align_corners=False)
