"""What a lesion lies in: random tissues with borders, sheets and vessels between them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from SAMLesionLib.training.synthetic.fields import Draw, log_uniform, normals, smooth_field


def random_anatomy(draw: Draw, size: int) -> Tensor:
    """Grey values (S, S, S) around 0 to 1 of a body part that never was."""
    n_tissues = int(draw.integers(2, 8))
    knots = int(draw.integers(3, 9))
    tissues = smooth_field(draw, size, knots, n_tissues)
    greys = torch.from_numpy(draw.uniform(0, 1, n_tissues).astype(np.float32))
    image, most = torch.full(tissues.shape[1:], float(greys[0])), tissues[0]
    for tissue, grey in zip(tissues[1:], greys[1:], strict=True):  # far faster than an argmax over channels
        image = torch.where(tissue > most, grey, image)
        most = torch.maximum(most, tissue)
    image = image + log_uniform(draw, 0.01, 0.15) * texture(draw, size)
    for _ in range(int(draw.integers(0, 3))):
        image = _add_sheet_or_vessel(draw, image)
    if draw.random() < 0.3:
        image = _cut_off(draw, image)
    return image


def texture(draw: Draw, size: int) -> Tensor:
    """Grain of a random size, about unit spread."""
    knots = int(draw.integers(size // 8, size + 1))
    return normals(draw, size, size, size) if knots > size * 0.8 else smooth_field(draw, size, knots)[0]


def _add_sheet_or_vessel(draw: Draw, image: Tensor) -> Tensor:
    """Where one smooth field is near zero lies a sheet, where two are lies a tube."""
    size = image.shape[0]
    fields = smooth_field(draw, size, int(draw.integers(3, 7)), int(draw.integers(1, 3)))
    width = draw.uniform(0.03, 0.25)
    is_in = fields.square().sum(dim=0) < width**2
    return torch.where(is_in, float(draw.uniform(0, 1)), image)


def _cut_off(draw: Draw, image: Tensor) -> Tensor:
    """Air, or whatever lies beyond the skin."""
    size = image.shape[0]
    along = torch.linspace(-1, 1, size)
    normal = draw.standard_normal(3)
    normal /= max(float(np.linalg.norm(normal)), 1e-9)
    depth = normal[0] * along[:, None, None] + normal[1] * along[None, :, None] + normal[2] * along
    skin = draw.uniform(0.35, 1.1) + 0.1 * smooth_field(draw, size, 4)[0]
    return torch.where(depth > skin, float(draw.uniform(-0.2, 0.1)), image)
