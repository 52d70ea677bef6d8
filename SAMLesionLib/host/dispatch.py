"""Work in a thread, results in the thread of the viewer: MRML may only be touched there.

The viewer's timer calls `pump`, which hands over what has come since. Jobs have a key; a newer job of the
same key takes the place of an older one, and of several that wait the newest goes first.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from SAMLesionLib.errors import EngineError, SAMLesionError
from SAMLesionLib.host.budget import Budget

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """A stream to follow.

    Attributes:
        key: what the job is about; one job of a key is alive at a time.
        stream: makes the iterator; runs in the worker thread and may only use plain data. When the job is
            cancelled the iterator is closed before its next item.
        on_item: receives each item, in the thread that pumps.
        on_end: called after the last item.
        on_error: called instead of `on_end`, with an error whose message is one sentence.
    """

    key: str
    stream: Callable[[], Iterator[Any]]
    on_item: Callable[[Any], None]
    on_end: Callable[[], None]
    on_error: Callable[[SAMLesionError], None]
    is_cancelled: bool = field(default=False, init=False)


class Dispatch:
    """One worker thread and the way back from it."""

    def __init__(self, name: str = "SAMLesion") -> None:
        self._name = name
        self._wake = threading.Condition()
        self._waiting: list[Job] = []
        self._alive: dict[str, Job] = {}  # used in the pumping thread only
        self._done: queue.SimpleQueue[tuple[Job, Callable[[], None]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._is_pumping = False

    @property
    def is_busy(self) -> bool:
        """Whether any job has not ended."""
        return bool(self._alive)

    def is_running(self, key: str) -> bool:
        """Whether the job of this key has not ended."""
        return key in self._alive

    def start(self, job: Job) -> None:
        """Run a job, instead of the one of its key that has not ended."""
        if self._is_closed:
            raise EngineError("The engine's connection is closed. Open the module again.")
        self.cancel(job.key)
        self._alive[job.key] = job
        with self._wake:
            self._waiting.append(job)
            self._wake.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def cancel(self, key: str | None = None) -> None:
        """Forget the job of a key, or all: from now on nothing of it is handed over."""
        for job in [j for j in self._alive.values() if key in (None, j.key)]:
            job.is_cancelled = True
            del self._alive[job.key]
            with self._wake:
                if job in self._waiting:
                    self._waiting.remove(job)

    def pump(self, budget_s: float | None = None) -> int:
        """Hand over what has come so far, for at most about so long; returns how many things that were.

        A viewer that handles its events inside a handler may call this again: the inner call does nothing.
        """
        if self._is_pumping:
            return 0
        self._is_pumping = True
        try:
            # No more than is there now: a worker that is faster than its handlers would never let this end.
            return self._hand_over(self._done.qsize(), Budget(budget_s))
        finally:
            self._is_pumping = False

    def close(self, timeout_s: float = 0.0) -> None:
        """Cancel everything and let the thread end, waiting so long for it.

        The viewer does not wait: the thread ends with its item at hand, and as a daemon it keeps nobody.
        """
        self.cancel()
        self._is_closed = True
        with self._wake:
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _hand_over(self, n_waiting: int, budget: Budget) -> int:
        count = 0
        for _ in range(n_waiting):
            if count > 0 and budget.is_spent:
                break
            job, deliver = self._done.get_nowait()
            if not job.is_cancelled:
                self._deliver(job, deliver)
                count += 1
        return count

    def _deliver(self, job: Job, deliver: Callable[[], None]) -> None:
        try:
            deliver()
        except (
            Exception
        ) as error:  # a handler of ours failed on the scene: the reader is told like of any other
            self.cancel(job.key)
            job.on_error(_sentence(error))

    def _end(self, job: Job, handler: Callable[[], None]) -> None:
        del self._alive[job.key]
        handler()

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            self._run(job)

    def _run(self, job: Job) -> None:
        try:
            self._follow(job)
            self._put_end(job, job.on_end)
        except Exception as error:
            self._put_error(job, _sentence(error))

    def _follow(self, job: Job) -> None:
        with closing(_Closable(job.stream())) as stream:
            for item in stream:
                if job.is_cancelled:
                    return
                self._put_item(job, item)

    def _put_item(self, job: Job, item: Any) -> None:
        self._done.put((job, lambda: job.on_item(item)))

    def _put_end(self, job: Job, handler: Callable[[], None]) -> None:
        self._done.put((job, lambda: self._end(job, handler)))

    def _put_error(self, job: Job, error: SAMLesionError) -> None:
        self._put_end(job, lambda: job.on_error(error))

    def _next_job(self) -> Job | None:
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._is_closed)
            return None if self._is_closed else self._waiting.pop()


class _Closable:
    """An iterator with a `close`, whether it has one or not."""

    def __init__(self, stream: Iterator[Any]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Any]:
        return self._stream

    def close(self) -> None:
        getattr(self._stream, "close", lambda: None)()


def _sentence(error: Exception) -> SAMLesionError:
    if isinstance(error, SAMLesionError):
        return error
    log.error("unexpected failure", exc_info=error)
    return EngineError(f"Something failed that should not ({type(error).__name__}: {error}). Try again.")
