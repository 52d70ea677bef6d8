"""Where things are: affines between voxels and the patient, and blocks of voxels.

World coordinates are RAS in millimetres. A voxel centre lies at whole numbers of `ijk`, so voxel
`i` covers the interval from `i - 0.5` to `i + 0.5`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal, SupportsInt

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import ImageError, PromptError

Frame = Literal["ijk", "ras", "lps"]
Triple = tuple[int, int, int]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Affine:
    """A voxel grid's place in the patient, of any orientation, spacing and shear.

    Attributes:
        ijk_to_ras: 4 x 4 matrix from voxel indices to RAS millimetres, read-only.
    """

    ijk_to_ras: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        matrix = np.array(self.ijk_to_ras, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise ImageError(f"A grid needs a finite 4 x 4 matrix, got shape {matrix.shape}.")
        if not np.array_equal(matrix[3], [0, 0, 0, 1]):
            raise ImageError("A grid's matrix must be affine: its last row is 0 0 0 1.")
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            raise ImageError("A grid's axes must span space, but this matrix is singular.")
        matrix.setflags(write=False)
        object.__setattr__(self, "ijk_to_ras", matrix)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affine) and np.array_equal(self.ijk_to_ras, other.ijk_to_ras)

    def __hash__(self) -> int:
        return hash(self.ijk_to_ras.tobytes())

    @classmethod
    def from_spacing(
        cls, spacing_mm: tuple[float, float, float], origin_ras: tuple[float, float, float] = (0, 0, 0)
    ) -> Affine:
        """An axis-aligned grid with this voxel size."""
        matrix = np.diag([*spacing_mm, 1.0])
        matrix[:3, 3] = origin_ras
        return cls(matrix)

    @classmethod
    def from_lps(cls, ijk_to_lps: npt.ArrayLike) -> Affine:
        """A grid given in the LPS world of files, ITK and DICOM."""
        return cls(LPS_TO_RAS @ np.asarray(ijk_to_lps, dtype=np.float64))

    @property
    def ijk_to_lps(self) -> npt.NDArray[np.float64]:
        """The same grid in the LPS world of files, ITK and DICOM."""
        return LPS_TO_RAS @ self.ijk_to_ras

    @cached_property
    def ras_to_ijk(self) -> npt.NDArray[np.float64]:
        """The inverse matrix, from RAS millimetres to voxel indices."""
        return np.asarray(np.linalg.inv(self.ijk_to_ras))

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """The distance between neighbouring voxel centres along i, j and k."""
        i, j, k = np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @property
    def voxel_ml(self) -> float:
        """The volume of one voxel in millilitres, shear included."""
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3]))) / 1000.0

    @cached_property
    def slice_axis(self) -> int:
        """The voxel axis (0, 1, 2 for i, j, k) along which the scan was cut: the coarsest; k on a tie."""
        spacing = self.spacing_mm
        return 2 if spacing[2] >= max(spacing) * 0.99 else int(np.argmax(spacing))

    def to_ras(self, points_ijk: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """World positions (N, 3) of voxel positions (N, 3)."""
        return _transform(self.ijk_to_ras, points_ijk)

    def to_ijk(self, points: npt.ArrayLike, frame: Frame = "ras") -> npt.NDArray[np.float64]:
        """Continuous voxel positions (N, 3) of positions (N, 3) given in `frame`."""
        if frame == "ijk":
            return np.atleast_2d(np.asarray(points, dtype=np.float64))
        matrix = self.ras_to_ijk if frame == "ras" else self.ras_to_ijk @ LPS_TO_RAS
        return _transform(matrix, points)


def _transform(matrix: npt.NDArray[np.float64], points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    points = np.atleast_2d(np.asarray(points, dtype=np.float64))
    return points @ matrix[:3, :3].T + matrix[:3, 3]


@dataclass(frozen=True)
class IndexBox:
    """A block of voxels, half-open like a Python slice.

    Attributes:
        start_ijk: first voxel inside.
        stop_ijk: first voxel past the end.
    """

    start_ijk: Triple
    stop_ijk: Triple

    def __post_init__(self) -> None:
        object.__setattr__(self, "start_ijk", _triple(self.start_ijk))
        object.__setattr__(self, "stop_ijk", _triple(self.stop_ijk))

    @classmethod
    def whole(cls, shape_ijk: Triple) -> IndexBox:
        """The block of a whole grid."""
        return cls((0, 0, 0), shape_ijk)

    @classmethod
    def around(cls, points_ijk: npt.ArrayLike) -> IndexBox:
        """The smallest block whose voxels contain all these continuous positions (N, 3)."""
        points = np.atleast_2d(np.asarray(points_ijk, dtype=np.float64))
        # Rounded to a millionth of a voxel: a corner on a voxel face must not take in the next voxel
        # because a matrix inverse was off by one bit.
        lowest = np.round(points.min(axis=0), 6) + 0.5
        highest = np.round(points.max(axis=0), 6) + 0.5
        start = np.floor(lowest).astype(int)
        stop = np.maximum(np.ceil(highest).astype(int), start + 1)
        return cls(_triple(start), _triple(stop))

    @classmethod
    def of_mask(cls, mask_kji: npt.NDArray[np.bool_]) -> IndexBox | None:
        """The tight block around the true voxels of a (k, j, i) array, None when there are none."""
        if not mask_kji.any():
            return None
        spans = []
        for axis in range(3):
            hits = np.flatnonzero(mask_kji.any(axis=tuple(a for a in range(3) if a != axis)))
            spans.append((int(hits[0]), int(hits[-1]) + 1))
        (k0, k1), (j0, j1), (i0, i1) = spans
        return cls((i0, j0, k0), (i1, j1, k1))

    @property
    def shape_ijk(self) -> Triple:
        """Voxels along i, j and k, zero where the block is empty."""
        return _triple(max(0, b - a) for a, b in zip(self.start_ijk, self.stop_ijk, strict=True))

    @property
    def shape_kji(self) -> Triple:
        """The shape of a numpy array that fills this block."""
        return _triple(self.shape_ijk[::-1])

    @property
    def n_voxels(self) -> int:
        """How many voxels the block holds."""
        i, j, k = self.shape_ijk
        return i * j * k

    @property
    def is_empty(self) -> bool:
        """Whether the block holds no voxel."""
        return any(b <= a for a, b in zip(self.start_ijk, self.stop_ijk, strict=True))

    @property
    def centre_ijk(self) -> tuple[float, float, float]:
        """The middle of the block in continuous voxel coordinates."""
        i, j, k = ((a + b - 1) / 2 for a, b in zip(self.start_ijk, self.stop_ijk, strict=True))
        return i, j, k

    def slices_kji(self) -> tuple[slice, slice, slice]:
        """Index of this block in a (k, j, i) array."""
        (i0, j0, k0), (i1, j1, k1) = self.start_ijk, self.stop_ijk
        return slice(k0, k1), slice(j0, j1), slice(i0, i1)

    def intersect(self, other: IndexBox) -> IndexBox:
        """The block common to both; empty when they do not meet."""
        # In plain Python, as numpy takes five times as long for three numbers.
        start = _triple(map(max, self.start_ijk, other.start_ijk))
        return IndexBox(start, _triple(map(max, map(min, self.stop_ijk, other.stop_ijk), start)))

    def union(self, other: IndexBox) -> IndexBox:
        """The smallest block that holds both."""
        return IndexBox(
            _triple(map(min, self.start_ijk, other.start_ijk)),
            _triple(map(max, self.stop_ijk, other.stop_ijk)),
        )

    def grow(self, voxels_ijk: int | Triple) -> IndexBox:
        """The block with every side moved out by so many voxels (in, when negative)."""
        by = np.broadcast_to(np.asarray(voxels_ijk), 3)
        return IndexBox(_triple(np.subtract(self.start_ijk, by)), _triple(np.add(self.stop_ijk, by)))

    def shift(self, offset_ijk: Triple) -> IndexBox:
        """The block moved by so many voxels."""
        return IndexBox(
            _triple(np.add(self.start_ijk, offset_ijk)), _triple(np.add(self.stop_ijk, offset_ijk))
        )

    def contains(self, point_ijk: npt.ArrayLike) -> bool:
        """Whether a continuous voxel position lies on a voxel of the block."""
        point = np.asarray(point_ijk, dtype=np.float64)
        return bool(
            (point >= np.subtract(self.start_ijk, 0.5)).all()
            and (point < np.subtract(self.stop_ijk, 0.5)).all()
        )

    def corners_ijk(self) -> npt.NDArray[np.float64]:
        """The eight outer corners (8, 3) in continuous voxel coordinates, on the voxels' faces."""
        low, high = np.subtract(self.start_ijk, 0.5), np.subtract(self.stop_ijk, 0.5)
        return np.array(list(product(*zip(low, high, strict=True))), dtype=np.float64)

    @property
    def span(self) -> str:
        """The block as it stands in sentences."""
        return f"{','.join(map(str, self.start_ijk))} to {','.join(map(str, self.stop_ijk))}"

    def check_inside(self, shape_ijk: Triple, image_name: str = "the image", what: str = "box") -> None:
        """Refuse a block that is empty, inverted, or not on the image.

        Args:
            shape_ijk: of the image.
            image_name: for people.
            what: the block is, for people.

        Raises:
            PromptError: with the block, the image's size and what to do.
        """
        size = " x ".join(map(str, shape_ijk))
        if self.is_empty:
            raise PromptError(
                f"A box needs each stop above its start, got {self.span}. "
                "Give it as i0,j0,k0,i1,j1,k1 with the stop one past the last voxel."
            )
        if self.intersect(IndexBox.whole(shape_ijk)).is_empty:
            raise PromptError(
                f"This {what} ({self.span}) lies outside {image_name} ({size} voxels). Draw it on the image."
            )


def _triple(values: Iterable[SupportsInt]) -> Triple:
    i, j, k = map(int, values)
    return i, j, k
