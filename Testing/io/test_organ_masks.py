"""An organ's mask from a file, whatever grid it lies on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SAMLesionLib import Affine, Volume
from SAMLesionLib.errors import ImageError, PromptError
from SAMLesionLib.io import Segment, write_segmentation
from SAMLesionLib.io.organ_masks import nearest, read_organ_mask

SCAN = Volume(
    np.arange(24 * 20 * 16, dtype=np.float32).reshape(16, 20, 24), Affine.from_spacing((1, 1, 2)), "scan"
)


def written(path: Path, mask: np.ndarray, affine: Affine) -> Path:
    grid = Volume(np.zeros(mask.shape, np.float32), affine, "other")
    write_segmentation(path, [Segment("Kidney", mask, None, (1, 0, 0))], grid)
    return path


def a_mask(shape_kji: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros(shape_kji, bool)
    mask[4:10, 6:14, 8:20] = True
    return mask


@pytest.mark.parametrize("name", ["organ.seg.nrrd", "organ.nii.gz"])
def test_an_organ_of_the_same_grid_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    mask = a_mask((16, 20, 24))
    organ, notice = read_organ_mask(written(tmp_path / name, mask, SCAN.affine), SCAN)
    assert notice == ""
    assert organ.box.span
    assert np.array_equal(organ.mask, mask[organ.box.slices_kji()])
    assert organ.mask.sum() == mask.sum()


def test_an_organ_of_another_grid_is_resampled_and_that_is_told(tmp_path: Path) -> None:
    finer = np.repeat(a_mask((16, 20, 24)), 2, axis=0)
    # Twice as many slices over the same extent: the first finer centre lies half a finer slice before.
    affine = Affine(np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -0.5], [0, 0, 0, 1]], float))
    organ, notice = read_organ_mask(written(tmp_path / "kidney.nrrd", finer, affine), SCAN)
    assert notice == "kidney.nrrd lies on another grid than scan, so the organ was resampled."
    on_scan = np.zeros((16, 20, 24), bool)
    on_scan[organ.box.slices_kji()] = organ.mask
    assert np.array_equal(on_scan, a_mask((16, 20, 24)))


def test_resampling_follows_the_patients_axes() -> None:
    mask = a_mask((16, 20, 24))
    turned = Affine(
        SCAN.affine.ijk_to_ras @ np.array([[0, -1, 0, 23], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    )
    # Voxel (i, j, k) of the turned grid is voxel (23 - j, i, k) of the scan's.
    other = mask.transpose(0, 2, 1)[:, ::-1]
    assert np.array_equal(nearest(other, turned, SCAN), mask)


def test_an_organ_beside_the_scan_is_refused(tmp_path: Path) -> None:
    far = Affine.from_spacing((1, 1, 1), (500, 0, 0))
    with pytest.raises(PromptError, match=r"organ of far\.nrrd has no voxel on scan"):
        read_organ_mask(written(tmp_path / "far.nrrd", a_mask((16, 20, 24)), far), SCAN)


def test_an_empty_organ_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "none.nrrd", np.zeros((16, 20, 24), bool), SCAN.affine)
    with pytest.raises((PromptError, ImageError), match=r"none\.nrrd"):
        read_organ_mask(path, SCAN)
