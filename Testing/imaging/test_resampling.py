from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib.imaging.resampling import Kernel, resample, resize

KERNELS: tuple[Kernel, ...] = ("area", "linear", "cubic")
SIDES = st.integers(1, 40)


def a_plane(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows * 100 + columns).normal(size=(rows, columns)).astype(np.float32)


def test_area_averages_what_a_new_pixel_covers() -> None:
    plane = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], dtype=np.float32)
    assert resize(plane, (1, 2), "area").tolist() == [[3.5, 5.5]]


def test_area_shares_a_pixel_between_the_two_that_cover_it() -> None:
    # Three pixels into two: each new one covers one and a half, so the middle counts half.
    plane = np.array([[0, 3, 9]], dtype=np.float32)
    assert resize(plane, (1, 2), "area")[0] == pytest.approx([(0 + 1.5) / 1.5, (1.5 + 9) / 1.5])


def test_area_shares_pixels_by_hand_when_five_become_three() -> None:
    plane = np.array([[3], [6], [9], [12], [15]], dtype=np.float32)
    covered = [(3 + 6 * 2 / 3) / (5 / 3), (6 / 3 + 9 + 12 / 3) / (5 / 3), (12 * 2 / 3 + 15) / (5 / 3)]
    assert resize(plane, (3, 1), "area")[:, 0] == pytest.approx(covered)


@given(SIDES, SIDES, st.data())
def test_area_keeps_the_mean_when_it_shrinks(rows: int, columns: int, data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, rows), st.integers(1, columns)))
    plane = a_plane(rows, columns)
    assert resize(plane, shape, "area").mean() == pytest.approx(plane.mean(), abs=1e-5)


def test_area_is_linear_where_it_enlarges() -> None:
    plane = a_plane(6, 9)
    assert np.array_equal(resize(plane, (13, 20), "area"), resize(plane, (13, 20), "linear"))


@pytest.mark.parametrize("shape", [(5, 7), (11, 7), (16, 23), (3, 40)])
@pytest.mark.parametrize(("kernel", "mode"), [("linear", "bilinear"), ("cubic", "bicubic")])
def test_sampling_agrees_with_torch(kernel: Kernel, mode: str, shape: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    plane = a_plane(11, 14)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(plane)[None, None], shape, mode=mode, align_corners=False
    )
    assert resize(plane, shape, kernel) == pytest.approx(theirs[0, 0].numpy(), abs=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
@given(rows=SIDES, columns=SIDES, shape=st.tuples(SIDES, SIDES))
def test_a_constant_plane_stays_constant(
    kernel: Kernel, rows: int, columns: int, shape: tuple[int, int]
) -> None:
    resized = resize(np.full((rows, columns), -7.5, np.float32), shape, kernel)
    assert resized.shape == shape
    assert resized == pytest.approx(np.full(shape, -7.5), abs=1e-4)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_same_grid_gives_the_same_numbers(kernel: Kernel) -> None:
    plane = a_plane(9, 12)
    assert np.array_equal(resize(plane, (9, 12), kernel), plane)


@pytest.mark.parametrize(("kernel", "error"), [("area", 1e-4), ("linear", 1e-4), ("cubic", 0.05)])
def test_a_ramp_stays_where_it_was(kernel: Kernel, error: float) -> None:
    # Pixel edges meet pixel edges: a new centre lies at (n + 0.5) * ratio - 0.5 of the old grid. The
    # cubic with a = -0.75 bends straight lines a little.
    plane = np.arange(40, dtype=np.float32)[None].repeat(3, 0)
    small, large = resize(plane, (3, 20), kernel)[0], resize(plane, (3, 80), kernel)[0]
    assert small[2:-2] == pytest.approx(np.arange(20)[2:-2] * 2 + 0.5, abs=error)
    assert large[4:-4] == pytest.approx(np.arange(80)[4:-4] / 2 - 0.25, abs=error)


@pytest.mark.parametrize("kernel", KERNELS)
def test_part_of_a_plane_is_resized_like_the_plane_cut_there(kernel: Kernel) -> None:
    plane = a_plane(12, 12)
    cut = resize(plane[:8, :6], (4, 3), kernel)
    part = resize(plane, (4, 3), kernel, extent=(8, 6))
    assert part[:-1, :-1] == pytest.approx(cut[:-1, :-1], abs=1e-5)


def test_half_a_pixel_at_the_end_counts_half() -> None:
    plane = np.array([[1, 2, 3, 4]], dtype=np.float32)
    assert resize(plane, (1, 1), "area", extent=(1, 2.5))[0, 0] == pytest.approx((1 + 2 + 1.5) / 2.5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_stack_is_resized_plane_by_plane(kernel: Kernel) -> None:
    stack = np.stack([a_plane(8, 6), a_plane(8, 6) * 3])
    resized = resize(stack, (5, 9), kernel)
    assert resized.shape == (2, 5, 9)
    for plane, alone in zip(resized, stack, strict=True):
        assert plane == pytest.approx(resize(alone, (5, 9), kernel), abs=1e-5)


def test_whole_numbers_are_resized_as_float32() -> None:
    resized = resize(np.array([[0, 255]], dtype=np.uint8), (1, 1), "area")
    assert resized.dtype == np.float32
    assert resized[0, 0] == 127.5


def test_a_part_of_the_new_grid_is_the_same_as_the_whole_cut_down() -> None:
    plane = np.random.default_rng(0).random((2, 20, 30), np.float32)
    whole = resize(plane, (50, 41), "linear")
    part = resize(plane, (50, 41), "linear", part=(slice(7, 33), slice(2, 40)))
    np.testing.assert_allclose(part, whole[:, 7:33, 2:40], rtol=1e-6)


# -- blocks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_block_on_its_own_grid_is_itself(kernel: Kernel) -> None:
    block = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    same = resample(block, (3, 4, 5), (0, 0, 0), (3, 4, 5), kernel)
    np.testing.assert_allclose(same, block, atol=1e-6)


def test_cells_may_begin_between_two_voxels_and_end_past_the_last() -> None:
    line = np.array([1, 3, 7], dtype=np.float32).reshape(3, 1, 1)
    along = {"starts": (0.5, 0, 0), "extents": (4, 1, 1)}
    assert resample(line, (4, 1, 1), kernel="linear", **along)[:, 0, 0].tolist() == [2, 5, 7, 0]
    assert resample(line, (2, 1, 1), kernel="area", **along)[:, 0, 0] == pytest.approx([3.5, 7])
    assert resample(line, (2, 1, 1), (9, 0, 0), (4, 1, 1), "area").tolist() == [[[0]], [[0]]]


@pytest.mark.parametrize("kernel", ["area", "linear"])
def test_each_axis_of_a_block_is_resampled_like_the_rows_of_a_plane(kernel: Kernel) -> None:
    block = np.random.default_rng(1).normal(size=(6, 7, 8)).astype(np.float32)
    small = resample(block, (3, 4, 11), (0, 0, 0), (6, 7, 8), kernel)
    expected = resize(resize(block, (4, 11), kernel).transpose(1, 0, 2), (3, 11), kernel).transpose(1, 0, 2)
    np.testing.assert_allclose(small, expected, atol=1e-5)
