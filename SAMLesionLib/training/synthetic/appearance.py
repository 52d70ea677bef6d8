"""How a lesion looks, and what a scanner makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.training.synthetic.anatomy import texture
from SAMLesionLib.training.synthetic.fields import Draw, blur, log_uniform, normals, smooth_field


def paint_lesion(draw: Draw, image: Tensor, lesion: Tensor, around: float, contrast: float) -> Tensor:
    """Grey values with a lesion in them.

    Args:
        draw: where chance comes from.
        image: (S, S, S), without it.
        lesion: how much of each cell is lesion, (S, S, S).
        around: grey value beside the lesion.
        contrast: how much brighter or darker the lesion is.
    """
    size = image.shape[0]
    grey = around + contrast + log_uniform(draw, 0.01, 0.12) * texture(draw, size)
    if draw.random() < 0.5:  # unlike parts, as necrosis or haemorrhage beside solid tumour
        parts = smooth_field(draw, size, int(draw.integers(3, 9)))[0]
        grey = grey + torch.where(parts > draw.uniform(0, 1.2), contrast * draw.uniform(-0.9, 0.9), 0.0)
    if draw.random() < 0.4:  # a rim
        depth = blur(lesion, log_uniform(draw, 1.0, 4.0))
        grey = grey + contrast * draw.uniform(-0.8, 1.2) * (depth - 0.75).clamp(-0.25, 0.25) * 4
    share = blur(lesion, draw.uniform(0.0, 1.5)) if draw.random() < 0.4 else lesion
    return torch.lerp(image, grey, share * draw.uniform(0.75, 1.0))


def grey_around(image: Tensor, lesion: Tensor) -> tuple[float, float]:
    """Mean and spread of the grey values in a shell around a lesion."""
    near = (blur(lesion, 2.0) > 0.05) & (lesion < 0.5)
    seen = image[near] if bool(near.any()) else image.flatten()
    return float(seen.mean()), float(seen.std(correction=0))


def scan(
    draw: Draw, image: Tensor, lesion: Tensor, cells_per_voxel: Sequence[float] | None = None
) -> tuple[Tensor, Tensor]:
    """The image as a scanner gives it: blurred, in voxels, uneven, noisy, on another scale of greys.

    Args:
        draw: where chance comes from.
        image: (S, S, S).
        lesion: how much of each cell is lesion, (S, S, S).
        cells_per_voxel: along each side of the scanner's voxels; None for chance.

    Returns:
        The image in cells again, and the lesion in the scanner's voxels, 0 or 1: a small lesion is a few
        voxels, which the engine shows in many cells.
    """
    size = image.shape
    sides = cells_per_voxel or voxel_cells(draw)
    voxels = [max(8, round(n / cells)) for n, cells in zip(size, sides, strict=True)]
    image = _resized(blur(image, draw.uniform(0.0, 1.2)), voxels, "area")
    if draw.random() < 0.4:
        image = image * torch.exp(draw.uniform(0.05, 0.35) * _resized(normals(draw, 3, 3, 3), voxels))
    noise = log_uniform(draw, 0.005, 0.12) * normals(draw, *voxels)
    if draw.random() < 0.5:
        noise = blur(noise, draw.uniform(0.3, 1.0)) * 1.5
    image = image + noise
    if draw.random() < 0.5:
        low, high = image.min(), image.max()
        image = ((image - low) / (high - low).clamp(min=1e-6)) ** log_uniform(draw, 0.6, 1.7)
    share = _resized(lesion, voxels, "area")
    is_lesion = share >= share.max().clamp(max=0.5)
    return _resized(image, size), _resized(is_lesion.float(), size, "nearest-exact")


def voxel_cells(draw: Draw) -> list[float]:
    """Cells along each side of a scanner's voxel: one for a large lesion, several for a small one."""
    side = log_uniform(draw, 1.0, 4.5) if draw.random() < 0.45 else 1.0
    sides = [side] * 3
    if draw.random() < 0.4:
        sides[int(draw.integers(3))] *= log_uniform(draw, 1.5, 7.0)
    return [min(side, 8.0) for side in sides]


def thick_slices(image: Tensor, axis: int, thickness: int) -> Tensor:
    """Averaged along one axis over `thickness` cells, and drawn out again."""
    coarse = list(image.shape)
    coarse[axis] = max(2, round(coarse[axis] / thickness))
    return _resized(_resized(image, coarse, "area"), image.shape)


def _resized(image: Tensor, size: Sequence[int], mode: str = "trilinear") -> Tensor:
    return F.interpolate(image[None, None], size=tuple(size), mode=mode)[0, 0]
