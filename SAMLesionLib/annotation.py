"""The lesions of one reading session: their prompts and status, with undo and redo.

The state is one frozen `Snapshot`; every action replaces it, undo and redo walk along the ones
before. What changed between two snapshots is told to listeners as events, whatever the cause.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from enum import Enum
from itertools import count

from SAMLesionLib.errors import InputError, PromptError
from SAMLesionLib.events import (
    Cause,
    LesionAccepted,
    LesionAdded,
    LesionDeleted,
    LesionEvent,
    LesionReopened,
    MaskShown,
    PromptAdded,
    PromptRemoved,
    Signal,
)
from SAMLesionLib.masks import RunReport
from SAMLesionLib.prompts import Prompt, PromptSet

MAX_STEPS = 200
"""How many actions can be taken back; a snapshot shares its prompts with its neighbours, so this is cheap."""


class Status(Enum):
    """How far a lesion is."""

    DRAFT = "draft"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class Lesion:
    """One lesion as its reader described it.

    Attributes:
        lesion_id: its name for programs; the host uses the id of its segment.
        name: its name for people.
        prompts: everything drawn on it so far.
        status: whether the reader has finished with it.
    """

    lesion_id: str
    name: str
    prompts: PromptSet = field(default_factory=PromptSet)
    status: Status = Status.DRAFT

    @property
    def is_accepted(self) -> bool:
        """Whether the lesion is finished and frozen."""
        return self.status is Status.ACCEPTED


@dataclass(frozen=True)
class Snapshot:
    """All lesions at one moment, in the order they were added.

    Attributes:
        lesions: the lesions.
    """

    lesions: tuple[Lesion, ...] = ()

    def find(self, lesion_id: str) -> Lesion | None:
        """The lesion of this id, if there is one."""
        return next((lesion for lesion in self.lesions if lesion.lesion_id == lesion_id), None)

    def with_lesion(self, changed: Lesion) -> Snapshot:
        """The snapshot in which this lesion replaces the one of the same id."""
        return Snapshot(tuple(changed if x.lesion_id == changed.lesion_id else x for x in self.lesions))

    def without(self, lesion_id: str) -> Snapshot:
        """The snapshot without this lesion."""
        return Snapshot(tuple(x for x in self.lesions if x.lesion_id != lesion_id))


class Annotation:
    """The history of one session.

    Attributes:
        changed: emits a `LesionEvent` for each thing that happened, after the state has changed.
    """

    def __init__(self, start: Snapshot | None = None, max_steps: int = MAX_STEPS) -> None:
        self.changed: Signal[LesionEvent] = Signal()
        self._now = start or Snapshot()
        self._past: list[Snapshot] = []
        self._future: list[Snapshot] = []
        self._max_steps = max_steps
        self._ids_ever = {lesion.lesion_id for lesion in self._now.lesions}

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

    def lesion(self, lesion_id: str) -> Lesion:
        """The lesion of this id.

        Raises:
            InputError: there is none.
        """
        found = self._now.find(lesion_id)
        if found is None:
            raise InputError(f"There is no lesion {lesion_id!r} any more. Choose one from the list.")
        return found

    def add_lesion(self, lesion_id: str | None = None, name: str | None = None) -> Lesion:
        """Begin a new lesion; without names it becomes `lesion_3`, "Lesion 3".

        Raises:
            InputError: a lesion has this id, or had it before it was deleted.
        """
        if lesion_id is None:
            lesion_id = self.new_id()
        elif lesion_id in self._ids_ever:
            raise InputError(f"There already is or was a lesion {lesion_id!r}. Choose another id.")
        self._ids_ever.add(lesion_id)
        lesion = Lesion(lesion_id, name or lesion_id.replace("_", " ").capitalize())
        self._do(Snapshot((*self._now.lesions, lesion)))
        return lesion

    def new_id(self, taken: Container[str] = ()) -> str:
        """An id, such as `lesion_3`, that no lesion of this session has or had.

        Args:
            taken: ids of other things to keep clear of, too.
        """
        # Never reused: what is kept under the id of a deleted lesion waits for the undo that brings it back.
        ids = (f"lesion_{n}" for n in count(len(self._ids_ever) + 1))
        return next(i for i in ids if i not in self._ids_ever and i not in taken)

    def add_prompt(self, lesion_id: str, prompt: Prompt) -> Lesion:
        """Add what was drawn to a lesion.

        Raises:
            InputError: there is no such lesion, or it is accepted.
        """
        lesion = self._draft(lesion_id)
        return self._change(replace(lesion, prompts=lesion.prompts.add(prompt)))

    def replace_prompt(self, lesion_id: str, index: int, prompt: Prompt) -> Lesion:
        """Put a prompt in the place of an earlier one, as when its handles were dragged.

        Raises:
            InputError: there is no such lesion or prompt, or the lesion is accepted.
        """
        lesion, before, after = self._around(lesion_id, index)
        return self._change(replace(lesion, prompts=PromptSet((*before, prompt, *after))))

    def remove_prompt(self, lesion_id: str, index: int) -> Lesion:
        """Take one prompt away.

        Raises:
            InputError: there is no such lesion or prompt, or the lesion is accepted.
        """
        lesion, before, after = self._around(lesion_id, index)
        return self._change(replace(lesion, prompts=PromptSet((*before, *after))))

    def accept(self, lesion_id: str) -> Lesion:
        """Declare a lesion finished: from now on it is frozen.

        Raises:
            InputError: there is no such lesion, or it is accepted already.
            PromptError: nothing was drawn on it.
        """
        lesion = self._draft(lesion_id)
        if not lesion.prompts:
            raise PromptError(f"{lesion.name} has no prompt yet, so there is nothing to accept. Draw a box.")
        return self._change(replace(lesion, status=Status.ACCEPTED))

    def reopen(self, lesion_id: str) -> Lesion:
        """Make an accepted lesion a draft again; a draft stays one.

        Raises:
            InputError: there is no such lesion.
        """
        lesion = self.lesion(lesion_id)
        return self._change(replace(lesion, status=Status.DRAFT)) if lesion.is_accepted else lesion

    def delete(self, lesion_id: str) -> None:
        """Remove a draft; undo brings it back.

        Raises:
            InputError: there is no such lesion, or it is accepted.
        """
        self._do(self._now.without(self._draft(lesion_id).lesion_id))

    def undo(self) -> bool:
        """Take back the last action; False when there is none."""
        return self._walk(self._past, self._future, "undo")

    def redo(self) -> bool:
        """Do again what was taken back last; False when there is nothing."""
        return self._walk(self._future, self._past, "redo")

    def mask_shown(self, lesion_id: str, n_prompts: int, report: RunReport | None) -> None:
        """Tell the listeners that the reader now sees a mask made from so many prompts."""
        self.changed.emit(MaskShown(lesion_id, "edit", n_prompts, report))

    def _draft(self, lesion_id: str) -> Lesion:
        lesion = self.lesion(lesion_id)
        if lesion.is_accepted:
            raise InputError(f"{lesion.name} is accepted and cannot be changed. Reopen it first.")
        return lesion

    def _around(self, lesion_id: str, index: int) -> tuple[Lesion, tuple[Prompt, ...], tuple[Prompt, ...]]:
        lesion = self._draft(lesion_id)
        prompts = lesion.prompts.prompts
        if not 0 <= index < len(prompts):
            raise InputError(f"{lesion.name} has {len(prompts)} prompts (numbered from 0), got {index}.")
        return lesion, prompts[:index], prompts[index + 1 :]

    def _change(self, lesion: Lesion) -> Lesion:
        self._do(self._now.with_lesion(lesion))
        return lesion

    def _do(self, new: Snapshot) -> None:
        self._past = [*self._past, self._now][-self._max_steps :]
        self._future = []
        self._move(new, "edit")

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


def changes(old: Snapshot, new: Snapshot, cause: Cause = "edit") -> Iterator[LesionEvent]:
    """What must be told to someone who knows `old` and shall know `new`.

    Reopenings come before the prompts change and acceptances after, so that a listener never sees an
    accepted lesion change.
    """
    for lesion in old.lesions:
        if new.find(lesion.lesion_id) is None:
            yield LesionDeleted(lesion.lesion_id, cause)
    for lesion in new.lesions:
        before = old.find(lesion.lesion_id)
        if before is None:
            yield LesionAdded(lesion.lesion_id, cause)
            before = Lesion(lesion.lesion_id, lesion.name)
        yield from _lesion_changes(before, lesion, cause)


def _lesion_changes(old: Lesion, new: Lesion, cause: Cause) -> Iterator[LesionEvent]:
    if old.is_accepted and not new.is_accepted:
        yield LesionReopened(new.lesion_id, cause)
    yield from _prompt_changes(old, new, cause)
    if new.is_accepted and not old.is_accepted:
        yield LesionAccepted(new.lesion_id, cause)


def _prompt_changes(old: Lesion, new: Lesion, cause: Cause) -> Iterator[LesionEvent]:
    before, after = old.prompts.prompts, new.prompts.prompts
    if before == after:
        return
    edits = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for tag, first, last, _, _ in reversed(edits):  # from the end, so that each index is still true
        if tag in ("replace", "delete"):
            for index in reversed(range(first, last)):
                yield PromptRemoved(new.lesion_id, cause, index, before[index])
    for tag, _, _, first, last in edits:
        if tag in ("replace", "insert"):
            for index in range(first, last):
                yield PromptAdded(new.lesion_id, cause, index, after[index])
