"""The state of a session as one frozen value after the other, with undo and redo along them."""

from __future__ import annotations

from SAMLesionLib.changes import changes
from SAMLesionLib.events import Cause, LesionEvent, Signal
from SAMLesionLib.lesions import Snapshot

MAX_STEPS = 200
"""How many actions can be taken back; a snapshot shares its prompts with its neighbours, so this is cheap."""


class History:
    """Where a session is, where it was, and where it can go again.

    Attributes:
        before_change: emits None before each action, undo and redo, while the state is still the old one.
        changed: emits a `LesionEvent` for each thing that happened, after the state has changed; what
            happened is found by comparing the two states, so that undo is told like any action.
    """

    def __init__(self, start: Snapshot | None = None, max_steps: int = MAX_STEPS) -> None:
        self.before_change: Signal[None] = Signal()
        self.changed: Signal[LesionEvent] = Signal()
        self._now = start or Snapshot()
        self._past: list[Snapshot] = []
        self._future: list[Snapshot] = []
        self._max_steps = max_steps

    @property
    def snapshot(self) -> Snapshot:
        """The state now."""
        return self._now

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether an action was taken back and nothing was done since."""
        return bool(self._future)

    def undo(self) -> bool:
        """Take back the last action; False when there is none."""
        self.before_change.emit(None)
        return self._walk(self._past, self._future, "undo")

    def redo(self) -> bool:
        """Do again what was taken back last; False when there is nothing."""
        self.before_change.emit(None)
        return self._walk(self._future, self._past, "redo")

    def _do(self, new: Snapshot, cause: Cause = "edit") -> None:
        self._past = [*self._past, self._now][-self._max_steps :]
        self._future = []
        self._move(new, cause)

    def _walk(self, source: list[Snapshot], target: list[Snapshot], cause: Cause) -> bool:
        if not source:
            return False
        target.append(self._now)
        self._move(source.pop(), cause)
        return True

    def _move(self, new: Snapshot, cause: Cause) -> None:
        old, self._now = self._now, new
        for event in tuple(changes(old, new, cause)):
            self.changed.emit(event)
