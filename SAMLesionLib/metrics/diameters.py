"""The longest axial diameter of a lesion and the short axis across it, as RECIST and WHO measure them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import Affine, IndexBox

Floats = npt.NDArray[np.float64]
Ends = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class AxialDiameter:
    """The longest line across a lesion within one slice, and the longest line square to it there.

    Attributes:
        long_mm: length of the long axis.
        short_mm: length of the short axis, over the lesion's convex hull.
        index: the slice.
        long_ends_ijk: the two ends of the long axis.
        short_ends_ijk: the two ends of the short axis.
    """

    long_mm: float
    short_mm: float
    index: int
    long_ends_ijk: Ends
    short_ends_ijk: Ends


def axial_diameter(mask: npt.NDArray[Any], affine: Affine, axis: int = 2) -> AxialDiameter | None:
    """Measure a mask in the slices across one voxel axis.

    The outline runs halfway between a voxel inside and its neighbour outside, so one voxel is one
    voxel wide. Distances are true millimetres, also when the slice's axes differ in spacing or are not
    square to each other.

    Args:
        mask: (k, j, i) array, non-zero inside.
        affine: its grid.
        axis: the voxel axis across which to slice: 0, 1, 2 for i, j, k.

    Returns:
        The diameters in the slice with the longest; the first such slice on a tie. None for an empty mask.
    """
    inside = mask.astype(bool, copy=False)
    box = IndexBox.of_mask(inside)
    if box is None:
        return None
    planes = np.moveaxis(inside[box.slices_kji()], 2 - axis, 0)
    frame = _PlaneFrame.of(affine, axis)
    outlines = [_outline(plane) for plane in planes]
    longest = [_longest(frame.to_mm(outline)) if len(outline) else 0.0 for outline in outlines]
    # A rounding error must not prefer a later slice.
    at = int(np.argmax(np.round(longest, 6)))
    return _measure(outlines[at], frame, box, at)


@dataclass(frozen=True, eq=False)
class _PlaneFrame:
    """Voxel steps (u, v) within a slice as orthonormal millimetres; u runs along the lower voxel axis."""

    axis: int
    uv_to_mm: Floats

    @classmethod
    def of(cls, affine: Affine, axis: int) -> _PlaneFrame:
        steps = affine.ijk_to_ras[:3, [a for a in range(3) if a != axis]]
        _, upper = np.linalg.qr(steps)
        return cls(axis, upper)

    def to_mm(self, uv: Floats) -> Floats:
        return uv @ self.uv_to_mm.T

    def to_uv(self, mm: Floats) -> Floats:
        return mm @ np.linalg.inv(self.uv_to_mm).T

    def to_ijk(self, mm: Floats, box: IndexBox, index: int) -> Ends:
        """Two positions (2, 2) of the plane as voxel positions of the volume."""
        uv = self.to_uv(mm)
        points = np.insert(uv, self.axis, index, axis=1) + np.asarray(box.start_ijk)
        (a, b, c), (d, e, f) = points.round(6).tolist()
        return (a, b, c), (d, e, f)


def _outline(plane: npt.NDArray[np.bool_]) -> Floats:
    """Middles (N, 2), as (u, v), of the voxel faces where a (v, u) plane goes from inside to outside."""
    padded = np.pad(plane, 1)
    v, u = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    sides = np.stack([u - 0.5, v], axis=1)
    v, u = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    return np.concatenate([sides, np.stack([u, v - 0.5], axis=1)])


def _longest(points_mm: Floats) -> float:
    """The largest distance between any two of these points (N, 2)."""
    hull = _hull(points_mm)
    return float(np.linalg.norm(hull[:, None] - hull[None], axis=2).max())


def _hull(points_mm: Floats) -> Floats:
    """The corners (M, 2) of the convex hull, in order around it."""
    from scipy.spatial import ConvexHull

    return np.asarray(points_mm[ConvexHull(points_mm).vertices])


def _measure(outline: Floats, frame: _PlaneFrame, box: IndexBox, at: int) -> AxialDiameter:
    hull = _hull(frame.to_mm(outline))
    lengths = np.linalg.norm(hull[:, None] - hull[None], axis=2)
    a, b = np.unravel_index(int(np.argmax(np.round(lengths, 6))), lengths.shape)
    long_ends = hull[[a, b]]
    short_ends = _short_axis(hull, long_ends)
    return AxialDiameter(
        float(lengths[a, b]),
        float(np.linalg.norm(short_ends[1] - short_ends[0])),
        box.start_ijk[frame.axis] + at,
        frame.to_ijk(long_ends, box, at),
        frame.to_ijk(short_ends, box, at),
    )


def _short_axis(hull: Floats, long_ends: Floats) -> Floats:
    """The ends (2, 2) of the longest chord of the hull that is square to the long axis.

    The chord's length is concave along the long axis and bends at the hull's corners only.
    """
    along = (long_ends[1] - long_ends[0]) / np.linalg.norm(long_ends[1] - long_ends[0])
    axes = np.stack([along, [-along[1], along[0]]])
    turned = (hull - long_ends[0]) @ axes.T
    at, heights = turned[:, 0], turned[:, 1]
    upper, lower = _chain(at, heights), _chain(at, -heights)
    above = np.interp(at, *upper)
    below = -np.interp(at, *lower)
    best = int(np.argmax(np.round(above - below, 6)))
    ends = np.array([[at[best], below[best]], [at[best], above[best]]])
    return np.asarray(ends @ axes + long_ends[0])


def _chain(at: Floats, heights: Floats) -> tuple[Floats, Floats]:
    """The side of a convex outline with heights of zero and more; the long axis spans its width."""
    keep = heights >= -1e-9
    order = np.argsort(at[keep], kind="stable")
    return at[keep][order], heights[keep][order]
