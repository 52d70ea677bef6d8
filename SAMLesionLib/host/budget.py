"""How long one turn of the viewer may take: what takes longer is done in portions, one a turn."""

from __future__ import annotations

import time
from collections.abc import Iterator


class Budget:
    """Time from now on, or as much as it takes.

    Args:
        seconds: None for as much as it takes.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._end_s = None if seconds is None else time.monotonic() + seconds

    @property
    def left_s(self) -> float | None:
        """What is left of it, 0 when it is spent; None for as much as it takes."""
        return None if self._end_s is None else max(0.0, self._end_s - time.monotonic())

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.left_s == 0.0

    def spend(self, steps: Iterator[object]) -> bool:
        """Take steps, at least one, until nothing is left; False when there may be more of them."""
        return all(not self.is_spent for _ in steps)
