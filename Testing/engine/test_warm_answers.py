"""An engine that has encoded slices before answers exactly as one that has not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine_cases import (
    BOX,
    N_SLICES,
    TINY,
    VOLUME,
    a_flat_box,
    a_line,
    a_request,
    a_volume,
    an_engine_with,
    answer_of,
    load_tiny,
)

from SAMLesionLib.engine import Engine
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.masks import MaskUpdate, collect
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.weights import LoadedModel
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt

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
    half = an_engine_with(VOLUME)
    answer_of(half, BoxPrompt(IndexBox((12, 6, 5), (25, 18, 12))))
    mask, report = answer_of(half)
    assert 0 < report.n_encoded < N_SLICES
    assert np.array_equal(mask, cold)


def test_an_engine_without_room_for_embeddings_answers_the_same(engine: Engine) -> None:
    forgetful = an_engine_with(VOLUME, embeddings_bytes=0)
    answers = [answer_of(forgetful) for _ in range(2)]
    assert [report.n_encoded for _, report in answers] == [N_SLICES, N_SLICES]
    assert np.array_equal(answers[0][0], answer_of(engine)[0])


def test_two_answers_made_by_turns_are_those_made_alone(engine: Engine) -> None:
    boxes = [BoxPrompt(BOX), BoxPrompt(BOX.shift((3, 2, 1)))]
    alone = [answer_of(engine, box)[0] for box in boxes]
    other = an_engine_with(VOLUME)
    streams = [other.segment(a_request(VOLUME, box)) for box in boxes]
    by_turns: list[list[MaskUpdate]] = [[], []]
    for pair in zip(*streams, strict=True):
        for updates, update in zip(by_turns, pair, strict=True):
            updates.append(update)
    for updates, expected in zip(by_turns, alone, strict=True):
        assert np.array_equal(collect(updates, VOLUME.shape_ijk)[0], expected)


def test_the_same_content_under_another_name_is_found_in_the_cache(engine: Engine) -> None:
    answer_of(engine)
    again = a_volume(name="the same")
    engine.load_volume(again)
    assert answer_of(engine, volume=again)[1].n_encoded == 0


def test_another_model_does_not_take_the_embeddings_of_the_first() -> None:
    def load(card: ModelCard) -> LoadedModel:  # the same file for both, seen through recipes of their own
        return load_tiny(TINY)

    engine = an_engine_with(VOLUME, TINY, replace(TINY, name="tinier"), load=load)
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
