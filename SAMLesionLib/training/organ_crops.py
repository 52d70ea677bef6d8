"""Where TAGS's training cuts a cube out of a scan, and how it is zoomed, turned and flipped.

Li et al., TAGS (arXiv 2505.17096), released code, which works with MONAI's transforms: zoom or turn the
scan, cut a larger cube around a voxel of the tumour or beside it, a cube out of that, and flip it. Here all
of it is one interpolation of the cells that the cube shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import cos, radians, sin
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.samples import Bools, Floats
from SAMLesionLib.training.tables import at_least, share

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CropSettings:
    """The table `[data.crops]`.

    Attributes:
        wider: side of the larger cube over that of the cube.
        on_tumour: how often its middle is a voxel of the tumour; else one beside.
    """

    wider: float = at_least(1.0, 1.2)
    on_tumour: float = at_least(0.0, 2 / 3)


@dataclass(frozen=True)
class ChangeSettings:
    """The table `[data.changes]`; chances are between 0 and 1.

    Attributes:
        shift: chance of grey values that are higher or lower as a whole.
        shift_by: the most by which they are.
        zoom: chance of a zoom.
        least_zoom: the most that a scan shrinks.
        most_zoom: the most that it grows.
        rotate: chance of a turn within the axial plane.
        rotate_by: the most, in degrees.
        stretch: chance of a zoom within the axial plane, along each of its axes for itself.
        stretch_by: the most by which it shrinks or grows.
        flip: chance of a flip, along each axis.
        quarter: chance of quarter turns of the first axis into the second.
    """

    shift: float = share(0.5)
    shift_by: float = at_least(0.0, 20.0)
    zoom: float = share(0.8)
    least_zoom: float = at_least(0.01, 0.85)
    most_zoom: float = at_least(0.01, 1.25)
    rotate: float = share(0.0)
    rotate_by: float = at_least(0.0, 30.0)
    stretch: float = share(0.0)
    stretch_by: float = at_least(0.0, 0.1)
    flip: float = share(0.5)
    quarter: float = share(0.5)

    def __post_init__(self) -> None:
        """Refuse zooms that no scan can have.

        Raises:
            InputError: saying which.
        """
        if not self.least_zoom <= self.most_zoom:
            raise InputError(
                f"data.changes.least_zoom is {self.least_zoom:g}, more than most_zoom, {self.most_zoom:g}. "
                "Swap them."
            )
        if not self.stretch_by < 1:
            raise InputError(f"data.changes.stretch_by must be less than 1, got {self.stretch_by:g}.")


class Look(NamedTuple):
    """A cube's place in a scan.

    Attributes:
        middle: of the cube, in cells of the scan (d, h, w), their centres at whole numbers.
        matrix: 3 x 3, from steps of the cube to steps of the scan.
    """

    middle: Reals
    matrix: Reals


def drawn_look(
    shape: Sequence[int],
    tumour: Ints,
    size: int,
    crops: CropSettings,
    changes: ChangeSettings,
    draw: np.random.Generator,
) -> Look:
    """A cube to learn from.

    Args:
        shape: cells of the scan (d, h, w).
        tumour: the cells that are tumour, N x 3.
        size: cells along each side of the cube.
        crops: where it lies.
        changes: zoom and turn.
        draw: where chance comes from.
    """
    zooms, angle = _drawn_zooms(changes, draw), 0.0
    if draw.random() < changes.rotate:
        angle = radians(draw.uniform(-changes.rotate_by, changes.rotate_by))
    chosen = _on_tumour(tumour, draw) if draw.random() < crops.on_tumour else _beside(shape, tumour, draw)
    zoomed = np.maximum(1, np.floor(np.multiply(shape, zooms))).astype(int)
    wider = round(size * crops.wider)
    start = first_cell(np.floor((chosen + 0.5) * zooms).astype(int), zoomed, wider)
    start = start + draw.integers(0, wider - size, 3, endpoint=True)
    middle: Reals = (start + size / 2) / zooms - 0.5
    turn = np.array([[1, 0, 0], [0, cos(angle), -sin(angle)], [0, sin(angle), cos(angle)]])
    return Look(middle, turn / zooms)


def plain_look(shape: Sequence[int], tumour: Ints, size: int, draw: np.random.Generator) -> Look:
    """A cube to judge by: around a voxel of the tumour, as far as the scan reaches."""
    return look_from(first_cell(_on_tumour(tumour, draw), shape, size), size)


def look_from(start: Ints, size: int) -> Look:
    """The cube that begins with this cell of the scan, cell for cell."""
    return Look(np.asarray(start + (size - 1) / 2, np.float64), np.eye(3))


def first_cell(middle: Ints, shape: npt.ArrayLike, size: int) -> Ints:
    """The first cell of a cube around a cell, moved to lie in the scan.

    Where the scan is smaller than the cube it lies in the middle of it, and the cube begins off the scan.
    """
    room = np.subtract(shape, size)
    return np.where(room >= 0, np.clip(middle - size // 2, 0, np.maximum(room, 0)), -(-room // 2))


def seen_cells(look: Look, shape: Sequence[int], size: int) -> tuple[slice, slice, slice]:
    """The part of a scan that a cube's interpolation can touch."""
    half = (size - 1) / 2
    corners = np.array(list(product((-half, half), repeat=3))) @ look.matrix.T + look.middle
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, shape)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, low, shape)
    d, h, w = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return d, h, w


def cube_of(values: npt.NDArray[Any], seen: tuple[slice, slice, slice], look: Look, size: int) -> Floats:
    """A cube by linear interpolation, zero off the scan.

    Args:
        values: what the scan holds in `seen`.
        seen: from `seen_cells`.
        look: the cube's place.
        size: cells along each side.
    """
    if values.size == 0:
        return np.zeros((size,) * 3, np.float32)
    starts = [part.start for part in seen]
    offset = look.middle - look.matrix @ np.full(3, (size - 1) / 2) - starts
    cube: Floats = ndimage.affine_transform(
        values.astype(np.float32), look.matrix, offset, (size,) * 3, order=1, mode="grid-constant"
    )
    return cube


def cut_cubes(
    image: npt.NDArray[Any],
    masks: Sequence[Bools],
    look: Look,
    size: int,
    scale: Callable[[Floats], Floats],
) -> list[Floats]:
    """A cube of grey values, and the share of each mask in its cells.

    Args:
        image: grey values (d, h, w).
        masks: of the same shape.
        look: the cube's place.
        size: cells along each side.
        scale: makes of grey values what a network wants; the mean must be zero, which is what lies off the
            scan.
    """
    seen = seen_cells(look, image.shape, size)
    parts = (scale(image[seen].astype(np.float32)), *(mask[seen] for mask in masks))
    return [cube_of(part, seen, look, size) for part in parts]


def turned(
    arrays: Sequence[npt.NDArray[Any]], changes: ChangeSettings, draw: np.random.Generator
) -> list[npt.NDArray[Any]]:
    """Cubes (d, h, w), flipped and turned by quarters alike."""
    axes = tuple(np.flatnonzero(draw.random(3) < changes.flip).tolist())
    quarters = int(draw.integers(1, 4)) if draw.random() < changes.quarter else 0
    return [np.ascontiguousarray(np.rot90(np.flip(array, axes), quarters)) for array in arrays]


def _drawn_zooms(changes: ChangeSettings, draw: np.random.Generator) -> Reals:
    zooms = np.ones(3)
    if draw.random() < changes.zoom:
        zooms *= draw.uniform(changes.least_zoom, changes.most_zoom)
    if draw.random() < changes.stretch:
        zooms[1:] *= 1 + draw.uniform(-changes.stretch_by, changes.stretch_by, 2)
    return zooms


def _on_tumour(tumour: Ints, draw: np.random.Generator) -> Ints:
    return tumour[draw.integers(len(tumour))]


def _beside(shape: Sequence[int], tumour: Ints, draw: np.random.Generator) -> Ints:
    """Any cell that is no tumour, each equally likely."""
    flat = np.ravel_multi_index(tuple(tumour.T), tuple(shape))
    while True:
        cell = int(draw.integers(np.prod(shape)))
        if cell not in flat or len(flat) == np.prod(shape):
            return np.array(np.unravel_index(cell, tuple(shape)))
