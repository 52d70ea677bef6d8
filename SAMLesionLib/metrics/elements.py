"""The area of the surface between 2 x 2 x 2 voxels, for each of the 256 ways they can be filled.

Marching cubes cuts each cube edge between a voxel inside and one outside at its middle. The cuts join to
closed loops over the cube's faces; each loop is filled with triangles.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt

CORNERS_KJI: tuple[tuple[int, int, int], ...] = tuple((k, j, i) for k, j, i in product((0, 1), repeat=3))
"""The eight voxels of an element in the order of the bits of its code, lowest first."""

Cut = tuple[float, ...]


def element_areas_mm2(ijk_to_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The area of each element by its code, (256,).

    Args:
        ijk_to_mm: 3 x 3 matrix of the grid's axes in millimetres, as columns.
    """
    # A linear map takes an area vector to its cofactor matrix times that vector.
    cofactors = np.linalg.det(ijk_to_mm) * np.linalg.inv(ijk_to_mm).T
    return np.asarray(np.linalg.norm(_area_vectors_ijk() @ cofactors.T, axis=2).sum(axis=1))


@cache
def _area_vectors_ijk() -> npt.NDArray[np.float64]:
    """The area vectors of each code's triangles on a grid of unit voxels, (256, T, 3), zero padded."""
    vectors = [[v for loop in _loops(code) for v in _fan(loop)] for code in range(256)]
    table = np.zeros((256, max(map(len, vectors)), 3))
    for code, rows in enumerate(vectors):
        table[code, : len(rows)] = np.reshape(rows, (-1, 3))
    return table


def _fan(loop: list[Cut]) -> list[npt.NDArray[np.float64]]:
    """Area vectors of the triangles that fill a loop from one of its cuts.

    A bent loop has several fans of different area; the reference implementation's is the largest.
    """
    cuts = np.array(loop)
    fans = [_triangles(np.roll(cuts, -first, axis=0)) for first in range(len(cuts))]
    return max(fans, key=lambda fan: round(float(sum(np.linalg.norm(v) for v in fan)), 9))


def _triangles(cuts: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    return [np.cross(b - cuts[0], c - cuts[0]) / 2 for b, c in pairwise(cuts[1:])]


def _loops(code: int) -> list[list[Cut]]:
    """The closed loops of cuts, in ijk, that part inside from outside."""
    neighbours: dict[Cut, list[Cut]] = {}
    for a, b in _segments(code):
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    loops = []
    while neighbours:
        loop = [min(neighbours)]
        while True:
            onward = [n for n in neighbours.pop(loop[-1]) if n in neighbours]
            if not onward:
                break
            loop.append(onward[0])
        loops.append(loop)
    return loops


def _segments(code: int) -> list[tuple[Cut, Cut]]:
    """Where the surface crosses the cube's six faces, as pairs of cuts."""
    inside = {corner: bool(code >> bit & 1) for bit, corner in enumerate(CORNERS_KJI)}
    # On a face with two corners in and two out across the diagonal, the rarer kind is kept apart.
    apart = sum(inside.values()) <= 4
    segments = []
    for face in _faces():
        cuts = [n for n in range(4) if inside[face[n]] != inside[face[(n + 1) % 4]]]
        if len(cuts) == 2:
            segments.append((_cut(face, cuts[0]), _cut(face, cuts[1])))
        elif len(cuts) == 4:
            segments += [(_cut(face, n - 1), _cut(face, n)) for n in range(4) if inside[face[n]] == apart]
    return segments


def _faces() -> list[list[tuple[int, int, int]]]:
    faces = []
    for axis, side in product(range(3), (0, 1)):
        ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
        faces.append([_insert(corner, axis, side) for corner in ring])
    return faces


def _insert(corner: tuple[int, int], axis: int, side: int) -> tuple[int, int, int]:
    values = list(corner)
    values.insert(axis, side)
    k, j, i = values
    return k, j, i


def _cut(face: list[tuple[int, int, int]], n: int) -> Cut:
    """The middle, in ijk, of the face's n-th edge."""
    return tuple((a + b) / 2 for a, b in zip(face[n % 4][::-1], face[(n + 1) % 4][::-1], strict=True))
