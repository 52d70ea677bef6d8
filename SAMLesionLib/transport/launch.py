"""A `Segmenter` that starts its own engine, and starts it again when it crashes."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from SAMLesionLib.errors import EngineError, EngineUnavailable
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.protocol import ModelInfo, SegmentRequest
from SAMLesionLib.transport.client import EngineClient, Health
from SAMLesionLib.transport.process import EngineProcess, LaunchSettings, new_log_path
from SAMLesionLib.volume import Volume

__all__ = ["LaunchSettings", "LocalEngine"]

logger = logging.getLogger(__name__)
T = TypeVar("T")

REAP_S = 3.0
"""A killed process may keep its number for a moment after its socket has closed."""


class LocalEngine:
    """An engine of our own in a child process; has the methods of `Segmenter`.

    The child starts with the first question and ends with `close`, with the `with` block, or with this
    process, however that ends. After a crash the next engine gets the volumes and the request again: a
    request says everything, so its mask is the same, and updates already seen are replaced by equal ones.

    Attributes:
        log_path: the file with what the engine printed.
    """

    def __init__(self, settings: LaunchSettings | None = None) -> None:
        self._settings = settings or LaunchSettings()
        self.log_path: Path = self._settings.log_path or new_log_path()
        self._volumes: dict[str, Volume] = {}
        self._lock = threading.Lock()
        self._process: EngineProcess | None = None
        self._client: EngineClient | None = None
        self._closed = threading.Event()
        self.n_starts = 0
        atexit.register(self.close)

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process number, None when there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the engine now, so that the first question need not wait.

        Raises:
            EngineUnavailable: when it does not start; the sentence ends with the last lines of its log.
        """
        self._running()

    def close(self) -> None:
        """End the engine; running requests fail with `EngineUnavailable`."""
        self._closed.set()
        with self._lock:
            if self._process is not None:
                self._process.stop()
        atexit.unregister(self.close)

    def health(self) -> Health:
        """How the engine is."""
        return self._ask(EngineClient.health)

    def models(self) -> tuple[ModelInfo, ...]:
        """See `Segmenter.models`."""
        return self._ask(EngineClient.models)

    def load_volume(self, volume: Volume) -> str:
        """See `Segmenter.load_volume`."""
        return self._ask(lambda client: client.load_volume(volume))

    def unload_volume(self, volume_id: str) -> None:
        """See `Segmenter.unload_volume`; starts no engine only to forget."""
        if self._process is None or not self._process.is_running:
            self._volumes.pop(volume_id, None)
            return
        self._ask(lambda client: client.unload_volume(volume_id))

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        """See `Segmenter.segment`."""
        n_lost = 0
        while True:
            process, client = self._running()
            try:
                yield from client.segment(request)
                return
            except EngineUnavailable as lost:
                n_lost += 1
                self._allow_repeat(process, lost, n_lost)

    def _ask(self, question: Callable[[EngineClient], T]) -> T:
        n_lost = 0
        while True:
            process, client = self._running()
            try:
                return question(client)
            except EngineUnavailable as lost:
                n_lost += 1
                self._allow_repeat(process, lost, n_lost)

    def _allow_repeat(self, process: EngineProcess, lost: EngineUnavailable, n_lost: int) -> None:
        if self._closed.is_set() or not process.has_ended_within(REAP_S):
            raise lost
        if n_lost > self._settings.repeats:
            raise EngineUnavailable(
                f"The engine ended {n_lost} times while working on this request; it may need more memory "
                f"than there is.{process.last_words()}"
            ) from lost
        logger.warning("the engine (pid %d) ended while answering; asking a new one", process.pid)

    def _running(self) -> tuple[EngineProcess, EngineClient]:
        with self._lock:
            if self._closed.is_set():
                raise EngineUnavailable("This engine was closed. Start another one.")
            if self._process is None or self._client is None or not self._process.is_running:
                if self._process is not None:
                    self._process.kill()  # it has ended: this closes our end of its pipes
                self._process, self._client = self._launch()
            return self._process, self._client

    def _launch(self) -> tuple[EngineProcess, EngineClient]:
        process = EngineProcess(self._settings, self.log_path)
        try:
            client = EngineClient(
                process.address, process.token, self._settings.answer_s, volumes=self._volumes
            )
            threading.Thread(
                target=self._watch, args=(process,), name="samlesion-engine-health", daemon=True
            ).start()
        except BaseException:
            process.kill()  # nobody else knows of it yet
            raise
        self.n_starts += 1
        return process, client

    def _watch(self, process: EngineProcess) -> None:
        """End an engine that hangs: what waits for it then fails, and is repeated on a new one."""
        settings = self._settings
        client = EngineClient(process.address, process.token, max(1.0, settings.health_every_s))
        n_missed = 0
        while not self._closed.wait(settings.health_every_s) and process.is_running:
            try:
                client.health()
                n_missed = 0
            except EngineError:
                n_missed += 1
            if n_missed >= settings.health_misses:
                logger.warning("the engine (pid %d) hangs; ending it", process.pid)
                process.kill()
