from __future__ import annotations

import numpy as np
import pytest
from cube_cases import CUBES, BrightSam, a_ball, an_engine_of

from SAMLesionLib.engine.cubes import (
    box_of,
    cube_around_box,
    cube_around_click,
    fitting_cube,
    lesion_block,
)
from SAMLesionLib.engine.volume_predictor import VolumePredictor
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import PatchFrame, cube_image
from SAMLesionLib.prompts import PointPrompt
from SAMLesionLib.volume import Volume

VOLUME, _ = a_ball((50, 50, 50), 10, Affine.from_spacing((1, 1, 1)), (100, 100, 100))


@pytest.fixture(scope="module")
def predictor() -> VolumePredictor:
    return an_engine_of(BrightSam()).volume_predictor("cubes")


def found(low: int, high: int) -> np.ndarray:
    """Logits of 8 cells along each side, above 0 from one cell up to another."""
    logits = np.full((8, 8, 8), -1, np.float32)
    logits[low:high, low:high, low:high] = 1
    return logits


@pytest.mark.parametrize(
    ("side", "step_mm"),
    [(12, 12 / 19.2), (2, 0.5), (48, 2.5), (90, 4.0)],
    ids=["fits", "finest", "large", "coarsest"],
)
def test_a_box_fills_a_set_share_of_its_cube_as_far_as_cells_may_go(
    predictor: VolumePredictor, side: int, step_mm: float
) -> None:
    frame = cube_around_box(predictor, VOLUME, IndexBox((5, 5, 5), (5 + side, 7, 6)))
    assert frame.step_mm == pytest.approx(step_mm)
    np.testing.assert_allclose(frame.centre_ijk, (5 + (side - 1) / 2, 5.5, 5))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_scan_of_one_slice_fills_its_cube(predictor: VolumePredictor, axis: int) -> None:
    picture = np.moveaxis(VOLUME.voxels[50:51], 0, 2 - axis)
    volume = Volume(np.ascontiguousarray(picture), Affine.from_spacing((1, 1, 1)))
    middle = [50.0, 50.0]
    middle.insert(axis, 0.0)
    frame = cube_around_click(predictor, volume, PointPrompt((*middle,)), None, None)
    assert frame.is_on_image(volume.shape_ijk).all()
    seen = frame.image(volume, "area")
    along = np.moveaxis(seen, axis, 0)
    assert np.ptp(along[0]) > 0
    np.testing.assert_allclose(along, np.broadcast_to(along[:1], along.shape), rtol=1e-5)
    # A lesion in the slab comes back as its cut through the slice.
    disc = ((np.indices((32, 32)) - 15.5) ** 2).sum(axis=0) < 8**2
    slab = np.moveaxis(np.broadcast_to(disc, (32, 32, 32)), 0, axis)
    back = frame.voxels(np.where(slab, 1, -1).astype(np.float32), volume.block) > 0
    assert back.sum() == pytest.approx(disc.sum(), rel=0.1)
    np.testing.assert_allclose(np.argwhere(back)[:, ::-1].mean(axis=0), middle, atol=0.1)


def test_a_click_in_the_cube_so_far_stays_there(predictor: VolumePredictor) -> None:
    first = cube_around_click(predictor, VOLUME, PointPrompt((50, 50, 50)), None, None)
    assert (first.centre_ijk, first.step_mm) == ((50, 50, 50), CUBES.cube.spacing_mm)
    near = PointPrompt((60, 45, 50))
    assert cube_around_click(predictor, VOLUME, near, first, found(3, 5)) == first


def test_a_click_outside_is_looked_at_with_the_lesion_so_far(predictor: VolumePredictor) -> None:
    first = PatchFrame.around((50, 50, 50), VOLUME.affine, 1.0, 32)
    far = PointPrompt((80, 50, 50))
    wider = cube_around_click(predictor, VOLUME, far, first, found(3, 5))
    # From the voxel in which the cells found begin to that of the click.
    assert wider.centre_ijk == (63, 50, 50)
    assert wider.step_mm == pytest.approx(35 / 19.2)


def test_a_lesion_that_fits_is_looked_at_once(predictor: VolumePredictor) -> None:
    frame = PatchFrame.around((50, 50, 50), VOLUME.affine, 1.0, 32)
    assert fitting_cube(predictor, VOLUME, frame, found(2, 6)) is None
    assert fitting_cube(predictor, VOLUME, frame, found(4, 4)) is None


def test_one_that_reaches_the_sides_is_looked_at_twice_as_coarsely(predictor: VolumePredictor) -> None:
    frame = PatchFrame.around((50, 50, 50), VOLUME.affine, 1.0, 32)
    wider = fitting_cube(predictor, VOLUME, frame, found(0, 5))
    assert wider is not None
    assert wider.step_mm == 2
    assert wider.centre_ijk == pytest.approx((44, 44, 44))
    coarsest = PatchFrame.around((50, 50, 50), VOLUME.affine, 4.0, 32)
    assert fitting_cube(predictor, VOLUME, coarsest, found(0, 5)) is None


def test_a_side_behind_which_the_image_ends_is_no_reason(predictor: VolumePredictor) -> None:
    frame = PatchFrame.around((15.5, 15.5, 15.5), VOLUME.affine, 1.0, 32)
    assert fitting_cube(predictor, VOLUME, frame, found(0, 5)) is None


def test_a_small_one_is_looked_at_more_closely(predictor: VolumePredictor) -> None:
    frame = PatchFrame.around((50, 50, 50), VOLUME.affine, 1.0, 32)
    closer = fitting_cube(predictor, VOLUME, frame, found(3, 4))
    assert closer is not None
    assert 0.5 <= closer.step_mm < 0.55
    assert closer.centre_ijk == pytest.approx((47.5, 47.5, 47.5), abs=0.6)


def test_cells_become_the_voxels_that_they_cover() -> None:
    frame = PatchFrame.around((49.5, 49.5, 49.5), VOLUME.affine, 1.0, 32)
    assert box_of(frame, found(3, 5)) == IndexBox((46, 46, 46), (54, 54, 54))
    assert box_of(frame, found(4, 4)) is None
    assert lesion_block(frame, found(3, 5), VOLUME) == IndexBox((42, 42, 42), (58, 58, 58))
    off = PatchFrame.around((-60, -60, -60), VOLUME.affine, 1.0, 32)
    assert lesion_block(off, found(3, 5), VOLUME) is None


def test_each_recipe_makes_its_own_image() -> None:
    frame = PatchFrame.around((0, 50, 50), VOLUME.affine, 1.0, 32)
    published = cube_image(VOLUME, frame, "sam-med3d", None)
    ours = cube_image(VOLUME, frame, "robust-z", None)
    is_off = ~frame.is_on_image(VOLUME.shape_ijk)
    assert published[~is_off].mean() == pytest.approx(0, abs=0.01)
    assert (published[is_off] < -10).all()  # zero grey, far below the tissue
    assert (ours[is_off] > -3).all()


def test_a_ct_is_cut_to_the_range_that_sam_med3d_was_trained_with() -> None:
    voxels = np.random.default_rng(0).uniform(-1000, 3000, (32, 32, 32)).astype(np.float32)
    frame = PatchFrame.around((15.5, 15.5, 15.5), VOLUME.affine, 1.0, 32)
    as_ct = cube_image(Volume(voxels, VOLUME.affine, modality="CT"), frame, "sam-med3d", None)
    as_mr = cube_image(Volume(voxels, VOLUME.affine, modality="MR"), frame, "sam-med3d", None)
    assert (as_ct == as_ct.max()).mean() == pytest.approx(0.5, abs=0.02)
    assert (as_mr == as_mr.max()).sum() == 1
