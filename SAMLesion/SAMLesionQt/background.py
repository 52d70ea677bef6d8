"""Work that takes time, done in a thread, with its answers handed over in the thread of the panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.host.dispatch import Dispatch, Job

T = TypeVar("T")
PUMP_S = 0.005


class Background:
    """One thread for questions; a newer question with the same name takes the place of an older one.

    The panel's timer calls `pump`. Whatever is asked may use plain data only: no widget and no node.
    """

    def __init__(self, name: str) -> None:
        self._dispatch = Dispatch(f"SAMLesion {name}")

    @property
    def isBusy(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._dispatch.is_busy)

    def ask(
        self,
        name: str,
        question: Callable[[], T],
        onAnswer: Callable[[T], None],
        onError: Callable[[SAMLesionError], None],
    ) -> None:
        """Call `question` in the thread, and `onAnswer` or `onError` in the panel's."""
        answers: list[T] = []

        def stream() -> Iterator[T]:
            yield question()

        # Answered at the end, when nothing is under way any more.
        self.follow(name, stream, answers.append, lambda: onAnswer(answers[0]), onError)

    def follow(
        self,
        name: str,
        stream: Callable[[], Iterator[Any]],
        onItem: Callable[[Any], None],
        onEnd: Callable[[], None],
        onError: Callable[[SAMLesionError], None],
    ) -> None:
        """Run an iterator in the thread and hand over each of its items in the panel's."""
        self._dispatch.start(Job(name, stream, onItem, onEnd, onError))

    def cancel(self) -> None:
        """Forget what was asked; nothing of it is handed over from now on."""
        self._dispatch.cancel()

    def pump(self) -> None:
        """Hand over what has come, for at most a few milliseconds."""
        self._dispatch.pump(PUMP_S)

    def close(self) -> None:
        """End the thread without waiting for it."""
        self._dispatch.close()
