"""Doubles and short words for tests of the panel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from fakes import FAKE_MODEL, FakeSegmenter

from SAMLesionLib import ModelInfo

PATIENCE_S = 240.0
"""For an engine that starts on a busy machine; a test that passes never waits so long."""

POINTS_MODEL = ModelInfo(
    "points",
    "Points only",
    "Understands points.",
    "Nobody et al.",
    "CC-BY-NC-4.0",
    3,
    frozenset({"point"}),
    1,
    5_000_000,
)


class AnsweringSegmenter(FakeSegmenter):
    """The usual double, which also says how it is and what else it could be."""

    n_closed = 0

    def models(self) -> tuple[ModelInfo, ...]:
        return (FAKE_MODEL, POINTS_MODEL)

    def health(self) -> Any:
        return SimpleNamespace(version="9.9", device="cpu", protocol=1, pid=1, is_busy=False)

    def close(self) -> None:
        self.n_closed += 1


class FakeCommands:
    """Prints what it was told to for a word among its arguments, and remembers what it was asked.

    Args:
        answers: for a word the lines that are printed; an exception is raised.
    """

    def __init__(self, answers: Mapping[str, Iterable[str | Exception | None]] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, ...]] = []
        self.n_closed = 0

    def lines(
        self, arguments: Sequence[str], environment: Mapping[str, str | None] | None = None
    ) -> Iterator[str | None]:
        self.asked.append(tuple(arguments))
        word = next((word for word in self.answers if word in arguments), None)
        try:
            for line in self.answers.get(word or "", ()):
                if isinstance(line, Exception):
                    raise line
                yield line
        finally:
            self.n_closed += 1


def waitUntil(condition: Callable[[], Any], pump: Callable[[], Any] | None = None) -> None:
    """Let Qt work, and `pump`, until something is true."""
    import slicer

    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, told()
        slicer.app.processEvents()
        if pump is not None:
            pump()
        time.sleep(0.002)


def chooseItem(selector: Any, index: int) -> None:
    """Choose an item of a combo box as the reader does."""
    selector.currentIndex = index
    selector.pythonqt_native.activated.emit(index)


def told() -> str:
    """What the panel says, for the message of a test that waited in vain."""
    import slicer

    labels = slicer.util.mainWindow().findChildren("QLabel", "statusLabel")
    return f"it never happened; the panel says {[label.text for label in labels]}"
