from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from fakes import FAKE_MODEL, FakeSegmenter, a_lesion_volume

from SAMLesionLib.engine import EngineWorker
from SAMLesionLib.engine.worker import UPDATES_AHEAD
from SAMLesionLib.errors import EngineUnavailable, ImageError, PromptError, UnknownModel, VolumeNotLoaded
from SAMLesionLib.masks import MaskUpdate, collect
from SAMLesionLib.prompts import BoxPrompt, PromptSet
from SAMLesionLib.protocol import Segmenter, SegmentRequest
from SAMLesionLib.volume import Volume

VOLUME = a_lesion_volume()
N_SLICES = VOLUME.shape_ijk[2]
REQUEST = SegmentRequest(VOLUME.volume_id, "fake", PromptSet((BoxPrompt(VOLUME.block),)))
PATIENCE_S = 20
"""How long a test waits for what must happen, before it fails."""


@contextmanager
def a_worker(segmenter: Segmenter) -> Iterator[EngineWorker]:
    worker = EngineWorker(segmenter)
    worker.load_volume(VOLUME)
    try:
        yield worker
    finally:
        worker.close()


class Gate:
    """Stops the engine before a slice, until it is opened."""

    def __init__(self) -> None:
        self.reached, self._opened = threading.Event(), threading.Event()

    def __call__(self, n: int) -> None:
        self.reached.set()
        assert self._opened.wait(PATIENCE_S)

    def open(self) -> None:
        self._opened.set()


def in_a_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """A running thread, and a list that will hold what the work returned or raised."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, outcome


def finished(thread: threading.Thread) -> bool:
    thread.join(PATIENCE_S)
    return not thread.is_alive()


def a_mask(answer: Iterator[MaskUpdate]) -> np.ndarray:
    return collect(answer, VOLUME.shape_ijk)[0]


def test_a_worker_is_a_segmenter_and_answers_like_its_own() -> None:
    alone = FakeSegmenter()
    alone.load_volume(VOLUME)
    with a_worker(FakeSegmenter()) as worker:
        assert isinstance(worker, Segmenter)
        assert worker.models() == (FAKE_MODEL,)
        assert worker.load_volume(VOLUME) == VOLUME.volume_id
        updates = list(worker.segment(REQUEST))
    assert [u.is_last for u in updates] == [False] * (N_SLICES - 1) + [True]
    assert np.array_equal(a_mask(iter(updates)), a_mask(alone.segment(REQUEST)))


def test_all_readers_are_served_by_one_thread_that_is_not_theirs() -> None:
    segmenter = FakeSegmenter()
    with a_worker(segmenter) as worker:
        threads = [in_a_thread(lambda: a_mask(worker.segment(REQUEST))) for _ in range(6)]
        assert all(finished(thread) for thread, _ in threads)
        masks = [outcome[0] for _, outcome in threads]
    assert len(segmenter.threads) == 1
    assert not segmenter.threads & {thread.ident for thread, _ in threads}
    assert all(np.array_equal(mask, masks[0]) for mask in masks)
    assert masks[0].any()  # type: ignore[attr-defined]


def test_errors_reach_the_reader_as_they_are() -> None:
    with a_worker(FakeSegmenter()) as worker:
        with pytest.raises(UnknownModel):
            next(worker.segment(SegmentRequest(VOLUME.volume_id, "none", REQUEST.prompts)))
        with pytest.raises(PromptError):
            next(worker.segment(SegmentRequest(VOLUME.volume_id, "fake")))
        with pytest.raises(ImageError):
            worker.load_volume(Volume(np.zeros((2, 3, 4))))
        worker.unload_volume(VOLUME.volume_id)
        with pytest.raises(VolumeNotLoaded):
            next(worker.segment(REQUEST))


def test_an_error_in_the_middle_comes_after_the_updates_before_it() -> None:
    def fail_at_the_third(n: int) -> None:
        if n == 2:
            raise ZeroDivisionError("third slice")

    with a_worker(FakeSegmenter(fail_at_the_third)) as worker:
        answer = worker.segment(REQUEST)
        assert len([next(answer), next(answer)]) == 2
        with pytest.raises(ZeroDivisionError, match="third slice"):
            next(answer)
        assert worker.models()


def test_a_segmenter_that_refuses_at_once_does_not_end_the_thread() -> None:
    class Refusing(FakeSegmenter):
        def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
            raise PromptError("at once")

    with a_worker(Refusing()) as worker:
        for _ in range(2):
            with pytest.raises(PromptError, match="at once"):
                next(worker.segment(REQUEST))


def test_closing_an_answer_frees_the_engine_after_the_slice_at_hand() -> None:
    class Keeping(FakeSegmenter):
        """Keeps its answers, so that only closing ends them."""

        answers: tuple[Iterator[MaskUpdate], ...] = ()

        def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
            self.answers = (*self.answers, super().segment(request))
            return self.answers[-1]

    segmenter = Keeping()
    with a_worker(segmenter) as worker:
        answer = worker.segment(REQUEST)
        next(answer)
        answer.close()  # type: ignore[attr-defined]
        assert a_mask(worker.segment(REQUEST)).any()
        assert segmenter.was_closed_early.is_set()
        # What was made ahead, and one that was at work.
        assert segmenter.n_slices <= N_SLICES + 1 + UPDATES_AHEAD + 1


def test_an_answer_closed_during_a_slice_makes_no_other() -> None:
    gate = Gate()
    segmenter = FakeSegmenter(gate)
    with a_worker(segmenter) as worker:
        answer = worker.segment(REQUEST)
        reader, _ = in_a_thread(lambda: next(answer))
        assert gate.reached.wait(PATIENCE_S)
        gate.open()
        assert finished(reader)
        answer.close()  # type: ignore[attr-defined]
        worker.models()
        made = segmenter.n_slices
        worker.models()
        assert segmenter.n_slices == made < N_SLICES
        assert segmenter.was_closed_early.is_set()


def test_the_engine_pauses_for_a_slow_reader_and_serves_others_meanwhile() -> None:
    made = threading.Semaphore(0)
    segmenter = FakeSegmenter(lambda n: made.release())
    with a_worker(segmenter) as worker:
        answer = worker.segment(REQUEST)
        first = next(answer)
        for _ in range(1 + UPDATES_AHEAD):
            assert made.acquire(timeout=PATIENCE_S)
        other = a_lesion_volume((6, 16, 16))
        for _ in range(5):  # each call is a turn of the engine, in which it could go on
            assert worker.models() == (FAKE_MODEL,)
            assert worker.load_volume(other) == other.volume_id
        assert segmenter.n_slices == 1 + UPDATES_AHEAD
        assert len([first, *answer]) == N_SLICES


def test_an_answer_that_nobody_reads_costs_nothing() -> None:
    segmenter = FakeSegmenter()
    with a_worker(segmenter) as worker:
        unread = worker.segment(REQUEST)
        assert a_mask(worker.segment(REQUEST)).any()
        assert len(segmenter.requests) == 1
        unread.close()  # type: ignore[attr-defined]


def test_answers_are_made_in_the_order_they_were_asked_for() -> None:
    gate = Gate()
    segmenter = FakeSegmenter(gate)
    small = SegmentRequest(VOLUME.volume_id, "fake", PromptSet((BoxPrompt(VOLUME.block.grow(-4)),)))
    with a_worker(segmenter) as worker:
        first, _ = in_a_thread(lambda: a_mask(worker.segment(REQUEST)))
        assert gate.reached.wait(PATIENCE_S)
        second, _ = in_a_thread(lambda: a_mask(worker.segment(small)))
        gate.open()
        assert finished(first)
        assert finished(second)
    assert segmenter.requests == [REQUEST, small]


def test_closing_the_worker_during_a_slice_tells_its_reader_at_once() -> None:
    gate = Gate()
    worker = EngineWorker(FakeSegmenter(gate))
    worker.load_volume(VOLUME)
    reader, outcome = in_a_thread(lambda: a_mask(worker.segment(REQUEST)))
    assert gate.reached.wait(PATIENCE_S)
    closer, _ = in_a_thread(worker.close)
    assert finished(reader)
    assert isinstance(outcome[0], EngineUnavailable)
    assert "closed while it answered. Start another one." in str(outcome[0])
    gate.open()
    assert finished(closer)


def test_closing_the_worker_ends_answers_that_nobody_goes_on_reading() -> None:
    segmenter = FakeSegmenter()
    worker = EngineWorker(segmenter)
    worker.load_volume(VOLUME)
    answer = worker.segment(REQUEST)
    next(answer)
    closer, _ = in_a_thread(worker.close)
    assert finished(closer)
    assert segmenter.was_closed_early.is_set()
    with pytest.raises(EngineUnavailable):
        list(answer)


def test_a_closed_worker_answers_nothing() -> None:
    worker = EngineWorker(FakeSegmenter())
    worker.close()
    worker.close()
    for ask in (
        worker.models,
        lambda: worker.load_volume(VOLUME),
        lambda: worker.unload_volume("x"),
        lambda: next(worker.segment(REQUEST)),
    ):
        with pytest.raises(EngineUnavailable, match=r"This engine was closed\. Start another one\."):
            ask()


def test_no_call_is_lost_when_the_worker_closes_meanwhile() -> None:
    for _ in range(50):
        worker = EngineWorker(FakeSegmenter())
        callers = [in_a_thread(worker.models) for _ in range(3)]
        worker.close()
        assert all(finished(thread) for thread, _ in callers)
        for _, outcome in callers:
            assert outcome[0] == (FAKE_MODEL,) or isinstance(outcome[0], EngineUnavailable)
