from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from SAMLesionLib.metrics import nearest
from SAMLesionLib.metrics.nearest import Places, nearest_mm

SHAPE_KJI = (5, 9, 40)


def places(*ijk: tuple[int, int, int]) -> Places:
    keys = sorted(int(np.ravel_multi_index(p[::-1], SHAPE_KJI)) for p in ijk)
    return Places(np.array(keys, np.int64), SHAPE_KJI)


def some_places(rng: np.random.Generator, share: float) -> Places:
    return Places(np.flatnonzero(rng.random(SHAPE_KJI) < share), SHAPE_KJI)


def by_brute_force(here: Places, there: Places, ijk_to_mm: np.ndarray) -> np.ndarray:
    return cdist(here.ijk() @ ijk_to_mm.T, there.ijk() @ ijk_to_mm.T).min(axis=1)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.002, 0.3), st.booleans())
def test_both_ways_give_the_nearest_of_all(seed: int, share: float, is_sheared: bool) -> None:
    rng = np.random.default_rng(seed)
    here, there = some_places(rng, 0.2), some_places(rng, share)
    ijk_to_mm = np.diag(rng.choice([0.3, 1.0, 1.0, 4.0], 3))
    ijk_to_mm[0, 2] = 0.7 * is_sheared
    if not len(there.keys):
        return

    distances = nearest_mm(here, there, ijk_to_mm)

    np.testing.assert_allclose(distances, by_brute_force(here, there, ijk_to_mm), atol=1e-6)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.5, 2.0, 3.0)])
def test_distances_around_the_tables_limits_are_right(
    spacing_mm: tuple[float, float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Along a row the table knows 31 steps; what is farther is left to the tree.
    monkeypatch.setattr(nearest, "TABLE_PAYS_PER_VOXEL", 0.0)
    here = places(*[(i, 0, 0) for i in range(40)], (39, 8, 4))
    there = places((0, 0, 0))

    distances = nearest_mm(here, there, np.diag(spacing_mm))

    along = [i * spacing_mm[0] for i in range(40)]
    corner = np.linalg.norm(np.multiply((39, 8, 4), spacing_mm))
    np.testing.assert_allclose(distances, [*along, corner], atol=1e-6)


def test_rows_around_go_from_near_to_far_and_leave_none_out() -> None:
    steps, bases = nearest._rows_around(np.array([1.0, 2.0, 5.0]))

    assert steps[0].tolist() == [0, 0]
    assert sorted(steps[1:3].tolist()) == [[0, -1], [0, 1]]
    assert (np.diff(bases) >= 0).all()
    np.testing.assert_allclose(bases, (steps[:, 0] * 5.0) ** 2 + (steps[:, 1] * 2.0) ** 2)
    inside = [(k, j) for k in range(-9, 10) for j in range(-9, 10) if (5 * k) ** 2 + (2 * j) ** 2 < bases[-1]]
    assert set(inside) <= {(int(k), int(j)) for k, j in steps}


def test_nothing_is_infinitely_far_from_everything() -> None:
    assert nearest_mm(places((1, 1, 1)), places(), np.eye(3)).tolist() == [np.inf]
    assert nearest_mm(places(), places((1, 1, 1)), np.eye(3)).size == 0
