"""A volume on its way: the header that describes it, and its voxels without a copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import ImageError, InputError
from SAMLesionLib.geometry import Affine, Triple
from SAMLesionLib.transport import checks, messages
from SAMLesionLib.volume import MODALITIES, Volume

DTYPES = frozenset({"|b1", "|i1", "|u1"}) | {
    order + kind for order in "<>" for kind in ("i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8")
}
"""The voxel types that travel, as numpy writes them, byte order included."""

CHUNK_BYTES = 1024**2


@dataclass(frozen=True)
class VolumeHeader:
    """All of a volume but its voxels.

    Attributes:
        volume_id: what `Volume.volume_id` gives for the whole volume.
        dtype: one of `DTYPES`.
        shape_kji: voxels along k, j and i.
        affine: the grid's place in the patient.
        name: how people call the volume.
        modality: one of `volume.MODALITIES`.
    """

    volume_id: str
    dtype: str
    shape_kji: Triple
    affine: Affine
    name: str
    modality: str

    @classmethod
    def of(cls, volume: Volume) -> VolumeHeader:
        """The header of this volume.

        Raises:
            ImageError: when its voxels are of a type that does not travel.
        """
        dtype = volume.voxels.dtype.str
        if dtype not in DTYPES:
            raise ImageError(
                f"{volume.name} holds voxels of type {volume.voxels.dtype}, which no engine reads. "
                "Convert it to int16 or float32."
            )
        k, j, i = volume.voxels.shape
        name = volume.name[: checks.MAX_TEXT]
        return cls(volume.volume_id, dtype, (k, j, i), volume.affine, name, volume.modality)

    @property
    def n_bytes(self) -> int:
        """Size of the voxels."""
        k, j, i = self.shape_kji
        return k * j * i * np.dtype(self.dtype).itemsize

    def encode(self) -> bytes:
        """The message without its voxels, which alone asks whether the engine holds the volume."""
        return messages.pack_message(
            {
                "volume_id": self.volume_id,
                "dtype": self.dtype,
                "shape_kji": self.shape_kji,
                "ijk_to_ras": self.affine.ijk_to_ras.tolist(),
                "name": self.name,
                "modality": self.modality,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> VolumeHeader:
        """The header that `encode` wrote, from its JSON.

        Raises:
            InputError: when a field is missing or wrong.
        """
        values = messages.load_json(data)
        with checks.refusing("volume"):
            return cls(
                volume_id=checks.volume_id(values["volume_id"]),
                dtype=_one_of(DTYPES, values["dtype"], "dtype"),
                shape_kji=_shape(values["shape_kji"]),
                affine=Affine(np.array(values["ijk_to_ras"], dtype=np.float64)),
                name=checks.text(values["name"]),
                modality=_one_of(MODALITIES, values["modality"], "modality"),
            )

    def empty_voxels(self) -> npt.NDArray[Any]:
        """Room for the voxels, (k, j, i); the system gives the memory when it is filled."""
        return np.empty(self.shape_kji, np.dtype(self.dtype))

    def volume(self, voxels: npt.NDArray[Any]) -> Volume:
        """The volume, once its voxels have come.

        Raises:
            InputError: when the voxels are not those the header was made from.
        """
        if self.dtype == "|b1" and voxels.view(np.uint8).max() > 1:
            raise InputError("A volume of type bool holds bytes 0 and 1 only, got others. Send it again.")
        volume = Volume(voxels, self.affine, self.name, self.modality)
        if volume.volume_id != self.volume_id:
            raise InputError(
                f"The voxels of {self.name} changed on the way: they make the id {volume.volume_id}, "
                f"expected {self.volume_id}. Send the volume again."
            )
        return volume


def voxel_chunks(volume: Volume) -> Iterator[memoryview]:
    """The voxels in C order, in pieces that are views wherever the array is contiguous."""
    if volume.voxels.flags.c_contiguous:
        flat = volume.voxels.reshape(-1).view(np.uint8).data
        for start in range(0, len(flat), CHUNK_BYTES):
            yield flat[start : start + CHUNK_BYTES]
        return
    for plane in volume.voxels:  # one plane's copy at a time
        yield np.ascontiguousarray(plane).reshape(-1).view(np.uint8).data


def _shape(values: Any) -> Triple:
    k, j, i = checks.triple(values)
    if min(k, j, i) < 1:
        raise ValueError(f"shape_kji holds sizes of at least 1, got {[k, j, i]}")
    return k, j, i


def _one_of(allowed: Any, value: Any, name: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(sorted(allowed))}, got {str(value)[:40]}")
    return value
