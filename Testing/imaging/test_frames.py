from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import IN_PLANE, InputFormat, SliceFrame, plane_of, slab
from SAMLesionLib.volume import Volume

LITE = InputFormat(256, keeps_aspect=True, kernel="area")
MEDSAM = InputFormat(128, keeps_aspect=False, kernel="cubic")
FORMATS = pytest.mark.parametrize("wanted", [LITE, MEDSAM], ids=["keeps aspect", "stretches"])
AXES = pytest.mark.parametrize("axis", [0, 1, 2])
SPACING = (0.7, 1.3, 4.0)


def a_volume(shape_ijk: tuple[int, int, int] = (40, 30, 20)) -> Volume:
    voxels = np.random.default_rng(1).normal(100, 20, shape_ijk[::-1]).astype(np.float32)
    return Volume(voxels, Affine.from_spacing(SPACING), modality="MR")


def a_region(axis: int, box: IndexBox) -> IndexBox:
    return slab(box, axis, box.start_ijk[axis])


@st.composite
def a_frame_and_a_box(draw: st.DrawFn) -> tuple[SliceFrame, IndexBox]:
    """A frame anywhere in a volume and a box inside its region."""
    axis = draw(st.integers(0, 2))
    start = [draw(st.integers(0, 50)) for _ in range(3)]
    sides = [draw(st.integers(1, 300)) for _ in range(3)]
    sides[axis] = 1
    low = [draw(st.integers(0, n - 1)) for n in sides]
    high = [draw(st.integers(a + 1, n)) for a, n in zip(low, sides, strict=True)]
    spacing = tuple(draw(st.floats(0.2, 8)) for _ in range(3))
    region = IndexBox(tuple(start), tuple(np.add(start, sides)))
    box = IndexBox(tuple(np.add(start, low)), tuple(np.add(start, high)))
    return SliceFrame(axis, region, spacing, draw(st.sampled_from([LITE, MEDSAM]))), box


@given(a_frame_and_a_box())
def test_a_box_goes_to_pixels_and_back(case: tuple[SliceFrame, IndexBox]) -> None:
    frame, box = case
    x_min, y_min, x_max, y_max = frame.box_xy(box)
    row_axis, column_axis = IN_PLANE[frame.axis]
    rows, columns = frame.input_shape
    for axis, n_pixels, sides in (
        (row_axis, rows, (y_min, y_max)),
        (column_axis, columns, (x_min, x_max)),
    ):
        pixels_a_voxel = n_pixels / frame.region.shape_ijk[axis]
        back = [(side + 0.5) / pixels_a_voxel + frame.region.start_ijk[axis] for side in sides]
        assert back == pytest.approx([box.start_ijk[axis], box.stop_ijk[axis]], abs=1e-6)


@given(a_frame_and_a_box())
def test_the_image_fills_the_square_along_its_longer_side(case: tuple[SliceFrame, IndexBox]) -> None:
    frame, _ = case
    rows, columns = frame.input_shape
    assert max(rows, columns) == frame.format.size
    assert min(rows, columns) >= 1


@FORMATS
@AXES
def test_a_box_larger_than_the_region_ends_where_the_image_ends(axis: int, wanted: InputFormat) -> None:
    volume = a_volume()
    region = a_region(axis, IndexBox((5, 6, 7), (25, 26, 17)))
    frame = SliceFrame(axis, region, volume.affine.spacing_mm, wanted)
    rows, columns = frame.input_shape
    assert frame.box_xy(volume.block) == (-0.5, -0.5, columns - 0.5, rows - 0.5)


@FORMATS
@AXES
def test_a_painted_block_lands_in_its_box_and_comes_back_to_its_voxels(
    axis: int, wanted: InputFormat
) -> None:
    region = a_region(axis, IndexBox((5, 6, 4), (35, 28, 18)))
    block = slab(IndexBox((12, 10, 8), (20, 19, 13)), axis, region.start_ijk[axis])
    voxels = np.zeros(a_volume().voxels.shape, np.float32)
    voxels[block.slices_kji()] = 1
    frame = SliceFrame(axis, region, SPACING, wanted)
    image = frame.image(Volume(voxels, Affine.from_spacing(SPACING)), (0, 1))

    bright = np.argwhere(image > 0.5)
    x_min, y_min, x_max, y_max = frame.box_xy(block)
    assert np.abs(bright.min(axis=0) - 0.5 - (y_min, x_min)).max() <= 1
    assert np.abs(bright.max(axis=0) + 0.5 - (y_max, x_max)).max() <= 1
    back = frame.to_plane(image - 0.5) > 0
    assert np.array_equal(back, plane_of(voxels, axis, region) > 0.5)


@AXES
def test_logits_of_a_quarter_of_the_size_come_back_to_the_same_place(axis: int) -> None:
    # SAM answers 1024 pixels with 256: the padding must be cut off at the same place.
    region = a_region(axis, IndexBox((0, 0, 0), (40, 32, 16)))
    frame = SliceFrame(axis, region, (1, 1, 1), InputFormat(256, keeps_aspect=True, kernel="area"))
    rows, columns = frame.plane_shape
    high, wide = (side / 4 for side in frame.input_shape)
    y, x = np.indices((64, 64)) + 0.5
    ramps = np.stack([y * rows / high - 0.5, x * columns / wide - 0.5]).astype(np.float32)
    on_rows, on_columns = frame.to_plane(ramps)
    # The outermost half pixel has no neighbour to lie between.
    assert on_rows[1:-1, 0] == pytest.approx(np.arange(rows)[1:-1], abs=1e-3)
    assert on_columns[0, 1:-1] == pytest.approx(np.arange(columns)[1:-1], abs=1e-3)


@AXES
def test_the_padding_is_zero_and_at_the_bottom_or_right(axis: int) -> None:
    volume = a_volume()
    frame = SliceFrame(axis, a_region(axis, volume.block), volume.affine.spacing_mm, LITE)
    image = frame.image(volume, (0, 200))
    rows, columns = frame.input_shape
    assert (rows, columns) != (256, 256)
    assert not image[rows:].any()
    assert not image[:, columns:].any()
    assert image.shape == (256, 256)
    assert (image[:rows, :columns].min(), image[:rows, :columns].max()) == (0, 1)


@pytest.mark.parametrize(("n", "size"), [(512, 512), (300, 200), (97, 131), (255, 256), (7, 300)])
def test_square_pixels_take_the_size_that_lite_medsam_gives_them(n: int, size: int) -> None:
    # The released code: scale = 256 / max(H, W), then int(side * scale + 0.5).
    scale = 256 / max(n, size)
    frame = SliceFrame(2, IndexBox((0, 0, 3), (size, n, 4)), (0.8, 0.8, 5.0), LITE)
    assert frame.input_shape == (int(n * scale + 0.5), int(size * scale + 0.5))


def test_pixels_of_the_input_are_square_in_millimetres() -> None:
    # 40 x 1 mm along i, 10 x 4 mm along k: as wide as high.
    frame = SliceFrame(1, IndexBox((0, 2, 0), (40, 3, 10)), (1, 1, 4), LITE)
    assert frame.input_shape == (256, 256)


def test_rows_and_columns_are_the_later_and_the_earlier_voxel_axis() -> None:
    voxels = np.arange(24).reshape(2, 3, 4)
    assert plane_of(voxels, 2, IndexBox((0, 0, 1), (4, 3, 2))).tolist() == voxels[1].tolist()
    assert plane_of(voxels, 1, IndexBox((0, 2, 0), (4, 3, 2))).tolist() == voxels[:, 2].tolist()
    assert plane_of(voxels, 0, IndexBox((3, 0, 0), (4, 3, 2))).tolist() == voxels[:, :, 3].tolist()


def test_a_region_of_one_voxel_becomes_an_image() -> None:
    volume = a_volume()
    frame = SliceFrame(2, IndexBox((3, 3, 3), (4, 4, 4)), SPACING, LITE)
    assert np.isfinite(frame.image(volume, (0, 200))).all()


def test_the_image_is_what_the_released_preprocessing_makes() -> None:
    """Window, 0 to 255, uint8, area resize, min-max of the slice (medsam.md 2); computed once more here.

    Our image skips the rounding to uint8, so it may differ by one grey step.
    """
    hounsfield = np.random.default_rng(3).normal(40, 150, (4, 512, 512)).astype(np.int16)
    volume = Volume(hounsfield, Affine.from_spacing((0.7, 0.7, 5)), modality="CT")
    frame = SliceFrame(2, IndexBox((0, 0, 2), (512, 512, 3)), volume.affine.spacing_mm, LITE)

    clipped = np.clip(hounsfield.astype(np.float64), -160, 240)
    grey = ((clipped - clipped.min()) / (clipped.max() - clipped.min()) * 255).astype(np.uint8)[2]
    halved = grey.reshape(256, 2, 256, 2).mean(axis=(1, 3))
    official = (halved - halved.min()) / (halved.max() - halved.min())
    assert frame.image(volume, (-160, 240)) == pytest.approx(official, abs=1.01 / 255)
