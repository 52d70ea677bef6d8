"""The reader's work, written down as it happens, so that a crash of the host loses nothing.

A journal is a file of lines that only grows. Each line is one JSON object: first what it is about, then,
after every change, the lesions that changed with their masks. A line that was cut off by a crash is skipped
when it is read. Names of files and headers hold no word from the scene, which may be a patient's name.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from SAMLesionLib.host.looks import Look
from SAMLesionLib.host.volumes import own_affine, voxels_of
from SAMLesionLib.io.file_locks import lock

logger = logging.getLogger(__name__)

FORMAT = 1
PATTERN = "samlesion-*.journal"
_SAMPLES = 48


@dataclass(frozen=True)
class _Entry:
    """One line: which lesions there are, and how those look that have changed."""

    lesion_ids: tuple[str, ...]
    changed: tuple[Look, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "time": _now(),
            "lesion_ids": self.lesion_ids,
            "changed": [look.to_json() for look in self.changed],
        }


class Journal:
    """Writes one session's lesions, in a thread of its own.

    Attributes:
        path: the file; it appears with the first lesion.
    """

    def __init__(self, folder: str | Path, fingerprint: str) -> None:
        self.path = Path(folder) / PATTERN.replace("*", secrets.token_hex(8))
        self._header = {"format": FORMAT, "fingerprint": fingerprint, "started": _now()}
        self._written: dict[str, Look] = {}
        self._queue: queue.SimpleQueue[_Entry | threading.Event | None] = queue.SimpleQueue()
        self._waiting: list[_Entry] = []  # what a full disk refused
        self._failures: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._handle: int | None = None
        self._has_header = False

    def note(self, looks: Sequence[Look]) -> None:
        """Write down what has changed since the last time; returns at once.

        Args:
            looks: all lesions, in their order.
        """
        now = {look.lesion.lesion_id: look for look in looks}
        if list(now) == list(self._written) and all(now[x] is self._written[x] for x in now):
            return
        changed = tuple(look for x, look in now.items() if self._written.get(x) is not look)
        self._written = now
        self._queue.put(_Entry(tuple(now), changed))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="SAMLesion journal", daemon=True)
            self._thread.start()

    def failure(self) -> str | None:
        """One sentence when writing has begun to fail since the last time this was asked."""
        try:
            return self._failures.get_nowait()
        except queue.Empty:
            return None

    def flush(self, timeout_s: float = 2.0) -> bool:
        """Wait until everything is on the disk; False when it could not be written in time."""
        if self._thread is not None:
            self._queue.put(done := threading.Event())
            done.wait(timeout_s)
        return not self._waiting

    def finish(self) -> None:
        """Let the thread write what waits, and end; nobody waits for the disk."""
        self._queue.put(None)

    def close(self) -> None:
        """Write what waits, and end the thread; the file stays, and stays locked until `discard`."""
        if self._thread is not None:
            self.finish()
            self._thread.join()
            self._thread = None

    def discard(self) -> None:
        """Close the journal and delete its file: the work is safe elsewhere, or the reader gave it up."""
        self.close()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            self.path.unlink(missing_ok=True)

    def _work(self) -> None:
        is_failing = False
        while (item := self._queue.get()) is not None:
            is_failing = self._try(item, is_failing)
        self._try(None, is_failing)

    def _try(self, item: _Entry | threading.Event | None, is_failing: bool) -> bool:
        if isinstance(item, _Entry):
            self._waiting.append(item)
        try:
            self._write(self._waiting)
            self._waiting = []
        except OSError as refused:  # it is tried again with the next entry, and at the end
            if not is_failing:
                logger.warning("the journal cannot be written", exc_info=refused)
                self._failures.put(_sentence(refused))
        if isinstance(item, threading.Event):
            item.set()
        return bool(self._waiting)

    def _write(self, entries: Sequence[_Entry]) -> None:
        if not entries:
            return
        values = [] if self._has_header else [self._header]
        values += [entry.to_json() for entry in entries]
        handle = self._handle if self._handle is not None else self._open()
        # A line begins with its end of line: what a full disk cut off before it stays a line of its own.
        lines = "".join("\n" + json.dumps(value, separators=(",", ":")) for value in values)
        _write_whole(handle, lines.encode())
        self._has_header = True
        os.fsync(handle)

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        lock(handle)
        self._handle = handle
        return handle


def fingerprint(volume_node: Any) -> str:
    """32 hexadecimal digits by which a volume node is known again after it was loaded anew.

    It looks at every n-th voxel, in a few milliseconds; `Volume.volume_id` reads them all.
    """
    voxels = voxels_of(volume_node)
    steps = tuple(slice(None, None, max(1, size // _SAMPLES)) for size in voxels.shape)
    digest = blake2b(f"{voxels.dtype.str}{voxels.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(voxels[steps]).data)
    # Files keep a grid as decimal numbers.
    digest.update((np.round(own_affine(volume_node).ijk_to_ras, 3) + 0.0).tobytes())
    return digest.hexdigest()


def _write_whole(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _sentence(refused: OSError) -> str:
    return (
        f"Your work cannot be written down against a crash ({refused.strerror or refused}). It is safe in "
        "the scene: free some space, and save the scene."
    )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
