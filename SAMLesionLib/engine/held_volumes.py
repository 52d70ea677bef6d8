"""The volumes that an engine holds, within a memory budget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from SAMLesionLib.errors import RequestTooLarge, VolumeNotLoaded
from SAMLesionLib.imaging import Window, medsam_window
from SAMLesionLib.volume import Volume


@dataclass(frozen=True, eq=False)
class HeldVolume:
    """A volume and the window a model sees it through, found once."""

    volume: Volume
    window: Window


class Cache(Protocol):
    """Keeps what was computed from volumes."""

    def forget(self, volume_id: str) -> None:
        """Drop all values of one volume."""


class HeldVolumes:
    """The most recently used volumes; the least recently used ones go when the budget is full.

    Args:
        budget_bytes: memory for all of them.
        caches: forget a volume that goes.
    """

    def __init__(self, budget_bytes: int, caches: Sequence[Cache]) -> None:
        self._budget_bytes, self._caches = budget_bytes, caches
        self._held: OrderedDict[str, HeldVolume] = OrderedDict()

    def put(self, volume: Volume) -> str:
        """Take a volume and return its id.

        Raises:
            ImageError: when no model can read it (NaN, constant).
            RequestTooLarge: when it alone exceeds the budget.
        """
        volume_id = volume.volume_id
        if volume_id in self._held:
            self._held.move_to_end(volume_id)
            return volume_id
        volume.check_usable()
        self._make_room(volume)
        self._held[volume_id] = HeldVolume(volume, medsam_window(volume))
        return volume_id

    def get(self, volume_id: str) -> HeldVolume:
        """The volume of this id.

        Raises:
            VolumeNotLoaded: when it was never sent or has gone.
        """
        if volume_id not in self._held:
            raise VolumeNotLoaded(
                f"The engine does not hold volume {volume_id[:8]}. Send it, then ask again."
            )
        self._held.move_to_end(volume_id)
        return self._held[volume_id]

    def drop(self, volume_id: str) -> None:
        """Let a volume go; one that is not here too, since something computed from it may be."""
        self._held.pop(volume_id, None)
        for cache in self._caches:
            cache.forget(volume_id)

    def _make_room(self, volume: Volume) -> None:
        need = volume.voxels.nbytes
        if need > self._budget_bytes:
            raise RequestTooLarge(
                f"{volume.name} takes {need / 2**30:.1f} GiB and this engine holds volumes up to "
                f"{self._budget_bytes / 2**30:.1f} GiB. Crop it around the lesion."
            )
        while sum(h.volume.voxels.nbytes for h in self._held.values()) + need > self._budget_bytes:
            self.drop(next(iter(self._held)))
