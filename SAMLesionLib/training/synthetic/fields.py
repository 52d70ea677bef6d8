"""Random smooth fields and moves of a cube, the material of synthetic scans."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

Draw = np.random.Generator


def log_uniform(draw: Draw, low: float, high: float) -> float:
    """A number between two positive ones, as likely to be doubled anywhere."""
    return float(math.exp(draw.uniform(math.log(low), math.log(high))))


def normals(draw: Draw, *shape: int) -> Tensor:
    """Independent normal numbers, float32."""
    return torch.from_numpy(draw.standard_normal(shape, dtype=np.float32))


def smooth_field(draw: Draw, size: int, knots: int, channels: int = 1) -> Tensor:
    """Normal numbers on a coarse grid of `knots` a side, drawn out to CxSxSxS."""
    coarse = normals(draw, 1, channels, knots, knots, knots)
    return F.interpolate(coarse, size=(size,) * 3, mode="trilinear", align_corners=True)[0]


def random_rotation(draw: Draw, most_degrees: float) -> npt.NDArray[np.float64]:
    """Turned about a random axis by up to so many degrees, and mirrored at random; 3x3."""
    axis = draw.standard_normal(3)
    axis /= max(float(np.linalg.norm(axis)), 1e-9)
    angle = math.radians(draw.uniform(-most_degrees, most_degrees))
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return turn * draw.choice((-1.0, 1.0), size=3)


def cells(size: int) -> Tensor:
    """Places of the cells of a cube from its middle, in cells, (S, S, S, 3) in the order d, h, w."""
    along = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    return torch.stack(torch.meshgrid(along, along, along, indexing="ij"), dim=-1)


def look_up(array: Tensor, places: Tensor, outside: str = "zeros") -> Tensor:
    """Linear interpolation of an array (D, H, W) at voxel places (..., 3), in the order of its axes."""
    sizes = torch.tensor(array.shape, dtype=torch.float32)
    grid = ((places + 0.5) / sizes * 2 - 1).flip(-1)
    found = F.grid_sample(
        array[None, None].float(), grid[None], mode="bilinear", padding_mode=outside, align_corners=False
    )
    return found[0, 0]


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing of a cube (S, S, S); sigma in cells."""
    if sigma < 0.2:
        return image
    reach = max(1, math.ceil(2.5 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float32) / sigma).square())
    taps = taps / taps.sum()
    x = image[None, None]
    for axis in range(3):
        shape, pad = [1, 1, 1, 1, 1], [0] * 6
        shape[2 + axis] = len(taps)
        pad[4 - 2 * axis] = pad[5 - 2 * axis] = reach
        x = F.conv3d(F.pad(x, pad, mode="replicate"), taps.view(shape))
    return x[0, 0]
