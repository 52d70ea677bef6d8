"""A reader's log: one JSON object a line, only ever appended, in a thread of its own.

Each line begins with its end of line, so that what a crash or a full disk cut off stays a line of its own and
is skipped when the log is read. Lines hold study ids and numbers, no word from the scan or the reader.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import OutputError

logger = logging.getLogger(__name__)

LOG = "log.jsonl"
FORMAT = 1
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One thing that happened, as the thread of the viewer hands it over.

    Attributes:
        kind: what happened.
        monotonic_s: seconds of a clock that nobody sets; comparable within one session.
        wall_s: seconds since 1970 by the machine's clock.
        reading: name of the reading it belongs to, empty for none.
        facts: plain values, or a function that makes them in the writing thread.
        is_kept: whether the line must be on the disk before the next is written.
    """

    kind: str
    monotonic_s: float
    wall_s: float
    reading: str
    facts: Facts | Callable[[], Facts]
    is_kept: bool = False


class LogWriter:
    """Appends to one log; a call takes microseconds, whatever the disk does."""

    def __init__(self, path: Path) -> None:
        """Open the log, which appears when it is not there.

        Raises:
            OutputError: when it cannot be written to.
        """
        self.path = path
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._handle = os.open(path, flags, 0o600)
        except OSError as refused:
            raise OutputError(
                f"Cannot write the log {path} ({refused.strerror}). Choose another folder."
            ) from None
        self._queue: queue.SimpleQueue[Entry | threading.Event | None] = queue.SimpleQueue()
        self._failures: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._waiting = b""  # what a full disk refused
        self._is_failing = False
        self._thread = threading.Thread(target=self._work, name="SAMLesion study log", daemon=True)
        self._thread.start()

    def write(
        self,
        kind: str,
        reading: str = "",
        facts: Facts | Callable[[], Facts] | None = None,
        is_kept: bool = False,
    ) -> None:
        """Note what has just happened; returns at once."""
        self._queue.put(Entry(kind, time.monotonic(), time.time(), reading, facts or {}, is_kept))

    def failure(self) -> str | None:
        """One sentence when writing has begun to fail since the last time this was asked."""
        try:
            return self._failures.get_nowait()
        except queue.Empty:
            return None

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything is on the disk; False when it could not be written in time."""
        self._queue.put(done := threading.Event())
        return done.wait(timeout_s) and not self._waiting

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._queue.put(None)
        self._thread.join()
        os.close(self._handle)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, Entry):
                self._append(_line(item))
            if isinstance(item, threading.Event) or item.is_kept:
                self._sync()
            if isinstance(item, threading.Event):
                item.set()
        self._sync()

    def _append(self, line: bytes) -> None:
        self._waiting += line
        try:
            while self._waiting:
                self._waiting = self._waiting[os.write(self._handle, self._waiting) :]
            self._is_failing = False
        except OSError as refused:  # it is tried again with the next line
            self._told(refused)

    def _sync(self) -> None:
        self._append(b"")
        try:
            os.fsync(self._handle)
        except OSError as refused:
            self._told(refused)

    def _told(self, refused: OSError) -> None:
        if not self._is_failing:
            logger.warning("the study log cannot be written", exc_info=refused)
            self._failures.put(
                f"The study log cannot be written ({refused.strerror or refused}). Press Pause, free some "
                "space, and go on."
            )
        self._is_failing = True


def _line(entry: Entry) -> bytes:
    try:
        facts = entry.facts() if callable(entry.facts) else entry.facts
    except Exception:  # a line without its details is better than a log that ends here
        logger.exception("the details of %s cannot be written", entry.kind)
        facts = {"undescribed": True}
    return as_bytes(entry.kind, entry.monotonic_s, entry.wall_s, entry.reading, facts)


def as_bytes(kind: str, monotonic_s: float, wall_s: float, reading: str, facts: Facts) -> bytes:
    """One line of a log, which begins with its end of line."""
    told = {"t": round(monotonic_s, 4), "w": round(wall_s, 3), "e": kind}
    if reading:
        told["r"] = reading
    return b"\n" + json.dumps({**told, **facts}, separators=(",", ":")).encode()
