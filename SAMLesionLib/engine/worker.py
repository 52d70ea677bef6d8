"""One thread that owns the engine, so that any thread may ask."""

from __future__ import annotations

import queue
import threading
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
    """A `Segmenter` that hands all calls to one thread; requests are answered one after the other."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
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
        """See `Segmenter.segment`; closing the iterator frees the thread after the slice at hand."""
        stream = _Stream()
        self._submit(lambda: stream.fill(self._segmenter.segment(request)))
        return stream.updates()

    def close(self) -> None:
        """End the thread after the work at hand; later calls raise `EngineUnavailable`."""
        self._is_closed = True
        self._jobs.put(None)
        self._thread.join()

    def _call(self, work: Callable[[], T]) -> T:
        future: Future[T] = Future()

        def job() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # carried to the caller's thread, whatever it is
                future.set_exception(error)

        self._submit(job)
        return future.result()

    def _submit(self, job: Callable[[], None]) -> None:
        if self._is_closed:
            raise EngineUnavailable("This engine was closed. Start another one.")
        self._jobs.put(job)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


class _Stream:
    """The updates of one request on their way between two threads."""

    def __init__(self) -> None:
        self._items: queue.Queue[MaskUpdate | BaseException | None] = queue.Queue(UPDATES_AHEAD)
        self._is_unwanted = threading.Event()

    def fill(self, answer: Iterator[MaskUpdate]) -> None:
        """Run in the engine's thread: take updates until they end or nobody waits for them."""
        try:
            while not self._is_unwanted.is_set() and (update := next(answer, None)) is not None:
                self._offer(update)
            self._offer(None)
        except BaseException as error:  # carried to the reader's thread, whatever it is
            self._offer(error)
        finally:
            close = getattr(answer, "close", None)
            if close:
                close()

    def updates(self) -> Iterator[MaskUpdate]:
        """Run in the reader's thread."""
        try:
            while (item := self._items.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._is_unwanted.set()

    def _offer(self, item: MaskUpdate | BaseException | None) -> None:
        while not self._is_unwanted.is_set():
            try:
                self._items.put(item, timeout=0.1)
            except queue.Full:
                continue
            return
