"""Lesions are segmented slice by slice on every grid, whatever is drawn, and by the real model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from engine_cases import BOX, N_SLICES, VOLUME, a_line, a_request, a_volume, answer_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from SAMLesionLib.engine import Engine
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt
from SAMLesionLib.volume import Volume

# -- grids -----------------------------------------------------------------------------------------


def turned(shear: float, degrees: float) -> Affine:
    """Slices across k, turned in the patient, and sheared as by a tilted gantry."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ [[-0.8, 0, 0], [0, 0.9, shear], [0, 0, 3]]
    return Affine(matrix)


@pytest.mark.parametrize("affine", [turned(0, 30), turned(0.8, 0), turned(-1, 70)])
def test_oblique_and_sheared_grids_are_segmented_in_their_slices(engine: Engine, affine: Affine) -> None:
    volume = a_volume(affine=affine)
    engine.load_volume(volume)
    updates = list(engine.segment(a_request(volume)))
    assert [u.block.shape_ijk[2] for u in updates] == [1] * N_SLICES + [N_SLICES]
    assert updates[-1].mask.any()


@pytest.mark.parametrize(("axis", "order"), [(0, (1, 2, 0)), (1, (1, 0, 2))])
def test_the_same_slices_give_the_same_mask_along_every_axis(
    engine: Engine, axis: int, order: tuple[int, int, int]
) -> None:
    """Rows and columns of the planes stay, and only their axis in the volume changes."""
    expected, _ = answer_of(engine)
    spacing_kji = np.array(VOLUME.affine.spacing_mm[::-1])[list(order)]
    volume = a_volume(affine=Affine.from_spacing(tuple(spacing_kji[::-1])))
    volume = Volume(VOLUME.voxels.transpose(order), volume.affine, modality="MR")
    inside = np.zeros(VOLUME.voxels.shape, dtype=bool)
    inside[BOX.slices_kji()] = True
    box = IndexBox.of_mask(inside.transpose(order))
    assert box is not None
    assert volume.affine.slice_axis == axis
    engine.load_volume(volume)
    mask, _ = answer_of(engine, BoxPrompt(box), volume=volume)
    assert np.array_equal(mask, expected.transpose(order))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float64, bool, ">i2"])
def test_scans_of_every_type_are_segmented(engine: Engine, dtype: npt.DTypeLike) -> None:
    voxels = VOLUME.voxels > 140 if dtype is bool else VOLUME.voxels.clip(0, 250).astype(dtype)
    volume = Volume(voxels, VOLUME.affine)
    engine.load_volume(volume)
    assert answer_of(engine, volume=volume)[0].any()


def test_a_volume_of_one_slice_is_segmented(engine: Engine) -> None:
    volume = a_volume((32, 28, 1))
    engine.load_volume(volume)
    _, report = answer_of(engine, BoxPrompt(IndexBox((8, 8, 0), (24, 20, 1))), volume=volume)
    assert report.n_encoded == 1


# -- whatever is drawn -----------------------------------------------------------------------------


CORNER = st.tuples(st.integers(-4, 34), st.integers(-4, 30), st.integers(-3, 14))
SIDES = st.tuples(st.integers(1, 24), st.integers(1, 24), st.integers(1, 8))
PLACE = st.tuples(st.floats(0, 31), st.floats(0, 27), st.floats(0, 11))
BOXES = st.builds(lambda low, sides: BoxPrompt(IndexBox(low, tuple(np.add(low, sides)))), CORNER, SIDES)


@st.composite
def flat_boxes(draw: st.DrawFn) -> BoxPrompt:
    axis, low, sides = draw(st.integers(0, 2)), draw(CORNER), list(draw(SIDES))
    sides[axis] = 1
    return BoxPrompt(IndexBox(low, tuple(np.add(low, sides))), axis)


@st.composite
def masks(draw: st.DrawFn) -> MaskPrompt:
    box = draw(BOXES).box
    random = np.random.default_rng(draw(st.integers(0, 99)))
    mask = random.random(box.shape_kji) < draw(st.sampled_from([0.1, 0.5, 1.0]))
    mask.flat[0] = True
    return MaskPrompt(box, mask)


DRAWN = st.lists(
    st.one_of(BOXES, flat_boxes(), masks(), st.builds(a_line, PLACE, PLACE)), min_size=1, max_size=3
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DRAWN)
def test_whatever_is_drawn_becomes_a_mask_in_its_block_or_one_sentence(engine: Engine, drawn: list) -> None:
    request = a_request(VOLUME, *drawn)
    try:
        updates = list(engine.segment(request))
    except PromptError as refused:
        sentence = str(refused)
        assert sentence.endswith(".")
        return
    last = updates[-1].block
    assert VOLUME.block.intersect(last) == last
    assert all(last.intersect(u.block) == u.block for u in updates)
    for prompt in drawn:
        if isinstance(prompt, BoxPrompt) and prompt.axis is None:
            assert prompt.box.intersect(VOLUME.block) == last


# -- the real model --------------------------------------------------------------------------------


def test_lite_medsam_outlines_a_bright_ellipsoid_in_a_loose_box() -> None:
    grid = np.indices((5, 96, 96), dtype=float) - np.array([2, 44, 52]).reshape(3, 1, 1, 1)
    lesion = ((grid / np.array([1.8, 14, 10]).reshape(3, 1, 1, 1)) ** 2).sum(axis=0) < 1
    noise = np.random.default_rng(5).normal(300, 40, lesion.shape)
    volume = Volume((noise + 250 * lesion).astype(np.int16), Affine.from_spacing((1, 1, 4)), modality="MR")
    tight = IndexBox.of_mask(lesion)
    assert tight is not None

    engine = Engine("cpu", threads=2)
    engine.load_volume(volume)
    mask, report = answer_of(engine, BoxPrompt(tight.grow((4, 4, 0))), volume=volume, model="lite-medsam")
    assert 2 * (mask & lesion).sum() / (mask.sum() + lesion.sum()) > 0.9
    assert report.weights_sha256.startswith("79d8c9dc")
