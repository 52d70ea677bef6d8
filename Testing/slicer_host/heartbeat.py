"""How long the thread of the user interface was busy at a stretch."""

from __future__ import annotations

import time
from types import TracebackType

from PySide6.QtCore import Qt, QTimer


class Heartbeat:
    """Beats while events are processed; a gap between two beats is time in which nothing was drawn.

    Attributes:
        gaps_s: the time between each two beats.
    """

    def __init__(self) -> None:
        self.gaps_s: list[float] = []
        self._last_s = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def __enter__(self) -> Heartbeat:
        self._last_s = time.perf_counter()
        self._timer.start(0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.stop()
        self._beat()

    @property
    def longest_gap_s(self) -> float:
        """The longest time without a beat."""
        return max(self.gaps_s, default=0.0)

    def _beat(self) -> None:
        now_s = time.perf_counter()
        self.gaps_s.append(now_s - self._last_s)
        self._last_s = now_s
