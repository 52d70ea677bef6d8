"""What an engine answers as it goes, what ends its work, and what it refuses in one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from engine_cases import (
    BOX,
    N_SLICES,
    TINY,
    VOLUME,
    a_line,
    a_network_that,
    a_request,
    a_volume,
    an_engine_with,
    answer_of,
    load_tiny,
)

from SAMLesionLib import __version__
from SAMLesionLib.engine import Engine
from SAMLesionLib.errors import OutOfMemory, PromptError, UnknownModel, WeightsError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.masks import RunReport
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.weights import LoadedModel
from SAMLesionLib.prompts import BoxPrompt, PointPrompt
from SAMLesionLib.protocol import Segmenter, SegmentRequest

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


# -- cancelling ------------------------------------------------------------------------------------


def test_closing_the_answer_ends_the_work() -> None:
    encoded: list[int] = []
    engine = an_engine_with(VOLUME, prepare=a_network_that(lambda: encoded.append(1)))
    answer = engine.segment(a_request(VOLUME))
    next(answer)
    next(answer)
    answer.close()
    assert len(encoded) == 2
    # What was encoded is kept for the next time.
    assert answer_of(engine)[1].n_encoded == N_SLICES - 2


def test_nothing_is_encoded_before_the_first_update_is_asked_for() -> None:
    encoded: list[int] = []
    engine = an_engine_with(VOLUME, prepare=a_network_that(lambda: encoded.append(1)))
    engine.segment(a_request(VOLUME))
    assert not encoded


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
    engine = an_engine_with(VOLUME, replace(TINY, prompts=frozenset({"box"})), replace(TINY, name="liner"))
    with pytest.raises(PromptError, match=r"Tiny understands box prompts, got line\. Choose liner, or draw"):
        answer_of(engine, a_line((10, 10, 5), (20, 10, 5)))


def test_a_prompt_that_the_engine_cannot_plan_is_refused_whatever_the_model_takes() -> None:
    engine = an_engine_with(VOLUME, replace(TINY, prompts=frozenset({"box", "point"})))
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
    engine = an_engine_with(volume)
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

    engine = an_engine_with(VOLUME, load=load)
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
    engine = an_engine_with(VOLUME, load=load)
    with pytest.raises(WeightsError, match="not here"):
        answer_of(engine)
    is_here.append(True)
    answer_of(engine)


def test_a_device_too_small_is_said_and_the_engine_stays_usable() -> None:
    errors = [torch.OutOfMemoryError("CUDA out of memory."), None]

    def fail_once() -> None:
        if errors and (error := errors.pop(0)):
            raise error

    engine = an_engine_with(VOLUME, prepare=a_network_that(fail_once))
    with pytest.raises(OutOfMemory, match="choose a smaller model"):
        answer_of(engine)
    assert answer_of(engine)[1].n_encoded == N_SLICES
