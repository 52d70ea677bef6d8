"""Rendering that can be paused: each pause counts, and each has its end."""

from __future__ import annotations

from typing import Any


class Pausing:
    """What views, their layout and the application share."""

    def setRenderPaused(self, paused: bool) -> Any:
        """Begin or end a pause."""
        raise NotImplementedError

    def pauseRender(self) -> Any:
        return self.setRenderPaused(True)

    def resumeRender(self) -> Any:
        return self.setRenderPaused(False)
