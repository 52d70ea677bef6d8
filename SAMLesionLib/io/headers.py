"""What a file says about its image before the voxels are read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import Affine

DAMAGED = "is damaged or incomplete"


@dataclass(frozen=True)
class ImageHeader:
    """The size and type of an image on disk.

    Attributes:
        name: how people call it.
        sizes: length of every axis, i first, trailing axes of length 1 left out.
        n_channels: values per voxel.
        dtype: type of the voxels once loaded.
        affine: the grid's place in the patient.
    """

    name: str
    sizes: tuple[int, ...]
    n_channels: int
    dtype: np.dtype
    affine: Affine

    @property
    def n_bytes(self) -> int:
        """Size of the voxels in memory."""
        return int(np.prod(self.sizes, dtype=object)) * self.n_channels * self.dtype.itemsize

    @property
    def n_volumes(self) -> int:
        """How many volumes the axes past the third hold."""
        return int(np.prod(self.sizes[3:], dtype=object))

    def of_channel(self, channel: int) -> ImageHeader:
        """The header of one volume along the fourth axis.

        Raises:
            ImageError: when there is no such volume.
        """
        if len(self.sizes) > 4 or not 0 <= channel < self.n_volumes:
            size = " x ".join(map(str, self.sizes))
            raise ImageError(
                f"{self.name} ({size}) has no channel {channel}: channels lie along the fourth axis and are "
                f"counted from 0, and it has {self.n_volumes}."
            )
        return replace(self, sizes=self.sizes[:3])

    def check_scalar_3d(self) -> None:
        """Refuse what is not one scalar volume.

        Raises:
            ImageError: for colour, several time points, a flat picture or other numbers than real ones.
        """
        if self.n_channels > 1 or self.dtype.kind not in "iufb":
            what = f"{self.n_channels} values per voxel" if self.n_channels > 1 else f"{self.dtype} voxels"
            raise ImageError(
                f"{self.name} must be a grey-value image, but has {what} (colour or vectors). "
                "Extract one channel, in 3D Slicer with the module Vector to Scalar Volume, and save it."
            )
        if len(self.sizes) > 3:
            size = " x ".join(map(str, self.sizes))
            raise ImageError(
                f"{self.name} must be one 3D volume, but has {len(self.sizes)} dimensions ({size}). "
                "Save one time point as its own file, in 3D Slicer with the module Sequences."
            )
        if len(self.sizes) < 3:
            size = " x ".join(map(str, self.sizes))
            raise ImageError(
                f"{self.name} must be a 3D volume, but is a flat picture ({size}). "
                "Give the volume it was taken from."
            )


def padded_to_3d(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes without the trailing ones past the third axis."""
    kept = list(sizes)
    while len(kept) > 3 and kept[-1] == 1:
        kept.pop()
    return tuple(kept)


def grid_of(ijk_to_ras: npt.NDArray, name: str) -> Affine:
    """The grid that a file's matrix means.

    Raises:
        ImageError: naming the file, when the matrix places no volume.
    """
    try:
        return Affine(ijk_to_ras)
    except ImageError as wrong:
        raise ImageError(f"{name} has no usable place in the patient. {wrong} Export it again.") from wrong


def in_native_order(voxels: npt.NDArray) -> npt.NDArray:
    """The array in the machine's byte order, swapped in place where the file's was the other."""
    if voxels.dtype.isnative:
        return voxels
    return voxels.byteswap(inplace=True).view(voxels.dtype.newbyteorder())
