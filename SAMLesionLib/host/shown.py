"""What the segments show of the lesions, and whether somebody else has changed it since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from SAMLesionLib.host.layers import Piece
from SAMLesionLib.host.packed_segments import Stamp, stamp_of
from SAMLesionLib.host.packing import Packing
from SAMLesionLib.host.segment_facts import is_lesion, read_lesion, write_facts, write_lesion_tag
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.lesions import Lesion, Status
from SAMLesionLib.packed_masks import PackedMask


@dataclass(eq=False)
class _Shown:
    """What was written into one segment last.

    Attributes:
        segment: the `vtkSegment`, kept also while it is out of the segmentation.
        mask: its whole mask; what it was before, while an answer comes in piece by piece.
        actual: what its voxels are, as far as we know; None while an answer comes in.
        stamp: the state of its voxels when we looked last.
    """

    segment: Any
    mask: PackedMask
    actual: PackedMask | None
    stamp: Stamp

    @classmethod
    def of(cls, segment: Any, mask: PackedMask) -> _Shown:
        return cls(segment, mask, mask, stamp_of(segment))


class ShownLesions:
    """The segments of lesions as this session left them.

    Whether another program or the reader's own tools changed a segment is found by comparing, not by
    events: a comparison of modification times costs microseconds, and there is no observer to outlive us.
    """

    def __init__(self, segments: LesionSegments) -> None:
        self._segments = segments
        self._packing = Packing(segments)
        self._shown: dict[str, _Shown] = {}
        self.told_once, self.trimmed = segments.told_once, segments.trimmed
        self.pump, self.close = self._packing.pump, self._packing.close

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """All segments, those that are no lesions too."""
        return self._segments.segment_ids

    def read_lesions(self) -> list[Lesion]:
        """The lesions that the segments hold from an earlier session, in the order of the table."""
        ours = [x for x in self._segments.segment_ids if is_lesion(self._segments.segment(x))]
        self._segments.separate(ours)
        return [self._read(segment_id) for segment_id in ours]

    def add(self, lesion: Lesion, following: str | None = None) -> None:
        """Show a lesion: its segment as it was when it was removed, one that is there, or a new one.

        Args:
            lesion: the lesion.
            following: the lesion that comes after it in the list, None for the last.
        """
        lesion_id = lesion.lesion_id
        shown = self._shown.get(lesion_id)
        if self.is_gone(lesion_id):
            if shown is None:
                self._segments.add(lesion_id, lesion.name)
            else:
                self._restore(lesion_id, shown)
        if following is not None and not self.is_gone(following):
            self._segments.place_before(lesion_id, following)
        segment = self._segments.segment(lesion_id)
        if shown is None:
            self._shown[lesion_id] = _Shown.of(segment, self._segments.packed(lesion_id))

    def remove(self, lesion_id: str) -> None:
        """Take a lesion's segment out of the scene; `add` brings the same one back."""
        if not self.is_gone(lesion_id):
            self._segments.reopen(lesion_id)  # undo may take back that there ever was an accepted lesion
            self._segments.remove(lesion_id)

    def describe(self, lesion: Lesion) -> None:
        """Let a segment say its lesion's name, meaning and status."""
        if not self.is_gone(lesion.lesion_id):
            write_facts(self.segment(lesion.lesion_id), lesion)

    def note_prompts(self, lesion: Lesion) -> None:
        """Let a segment carry its lesion's prompts."""
        if not self.is_gone(lesion.lesion_id):
            write_lesion_tag(self.segment(lesion.lesion_id), lesion)

    def segment(self, lesion_id: str) -> Any:
        """The lesion's `vtkSegment`."""
        return self._shown[lesion_id].segment

    def mask(self, lesion_id: str) -> PackedMask:
        """The lesion's whole mask; while an answer comes in, the one before it."""
        return self._shown[lesion_id].mask

    def tags(self, lesion_id: str) -> dict[str, str | None]:
        """How the lesion's mask was made."""
        return self._segments.tags(lesion_id)

    def set_tags(self, lesion_id: str, tags: Mapping[str, str | None]) -> None:
        """Say how the lesion's mask was made."""
        self._segments.set_tags(lesion_id, tags)

    def put(self, lesion_id: str, mask: PackedMask, tags: Mapping[str, str | None] | None = None) -> None:
        """Show a mask, save for voxels of accepted lesions; and how it was made, where that is given."""
        shown = self._shown[lesion_id]
        mask = self.trimmed(lesion_id, mask)
        if mask != shown.actual:
            self._segments.put_back(lesion_id, mask)
        self._left(shown, mask)
        if tags is not None:
            self._segments.set_tags(lesion_id, tags)

    def put_back(self, lesion_id: str, mask: PackedMask | None = None) -> None:
        """Show exactly the mask that was there before, or this one, of an accepted lesion too."""
        shown = self._shown[lesion_id]
        mask = shown.mask if mask is None else mask
        self._segments.put_back(lesion_id, mask)
        self._left(shown, mask)

    def preview(self, lesion_id: str, pieces: Sequence[Piece]) -> None:
        """Show pieces of an answer that is coming in; the first ones clear what was there."""
        shown = self._shown[lesion_id]
        self._segments.write_pieces(lesion_id, pieces, is_whole=shown.actual is not None)
        shown.actual, shown.stamp = None, stamp_of(shown.segment)

    def trim(self, lesion_id: str) -> None:
        """Take the voxels of accepted lesions off an answer that is coming in, and off what was before it."""
        shown = self._shown[lesion_id]
        now = self._segments.packed(lesion_id)
        if (mask := self.trimmed(lesion_id, now)) != now:
            self._segments.write(lesion_id, mask.box, mask.unpack(), is_whole=True)
            shown.stamp = stamp_of(shown.segment)
        shown.mask = self.trimmed(lesion_id, shown.mask)

    def settle(self, lesion_id: str) -> PackedMask:
        """Take what the segment holds now as the lesion's mask."""
        self._left(self._shown[lesion_id], self._segments.packed(lesion_id))
        return self.mask(lesion_id)

    def is_gone(self, lesion_id: str) -> bool:
        """Whether the lesion's segment is not in the segmentation, as when another table removed it."""
        return not self._segments.has(lesion_id)

    def status(self, lesion_id: str) -> Status:
        """The status that the segment says."""
        return self._segments.status(lesion_id)

    @property
    def is_looking(self) -> bool:
        """Whether a mask that somebody else made is still being looked at."""
        return self._packing.is_busy

    def foreign_mask(self, lesion_id: str, has_time: bool = False) -> PackedMask | None:
        """The mask that somebody else made of the segment; None when its voxels are as we left them.

        Args:
            lesion_id: which lesion.
            has_time: look at a large one in a thread: None until it is found, while `is_looking`.
        """
        shown = self._shown[lesion_id]
        if stamp_of(shown.segment) == shown.stamp:
            return None
        # All at once, since somebody may have merged them: looking through a shared layer takes long.
        self._segments.separate(x for x in self._shown if self._segments.has(x))
        if has_time and self._packing.begin(lesion_id):
            return None
        is_preview = shown.actual is None
        shown.stamp, shown.actual = stamp_of(shown.segment), self._segments.packed(lesion_id)
        return shown.actual if is_preview or shown.actual != shown.mask else None

    def _read(self, segment_id: str) -> Lesion:
        self._segments.ground(segment_id)
        segment, mask = self._segments.segment(segment_id), self._segments.packed(segment_id)
        self._shown[segment_id] = _Shown.of(segment, mask)
        return read_lesion(segment_id, segment, mask)

    def _restore(self, lesion_id: str, shown: _Shown) -> None:
        self._segments.restore(lesion_id, shown.segment)
        if self._segments.packed(lesion_id) != shown.mask:  # it was removed from a layer that it shared
            self._segments.put_back(lesion_id, shown.mask)
        self._left(shown, shown.mask)

    def _left(self, shown: _Shown, mask: PackedMask) -> None:
        shown.mask, shown.actual, shown.stamp = mask, mask, stamp_of(shown.segment)
