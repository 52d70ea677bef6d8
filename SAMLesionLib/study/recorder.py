"""Listens while a reader works and writes down what happens, raw: times are derived afterwards.

The viewer's thread only notes the moment and hands the event over; what it means is worked out, written and
brought to the disk in a thread of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from SAMLesionLib.events import LesionAccepted, LesionEvent, MaskShown, Signal, WorkFailed
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.study.describing import Describer, kind_of
from SAMLesionLib.study.log import LogWriter

HEARTBEAT_S = 10.0
"""After so long without a line one is written, so that a crash loses no more."""

MaskOf = Callable[[str], PackedMask | None]


class Annotates(Protocol):
    """What the recorder listens to."""

    changed: Signal[LesionEvent]


class Recorder:
    """The eye and pen of one session.

    Attributes:
        reading: name of the reading that lines belong to; set by the session.
    """

    def __init__(self, writer: LogWriter) -> None:
        self.reading = ""
        self._writer = writer
        self._describer = Describer()
        self._mask_of: MaskOf | None = None
        self._last_s = time.monotonic()
        self._disconnects: list[Callable[[], None]] = []

    def listen(
        self, annotation: Annotates, failed: Signal[WorkFailed] | None = None, mask_of: MaskOf | None = None
    ) -> None:
        """Write down what the reader does with lesions, until `stop` is called.

        Args:
            annotation: the session's.
            failed: where it is told that no mask comes.
            mask_of: gives a lesion's mask as it looks now, without a copy.
        """
        self.stop()
        self._describer, self._mask_of = Describer(), mask_of
        self._disconnects = [annotation.changed.connect(self._heard)]
        if failed is not None:
            self._disconnects.append(failed.connect(self._heard))

    def note(self, kind: str, **facts: float | str | bool) -> None:
        """Write down what a host saw: a tool, a stroke, a scrolled slice, the focus.

        Args:
            kind: what was done, such as `tool`, `stroke`, `undo`, `scroll`, `zoom` or `window`; `focus_lost`
                and `focus_gained` when the reader turned to another program and back.
            facts: numbers and words of the program, never of the scan.
        """
        self._write(kind, facts)

    def tick(self) -> None:
        """Show a sign of life now and then; a viewer's timer calls this."""
        if time.monotonic() - self._last_s > HEARTBEAT_S:
            self._write("heartbeat", {})

    def stop(self) -> None:
        """Listen no more."""
        for disconnect in self._disconnects:
            disconnect()
        self._disconnects = []

    def _heard(self, event: LesionEvent) -> None:
        looks_new = isinstance(event, (MaskShown, LesionAccepted))
        mask = self._mask_of(event.lesion_id) if looks_new and self._mask_of else None
        facts = self._describer.later(event, mask)
        self._last_s = time.monotonic()
        self._writer.write(kind_of(event), self.reading, facts, isinstance(event, LesionAccepted))

    def _write(self, kind: str, facts: dict[str, float | str | bool]) -> None:
        self._last_s = time.monotonic()
        self._writer.write(kind, self.reading, facts)
