"""The time that a reading has run, as its reader sees it; the log holds the time that counts."""

from __future__ import annotations

import time


class Clock:
    """Runs between `resume` and `pause`."""

    def __init__(self) -> None:
        self._ran_s = 0.0
        self._since_s: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return self._ran_s + (0.0 if self._since_s is None else time.monotonic() - self._since_s)

    def resume(self) -> None:
        """Run from now on."""
        if self._since_s is None:
            self._since_s = time.monotonic()

    def pause(self) -> None:
        """Rest."""
        self._ran_s, self._since_s = self.seconds, None
