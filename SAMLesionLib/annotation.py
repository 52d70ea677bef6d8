"""What a reader can do with the lesions of one session; every action can be taken back and done again."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from itertools import count

from SAMLesionLib.errors import InputError, PromptError
from SAMLesionLib.events import MaskShown
from SAMLesionLib.history import MAX_STEPS, History
from SAMLesionLib.lesions import Lesion, Snapshot, Status
from SAMLesionLib.masks import RunReport
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import PointPrompt, Prompt, PromptSet, ScribblePrompt
from SAMLesionLib.terminology import with_organ


class Annotation(History):
    """The lesions of one session.

    Actions on a lesion raise `InputError` when there is no such lesion, and those that change what it is
    made of also when it is accepted.
    """

    def __init__(self, start: Snapshot | None = None, max_steps: int = MAX_STEPS) -> None:
        super().__init__(start, max_steps)
        self._ids_ever = {lesion.lesion_id for lesion in self.snapshot.lesions}

    def lesion(self, lesion_id: str) -> Lesion:
        """The lesion of this id.

        Raises:
            InputError: there is none.
        """
        found = self.snapshot.find(lesion_id)
        if found is None:
            raise InputError(f"There is no lesion {lesion_id!r} any more. Choose one from the list.")
        return found

    def add_lesion(
        self, lesion_id: str | None = None, name: str | None = None, edit: PackedMask | None = None
    ) -> Lesion:
        """Begin a new lesion; without names it becomes `lesion_3`, "Lesion 3".

        Args:
            lesion_id: its id.
            name: its name.
            edit: the mask it has already.

        Raises:
            InputError: a lesion has this id, or had it before it was deleted.
        """
        self.before_change.emit(None)
        if lesion_id is None:
            lesion_id = self.new_id()
        elif lesion_id in self._ids_ever:
            raise InputError(f"There already is or was a lesion {lesion_id!r}. Choose another id.")
        self._ids_ever.add(lesion_id)
        lesion = Lesion(lesion_id, name or lesion_id.replace("_", " ").capitalize(), edit=edit)
        self._do(Snapshot((*self.snapshot.lesions, lesion)))
        return lesion

    def new_id(self, taken: Container[str] = ()) -> str:
        """An id, such as `lesion_3`, that no lesion of this session has or had.

        Args:
            taken: ids of other things to keep clear of, too.
        """
        # Never reused: what is kept under the id of a deleted lesion waits for the undo that brings it back.
        ids = (f"lesion_{n}" for n in count(len(self._ids_ever) + 1))
        return next(i for i in ids if i not in self._ids_ever and i not in taken)

    def add_prompt(self, lesion_id: str, *prompts: Prompt) -> Lesion:
        """Add what was drawn to a lesion, in one step; what was edited by hand joins before it as a mask."""
        lesion = self._draft(lesion_id)
        return self._ask(lesion, PromptSet((*lesion.prompts_to_ask(), *prompts)))

    def put_prompt(self, lesion_id: str, kind: type[Prompt], prompt: Prompt | None) -> Lesion:
        """Have one prompt of a kind, in the place of those there are; None has none of it.

        Raises:
            InputError: there is no such lesion, or it is accepted.
        """
        lesion = self._draft(lesion_id)
        others = tuple(p for p in lesion.prompts_to_ask() if not isinstance(p, kind))
        return self._ask(lesion, PromptSet(others if prompt is None else (*others, prompt)))

    def replace_prompt(self, lesion_id: str, index: int, prompt: Prompt) -> Lesion:
        """Put a prompt in the place of an earlier one, as when its handles were dragged.

        Raises:
            InputError: there is no such lesion or prompt, or the lesion is accepted.
        """
        lesion, before, after = self._around(lesion_id, index)
        return self._ask(lesion, PromptSet((*before, prompt, *after)))

    def flip_prompt(self, lesion_id: str, index: int) -> Lesion:
        """Make a positive click or stroke negative, and the other way round.

        Raises:
            InputError: there is no such lesion or prompt, or the lesion is accepted.
            PromptError: prompts of this kind are neither positive nor negative.
        """
        lesion, before, after = self._around(lesion_id, index)
        prompt = lesion.prompts.prompts[index]
        if not isinstance(prompt, (PointPrompt, ScribblePrompt)):
            raise PromptError(
                f"A {prompt.kind} is neither positive nor negative. Delete it, or draw it anew."
            )
        other = replace(prompt, is_positive=not prompt.is_positive)
        return self._ask(lesion, PromptSet((*before, other, *after)))

    def remove_prompt(self, lesion_id: str, index: int) -> Lesion:
        """Take one prompt away.

        Raises:
            InputError: there is no such lesion or prompt, or the lesion is accepted.
        """
        lesion, before, after = self._around(lesion_id, index)
        return self._ask(lesion, PromptSet((*before, *after)))

    def run_again(self, lesion_ids: Iterable[str]) -> None:
        """Ask the same prompts anew, of another model for instance: one step for all these lesions."""
        lesions = [self._draft(lesion_id) for lesion_id in lesion_ids]
        snapshot = self.snapshot
        for x in lesions:
            asked = replace(x, prompts=x.prompts_to_ask(), edit=None, run=x.run + 1)
            snapshot = snapshot.with_lesions(asked)
        self._do(snapshot)

    def edit(self, lesion_id: str, mask: PackedMask) -> Lesion:
        """Note that the reader made a lesion's mask by hand: this is what it looks like now."""
        return self._change(replace(self._draft(lesion_id), edit=mask))

    def merge(self, lesion_ids: Sequence[str], mask: PackedMask) -> Lesion:
        """Make one lesion of several: the first keeps its name and goes on from a mask, the others are gone.

        Args:
            lesion_ids: two lesions or more, none of them accepted.
            mask: all of them together; it takes the place of their prompts, which undo brings back.

        Raises:
            InputError: there are fewer than two, or one is unknown or accepted.
        """
        lesions = [self._draft(lesion_id) for lesion_id in dict.fromkeys(lesion_ids)]
        if len(lesions) < 2:
            raise InputError("Merging needs two lesions or more. Choose them in the list.")
        first, others = lesions[0], [x.lesion_id for x in lesions[1:]]
        merged = replace(first, prompts=PromptSet(), edit=mask)
        self._do(self.snapshot.without(*others).with_lesions(merged))
        return merged

    def split(
        self, lesion_id: str, parts: Sequence[PackedMask], taken: Container[str] = ()
    ) -> tuple[Lesion, ...]:
        """Make a lesion of each part: the first part stays, the others become lesions behind it.

        Args:
            lesion_id: a lesion that is not accepted.
            parts: at least two masks; they take the place of the prompts, which undo brings back.
            taken: ids that the new lesions must not get.
        """
        lesion = self._draft(lesion_id)
        pieces = [replace(lesion, prompts=PromptSet(), edit=parts[0])]
        for n, part in enumerate(parts[1:], start=2):
            self._ids_ever.add(part_id := self.new_id(taken))
            pieces.append(replace(pieces[0], lesion_id=part_id, name=f"{lesion.name} ({n})", edit=part))
        self._do(self.snapshot.with_lesions(*pieces))
        return tuple(pieces)

    def rename(self, lesion_id: str, name: str) -> Lesion:
        """Give a lesion another name, an accepted one too.

        Raises:
            InputError: there is no such lesion, or the name is empty.
        """
        if not name.strip():
            raise InputError("A lesion's name is empty. Type one.")
        self.before_change.emit(None)
        return self._change(replace(self.lesion(lesion_id), name=name.strip()))

    def set_terminology(self, lesion_id: str, terminology: str) -> Lesion:
        """Say what a lesion is and where, an accepted one too, in the form of Slicer's terminology tag."""
        self.before_change.emit(None)
        return self._change(replace(self.lesion(lesion_id), terminology=terminology))

    def set_organ(self, lesion_id: str, word: str) -> Lesion:
        """Say in which organ a lesion lies; an empty word takes it back.

        Raises:
            InputError: there is no such lesion, or the word cannot be part of a terminology.
        """
        self.before_change.emit(None)
        return self.set_terminology(lesion_id, with_organ(self.lesion(lesion_id).terminology, word))

    def accept(self, lesion_id: str) -> Lesion:
        """Declare a lesion finished: from now on it is frozen.

        Raises:
            InputError: there is no such lesion, or it is accepted already.
            PromptError: nothing was drawn on it.
        """
        lesion = self._draft(lesion_id)
        if lesion.is_untouched:
            raise PromptError(f"{lesion.name} has no prompt yet, so there is nothing to accept. Draw a box.")
        return self._change(replace(lesion, status=Status.ACCEPTED))

    def flag(self, lesion_id: str) -> Lesion:
        """Note that a lesion wants a second look; an accepted one is thereby open to changes again."""
        return self._set_status(lesion_id, Status.FLAGGED)

    def reopen(self, lesion_id: str) -> Lesion:
        """Make an accepted or flagged lesion a draft again."""
        return self._set_status(lesion_id, Status.DRAFT)

    def delete(self, lesion_id: str) -> None:
        """Remove a lesion that is not accepted; undo brings it back."""
        lesion = self._draft(lesion_id)
        self._do(self.snapshot.without(lesion.lesion_id))

    def restore(self, lesions: Iterable[Lesion]) -> None:
        """Bring lesions of an earlier session back as they were, in one step; told as if it were a redo.

        Args:
            lesions: each takes the place of the lesion of its id, which must not be accepted.
        """
        self.before_change.emit(None)
        snapshot = self.snapshot
        for lesion in lesions:
            is_here = snapshot.find(lesion.lesion_id) is not None
            if is_here:
                self._draft(lesion.lesion_id)
            self._ids_ever.add(lesion.lesion_id)
            snapshot = snapshot.with_lesions(lesion) if is_here else Snapshot((*snapshot.lesions, lesion))
        self._do(snapshot, "redo")

    def mask_shown(self, lesion_id: str, n_prompts: int, report: RunReport | None) -> None:
        """Tell the listeners that the reader now sees a mask made from so many prompts."""
        self.changed.emit(MaskShown(lesion_id, "edit", n_prompts, report))

    def _draft(self, lesion_id: str) -> Lesion:
        self.before_change.emit(None)
        lesion = self.lesion(lesion_id)
        if lesion.is_accepted:
            raise InputError(f"{lesion.name} is accepted and cannot be changed. Reopen it first.")
        return lesion

    def _around(self, lesion_id: str, index: int) -> tuple[Lesion, tuple[Prompt, ...], tuple[Prompt, ...]]:
        lesion = self._draft(lesion_id)
        n_prompts, prompts = len(lesion.prompts), lesion.prompts_to_ask().prompts
        if not 0 <= index < n_prompts:
            raise InputError(f"{lesion.name} has {n_prompts} prompts (numbered from 0), got {index}.")
        return lesion, prompts[:index], prompts[index + 1 :]

    def _ask(self, lesion: Lesion, prompts: PromptSet) -> Lesion:
        return self._change(replace(lesion, prompts=prompts, edit=None))

    def _set_status(self, lesion_id: str, status: Status) -> Lesion:
        self.before_change.emit(None)
        return self._change(replace(self.lesion(lesion_id), status=status))

    def _change(self, lesion: Lesion) -> Lesion:
        if lesion != self.lesion(lesion.lesion_id):
            self._do(self.snapshot.with_lesions(lesion))
        return lesion
