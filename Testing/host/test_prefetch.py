"""Slices around the current one are encoded while nothing else is to do, and a real question comes first."""

from __future__ import annotations

import threading
from dataclasses import replace

import fakes
import numpy as np
import pytest
from fakes import FakeSegmenter
from reader_cases import A_BOX, LONG_S, Reader, settle

from SAMLesionLib.errors import EngineUnavailable
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.prompts import BoxPrompt, PromptSet

pytestmark = pytest.mark.mrml
AROUND_3 = PromptSet((BoxPrompt(IndexBox((0, 0, 1), (13, 11, 6))),))


def at_rest(reader: Reader) -> None:
    settle(reader.controller, lambda: not reader.controller._dispatch.is_busy)


def test_the_slices_around_the_readers_are_asked_for_and_nothing_is_shown(reader, a_lesion, segmenter):
    before = reader.annotation.snapshot
    reader.controller.look_at(2, 3)
    at_rest(reader)
    assert segmenter.requests[-1].prompts == AROUND_3
    assert segmenter.n_slices == 5
    assert (segmenter.n_loads, reader.annotation.snapshot) == (1, before)
    assert not reader.segments.read(a_lesion).any()
    n_asked = len(segmenter.requests)
    reader.controller.look_at(2, 3)
    at_rest(reader)
    assert len(segmenter.requests) == n_asked
    reader.controller.parameters = replace(reader.controller.parameters, window=(0.0, 500.0))
    at_rest(reader)
    assert segmenter.requests[-1].window == (0.0, 500.0)


def test_the_answer_is_closed_once_each_slice_was_seen(reader, segmenter, monkeypatch):
    original = FakeSegmenter._slices

    def with_a_second_look(self, volume, request):
        yield from original(self, volume, request)
        raise AssertionError("nobody needs what is made of the slices together")

    monkeypatch.setattr(FakeSegmenter, "_slices", with_a_second_look)
    reader.controller.look_at(2, 3)
    at_rest(reader)
    assert segmenter.n_slices == 5


def test_a_prompt_ends_it_at_once_and_it_goes_on_afterwards(scene, a_scan):
    began, proceed = threading.Event(), threading.Event()

    def wait_at_the_second_slice(n: int) -> None:
        if n == 1 and not proceed.is_set():
            began.set()
            assert proceed.wait(LONG_S)

    reader = Reader(scene, a_scan, FakeSegmenter(wait_at_the_second_slice))
    reader.controller.look_at(2, 3)
    reader.controller.pump()
    assert began.wait(LONG_S)
    lesion = reader.controller.add_lesion()
    reader.draw(lesion, A_BOX)
    proceed.set()
    reader.settle()
    assert reader.segmenter.was_closed_early.is_set()
    assert np.array_equal(reader.segments.read(lesion), reader.expected(A_BOX))
    at_rest(reader)
    asked = [request.prompts for request in reader.segmenter.requests]
    assert asked[-1] == AROUND_3
    assert PromptSet((BoxPrompt(A_BOX),)) in asked
    reader.controller.close()


def test_without_an_engine_it_is_quiet_and_waits_for_a_mask(reader, segmenter, monkeypatch):
    def models():
        raise EngineUnavailable("No engine answers.")

    monkeypatch.setattr(segmenter, "models", models)
    reader.controller.look_at(2, 3)
    at_rest(reader)
    reader.controller.look_at(2, 4)
    at_rest(reader)
    assert (reader.failures, segmenter.requests) == ([], [])
    monkeypatch.undo()
    at_rest(reader)
    assert segmenter.requests == []
    reader.drawn(A_BOX)
    at_rest(reader)
    assert len(segmenter.requests) >= 2


@pytest.mark.parametrize("case", ["switched off", "another axis", "3D model", "no boxes"])
def test_nothing_is_asked_where_it_would_not_help(reader, segmenter, monkeypatch, case):
    if case == "switched off":
        reader.controller.parameters = replace(reader.controller.parameters, prefetch=False)
    elif case == "3D model":
        monkeypatch.setattr(fakes, "FAKE_MODEL", replace(fakes.FAKE_MODEL, dimensions=3))
    elif case == "no boxes":
        monkeypatch.setattr(fakes, "FAKE_MODEL", replace(fakes.FAKE_MODEL, prompts=frozenset({"point"})))
    reader.controller.look_at(1 if case == "another axis" else 2, 3)
    at_rest(reader)
    assert segmenter.requests == []
