"""Large masks packed in a thread: tens of millions of voxels take longer than the views may wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy.typing as npt

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.dispatch import Dispatch, Job
from SAMLesionLib.host.packed_segments import PackedSegments, Stamp
from SAMLesionLib.packed_masks import PackedMask

LARGE_VOXELS = 1_000_000
"""A block of so many takes a few milliseconds to pack."""


class Packing:
    """Makes `PackedSegments.packed` ready for segments that take long."""

    def __init__(self, segments: PackedSegments) -> None:
        self._segments = segments
        self._dispatch = Dispatch("SAMLesion packing")
        self._begun: dict[str, Stamp] = {}
        self._failed: dict[str, Stamp] = {}

    @property
    def is_busy(self) -> bool:
        """Whether a mask is being packed."""
        return self._dispatch.is_busy

    def begin(self, segment_id: str) -> bool:
        """Pack a segment's mask if that takes long; False when `packed` answers at once."""
        stamp, raw = self._segments.stamp(segment_id), self._segments.raw(segment_id)
        if raw is None or raw[0].size < LARGE_VOXELS or self._is_settled(segment_id, stamp):
            return False
        if not self._dispatch.is_running(segment_id) or self._begun[segment_id] != stamp:
            self._start(segment_id, stamp, *raw)
        return True

    def pump(self) -> None:
        """Take over what was packed meanwhile."""
        self._dispatch.pump()

    def close(self) -> None:
        """End the thread without waiting for it."""
        self._dispatch.close()

    def _is_settled(self, segment_id: str, stamp: Stamp) -> bool:
        return self._segments.is_packed(segment_id) or self._failed.get(segment_id) == stamp

    def _start(
        self, segment_id: str, stamp: Stamp, voxels: npt.NDArray[Any], label: int, block: IndexBox
    ) -> None:
        # The voxels are read where they lie. What is painted meanwhile changes the stamp, and then this is
        # forgotten; VTK does not move voxels that somebody holds, it makes new ones.
        def stream() -> Iterator[PackedMask]:
            yield PackedMask.of(voxels == label, block.start_ijk)

        def keep(mask: PackedMask) -> None:
            self._segments.remember_packed(segment_id, stamp, mask)

        def give_up(_error: SAMLesionError) -> None:
            self._failed[segment_id] = stamp

        self._begun[segment_id] = stamp
        self._dispatch.start(Job(segment_id, stream, keep, on_end=lambda: None, on_error=give_up))
