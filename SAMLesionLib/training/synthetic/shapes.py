"""Outlines that experts drew, put into a cube at any place, size and turn."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.synthetic.fields import Draw, cells, look_up, random_rotation, smooth_field

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ShapeLibrary:
    """Lesion shapes by name.

    Attributes:
        names: in order.
        masks: each (D, H, W), cubic voxels.
    """

    names: tuple[str, ...]
    masks: tuple[Bools, ...]

    @classmethod
    def read(cls, path: Path, leave_out: Collection[str] = ()) -> ShapeLibrary:
        """The shapes of an `.npz`, one array each.

        Args:
            path: the file.
            leave_out: names, or starts of names, that are kept for judging.

        Raises:
            InputError: when the file is missing or no shape is left.
        """
        names = tuple(n for n in names_in(path) if not n.startswith(tuple(leave_out) or ("\0",)))
        if not names:
            raise InputError(f"{path} holds no lesion shape that may be used. Leave fewer out.")
        arrays = read_arrays(path, names)
        for name, array in arrays.items():
            if array.ndim != 3 or not (array > 0).any():
                raise InputError(f"{path} must hold lesions in 3D, but {name} {_looks(array)}. Leave it out.")
        return cls(names, tuple(array > 0 for array in arrays.values()))

    def part(self, one_of: int, is_kept: bool) -> ShapeLibrary:
        """One shape of so many, or all the others, spread over the library.

        Raises:
            InputError: when there are too few for that.
        """
        if len(self.names) < one_of:
            raise InputError(
                f"One lesion shape of {one_of} judges the network, but there are {len(self.names)}. Add some."
            )
        chosen = [n for n in range(len(self.names)) if (n % one_of == one_of - 1) == is_kept]
        return ShapeLibrary(tuple(self.names[n] for n in chosen), tuple(self.masks[n] for n in chosen))

    @cached_property
    def kinds(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the shapes of each kind, the letters before the first underscore of a name."""
        kinds: dict[str, list[int]] = {}
        for number, name in enumerate(self.names):
            kinds.setdefault("".join(filter(str.isalpha, name.split("_")[0])), []).append(number)
        return tuple(tuple(numbers) for numbers in kinds.values())

    def pick(self, draw: Draw) -> int:
        """The number of a random shape; kinds, and not shapes, are equally likely."""
        kind = self.kinds[draw.integers(len(self.kinds))]
        return int(kind[draw.integers(len(kind))])


def names_in(path: Path) -> tuple[str, ...]:
    """The names of the arrays of an `.npz`.

    Raises:
        InputError: when it is missing or cannot be read.
    """
    if not path.is_file():
        raise InputError(f"Lesion shapes were expected in {path}, which is not there. Name an .npz file.")
    try:
        with np.load(path) as arrays:
            return tuple(arrays.files)
    except (OSError, ValueError, BadZipFile, AttributeError):  # the last for an .npy, which has no names
        raise InputError(f"{path} cannot be read as .npz. Write it with numpy.savez.") from None


def read_arrays(path: Path, names: Collection[str]) -> dict[str, npt.NDArray[Any]]:
    """Some arrays of an `.npz`, in the order of their names.

    Raises:
        InputError: when one is missing or cannot be read.
    """
    try:
        with np.load(path) as arrays:
            return {name: arrays[name] for name in names}
    except (OSError, ValueError, KeyError, BadZipFile, zlib.error) as broken:
        raise InputError(f"{path} cannot be read ({broken}). Write it with numpy.savez.") from None


def _looks(array: npt.NDArray[Any]) -> str:
    return "is empty" if array.ndim == 3 else f"has {array.ndim} axes"


def place_shape(
    draw: Draw,
    mask: Bools,
    size: int,
    share: float,
    centre: npt.ArrayLike = (0, 0, 0),
    anchor: npt.ArrayLike | None = None,
) -> Tensor:
    """A shape in a cube: turned at random, stretched and bent a little.

    Args:
        draw: where chance comes from.
        mask: (D, H, W).
        size: cells along each side of the cube.
        share: the shape's longest side over the cube's, about.
        centre: where the anchor lies from the cube's middle, in cells.
        anchor: a voxel of the mask; None for its middle.

    Returns:
        How much of each cell is lesion, (S, S, S), 0 to 1.
    """
    scale = max(mask.shape) / (share * size) * draw.uniform(0.85, 1.18, size=3)
    matrix = torch.from_numpy((random_rotation(draw, 180.0) * scale[:, None]).astype(np.float32))
    places = cells(size) - _vector(centre)
    bend = draw.uniform(0.0, 0.05) * share * size
    if bend > 0.3:
        places = places + bend * smooth_field(draw, size, int(draw.integers(3, 6)), 3).movedim(0, -1)
    middle = _vector((np.array(mask.shape) - 1) / 2 if anchor is None else anchor)
    return look_up(torch.from_numpy(mask), places @ matrix.T + middle)


def place_inside(draw: Draw, mask: Bools) -> npt.NDArray[np.float64]:
    """A place in a mask where a reader might click: anywhere, or rather in its depth than at its rim."""
    inside = np.argwhere(mask)
    n_averaged = int(draw.choice((1, 3)))
    place: npt.NDArray[np.float64] = inside[draw.integers(len(inside), size=n_averaged)].mean(axis=0)
    return place


def _vector(values: npt.ArrayLike) -> Tensor:
    return torch.as_tensor(np.asarray(values, np.float32))
