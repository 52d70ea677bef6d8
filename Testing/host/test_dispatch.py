"""Work runs beside the viewer and comes back in the viewer's thread, the newest first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from SAMLesionLib.errors import EngineError, PromptError
from SAMLesionLib.host.dispatch import Dispatch, Job

pytestmark = pytest.mark.mrml  # the room imports slicer, though this file of it does not

LONG_S = 20.0


class Log:
    """What reached the viewer, and in which thread."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.threads: set[int] = set()

    def job(self, key: str, stream: Callable[[], Iterator[object]]) -> Job:
        return Job(
            key,
            stream,
            on_item=lambda item: self.note(f"{key}:{item}"),
            on_end=lambda: self.note(f"{key} ended"),
            on_error=lambda error: self.note(f"{key} {error.kind}: {error}"),
        )

    def note(self, line: str) -> None:
        self.threads.add(threading.get_ident())
        self.lines.append(line)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def dispatch() -> Iterator[Dispatch]:
    dispatch = Dispatch()
    yield dispatch
    dispatch.close(LONG_S)


def settle(dispatch: Dispatch) -> None:
    """What a timer does, until there is nothing left to do."""
    tick = threading.Event()
    for _ in range(int(LONG_S / 0.001)):
        dispatch.pump()
        if not dispatch.is_busy:
            return
        tick.wait(0.001)
    raise AssertionError("work never ended")


def test_items_arrive_in_order_in_the_pumping_thread(dispatch, log):
    worker = []

    def stream():
        worker.append(threading.get_ident())
        yield from (1, 2, 3)

    dispatch.start(log.job("a", stream))
    settle(dispatch)
    assert log.lines == ["a:1", "a:2", "a:3", "a ended"]
    assert log.threads == {threading.get_ident()}
    assert worker[0] != threading.get_ident()


def test_nothing_arrives_without_pumping(dispatch, log):
    done = threading.Event()

    def stream():
        yield 1
        done.set()

    dispatch.start(log.job("a", stream))
    assert done.wait(LONG_S)
    assert log.lines == []
    assert dispatch.is_busy


def test_the_newest_job_of_a_key_wins_and_the_old_stream_is_closed(dispatch, log):
    begun, proceed, closed = threading.Event(), threading.Event(), threading.Event()

    def old():
        try:
            yield 1
            begun.set()
            proceed.wait(LONG_S)
            yield 2
            yield 3
        finally:
            closed.set()

    dispatch.start(log.job("a", old))
    assert begun.wait(LONG_S)
    dispatch.start(log.job("a", lambda: iter(["new"])))
    proceed.set()
    settle(dispatch)
    assert closed.is_set()
    assert log.lines == ["a:new", "a ended"]


def test_what_was_computed_before_a_cancel_is_not_handed_over(dispatch, log):
    begun, proceed = threading.Event(), threading.Event()

    def stream():
        yield 1
        begun.set()
        proceed.wait(LONG_S)

    dispatch.start(log.job("a", stream))
    assert begun.wait(LONG_S)
    dispatch.cancel()
    assert not dispatch.is_busy
    assert dispatch.pump() == 0
    proceed.set()
    dispatch.start(log.job("b", lambda: iter([])))
    settle(dispatch)
    assert log.lines == ["b ended"]


def test_of_several_that_wait_the_newest_goes_first_and_none_is_lost(dispatch, log):
    begun, proceed = threading.Event(), threading.Event()

    def first():
        begun.set()
        proceed.wait(LONG_S)
        yield "done"

    dispatch.start(log.job("first", first))
    assert begun.wait(LONG_S)
    for key in ("b", "c", "d"):
        dispatch.start(log.job(key, lambda: iter([])))
    dispatch.cancel("c")
    assert dispatch.is_running("b")
    assert not dispatch.is_running("c")
    proceed.set()
    settle(dispatch)
    assert log.lines == ["first:done", "first ended", "d ended", "b ended"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PromptError("Draw a box."), "a PromptError: Draw a box."),
        (KeyError("x"), "a EngineError: Something failed that should not (KeyError: 'x'). Try again."),
    ],
)
def test_an_error_arrives_as_one_sentence_and_the_worker_lives_on(dispatch, log, error, line):
    def stream():
        yield 1
        raise error

    dispatch.start(log.job("a", stream))
    settle(dispatch)
    dispatch.start(log.job("b", lambda: iter([])))
    settle(dispatch)
    assert log.lines == ["a:1", line, "b ended"]


def test_a_handler_that_fails_ends_its_job_and_is_told(dispatch, log):
    job = log.job("a", lambda: iter([1, 2]))
    job.on_item = lambda item: [][item]
    dispatch.start(job)
    settle(dispatch)
    assert log.lines == [
        "a EngineError: Something failed that should not (IndexError: list index out of range). Try again."
    ]


def test_pumping_inside_a_handler_does_nothing(dispatch, log):
    job = log.job("a", lambda: iter([1]))
    inner: list[int] = []
    job.on_item = lambda _item: inner.append(dispatch.pump())
    dispatch.start(job)
    settle(dispatch)
    assert inner == [0]


def test_a_pump_with_no_time_left_still_hands_one_thing_over(dispatch, log):
    done = threading.Event()

    def stream():
        yield from (1, 2)
        done.set()

    dispatch.start(log.job("a", stream))
    assert done.wait(LONG_S)
    assert dispatch.pump(budget_s=0.0) == 1
    assert log.lines == ["a:1"]


def test_what_comes_while_things_are_handed_over_waits_for_the_next_time(dispatch, log):
    done = threading.Event()

    def stream():
        yield 1
        done.set()

    job = log.job("a", stream)
    job.on_item = lambda item: dispatch._put_item(job, item + 1)  # a worker that is never slower
    dispatch.start(job)
    assert done.wait(LONG_S)
    assert dispatch.pump() <= 2, "the item, and the end if it was there"


def test_closing_ends_the_thread_and_refuses_new_work(log):
    dispatch = Dispatch("closing-test")
    dispatch.start(log.job("a", lambda: iter([1])))
    dispatch.close(LONG_S)
    assert "closing-test" not in [t.name for t in threading.enumerate()]
    with pytest.raises(EngineError, match="connection is closed"):
        dispatch.start(log.job("a", lambda: iter([])))
    Dispatch().close()
