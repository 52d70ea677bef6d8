"""TAGS's image encoder: SAM's vision transformer on a cube, kept as it is and adapted between its parts.

TAGS (Li et al., arXiv 2505.17096) is 3DSAM-adapter (Gong et al., arXiv 2306.13465) with an organ mask as a
channel of the input and with features that training holds against a description in words. Both were read in
their released code. Tokens lie in the order (h, w, d) of the cube's axes, channels last, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from SAMLesionLib.models.layers import Neck3d, TransformerBlock
from SAMLesionLib.models.sam.image_encoder import PatchEmbed
from SAMLesionLib.models.tags.windows import WindowAttention, cut_windows, join_windows, shifted_regions

KEPT = 0.8
"""How much of the tokens an alignment adapter leaves as it was."""


class Features(NamedTuple):
    """What the encoder makes of a cube, from the first to the last stage.

    Attributes:
        maps: BxCxhxwxd, the necks' maps.
        aligned: BxhxwxdxE, what training compares with a text; empty without alignment.
    """

    maps: tuple[Tensor, ...]
    aligned: tuple[Tensor, ...]


class ImageEncoderTags(nn.Module):
    """SAM's image encoder with adapters, windows in three dimensions, and a neck after each stage.

    Args:
        image_size: side of the cubic input in voxels.
        zoom: how many times finer the voxels are drawn for SAM's patches.
        patch_size: side of one token in these finer voxels.
        embed_dim: channels E of a token.
        depth: number of blocks.
        num_heads: attention heads of each block.
        global_attn_indexes: the blocks that see the whole image in SAM; their tables are longer.
        sam_window: side of the windows of SAM's other blocks.
        sam_side: side of SAM's table of positions.
        window: side of the cubic windows in tokens.
        out_chans: channels C of the maps.
        stages: how many maps there are; the blocks divide evenly among them.
        align: whether tokens are mixed with aligned features; without, this is 3DSAM-adapter.
    """

    def __init__(
        self,
        image_size: int = 128,
        zoom: int = 4,
        patch_size: int = 16,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        global_attn_indexes: Sequence[int] = (2, 5, 8, 11),
        sam_window: int = 14,
        sam_side: int = 64,
        window: int = 8,
        out_chans: int = 256,
        stages: int = 4,
        align: bool = True,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.zoom = zoom
        self.embed_dim = embed_dim
        self.side = image_size * zoom // patch_size
        self.blocks_per_stage = depth // stages
        self.checkpoints_blocks = False
        self.pos_embed = nn.Parameter(torch.zeros(1, sam_side, sam_side, embed_dim))
        self.depth_embed = nn.Parameter(torch.ones(1, self.side, embed_dim))
        self.patch_embed = PatchEmbed(patch_size, embed_dim)
        self.slice_embed = nn.Conv3d(
            embed_dim, embed_dim, (1, 1, patch_size), (1, 1, patch_size), groups=embed_dim
        )
        self.blocks = nn.ModuleList(
            Block(embed_dim, num_heads, window, 2 * s - 1, is_shifted=i % 2 == 0)
            for i in range(depth)
            for s in (sam_side if i in global_attn_indexes else sam_window,)
        )
        self.neck_3d = nn.ModuleList(Neck3d(embed_dim, out_chans) for _ in range(stages))
        self.alignment_adapters = nn.ModuleList(
            AlignmentAdapter(embed_dim) for _ in range(stages if align else 0)
        )

    def forward(self, image: Tensor) -> Features:
        """Encode cubes, Bx3xDxHxW."""
        *_, features = self.in_steps(image)
        return features

    def in_steps(self, image: Tensor) -> Iterator[Features]:
        """As `forward`, with what there is after each block; the last is whole."""
        # Blocks and necks may compute in another arithmetic than what makes tokens of voxels.
        tokens = self.embed(image).to(next(self.blocks.parameters()).dtype)
        features = Features((), ())
        for i, block in enumerate(self.blocks):
            tokens = self._run(block, tokens)
            if (i + 1) % self.blocks_per_stage == 0:
                tokens, features = self._end_stage(i // self.blocks_per_stage, tokens, features)
            yield features

    def _end_stage(self, stage: int, tokens: Tensor, features: Features) -> tuple[Tensor, Features]:
        """Mix the tokens with what they are aligned with, and make a map of them."""
        maps, aligned = features
        if len(self.alignment_adapters):
            feature = self.alignment_adapters[stage](tokens)
            tokens = KEPT * tokens + (1 - KEPT) * feature
            aligned = (*aligned, feature)
        return tokens, Features((*maps, self.neck_3d[stage](tokens)), aligned)

    def embed(self, image: Tensor) -> Tensor:
        """The tokens of cubes Bx3xDxHxW with their positions, BxhxwxdxE."""
        pooled = F.avg_pool2d(self.pos_embed.movedim(-1, 1), self.pos_embed.shape[1] // self.side)
        positions = pooled.movedim(1, -1)[:, :, :, None] + self.depth_embed[:, None, None]
        return self.slices(image) + positions

    def slices(self, image: Tensor) -> Tensor:
        """The tokens of cubes Bx3xDxHxW, BxhxwxdxE.

        As published: voxels are drawn finer by linear interpolation, SAM's patches are taken of every slice,
        and a filter for each channel joins as many slices as a patch has rows. All of that is linear, so it
        is one convolution of the voxels themselves, with twenty times less to compute.
        """
        patch, along = self.patch_embed.proj, self.slice_embed.weight[:, 0, 0, 0]
        taps = _finer_taps(patch.kernel_size[0], self.zoom).to(along)
        plane = torch.einsum("ochw,hy,wx->ocyx", patch.weight, taps, taps)
        kernel = torch.einsum("ocyx,oz->oczyx", plane, along @ taps)
        bias = along.sum(dim=1) * cast(Tensor, patch.bias) + cast(Tensor, self.slice_embed.bias)
        padded = F.pad(image, (1,) * 6, mode="replicate")
        stride = patch.kernel_size[0] // self.zoom
        return F.conv3d(padded, kernel, bias, stride).permute(0, 3, 4, 2, 1)

    def _run(self, block: nn.Module, tokens: Tensor) -> Tensor:
        if self.checkpoints_blocks and torch.is_grad_enabled():
            return checkpoint(block, tokens, use_reentrant=False)
        return block(tokens)


class Block(TransformerBlock):
    """A transformer block behind an adapter, attending in cubic windows that may be shifted."""

    attn: WindowAttention

    def __init__(self, dim: int, num_heads: int, window: int, table_length: int, is_shifted: bool) -> None:
        super().__init__(dim, WindowAttention(dim, num_heads, window, table_length))
        self.window = window
        self.is_shifted = is_shifted
        self.adapter = Adapter(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens BxHxWxDxC to the same shape."""
        return super().forward(self.adapter(x))

    def attend(self, x: Tensor) -> Tensor:
        """See `TransformerBlock.attend`."""
        side, regions = x.shape[1], None
        shift = self.window // 2 if self.is_shifted else 0
        if shift:
            x = x.roll((-shift,) * 3, dims=(1, 2, 3))
            regions = shifted_regions(side, self.window, x.device).repeat(len(x), 1, 1)
        seen = join_windows(self.attn(cut_windows(x, self.window), regions), self.window, side)
        return seen.roll((shift,) * 3, dims=(1, 2, 3)) if shift else seen


class Adapter(nn.Module):
    """Half the channels, a 3x3x3 filter for each, all channels again; added to the tokens."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(dim, dim // 2)
        self.conv = nn.Conv3d(dim // 2, dim // 2, 3, padding=1, groups=dim // 2)
        self.linear2 = nn.Linear(dim // 2, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens BxHxWxDxC to the same shape."""
        few = F.relu(self.linear1(x)).movedim(-1, 1)
        return x + F.relu(self.linear2(F.relu(self.conv(few)).movedim(1, -1)))


class AlignmentAdapter(nn.Module):
    """Features that training holds against a description of healthy and diseased organs."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Sequential(nn.Linear(dim, dim, bias=False), nn.LeakyReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Tokens, channels last, to features of the same shape."""
        return self.fc1(x)


def _finer_taps(patch_size: int, zoom: int) -> Tensor:
    """Where the finer voxels of a patch lie between voxels, from the one before to the one after the patch.

    Returns:
        patch_size x (patch_size / zoom + 2): the linear weights of these voxels.
    """
    places = (torch.arange(patch_size) + 0.5) / zoom + 0.5
    voxels = torch.arange(patch_size // zoom + 2)
    return (1 - (places[:, None] - voxels).abs()).clamp(min=0)
