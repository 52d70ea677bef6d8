"""A scan: its voxels, its place in the patient, and a name made from its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import Affine, IndexBox, Triple

MODALITIES = ("CT", "MR", "PT", "OT")
"""DICOM's words for the scans we know; OT (other) when nobody said."""

LARGEST_VOXEL = 1e18
"""The largest voxel, in size: its square still fits into single precision, in which models compute."""


@dataclass(frozen=True, eq=False)
class Volume:
    """One scalar scan.

    Attributes:
        voxels: (k, j, i) array of real numbers; never written to.
        affine: the grid's place in the patient.
        name: how people call it; not part of its identity.
        modality: one of `MODALITIES`.
    """

    voxels: npt.NDArray[Any]
    affine: Affine = field(default_factory=lambda: Affine(np.eye(4)))
    name: str = "volume"
    modality: str = "OT"

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3:
            raise ImageError(
                f"{self.name} must be a 3D scalar image (i, j, k), got {self.voxels.ndim} dimensions "
                f"{self.voxels.shape[::-1]}. Choose one time point or channel."
            )
        if self.voxels.size == 0:
            raise ImageError(f"{self.name} holds no voxels (size {self.shape_ijk}).")
        if self.voxels.dtype.kind not in "iufb":
            raise ImageError(f"{self.name} must hold real numbers, got {self.voxels.dtype}.")
        if self.modality not in MODALITIES:
            raise ImageError(f"Modality must be one of {', '.join(MODALITIES)}, got {self.modality!r}.")
        view = self.voxels.view()
        view.setflags(write=False)
        object.__setattr__(self, "voxels", view)

    @property
    def shape_ijk(self) -> Triple:
        """Voxels along i, j and k."""
        k, j, i = self.voxels.shape
        return i, j, k

    @property
    def block(self) -> IndexBox:
        """The block of all voxels."""
        return IndexBox.whole(self.shape_ijk)

    @cached_property
    def volume_id(self) -> str:
        """32 hexadecimal digits made from voxels, type, shape, grid and modality.

        Two volumes with the same id give the same masks, whatever they are called.
        """
        digest = hashlib.blake2b(digest_size=16)
        digest.update(f"{self.voxels.dtype.str}{self.voxels.shape}{self.modality}".encode())
        digest.update(self.affine.ijk_to_ras.tobytes())
        for plane in self.voxels:  # plane by plane: a strided volume is never copied whole
            digest.update(np.ascontiguousarray(plane).data)
        return digest.hexdigest()

    def check_usable(self) -> None:
        """Refuse a volume that no model can read.

        Raises:
            ImageError: when it holds no finite numbers, some too large for single precision, or one and the
                same everywhere.
        """
        # Plane by plane, so that a 4 GB scan needs no second copy.
        lowest, highest, n_bad = np.inf, -np.inf, 0
        is_float = self.voxels.dtype.kind == "f"
        for plane in self.voxels:
            if is_float:
                finite = np.isfinite(plane)
                n_bad += plane.size - int(finite.sum())
                plane = plane[finite]
            if plane.size:
                lowest, highest = min(lowest, plane.min()), max(highest, plane.max())
        if n_bad:
            raise ImageError(
                f"{self.name} holds voxels that are not finite numbers (NaN or infinite), {n_bad:,} of "
                f"{self.voxels.size:,}. Replace them, with the background value for instance, and try again."
            )
        largest = max(-float(lowest), float(highest))
        if largest > LARGEST_VOXEL:
            raise ImageError(
                f"{self.name} holds values up to {largest:.1e}, expected {LARGEST_VOXEL:.0e} at most. Divide "
                "the image by a power of ten and try again."
            )
        if lowest == highest:
            raise ImageError(
                f"{self.name} is constant (every voxel is {lowest:g}), so there is nothing to segment. "
                "Check that the right image was chosen."
            )
