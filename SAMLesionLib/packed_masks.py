"""Whole masks in a few bytes, so that histories and journals may keep hundreds of them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import IndexBox, Triple
from SAMLesionLib.mask_prompt import MaskPrompt
from SAMLesionLib.masks import pack_bits, unpack_bits
from SAMLesionLib.prompt_values import index_box

NOTHING = IndexBox((0, 0, 0), (0, 0, 0))


@dataclass(frozen=True)
class PackedMask:
    """A mask on a volume's grid; equal for equal voxels.

    Attributes:
        box: the tight block around the voxels inside; empty when there are none.
        bits: the block's voxels as `pack_bits` makes them; nothing when it is empty.
    """

    box: IndexBox = NOTHING
    bits: bytes = b""

    @classmethod
    def of(cls, mask_kji: npt.NDArray[np.bool_], start_ijk: Triple = (0, 0, 0)) -> PackedMask:
        """The packed form of a mask that fills a block beginning at `start_ijk`, or the whole grid."""
        tight = IndexBox.of_mask(mask_kji)
        if tight is None:
            return cls()
        return cls(tight.shift(start_ijk), pack_bits(mask_kji[tight.slices_kji()]))

    @property
    def is_empty(self) -> bool:
        """Whether no voxel is inside."""
        return self.box.is_empty

    def unpack(self) -> npt.NDArray[np.bool_]:
        """The voxels (k, j, i) of the block."""
        if self.is_empty:
            return np.zeros((0, 0, 0), dtype=bool)
        return unpack_bits(self.bits, self.box.shape_kji)

    def as_prompt(self) -> MaskPrompt:
        """The mask as something to start from.

        Raises:
            PromptError: it is empty.
        """
        return MaskPrompt(self.box, self.unpack())

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "start_ijk": list(self.box.start_ijk),
            "stop_ijk": list(self.box.stop_ijk),
            "bits": base64.b64encode(self.bits).decode("ascii"),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PackedMask:
        """The mask that `to_json` described.

        Raises:
            PromptError: the voxels are damaged.
            KeyError, TypeError, ValueError: the values are not those of a mask.
        """
        packed = cls(index_box(values), base64.b64decode(values["bits"], validate=True))
        packed.unpack()  # damage is told here, not when the mask shall be shown
        return packed


def union(masks: Iterable[PackedMask]) -> PackedMask:
    """The mask of all voxels that lie in any of these."""
    some = [mask for mask in masks if not mask.is_empty]
    if not some:
        return PackedMask()
    box = some[0].box
    for mask in some[1:]:
        box = box.union(mask.box)
    i, j, k = box.start_ijk
    whole = np.zeros(box.shape_kji, dtype=bool)
    for mask in some:
        whole[mask.box.shift((-i, -j, -k)).slices_kji()] |= mask.unpack()
    return PackedMask.of(whole, box.start_ijk)
