"""Segments as packed masks, each packed once and kept until its voxels change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy.typing as npt

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.labelmaps import LABELMAP, block_of, is_on_grid, voxels_of_image, within
from SAMLesionLib.host.layers import Piece
from SAMLesionLib.host.segment_voxels import SegmentVoxels
from SAMLesionLib.packed_masks import PackedMask

Stamp = tuple[Any, int]
"""The state of a segment's voxels: their image, and when it was changed last."""


class PackedSegments(SegmentVoxels):
    """What `SegmentVoxels` can, and masks in a few bytes."""

    def __init__(self, segmentation_node: Any, volume_node: Any) -> None:
        super().__init__(segmentation_node, volume_node)
        self._packed: dict[str, tuple[Stamp, PackedMask]] = {}

    def stamp(self, segment_id: str) -> Stamp:
        """The state of a segment's voxels: it differs from an earlier one when they were written since."""
        return stamp_of(self.segment(segment_id))

    def packed(self, segment_id: str) -> PackedMask:
        """A segment's whole mask in a few bytes; what has not changed is not packed again."""
        known, stamp = self._packed.get(segment_id), self.stamp(segment_id)
        if known is None or known[0] != stamp:
            block = self._reach(stamp[0])
            mask = PackedMask.of(self.read(segment_id, block), block.start_ijk)
            known = self._packed[segment_id] = (stamp, mask)
        return known[1]

    def is_packed(self, segment_id: str) -> bool:
        """Whether `packed` has its answer ready."""
        known = self._packed.get(segment_id)
        return known is not None and known[0] == self.stamp(segment_id)

    def remember_packed(self, segment_id: str, stamp: Stamp, mask: PackedMask) -> None:
        """Take over the packed mask that somebody else made of a segment in that state."""
        self._packed[segment_id] = (stamp, mask)

    def trimmed(self, segment_id: str, mask: PackedMask) -> PackedMask:
        """A mask without the voxels of accepted segments other than this one."""
        parts = [part for part in self._protected_parts(mask.box, segment_id) if part[1].any()]
        if not parts or (self._holds(segment_id, mask) and not self._covers(segment_id, parts)):
            return mask
        voxels, is_touched = mask.unpack(), False
        for block, owned in parts:
            here = voxels[within(block, mask.box)]
            is_touched |= bool((here & owned).any())
            here &= ~owned
        return PackedMask.of(voxels, mask.box.start_ijk) if is_touched else mask

    def _holds(self, segment_id: str, mask: PackedMask) -> bool:
        """Whether this is what the segment is now, so that it need not be unpacked to look at a part."""
        return self.has(segment_id) and self.is_packed(segment_id) and self._packed[segment_id][1] is mask

    def _covers(self, segment_id: str, parts: Iterable[Piece]) -> bool:
        return any((self.read(segment_id, block) & owned).any() for block, owned in parts)

    def raw(self, segment_id: str) -> tuple[npt.NDArray[Any], int, IndexBox] | None:
        """A segment's voxels (k, j, i) as they lie in memory, its label, and their block on the grid.

        None when there are none, or they lie on another grid than the volume's.
        """
        segment = self.segment(segment_id)
        image = segment.GetRepresentation(LABELMAP)
        block = self._reach(image)
        if block.is_empty or not is_on_grid(image, self._grid):
            return None
        return voxels_of_image(image)[within(block, block_of(image))], int(segment.GetLabelValue()), block


def stamp_of(segment: Any) -> Stamp:
    """The state of a `vtkSegment`'s voxels."""
    image = segment.GetRepresentation(LABELMAP)
    # The image itself is part of it: a number may come again for another image.
    return image, image.GetMTime() if image is not None else 0
