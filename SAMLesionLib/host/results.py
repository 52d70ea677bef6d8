"""One result as one step: what a stream of mask updates changed in a segment, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.segments import LesionSegments, Mask
from SAMLesionLib.masks import MaskUpdate, RunReport
from SAMLesionLib.prompts import PromptSet
from SAMLesionLib.provenance import provenance_tags


@dataclass(frozen=True, eq=False)
class _Change:
    """The voxels that one write flipped.

    Attributes:
        block: the tight block around them.
        flipped: (k, j, i) booleans that fill it.
        after: what the voxels became.
    """

    block: IndexBox
    flipped: Mask
    after: Mask


class ResultStep:
    """Writes one answer into a segment, update by update, and can take it all back at once.

    Only voxels that the answer changed go back and forth, so what a reader painted elsewhere in the
    meantime stays.

    Attributes:
        segment_id: where the answer goes.
        report: how it was made, once it is finished.
    """

    def __init__(self, segments: LesionSegments, segment_id: str) -> None:
        self.segment_id = segment_id
        self.report: RunReport | None = None
        self._segments = segments
        self._changes: list[_Change] = []
        self._tags_before: dict[str, str | None] = segments.tags(segment_id)
        self._tags_after = self._tags_before
        self._is_begun = False

    def write(self, update: MaskUpdate) -> None:
        """Show one update; the first one also clears what an earlier answer left in the segment.

        Raises:
            InputError: the segment is gone or accepted.
        """
        block, mask = update.block, update.mask
        if not self._is_begun:
            block, mask = self._with_old(block, mask)
        if block.is_empty:
            return
        before = self._segments.read(self.segment_id, block)
        self._segments.write(self.segment_id, block, mask)
        self._is_begun = True
        self._remember(block, before, self._segments.read(self.segment_id, block))

    def finish(self, report: RunReport, prompts: PromptSet, made_at: datetime | None = None) -> None:
        """Write down in the segment's tags how the mask was made."""
        self.report = report
        self._segments.set_tags(self.segment_id, provenance_tags(report, prompts, made_at))
        self._tags_after = self._segments.tags(self.segment_id)

    def undo(self) -> None:
        """Take the answer back: its voxels and its tags."""
        for change in reversed(self._changes):
            self._apply(change, ~change.after)
        self._segments.set_tags(self.segment_id, self._tags_before)

    def redo(self) -> None:
        """Show the answer again."""
        for change in self._changes:
            self._apply(change, change.after)
        self._segments.set_tags(self.segment_id, self._tags_after)

    def _with_old(self, block: IndexBox, mask: Mask) -> tuple[IndexBox, Mask]:
        old = self._segments.block(self.segment_id)
        if old is None:
            return block, mask
        span = old if block.is_empty else old.union(block)
        i, j, k = span.start_ijk
        whole = np.zeros(span.shape_kji, dtype=bool)
        if not block.is_empty:
            whole[block.shift((-i, -j, -k)).slices_kji()] = mask
        return span, whole

    def _remember(self, block: IndexBox, before: Mask, after: Mask) -> None:
        flipped = before ^ after
        tight = IndexBox.of_mask(flipped)
        if tight is not None:
            here = tight.slices_kji()
            self._changes.append(
                _Change(tight.shift(block.start_ijk), flipped[here].copy(), after[here].copy())
            )

    def _apply(self, change: _Change, values: Mask) -> None:
        now = self._segments.read(self.segment_id, change.block)
        self._segments.write(self.segment_id, change.block, np.where(change.flipped, values, now))


class ResultHistory:
    """The answers shown for one lesion, one behind the other, and which of them its segment shows."""

    def __init__(self) -> None:
        self._steps: list[tuple[PromptSet, ResultStep]] = []
        self._shown = 0

    def append(self, prompts: PromptSet, step: ResultStep) -> None:
        """Add an answer that was just shown; those that had been taken back are forgotten."""
        del self._steps[self._shown :]
        self._steps.append((prompts, step))
        self._shown = len(self._steps)

    def go_to(self, prompts: PromptSet) -> bool:
        """Show the answer to these prompts again; False when there is none any more.

        No prompts at all have the answer that was there before the first: nothing.
        """
        known = [PromptSet(), *(made_from for made_from, _ in self._steps)]
        found = [n for n, made_from in enumerate(known) if made_from == prompts]
        if not found:
            return False
        target = min(found, key=lambda n: abs(n - self._shown))
        while self._shown > target:
            self._shown -= 1
            self._steps[self._shown][1].undo()
        while self._shown < target:
            self._steps[self._shown][1].redo()
            self._shown += 1
        return True
