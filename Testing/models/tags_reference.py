"""TAGS computed the plain way, step by step as published: finer slices, windows one by one, every score."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.models.tags import Tags
from SAMLesionLib.models.tags.image_encoder import Block, ImageEncoderTags
from SAMLesionLib.models.tags.windows import WindowAttention


def reference_logits(network: Tags, image: Tensor, points_dhw: Tensor) -> Tensor:
    """Logits 1x2xDxHxW of one cube, 1x3xDxHxW."""
    return reference_decode(network, reference_maps(network.image_encoder, image), image, points_dhw)


def reference_decode(network: Tags, maps: list[Tensor], image: Tensor, points_dhw: Tensor) -> Tensor:
    """The same from the four maps."""
    decoder, size = network.mask_decoder, (network.image_size,) * 3
    *others, last = maps
    maps = [*others, network.prompt_encoder(last, points_dhw, network.image_size)]
    heads = [
        F.interpolate(decoder.mlahead[name](x), scale_factor=2, mode="trilinear", align_corners=True)
        for name, x in zip(("head2", "head3", "head4", "head5"), maps, strict=True)
    ]
    grey = image[:, :1].permute(0, 1, 3, 4, 2)
    heads.append(F.interpolate(grey, size=heads[0].shape[2:], mode="trilinear", align_corners=False))
    logits = decoder.cls(torch.cat(heads, dim=1))
    return F.interpolate(logits, size=size, mode="trilinear", align_corners=True).permute(0, 1, 4, 2, 3)


def reference_maps(encoder: ImageEncoderTags, image: Tensor) -> list[Tensor]:
    tokens = reference_slices(encoder, image)
    ratio = encoder.pos_embed.shape[1] // encoder.side
    pooled = F.avg_pool2d(encoder.pos_embed.permute(0, 3, 1, 2), ratio).permute(0, 2, 3, 1)
    tokens = tokens + pooled.unsqueeze(3) + encoder.depth_embed[:, None, None]
    maps = []
    for i, block in enumerate(encoder.blocks):
        tokens = reference_block(block, tokens)
        if (i + 1) % encoder.blocks_per_stage == 0:
            stage = i // encoder.blocks_per_stage
            if len(encoder.alignment_adapters):
                feature = F.leaky_relu(encoder.alignment_adapters[stage].fc1[0](tokens), 0.01)
                tokens = 0.8 * tokens + 0.2 * feature
            x = tokens.permute(0, 4, 1, 2, 3)
            for layer in encoder.neck_3d[stage]:
                x = layer(x)
            maps.append(x)
    return maps


def reference_slices(encoder: ImageEncoderTags, image: Tensor) -> Tensor:
    """Tokens of SAM's patches of four times finer slices, joined along the depth."""
    finer = F.interpolate(image, scale_factor=encoder.zoom, mode="trilinear", align_corners=False)
    slices = finer[0].transpose(0, 1)
    patches = torch.cat([encoder.patch_embed(some) for some in slices.split(16)])
    along_depth = patches.permute(3, 1, 2, 0)[None]
    return encoder.slice_embed(along_depth).permute(0, 2, 3, 4, 1)


def reference_block(block: Block, x: Tensor) -> Tensor:
    adapter = block.adapter
    few = F.relu(adapter.linear1(x)).permute(0, 4, 1, 2, 3)
    x = x + F.relu(adapter.linear2(F.relu(adapter.conv(few)).permute(0, 2, 3, 4, 1)))
    x = x + _attend(block, block.norm1(x))
    return x + block.mlp(block.norm2(x))


def _attend(block: Block, x: Tensor) -> Tensor:
    side, window = x.shape[1], block.window
    shift = window // 2 if block.is_shifted else 0
    # Where tokens came from before the cube was rolled; those that came round are other neighbours.
    came_round = [[(n + shift) // side for n in range(side)]] * 3
    x = torch.roll(x, (-shift,) * 3, (1, 2, 3))
    y = torch.empty_like(x)
    for start in product(range(0, side, window), repeat=3):
        h, w, d = (slice(n, n + window) for n in start)
        ends = torch.cartesian_prod(*(torch.tensor(came_round[0][s]) for s in (h, w, d)))
        is_apart = (ends[:, None] != ends[None]).any(dim=-1)
        y[:, h, w, d] = _attend_window(block.attn, x[:, h, w, d], -100.0 * is_apart)
    return torch.roll(y, (shift,) * 3, (1, 2, 3))


def _attend_window(attn: WindowAttention, x: Tensor, mask: Tensor) -> Tensor:
    b, side, heads = x.shape[0], attn.window, attn.num_heads
    qkv = attn.qkv(x).reshape(b, side**3, 3, heads, -1).permute(2, 0, 3, 1, 4)
    q, k, v = qkv.reshape(3, b * heads, side**3, -1)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    grid = q.view(b * heads, side, side, side, -1)
    h, w, d = (
        torch.einsum(f"bhwdc,{axis}kc->bhwdk", grid, _table(table, side))
        for axis, table in (("h", attn.rel_pos_h), ("w", attn.rel_pos_w), ("d", attn.rel_pos_d))
    )
    places = h[..., :, None, None] + w[..., None, :, None] + d[..., None, None, :]
    scores = scores + attn.lr * places.reshape(scores.shape) + mask
    y = (scores.softmax(dim=-1) @ v).view(b, heads, side, side, side, -1)
    return attn.proj(y.permute(0, 2, 3, 4, 1, 5).flatten(4))


def _table(rel_pos: Tensor, side: int) -> Tensor:
    drawn = F.interpolate(rel_pos.T[None], size=2 * side - 1, mode="linear")[0].T
    return torch.stack([drawn.flip(0)[side - 1 - q : 2 * side - 1 - q] for q in range(side)])
