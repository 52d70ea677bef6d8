"""One thread that owns the engine, so that any thread may ask."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

from SAMLesionLib.errors import EngineUnavailable
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.protocol import ModelInfo, Segmenter, SegmentRequest
from SAMLesionLib.volume import Volume

T = TypeVar("T")

UPDATES_AHEAD = 4
"""How many updates may wait for a slow reader before the engine pauses."""


class EngineWorker:
    """A `Segmenter` that hands all work to one thread.

    Answers are made one after the other, each while its reader reads: one that is neither read nor closed
    keeps those behind it waiting. The other calls wait for the slice at hand and are done before the next.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._changed = threading.Condition()
        self._calls: deque[Callable[[], None]] = deque()
        self._answers: deque[_Answer] = deque()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="samlesion-engine", daemon=True)
        self._thread.start()

    def models(self) -> tuple[ModelInfo, ...]:
        """See `Segmenter.models`."""
        return self._call(self._segmenter.models)

    def load_volume(self, volume: Volume) -> str:
        """See `Segmenter.load_volume`."""
        return self._call(lambda: self._segmenter.load_volume(volume))

    def unload_volume(self, volume_id: str) -> None:
        """See `Segmenter.unload_volume`."""
        self._call(lambda: self._segmenter.unload_volume(volume_id))

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        """See `Segmenter.segment`; closing the iterator frees the thread after the slice at hand.

        The work begins when the first update is asked for, so an answer that nobody reads costs nothing.

        Raises:
            EngineUnavailable: the worker was closed.
        """
        answer = _Answer(self._changed, lambda: self._segmenter.segment(request))
        with self._changed:
            self._check_open()
            self._answers.append(answer)
            self._changed.notify_all()
        yield from answer.updates()

    def close(self) -> None:
        """End the thread after the slice at hand.

        Readers of unfinished answers and later callers get `EngineUnavailable`.
        """
        with self._changed:
            self._is_closed = True
            for answer in self._answers:
                answer.end(EngineUnavailable("This engine was closed while it answered. Start another one."))
            self._changed.notify_all()
        self._thread.join()

    def _call(self, work: Callable[[], T]) -> T:
        future: Future[T] = Future()

        def call() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # carried to the caller's thread, whatever it is
                future.set_exception(error)

        with self._changed:
            self._check_open()
            self._calls.append(call)
            self._changed.notify_all()
        return future.result()

    def _check_open(self) -> None:
        if self._is_closed:
            raise EngineUnavailable("This engine was closed. Start another one.")

    def _run(self) -> None:
        while True:
            self._do_calls_until(lambda: bool(self._answers) or self._is_closed)
            if not self._answers:
                return
            self._answers[0].fill(self._do_calls_until)
            with self._changed:
                self._answers.popleft()

    def _do_calls_until(self, is_time: Callable[[], bool]) -> None:
        """Do the short calls that wait, and those that come before it is time for something else."""
        while self._do_call(is_time):
            pass

    def _do_call(self, is_time: Callable[[], bool]) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._calls or is_time())
            if not self._calls:
                return False
            call = self._calls.popleft()
        call()
        return True


class _Answer:
    """The updates of one request on their way from the engine's thread to a reader's."""

    def __init__(self, changed: threading.Condition, ask: Callable[[], Iterator[MaskUpdate]]) -> None:
        self._changed, self._ask = changed, ask
        self._waiting: deque[MaskUpdate] = deque()
        self._has_ended = False
        self._error: BaseException | None = None

    def fill(self, wait_until: Callable[[Callable[[], bool]], None]) -> None:
        """Run in the engine's thread: make updates until they end or nobody wants them."""
        try:
            if not self._has_ended:
                self._take_from(self._ask(), wait_until)
            self.end()
        except BaseException as error:  # carried to the reader's thread, whatever it is
            self.end(error)

    def updates(self) -> Iterator[MaskUpdate]:
        """Run in the reader's thread."""
        try:
            while (update := self._next()) is not None:
                yield update
        finally:
            self.end()

    def end(self, error: BaseException | None = None) -> None:
        """No more updates; the first call counts, and its error reaches the reader after the last update."""
        with self._changed:
            if not self._has_ended:
                self._has_ended, self._error = True, error
                self._changed.notify_all()

    def _take_from(
        self, made: Iterator[MaskUpdate], wait_until: Callable[[Callable[[], bool]], None]
    ) -> None:
        try:
            while True:
                wait_until(lambda: self._has_ended or len(self._waiting) < UPDATES_AHEAD)
                if self._has_ended or (update := next(made, None)) is None:
                    return
                with self._changed:
                    self._waiting.append(update)
                    self._changed.notify_all()
        finally:
            close = getattr(made, "close", None)
            if close:
                close()

    def _next(self) -> MaskUpdate | None:
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or self._waiting)
            self._changed.notify_all()
            if self._waiting:
                return self._waiting.popleft()
            if self._error is not None:
                raise self._error
            return None
