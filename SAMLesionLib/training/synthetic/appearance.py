"""How a lesion looks, and what a scanner makes of it."""

from __future__ import annotations

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


def scan(draw: Draw, image: Tensor) -> Tensor:
    """The image as a scanner gives it: blurred, in thick slices, uneven, noisy, on another scale of greys."""
    image = blur(image, draw.uniform(0.0, 1.2))
    if draw.random() < 0.4:
        image = thick_slices(image, int(draw.integers(3)), int(draw.integers(2, 5)))
    if draw.random() < 0.4:
        image = image * torch.exp(draw.uniform(0.05, 0.35) * smooth_field(draw, image.shape[0], 3)[0])
    noise = log_uniform(draw, 0.005, 0.12) * normals(draw, *image.shape)
    if draw.random() < 0.5:
        noise = blur(noise, draw.uniform(0.3, 1.0)) * 1.5
    image = image + noise
    if draw.random() < 0.5:
        low, high = image.min(), image.max()
        image = ((image - low) / (high - low).clamp(min=1e-6)) ** log_uniform(draw, 0.6, 1.7)
    return image


def thick_slices(image: Tensor, axis: int, thickness: int) -> Tensor:
    """Averaged along one axis over `thickness` cells, and drawn out again."""
    size = list(image.shape)
    coarse = list(size)
    coarse[axis] = max(2, round(size[axis] / thickness))
    x = F.interpolate(image[None, None], size=coarse, mode="area")
    return F.interpolate(x, size=size, mode="trilinear", align_corners=False)[0, 0]
