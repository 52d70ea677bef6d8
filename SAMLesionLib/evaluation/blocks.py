"""Masks as the block they fill: an answer costs the memory of its lesion, not of the scan."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.masks import MaskUpdate, RunReport, pack_bits, unpack_bits

NOWHERE = IndexBox((0, 0, 0), (0, 0, 0))


@dataclass(frozen=True, eq=False)
class BlockMask:
    """A mask that is background outside its block.

    Attributes:
        box: the tight block around the mask, empty for an empty mask.
        mask: (k, j, i) booleans that fill the block.
    """

    box: IndexBox
    mask: npt.NDArray[np.bool_]

    @classmethod
    def empty(cls) -> BlockMask:
        """A mask without a voxel."""
        return cls(NOWHERE, np.zeros((0, 0, 0), bool))

    @classmethod
    def of(cls, mask_kji: npt.NDArray[np.bool_], box: IndexBox) -> BlockMask:
        """The tight mask of booleans that fill a larger block."""
        tight = IndexBox.of_mask(mask_kji)
        if tight is None:
            return cls.empty()
        return cls(tight.shift(box.start_ijk), mask_kji[tight.slices_kji()])

    @property
    def n_voxels(self) -> int:
        """Voxels inside."""
        return int(np.count_nonzero(self.mask))

    def over(self, block: IndexBox) -> npt.NDArray[np.bool_]:
        """The mask as (k, j, i) booleans that fill another block; what lies outside it is left out."""
        laid = np.zeros(block.shape_kji, bool)
        common = self.box.intersect(block)
        if not common.is_empty:
            laid[inside(common, block)] = self.mask[inside(common, self.box)]
        return laid

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; the voxels as base64 of deflated bits in C order."""
        bits = base64.b64encode(pack_bits(self.mask)).decode("ascii") if self.n_voxels else ""
        return {"start_ijk": list(self.box.start_ijk), "stop_ijk": list(self.box.stop_ijk), "bits": bits}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> BlockMask:
        """The mask that `to_json` described."""
        if not values["bits"]:
            return cls.empty()
        box = IndexBox(tuple(values["start_ijk"]), tuple(values["stop_ijk"]))
        return cls(box, unpack_bits(base64.b64decode(values["bits"]), box.shape_kji))


def gather(updates: Iterable[MaskUpdate]) -> tuple[BlockMask, RunReport | None]:
    """Follow the answer of a `Segmenter` to its end, as `masks.collect` does, within the blocks it names.

    Returns:
        The mask and the report of the last update.
    """
    told = list(updates)
    around = union_of(update.block for update in told)
    mask = np.zeros(around.shape_kji, bool)
    for update in told:
        if not update.block.is_empty:
            mask[inside(update.block, around)] = update.mask
    return BlockMask.of(mask, around), told[-1].report if told else None


def united(masks: Iterable[BlockMask]) -> BlockMask:
    """The mask of every voxel that is in one of them."""
    parts = list(masks)
    around = union_of(part.box for part in parts)
    mask = np.zeros(around.shape_kji, bool)
    for part in parts:
        if not part.box.is_empty:
            mask[inside(part.box, around)] |= part.mask
    return BlockMask.of(mask, around)


def union_of(boxes: Iterable[IndexBox]) -> IndexBox:
    """The smallest block that holds all that are not empty."""
    around: IndexBox | None = None
    for box in boxes:
        if not box.is_empty:
            around = box if around is None else around.union(box)
    return around or NOWHERE


def inside(part: IndexBox, block: IndexBox) -> tuple[slice, slice, slice]:
    """The index of a block in an array that fills the larger `block`."""
    i, j, k = block.start_ijk
    return part.shift((-i, -j, -k)).slices_kji()
