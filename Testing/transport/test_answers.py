"""An answer streams from the engine's one thread until it is done, fails, or nobody listens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from fake_servers import TOKEN, local_mask, serving
from fakes import FakeSegmenter

from SAMLesionLib import (
    BoxPrompt,
    IndexBox,
    MaskUpdate,
    PromptSet,
    SegmentRequest,
    Volume,
    collect,
    errors,
)
from SAMLesionLib.transport import EngineClient


@contextmanager
def a_client_of(segmenter: FakeSegmenter, volume: Volume) -> Iterator[EngineClient]:
    """A client of a server with this segmenter, which holds the volume."""
    with serving(segmenter) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.load_volume(volume)
        yield client


class Gate:
    """Holds a segmenter back at one of its slices."""

    def __init__(self, n: int) -> None:
        self._n = n
        self.has_begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, n: int) -> None:
        if n == self._n:
            self.has_begun.set()
            assert self.go_on.wait(20)


def test_an_error_in_the_middle_of_an_answer_comes_back_too(
    volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    def fail_at_2(n: int) -> None:
        if n == 2:
            raise errors.OutOfMemory("The device is full. Choose a smaller model.")

    with a_client_of(FakeSegmenter(fail_at_2), volume) as client:
        updates = client.segment(request_of_a_box)
        assert isinstance(next(updates), MaskUpdate)
        assert isinstance(next(updates), MaskUpdate)
        with pytest.raises(errors.OutOfMemory, match=r"^The device is full\. Choose a smaller model\.$"):
            next(updates)


def test_an_unforeseen_failure_of_the_segmenter_becomes_one_sentence(
    volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    def fail(n: int) -> None:
        raise ZeroDivisionError("of the fake")

    with a_client_of(FakeSegmenter(fail), volume) as client:
        with pytest.raises(errors.EngineError, match=r"failed \(ZeroDivisionError: of the fake\)"):
            list(client.segment(request_of_a_box))
        assert client.health().is_busy is False


def test_an_answer_without_its_report_is_no_answer(volume: Volume) -> None:
    class Forgetful(FakeSegmenter):
        def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
            return (MaskUpdate(u.block, u.mask, u.fraction) for u in super().segment(request))

    with a_client_of(Forgetful(), volume) as client:
        box = PromptSet((BoxPrompt(IndexBox((0, 0, 0), (4, 4, 4))),))
        with pytest.raises(errors.EngineError, match="without its report"):
            list(client.segment(SegmentRequest(volume.volume_id, "fake", box)))


def test_health_answers_while_a_mask_is_made(volume: Volume, request_of_a_box: SegmentRequest) -> None:
    gate = Gate(1)
    with a_client_of(FakeSegmenter(gate), volume) as client:
        updates = client.segment(request_of_a_box)
        next(updates)
        assert gate.has_begun.wait(10)
        assert client.health().is_busy
        gate.go_on.set()
        assert list(updates)[-1].is_last
        assert not client.health().is_busy


def test_closing_the_answer_cancels_within_one_slice(
    volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    gate = Gate(2)
    segmenter = FakeSegmenter(gate)
    with a_client_of(segmenter, volume) as client:
        updates = client.segment(request_of_a_box)
        next(updates)
        assert gate.has_begun.wait(10)
        updates.close()
        while client.health().is_busy:  # until the server has seen that we left
            pass
        gate.go_on.set()
        assert segmenter.was_closed_early.wait(10)
        assert segmenter.n_slices == 3


def test_an_answer_that_waits_for_its_turn_can_be_given_up(
    volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    gate = Gate(1)
    segmenter = FakeSegmenter(gate)
    with serving(segmenter) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.load_volume(volume)
        first = client.segment(request_of_a_box)
        next(first)
        assert gate.has_begun.wait(10)
        impatient = EngineClient(served.address, TOKEN, timeout_s=0.3)
        with pytest.raises(errors.EngineUnavailable, match="no sign"):
            next(impatient.segment(request_of_a_box))
        gate.go_on.set()
        assert list(first)[-1].is_last
        assert len(segmenter.requests) == 1


def test_answers_take_turns_in_one_thread(volume: Volume, request_of_a_box: SegmentRequest) -> None:
    segmenter = FakeSegmenter()
    expected = local_mask(volume, request_of_a_box)
    masks: list[np.ndarray] = []
    with a_client_of(segmenter, volume) as client:

        def work() -> None:
            for _ in range(5):
                masks.append(collect(client.segment(request_of_a_box), volume.shape_ijk)[0])

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(masks) == 20
    assert all(np.array_equal(mask, expected) for mask in masks)
    assert len(segmenter.threads) == 1
