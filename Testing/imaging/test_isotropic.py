from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from SAMLesionLib.geometry import Affine
from SAMLesionLib.imaging import IsotropicGrid

LPI = Affine(np.array([[-0.8, 0, 0, 0], [0, -0.8, 0, 0], [0, 0, -5.0, 0], [0, 0, 0, 1.0]]))
SLICES_FIRST = Affine(np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [-3.0, 0, 0, 0], [0, 0, 0, 1.0]]))


def test_cells_fill_the_scan_and_run_to_superior_anterior_and_right() -> None:
    voxels = np.zeros((4, 10, 20), np.float32)
    voxels[0] = 1  # the highest slice, as k runs down
    voxels[:, :, 0] += 2  # the rightmost voxels, as i runs to the left

    grid = IsotropicGrid.of(LPI, (20, 10, 4), 1.0)
    cells = grid.cells(voxels)

    assert grid.shape == cells.shape == (20, 8, 16)
    assert cells[-1, 0, 0] == pytest.approx(1)
    assert cells[0, 0, -1] == pytest.approx(1.75)  # its middle lies an eighth of a voxel inwards
    assert cells[0, 0, 0] == 0


def test_slices_may_lie_along_the_first_axis() -> None:
    voxels = np.random.default_rng(0).random((5, 6, 7), np.float32)  # k to the right, i down

    grid = IsotropicGrid.of(SLICES_FIRST, (7, 6, 5), 1.0)

    assert grid.shape == (21, 6, 5)
    np.testing.assert_allclose(grid.cells(voxels)[1::3], voxels.transpose(2, 1, 0)[::-1], rtol=1e-6)


def test_it_is_the_interpolation_of_torch() -> None:
    voxels = np.random.default_rng(0).random((4, 10, 20), np.float32)
    grid = IsotropicGrid.of(Affine.from_spacing((0.7, 0.7, 2.5)), (20, 10, 4), 1.0)

    expected = F.interpolate(torch.from_numpy(voxels)[None, None], size=grid.shape, mode="trilinear")

    np.testing.assert_allclose(grid.cells(voxels), expected[0, 0].numpy(), atol=1e-5)


@pytest.mark.parametrize("affine", [LPI, SLICES_FIRST, Affine.from_spacing((1.5, 0.7, 1.0))])
def test_there_and_back_a_plane_stays_a_plane(affine: Affine) -> None:
    ramp = np.add.outer(np.add.outer(np.arange(8.0), 2 * np.arange(9.0)), 3 * np.arange(10.0))
    grid = IsotropicGrid.of(affine, (10, 9, 8), 0.5)

    back = grid.voxels(grid.cells(ramp.astype(np.float32)))

    np.testing.assert_allclose(back[2:-2, 2:-2, 2:-2], ramp[2:-2, 2:-2, 2:-2], atol=1e-3)


def test_a_cell_is_what_the_voxel_is_that_it_lies_in() -> None:
    mask = np.zeros((4, 10, 20), bool)
    mask[1, 3, 5] = True

    cells = IsotropicGrid.of(Affine.from_spacing((1, 1, 3)), (20, 10, 4), 1.0).nearest(mask)

    assert np.argwhere(cells).tolist() == [[3, 3, 5], [4, 3, 5], [5, 3, 5]]
