from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_cases import (
    BOX,
    TINY,
    a_flat_box,
    a_line,
    a_network_that,
    a_request,
    a_volume,
    an_engine,
    load_tiny,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from SAMLesionLib import __version__
from SAMLesionLib.engine import Engine, networks
from SAMLesionLib.errors import (
    ImageError,
    OutOfMemory,
    PromptError,
    RequestTooLarge,
    UnknownModel,
    VolumeNotLoaded,
    WeightsError,
)
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.masks import MaskUpdate, RunReport, collect
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.weights import LoadedModel
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt, PointPrompt
from SAMLesionLib.protocol import Segmenter, SegmentRequest
from SAMLesionLib.volume import Volume

VOLUME = a_volume()
N_SLICES = BOX.shape_ijk[2]


@pytest.fixture
def engine() -> Engine:
    engine = an_engine()
    engine.load_volume(VOLUME)
    return engine


def answer_of(engine: Engine, *prompts: object, volume: Volume = VOLUME, **words: object) -> tuple:
    """The whole-grid mask and the report."""
    mask, report = collect(engine.segment(a_request(volume, *prompts, **words)), volume.shape_ijk)
    assert isinstance(report, RunReport)
    return mask, report


# -- answers ---------------------------------------------------------------------------------------


def test_an_engine_is_a_segmenter(engine: Engine) -> None:
    assert isinstance(engine, Segmenter)


def test_slices_come_one_by_one_and_then_the_whole_block(engine: Engine) -> None:
    updates = list(engine.segment(a_request(VOLUME)))
    *slices, last = updates
    assert [u.block.start_ijk[2] for u in slices] == [5, 6, 4, 7, 3, 8]  # from the middle outwards
    assert all(u.block.shape_ijk == (12, 12, 1) for u in slices)
    assert last.block == BOX
    fractions = [u.fraction for u in updates]
    assert fractions == sorted(set(fractions))
    assert fractions[-1] == 1
    assert [u.is_last for u in updates] == [False] * N_SLICES + [True]


def test_the_report_says_how_the_mask_was_made(engine: Engine) -> None:
    _, report = answer_of(engine)
    assert report == RunReport(
        model="tiny",
        weights_sha256="hash of tiny",
        device="cpu",
        precision="float32",
        version=__version__,
        encode_s=report.encode_s,
        decode_s=report.decode_s,
        n_encoded=N_SLICES,
    )
    assert report.encode_s > 0
    assert report.decode_s > 0


def test_the_lesion_is_part_of_the_answer_and_the_block_is_not_all_of_it(engine: Engine) -> None:
    mask, _ = answer_of(engine)
    block = mask[BOX.slices_kji()]
    assert block.any()
    assert not block.all()
    assert mask.sum() == block.sum()


def test_a_box_partly_off_the_image_is_told_in_the_report(engine: Engine) -> None:
    _, report = answer_of(engine, BoxPrompt(IndexBox((10, 8, 9), (22, 20, 15))))
    assert len(report.notices) == 1
    assert "The box 10,8,9 to 22,20,15 reached beyond" in report.notices[0]


# -- warm equals cold ------------------------------------------------------------------------------

PROMPTS = {
    "a box": (BoxPrompt(BOX),),
    "a 2D box": (a_flat_box(2, 5, (10, 8), (22, 20)),),
    "2D boxes": (a_flat_box(1, 8, (10, 2), (20, 9)), a_flat_box(1, 14, (12, 3), (22, 9))),
    "a line": (a_line((10, 14, 5), (22, 15, 5)),),
    "a mask": (MaskPrompt(BOX, VOLUME.voxels[BOX.slices_kji()] > 140),),
    "a mask and a box": (MaskPrompt(BOX, VOLUME.voxels[BOX.slices_kji()] > 140), BoxPrompt(BOX.grow(1))),
}


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS)
def test_a_warm_engine_answers_like_a_cold_one_bit_for_bit(engine: Engine, prompts: tuple) -> None:
    cold, first = answer_of(engine, *prompts)
    warm, second = answer_of(engine, *prompts)
    assert first.n_encoded > 0
    assert second.n_encoded == 0
    assert second.encode_s == 0
    assert np.array_equal(warm, cold)


def test_a_half_warm_engine_answers_like_a_cold_one_bit_for_bit(engine: Engine) -> None:
    cold, _ = answer_of(engine)
    half = an_engine()
    half.load_volume(VOLUME)
    answer_of(half, BoxPrompt(IndexBox((12, 6, 5), (25, 18, 12))))
    mask, report = answer_of(half)
    assert 0 < report.n_encoded < N_SLICES
    assert np.array_equal(mask, cold)


def test_an_engine_without_room_for_embeddings_answers_the_same(engine: Engine) -> None:
    forgetful = an_engine(embeddings_bytes=0)
    forgetful.load_volume(VOLUME)
    answers = [answer_of(forgetful) for _ in range(2)]
    assert [report.n_encoded for _, report in answers] == [N_SLICES, N_SLICES]
    assert np.array_equal(answers[0][0], answer_of(engine)[0])


def test_two_answers_made_by_turns_are_those_made_alone(engine: Engine) -> None:
    boxes = [BoxPrompt(BOX), BoxPrompt(BOX.shift((3, 2, 1)))]
    alone = [answer_of(engine, box)[0] for box in boxes]
    other = an_engine()
    other.load_volume(VOLUME)
    streams = [other.segment(a_request(VOLUME, box)) for box in boxes]
    by_turns: list[list[MaskUpdate]] = [[], []]
    for pair in zip(*streams, strict=True):
        for updates, update in zip(by_turns, pair, strict=True):
            updates.append(update)
    for updates, expected in zip(by_turns, alone, strict=True):
        assert np.array_equal(collect(updates, VOLUME.shape_ijk)[0], expected)


def test_openvino_answers_the_same_warm_and_cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr(networks, "converted_folder", lambda: tmp_path)
    prepare = cache(networks.runnable)  # converting takes seconds
    loaded = load_tiny(TINY)
    engine, other = (an_engine(load=lambda card: loaded, prepare=prepare) for _ in range(2))
    for each in (engine, other):
        each.load_volume(VOLUME)
    cold, _ = answer_of(engine)
    answer_of(other, BoxPrompt(IndexBox((12, 6, 5), (25, 18, 12))))
    half_warm, report = answer_of(other)
    assert 0 < report.n_encoded < N_SLICES
    assert np.array_equal(half_warm, cold)
    assert any(tmp_path.iterdir())  # OpenVINO it was


def test_the_same_content_under_another_name_is_found_in_the_cache(engine: Engine) -> None:
    answer_of(engine)
    again = a_volume(name="the same")
    engine.load_volume(again)
    assert answer_of(engine, volume=again)[1].n_encoded == 0


def test_another_model_does_not_take_the_embeddings_of_the_first() -> None:
    def load(card: ModelCard) -> LoadedModel:  # the same file for both, seen through recipes of their own
        return load_tiny(TINY)

    engine = an_engine(TINY, replace(TINY, name="tinier"), load=load)
    engine.load_volume(VOLUME)
    answer_of(engine)
    assert answer_of(engine, model="tinier")[1].n_encoded == N_SLICES


def test_another_window_is_another_image(engine: Engine) -> None:
    first, _ = answer_of(engine)
    windowed, report = answer_of(engine, window=(150.0, 400.0))
    assert report.n_encoded == N_SLICES
    assert answer_of(engine, window=(150.0, 400.0))[1].n_encoded == 0
    assert np.array_equal(answer_of(engine)[0], first)
    assert not np.array_equal(windowed, first)


def test_the_window_of_the_recipe_may_be_named(engine: Engine) -> None:
    answer_of(engine, window=None)
    above = VOLUME.voxels[VOLUME.voxels > 0]
    low, high = (float(v) for v in np.percentile(above, (0.5, 99.5)))
    assert answer_of(engine, window=(low, high))[1].n_encoded == 0


# -- cancelling ------------------------------------------------------------------------------------


def test_closing_the_answer_ends_the_work() -> None:
    encoded: list[int] = []
    engine = an_engine(prepare=a_network_that(lambda: encoded.append(1)))
    engine.load_volume(VOLUME)
    answer = engine.segment(a_request(VOLUME))
    next(answer)
    next(answer)
    answer.close()
    assert len(encoded) == 2
    # What was encoded is kept for the next time.
    assert answer_of(engine)[1].n_encoded == N_SLICES - 2


def test_nothing_is_encoded_before_the_first_update_is_asked_for() -> None:
    encoded: list[int] = []
    engine = an_engine(prepare=a_network_that(lambda: encoded.append(1)))
    engine.load_volume(VOLUME)
    engine.segment(a_request(VOLUME))
    assert not encoded


# -- volumes ---------------------------------------------------------------------------------------


def test_a_volume_that_was_not_sent_is_asked_for() -> None:
    with pytest.raises(VolumeNotLoaded, match="Send it, then ask again"):
        next(an_engine().segment(a_request(VOLUME)))


def test_an_unloaded_volume_is_forgotten_with_its_embeddings(engine: Engine) -> None:
    answer_of(engine)
    engine.unload_volume(VOLUME.volume_id)
    with pytest.raises(VolumeNotLoaded):
        next(engine.segment(a_request(VOLUME)))
    engine.load_volume(VOLUME)
    assert answer_of(engine)[1].n_encoded == N_SLICES
    engine.unload_volume("never seen")


def test_an_answer_at_work_outlives_its_volume(engine: Engine) -> None:
    expected, _ = answer_of(engine)
    answer = engine.segment(a_request(VOLUME))
    first = next(answer)
    engine.unload_volume(VOLUME.volume_id)
    assert np.array_equal(collect([first, *answer], VOLUME.shape_ijk)[0], expected)


def test_the_least_recently_used_volume_goes_when_room_is_needed() -> None:
    volumes = [a_volume(seed=seed) for seed in range(3)]
    engine = an_engine(volumes_bytes=int(2.5 * VOLUME.voxels.nbytes))
    for volume in volumes[:2]:
        engine.load_volume(volume)
    next(engine.segment(a_request(volumes[0])))
    engine.load_volume(volumes[2])
    with pytest.raises(VolumeNotLoaded):
        next(engine.segment(a_request(volumes[1])))
    next(engine.segment(a_request(volumes[0])))
    next(engine.segment(a_request(volumes[2])))


def test_loading_again_costs_no_room() -> None:
    engine = an_engine(volumes_bytes=VOLUME.voxels.nbytes)
    assert engine.load_volume(VOLUME) == engine.load_volume(a_volume(name="again")) == VOLUME.volume_id
    next(engine.segment(a_request(VOLUME)))


def test_a_volume_larger_than_all_room_is_refused_and_drives_nothing_out() -> None:
    engine = an_engine(volumes_bytes=VOLUME.voxels.nbytes)
    engine.load_volume(VOLUME)
    with pytest.raises(RequestTooLarge, match=r"large takes .* GiB.*Crop it around the lesion\."):
        engine.load_volume(a_volume((40, 40, 40), name="large"))
    next(engine.segment(a_request(VOLUME)))


@pytest.mark.parametrize(
    ("value", "sentence"), [(np.nan, "not finite numbers"), (np.inf, "not finite"), (None, "is constant")]
)
def test_a_volume_that_no_model_can_read_is_refused(value: float | None, sentence: str) -> None:
    voxels = np.zeros((4, 8, 8), np.float32)
    voxels[1, 2, 3] = value or 0
    with pytest.raises(ImageError, match=sentence):
        an_engine().load_volume(Volume(voxels))


# -- models and prompts ----------------------------------------------------------------------------


def test_an_unknown_model_is_answered_with_the_known_ones(engine: Engine) -> None:
    with pytest.raises(UnknownModel, match=r"Did you mean tiny\? The models are tiny\."):
        next(engine.segment(a_request(VOLUME, model="tinny")))


def test_the_models_tell_whether_their_weights_are_here(engine: Engine) -> None:
    (tiny,) = engine.models()
    assert (tiny.name, tiny.is_available) == ("tiny", False)
    names = [model.name for model in Engine("cpu", threads=1).models()]
    assert names[0] == "lite-medsam"


def test_a_prompt_that_the_model_does_not_understand_is_refused_naming_those_that_do() -> None:
    engine = an_engine(replace(TINY, prompts=frozenset({"box"})), replace(TINY, name="liner"))
    engine.load_volume(VOLUME)
    with pytest.raises(PromptError, match=r"Tiny understands box prompts, got line\. Choose liner, or draw"):
        answer_of(engine, a_line((10, 10, 5), (20, 10, 5)))


def test_a_prompt_that_the_engine_cannot_plan_is_refused_whatever_the_model_takes() -> None:
    engine = an_engine(replace(TINY, prompts=frozenset({"box", "point"})))
    engine.load_volume(VOLUME)
    assert engine.models()[0].prompts == {"box"}
    with pytest.raises(PromptError, match=r"understands box prompts, got point\..*Draw a box\."):
        answer_of(engine, PointPrompt((12, 12, 5)))


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        ((BoxPrompt(IndexBox((90, 8, 3), (99, 20, 9))),), "lies outside the left knee"),
        ((BoxPrompt(IndexBox((9, 9, 9), (9, 12, 12))),), "each stop above its start"),
        ((BoxPrompt(IndexBox((9, 9, 9), (10, 10, 10))),), "a single voxel"),
        ((a_line((1, 1, 1), (50, 1, 1)),), "lies outside the left knee"),
        ((BoxPrompt(BOX), BoxPrompt(BOX.shift((2, 2, 0)))), "Make a lesion of its own"),
    ],
    ids=["outside", "empty", "one voxel", "line outside", "two lesions"],
)
def test_prompts_that_make_no_lesion_are_refused(prompts: tuple, sentence: str) -> None:
    volume = a_volume(name="the left knee")
    engine = an_engine()
    engine.load_volume(volume)
    with pytest.raises(PromptError, match=sentence):
        answer_of(engine, *prompts, volume=volume)


def test_a_request_without_prompts_is_refused(engine: Engine) -> None:
    with pytest.raises(PromptError, match="At least one prompt is needed"):
        next(engine.segment(SegmentRequest(VOLUME.volume_id, "tiny")))


def test_prompts_are_refused_before_weights_are_loaded() -> None:
    loaded: list[str] = []

    def load(card: ModelCard) -> LoadedModel:
        loaded.append(card.name)
        return load_tiny(card)

    engine = an_engine(load=load)
    engine.load_volume(VOLUME)
    with pytest.raises(PromptError):
        answer_of(engine, BoxPrompt(IndexBox((90, 8, 3), (99, 20, 9))))
    assert not loaded
    answer_of(engine)
    answer_of(engine)
    assert loaded == ["tiny"]


def test_missing_weights_are_said_and_may_come_later() -> None:
    def load(card: ModelCard) -> LoadedModel:
        if not is_here:
            raise WeightsError("The weights of Tiny are not here.")
        return load_tiny(TINY)

    is_here: list[bool] = []
    engine = an_engine(load=load)
    engine.load_volume(VOLUME)
    with pytest.raises(WeightsError, match="not here"):
        answer_of(engine)
    is_here.append(True)
    answer_of(engine)


def test_a_device_too_small_is_said_and_the_engine_stays_usable() -> None:
    errors = [torch.OutOfMemoryError("CUDA out of memory."), None]

    def fail_once() -> None:
        if errors and (error := errors.pop(0)):
            raise error

    engine = an_engine(prepare=a_network_that(fail_once))
    engine.load_volume(VOLUME)
    with pytest.raises(OutOfMemory, match="choose a smaller model"):
        answer_of(engine)
    assert answer_of(engine)[1].n_encoded == N_SLICES


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
def test_scans_of_every_type_are_segmented(engine: Engine, dtype: object) -> None:
    voxels = VOLUME.voxels > 140 if dtype is bool else VOLUME.voxels.clip(0, 250).astype(dtype)  # type: ignore[call-overload]
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


def test_models_still_run_where_the_cache_of_converted_ones_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "converted"
    in_the_way.write_text("a file where the folder should be")
    monkeypatch.setattr(networks, "converted_folder", lambda: in_the_way)
    assert networks._usable_folder() is None
    assert f"Nothing can be written to {in_the_way}" in caplog.text
