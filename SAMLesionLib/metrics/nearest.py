"""How far places on a grid are from the nearest of other places, in millimetres.

Two ways with one result. A tree finds any distance, at about a microsecond a place. On a grid whose axes
are square to each other, places that are near are found several times faster: along a row (i) the distance
to the row's nearest place is looked up in a table, so only the rows around must be tried, from the nearest
outwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import Triple

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NM_DIGITS = 6
N_ROWS = 64
"""So many rows around a place are tried at most; what is farther off than all of them is left to the tree."""

TABLE_PAYS_PER_VOXEL = 1 / 200
"""With fewer places than this for each voxel of the grid, the table takes longer than the tree."""

_DOUBLINGS = (1, 2, 4, 8, 16)
LONGEST_STEP = sum(_DOUBLINGS) + 1
"""Steps along a row are known below this."""
_NONE = 200


@dataclass(frozen=True, eq=False)
class Places:
    """Places on a grid.

    Attributes:
        keys: their numbers in C order, ascending, (N,).
        shape_kji: size of the grid.
    """

    keys: Ints
    shape_kji: Triple

    def is_among(self, others: Places) -> npt.NDArray[np.bool_]:
        """Which of these places are one of the others."""
        if not len(others.keys):
            return np.zeros(len(self.keys), bool)
        at = np.minimum(np.searchsorted(others.keys, self.keys), len(others.keys) - 1)
        return np.asarray(others.keys[at] == self.keys)

    def only(self, chosen: npt.NDArray[np.bool_]) -> Places:
        """Some of the places."""
        return Places(self.keys[chosen], self.shape_kji)

    def ijk(self) -> Ints:
        """Positions (N, 3)."""
        return np.stack(np.unravel_index(self.keys, self.shape_kji)[::-1], axis=1)


def nearest_mm(places: Places, others: Places, ijk_to_mm: Floats) -> Floats:
    """For each place the distance to the nearest of the others, infinite when there are none.

    Args:
        places: where to measure from.
        others: where to measure to, on the same grid.
        ijk_to_mm: 3 x 3 matrix of the grid's axes in millimetres, as columns.

    Returns:
        (N,), rounded to a nanometre.
    """
    if not len(others.keys):
        return np.full(len(places.keys), np.inf)
    distances: Floats = np.where(places.is_among(others), 0.0, np.inf)
    apart = distances > 0
    if _table_pays(places.only(apart), ijk_to_mm):
        distances[apart] = _by_rows(places.only(apart), others, np.linalg.norm(ijk_to_mm, axis=0))
    far = np.isinf(distances)
    if far.any():
        distances[far] = _by_tree(places.only(far), others, ijk_to_mm)
    return np.round(distances, NM_DIGITS)


def _table_pays(places: Places, ijk_to_mm: Floats) -> bool:
    gram = ijk_to_mm.T @ ijk_to_mm
    has_square_axes = np.abs(gram - np.diag(np.diag(gram))).max() < 1e-9 * gram.max()
    return bool(has_square_axes and len(places.keys) > TABLE_PAYS_PER_VOXEL * np.prod(places.shape_kji))


def _by_tree(places: Places, others: Places, ijk_to_mm: Floats) -> Floats:
    from scipy.spatial import cKDTree

    from_ijk, to_ijk = places.ijk(), others.ijk()
    tree = cKDTree(to_ijk @ ijk_to_mm.T, leafsize=32, balanced_tree=False, compact_nodes=False)
    _, nearest = tree.query(from_ijk @ ijk_to_mm.T)
    # From whole-number steps: differences of large coordinates would lose digits.
    steps_mm = (from_ijk - to_ijk[nearest]) @ ijk_to_mm.T
    return np.asarray(np.linalg.norm(steps_mm, axis=1), np.float64)


def _by_rows(places: Places, others: Places, spacing_mm: Floats) -> Floats:
    """Distances of places that are near, infinite for the others."""
    steps_kj, bases_mm2 = _rows_around(spacing_mm)
    margins_kj = np.abs(steps_kj).max(axis=0)
    table = _steps_along_rows(others, margins_kj)
    squares_mm2 = np.full(256, np.inf)
    squares_mm2[:LONGEST_STEP] = (np.arange(LONGEST_STEP) * spacing_mm[0]) ** 2
    k, j, i = np.unravel_index(places.keys, places.shape_kji)
    at = np.ravel_multi_index((k + margins_kj[0], j + margins_kj[1], i), table.shape)
    offsets = (steps_kj[:, 0] * table.shape[1] + steps_kj[:, 1]) * table.shape[2]
    nearest_mm2, flat = np.full(len(at), np.inf), table.reshape(-1)
    left, best_mm2 = np.arange(len(at)), nearest_mm2.copy()
    for n, (offset, base_mm2) in enumerate(zip(offsets, bases_mm2, strict=True)):
        if n % 4 == 0:  # nothing in a row from here on is nearer than the row itself
            is_found = best_mm2 <= base_mm2
            nearest_mm2[left[is_found]] = best_mm2[is_found]
            left, at, best_mm2 = left[~is_found], at[~is_found], best_mm2[~is_found]
        np.minimum(best_mm2, base_mm2 + squares_mm2[flat[at + offset]], out=best_mm2)
    nearest_mm2[left] = best_mm2
    surely_mm2 = min(bases_mm2[-1], (LONGEST_STEP * spacing_mm[0]) ** 2)
    return np.sqrt(np.where(nearest_mm2 <= surely_mm2, nearest_mm2, np.inf))


def _rows_around(spacing_mm: Floats) -> tuple[Ints, Floats]:
    """Steps (M, 2) along k and j to the nearest rows, and their squared distances, ascending.

    Every row that is nearer than the last one is among them.
    """
    reach = np.arange(-N_ROWS, N_ROWS + 1)
    steps = np.stack(np.meshgrid(reach, reach, indexing="ij"), axis=-1).reshape(-1, 2)
    bases_mm2 = ((steps * spacing_mm[:0:-1]) ** 2).sum(axis=1)
    nearest = np.argsort(bases_mm2, kind="stable")[:N_ROWS]
    return steps[nearest], bases_mm2[nearest]


def _steps_along_rows(places: Places, margins_kj: Ints) -> npt.NDArray[np.uint8]:
    """For each voxel the steps along i to the nearest place of its row, `_NONE` when that is too far.

    Args:
        places: the places.
        margins_kj: empty slices and rows to add around the grid, on both sides.
    """
    (n_k, n_j, n_i), (by_k, by_j) = places.shape_kji, margins_kj
    table = np.full((n_k + 2 * by_k, n_j + 2 * by_j, n_i), _NONE, np.uint8)
    k, j, i = np.unravel_index(places.keys, places.shape_kji)
    table[k + by_k, j + by_j, i] = 0
    for plane in table:
        for step in _DOUBLINGS:
            stepped = plane + np.uint8(step)
            np.minimum(plane[:, step:], stepped[:, :-step], out=plane[:, step:])
            np.minimum(plane[:, :-step], stepped[:, step:], out=plane[:, :-step])
    return table
