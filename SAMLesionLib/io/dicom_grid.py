"""The grid that a stack of DICOM slices forms, or why it forms none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import Affine

POSITION_TOLERANCE = 0.05
"""How far a slice may lie from its place on the grid, as a part of the distance between slices.

Scanners round positions; beyond a twentieth of a slice a mask would visibly miss the image.
"""


@dataclass(frozen=True)
class DicomSlice:
    """One image of a series, without its pixels.

    Attributes:
        path: its file.
        rows: pixels along j.
        columns: pixels along i.
        position_lps: centre of the first pixel, in mm.
        orientation: directions of i and of j, each three numbers in LPS.
        pixel_spacing_mm: distance between rows, and between columns.
        thickness_mm: distance between slices, as the header says; used for a single slice only.
        scaling: what decides the type of the rescaled values.
    """

    path: Path
    rows: int
    columns: int
    position_lps: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_spacing_mm: tuple[float, ...]
    thickness_mm: float
    scaling: tuple[Any, ...]

    @property
    def stack(self) -> tuple[Any, ...]:
        """Equal for slices that can form one volume."""
        # Three digits: the rounding of headers, far below the step between a localizer's views.
        # Adding zero turns -0.0 into 0.0.
        return self.rows, self.columns, *(round(v, 3) + 0.0 for v in self.orientation)


def grid_of_slices(slices: Sequence[DicomSlice], name: str) -> tuple[Affine, tuple[DicomSlice, ...]]:
    """Sort slices along their normal and find the matrix that places them all.

    Slices of a tilted gantry, each shifted within its plane, give a sheared matrix.

    Args:
        slices: images of one size and orientation.
        name: how people call the series.

    Raises:
        ImageError: when slices lie on top of each other or at uneven distances.
    """
    i_direction, j_direction = np.reshape(slices[0].orientation, (2, 3))
    normal = np.cross(i_direction, j_direction)
    ordered = tuple(sorted(slices, key=lambda s: float(np.dot(s.position_lps, normal))))
    positions = np.array([s.position_lps for s in ordered])
    row_mm, column_mm = slices[0].pixel_spacing_mm
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, 0] = i_direction * column_mm
    ijk_to_lps[:3, 1] = j_direction * row_mm
    ijk_to_lps[:3, 2] = _step(positions, normal, ordered[0].thickness_mm, name)
    ijk_to_lps[:3, 3] = positions[0]
    return Affine.from_lps(ijk_to_lps), ordered


def _step(
    positions: npt.NDArray[np.float64], normal: npt.NDArray[np.float64], thickness_mm: float, name: str
) -> npt.NDArray[np.float64]:
    """From one slice to the next, in LPS mm."""
    if len(positions) == 1:
        return normal * thickness_mm
    gaps_mm = np.diff(positions @ normal)
    if gaps_mm.min() < 1e-3:
        raise ImageError(
            f"{name} has several images at one position (time points, echoes or repeats). "
            "Export one of them as its own series."
        )
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    expected = positions[0] + np.outer(np.arange(len(positions)), step)
    off_mm = np.linalg.norm(positions - expected, axis=1)
    if off_mm.max() > POSITION_TOLERANCE * (step @ normal):
        widest = int(np.argmax(gaps_mm))
        raise ImageError(
            f"{name} is not evenly spaced: its slices lie {gaps_mm.min():.4g} to {gaps_mm.max():.4g} mm "
            f"apart, the widest gap after slice {widest + 1} of {len(positions)}. "
            "Add the missing slices, or resample the series in 3D Slicer and save it as NRRD."
        )
    return np.asarray(step)
