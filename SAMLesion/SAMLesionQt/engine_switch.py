"""A `Segmenter` that stands for the chosen engine and outlives it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from SAMLesionLib import MaskUpdate, ModelInfo, Segmenter, SegmentRequest, Volume
from SAMLesionQt.engine_choice import EngineChoice, makeSegmenter

TEST_S = 10.0
"""Nobody waits longer to learn that an address does not answer."""


class EngineSwitch:
    """Has the methods of `Segmenter`; what asks it never notices that the engine behind it was changed.

    A request says everything, so lesions and prompts lose nothing: the new engine is sent the volume, and
    the request is asked again.

    Args:
        choice: the engine to begin with; it is made with the first question.
        make: makes the segmenter of a choice; may take how long, in seconds, it may give no sign.
    """

    def __init__(self, choice: EngineChoice, make: Callable[..., Segmenter] = makeSegmenter) -> None:
        self._choice, self._make = choice, make
        self._lock = threading.Lock()
        self._engine: Segmenter | None = None

    @property
    def choice(self) -> EngineChoice:
        """The engine that the reader chose."""
        return self._choice

    @property
    def isStarted(self) -> bool:
        """Whether the engine was asked anything yet."""
        return self._engine is not None

    def use(self, choice: EngineChoice) -> None:
        """Ask another engine from now on."""
        self._choice = choice
        self.restart()

    def restart(self) -> None:
        """End the engine; the next question starts a new one."""
        with self._lock:
            old, self._engine = self._engine, None
        close = getattr(old, "close", None)
        if close is not None:  # an engine may take seconds to end, and nobody waits for it
            threading.Thread(target=close, name="SAMLesion engine's end", daemon=True).start()

    def health(self) -> Any:
        """How the engine is, as `EngineClient.health` says it; one on this computer is started."""
        engine = self._make(self._choice, TEST_S) if self._choice.isRemote else self._current()
        return engine.health()  # type: ignore[attr-defined]  # both kinds of engine have it

    def models(self) -> tuple[ModelInfo, ...]:
        """See `Segmenter.models`."""
        return self._current().models()

    def load_volume(self, volume: Volume) -> str:
        """See `Segmenter.load_volume`."""
        return self._current().load_volume(volume)

    def unload_volume(self, volume_id: str) -> None:
        """See `Segmenter.unload_volume`; starts no engine only to forget."""
        if self._engine is not None:
            self._engine.unload_volume(volume_id)

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        """See `Segmenter.segment`."""
        yield from self._current().segment(request)

    def _current(self) -> Segmenter:
        with self._lock:
            if self._engine is None:
                self._engine = self._make(self._choice)
            return self._engine
