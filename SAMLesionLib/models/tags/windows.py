"""Attention in cubic windows, every other time shifted by half a window, with positions on three axes.

3DSAM-adapter (Gong et al., arXiv 2306.13465), on which TAGS is built, and the code released with it; shifted
windows from Liu et al., "Swin Transformer" (ICCV 2021).

A bias that depends on the key's place along an axis is a product with a one-hot vector of that place, and so
is the mask between the regions of a shifted window. Both are therefore further channels of queries and keys:
the attention needs no matrix of biases, and any fused kernel computes it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

REGIONS = 8
"""Along each axis a shifted window holds tokens of one end of the cube, and maybe of the other."""

APART = -100.0
"""Added to the score of tokens from different regions, as in Swin Transformer."""


class WindowAttention(nn.Module):
    """Self-attention inside cubic windows.

    Args:
        dim: channels C of a token.
        num_heads: attention heads.
        window: side of a window in tokens.
        table_length: rows of SAM's tables of relative positions, which are drawn out to the window's.
    """

    def __init__(self, dim: int, num_heads: int, window: int, table_length: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.window = window
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.lr = nn.Parameter(torch.ones(()))
        channels = dim // num_heads
        self.rel_pos_h = nn.Parameter(torch.zeros(table_length, channels))
        self.rel_pos_w = nn.Parameter(torch.zeros(table_length, channels))
        self.rel_pos_d = nn.Parameter(torch.zeros(table_length, channels))

    def forward(self, windows: Tensor, regions: Tensor | None = None) -> Tensor:
        """Attend within each window.

        Args:
            windows: NxSxC, S = `window` cubed, the axes of the tokens in the order h, w, d.
            regions: NxSx`REGIONS`, one-hot: the region of each token; only those of one region meet.
        """
        qkv = self.qkv(windows).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind()
        channels = v.shape[-1]
        queries = [q * channels**-0.5, *self._position_scores(q)]
        keys = [k, self._places().to(k.dtype).expand(*k.shape[:2], -1, -1)]
        if regions is not None:
            region = regions.to(k.dtype)[:, None].expand(-1, self.num_heads, -1, -1)
            queries.append(APART * (1 - region))
            keys.append(region)
        query, key = torch.cat(queries, dim=-1), torch.cat(keys, dim=-1)
        # Fused kernels want values as wide as queries and keys.
        value = F.pad(v, (0, key.shape[-1] - channels))
        y = F.scaled_dot_product_attention(query, key, value, scale=1.0)[..., :channels]
        return self.proj(y.transpose(1, 2).flatten(2))

    def _position_scores(self, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the key's place along h, w and d adds to each query's scores, N x heads x S x window each."""
        side = (self.window,) * 3
        placed = q.unflatten(2, side)
        h = torch.einsum("nmhwdc,hkc->nmhwdk", placed, self._table(self.rel_pos_h))
        w = torch.einsum("nmhwdc,wkc->nmhwdk", placed, self._table(self.rel_pos_w))
        d = torch.einsum("nmhwdc,dkc->nmhwdk", placed, self._table(self.rel_pos_d))
        return h.flatten(2, 4), w.flatten(2, 4), d.flatten(2, 4)

    def _table(self, rel_pos: Tensor) -> Tensor:
        """A row for each place of query and key, window x window x C, times the shared factor."""
        length = 2 * self.window - 1
        if len(rel_pos) != length:
            rel_pos = F.interpolate(rel_pos.float().T[None], size=length, mode="linear")[0].T.to(
                rel_pos.dtype
            )
        place = torch.arange(self.window, device=rel_pos.device)
        return self.lr * rel_pos[place[:, None] - place[None] + self.window - 1]

    def _places(self) -> Tensor:
        """The place of each token along h, w and d, one-hot: S x 3 * window."""
        place = torch.eye(self.window, device=self.lr.device)
        size = (*[self.window] * 3, self.window)
        along = (place[:, None, None], place[None, :, None], place[None, None])
        return torch.cat([axis.expand(size) for axis in along], dim=-1).flatten(0, 2)


def cut_windows(x: Tensor, window: int) -> Tensor:
    """BxHxWxDxC in cubic windows, (B * windows) x window**3 x C; sides are multiples of the window."""
    b, h, w, d, c = x.shape
    x = x.view(b, h // window, window, w // window, window, d // window, window, c)
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(-1, window**3, c)


def join_windows(windows: Tensor, window: int, side: int) -> Tensor:
    """The windows of cubes of `side` tokens put together again; undoes `cut_windows`."""
    n = side // window
    x = windows.view(-1, n, n, n, window, window, window, windows.shape[-1])
    return x.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(-1, side, side, side, windows.shape[-1])


def shifted_regions(side: int, window: int, device: torch.device) -> Tensor:
    """Which tokens of a cube that was rolled by half a window were neighbours before.

    Returns:
        windows x window**3 x `REGIONS`, one-hot.
    """
    came_round = (torch.arange(side, device=device) >= side - window // 2).long()
    region = 4 * came_round[:, None, None] + 2 * came_round[None, :, None] + came_round
    return cut_windows(F.one_hot(region, REGIONS)[None], window)
