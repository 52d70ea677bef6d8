"""Resizing of planes and blocks as sparse matrix products, one for each axis.

A separable resampling is a matrix for each axis: exact, fast at these sizes, and the same numbers on every
machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

Kernel = Literal["area", "linear", "cubic"]
Part = tuple[slice, slice]
"""Rows and columns of a plane."""


def resize(
    plane: npt.NDArray[Any],
    shape: tuple[int, int],
    kernel: Kernel,
    extent: tuple[float, float] | None = None,
    part: Part | None = None,
) -> npt.NDArray[np.float32]:
    """The plane on another grid over the same extent; pixel edges meet pixel edges.

    Args:
        plane: (..., rows, columns).
        shape: rows and columns wanted.
        kernel: `area` averages what a new pixel covers when shrinking and is linear when enlarging;
            `linear` and `cubic` (a = -0.75) sample between pixel centres, edges repeated.
        extent: rows and columns of the plane that the new grid covers, from the first; all when None.
        part: rows and columns of the new grid to compute; all when None.
    """
    n_rows, n_columns = extent or plane.shape[-2:]
    rows = _matrix(plane.shape[-2], shape[0], kernel, float(n_rows))
    columns = _matrix(plane.shape[-1], shape[1], kernel, float(n_columns))
    if part is not None:
        rows, columns = rows[part[0]], columns[part[1]]
    planes = plane.reshape(-1, *plane.shape[-2:]).astype(np.float32, copy=False)
    resized = np.stack([(columns @ (rows @ one).T).T for one in planes])
    return resized.reshape(*plane.shape[:-2], *resized.shape[1:])


def resample(
    block: npt.NDArray[Any],
    shape: tuple[int, int, int],
    starts: Sequence[float],
    extents: Sequence[float],
    kernel: Kernel,
) -> npt.NDArray[np.float32]:
    """A block on a grid of cells that lies anywhere along its axes.

    Args:
        block: three axes; voxel n of each covers the interval from n to n + 1.
        shape: cells wanted along each axis.
        starts: where the first cell begins, along each axis.
        extents: how many voxels the cells cover together, along each axis.
        kernel: see `resize`.

    Returns:
        An array of `shape`; zero in cells off the block (those whose centre is, for `linear` and `cubic`).
    """
    values = np.asarray(block, dtype=np.float32)
    # The axis that shrinks most first: the others then have less to do.
    for axis in sorted(range(3), key=lambda a: shape[a] / block.shape[a]):
        matrix = _matrix(block.shape[axis], shape[axis], kernel, float(extents[axis]), float(starts[axis]))
        along = np.moveaxis(values, axis, 0)
        cells = (matrix @ along.reshape(len(along), -1)).reshape(shape[axis], *along.shape[1:])
        values = np.moveaxis(cells, 0, axis)
    return np.ascontiguousarray(values)


@lru_cache(maxsize=256)
def _matrix(n_in: int, n_out: int, kernel: Kernel, extent: float, start: float = 0.0) -> sparse.csr_array:
    """Weights (n_out, n_in) of few pixels each; a row sums to one, or is zero where it lies off the line."""
    if kernel == "area" and n_out < extent:
        matrix = _area(n_in, n_out, extent, start)
    else:
        matrix = _sampled(n_in, n_out, extent, start, _cubic if kernel == "cubic" else _tent)
    return sparse.csr_array(matrix)


def _area(n_in: int, n_out: int, extent: float, start: float) -> npt.NDArray[np.float32]:
    edges = start + np.arange(n_out + 1) * (extent / n_out)
    pixels = np.arange(n_in)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    covered = np.clip(covered, 0, None)
    total = covered.sum(axis=1, keepdims=True)
    return np.divide(covered, total, out=np.zeros_like(covered), where=total > 0).astype(np.float32)


def _sampled(n_in: int, n_out: int, extent: float, start: float, kernel: Any) -> npt.NDArray[np.float32]:
    centres = start + (np.arange(n_out) + 0.5) * (extent / n_out) - 0.5
    matrix = np.zeros((n_out, n_in))
    first = np.floor(centres).astype(int)
    for tap in range(-1, 3):
        at = first + tap
        np.add.at(matrix, (np.arange(n_out), np.clip(at, 0, n_in - 1)), kernel(np.abs(centres - at)))
    matrix[(centres < -0.5) | (centres > n_in - 0.5)] = 0
    return matrix.astype(np.float32)


def _tent(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.clip(1.0 - distance, 0.0, None)


def _cubic(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    a, d = -0.75, distance
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))
