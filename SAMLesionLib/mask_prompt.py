"""Masks as prompts: one to start from, and the organ that the lesion lies in."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.masks import unpack_bits
from SAMLesionLib.prompt_values import index_box

M = TypeVar("M", bound="BlockMask")


@dataclass(frozen=True, eq=False)
class BlockMask:
    """A mask that says something about a lesion.

    Attributes:
        box: the block of voxels that `mask` fills; everything outside is background.
        mask: (k, j, i) booleans, read-only.
    """

    kind: ClassVar[str]
    when_empty: ClassVar[str]
    """What is said of a mask without a voxel."""

    box: IndexBox
    mask: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        mask = np.array(self.mask, dtype=bool)
        if mask.shape != self.box.shape_kji:
            raise PromptError(f"A mask must fill its block {self.box.shape_kji} (k, j, i), got {mask.shape}.")
        if not mask.any():
            raise PromptError(self.when_empty)
        mask.setflags(write=False)
        object.__setattr__(self, "mask", mask)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, BlockMask)
            and self.kind == other.kind
            and self.box == other.box
            and np.array_equal(self.mask, other.mask)
        )

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Kept, since a viewer looks masks of millions of voxels up many times a second; and the same in
        # every process, since it travels with the prompt.
        voxels = blake2b(self.mask.tobytes(), digest_size=8).digest()
        return hash((self.box, int.from_bytes(voxels, "little")))

    @classmethod
    def of(cls: type[M], mask_kji: npt.NDArray[Any]) -> M:
        """The prompt of a whole-grid mask, cropped to what is painted."""
        mask = np.asarray(mask_kji).astype(bool)
        box = IndexBox.of_mask(mask)
        if box is None:
            raise PromptError(cls.when_empty)
        return cls(box, mask[box.slices_kji()])

    def positions_ijk(self) -> npt.NDArray[np.float64]:
        """The first and the last voxel of the block, (2, 3)."""
        return np.array([self.box.start_ijk, np.subtract(self.box.stop_ijk, 1)], dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; the voxels as base64 of deflated bits in C order."""
        bits = zlib.compress(np.packbits(self.mask).tobytes())
        return {
            "kind": self.kind,
            "start_ijk": list(self.box.start_ijk),
            "stop_ijk": list(self.box.stop_ijk),
            "bits": base64.b64encode(bits).decode("ascii"),
        }

    @classmethod
    def from_json(cls: type[M], values: Mapping[str, Any]) -> M:
        """The prompt that `to_json` described."""
        box = index_box(values)
        return cls(box, unpack_bits(base64.b64decode(values["bits"], validate=True), box.shape_kji))


@dataclass(frozen=True, eq=False)
class MaskPrompt(BlockMask):
    """A mask to start from: an earlier result, or what a reader painted."""

    kind: ClassVar[str] = "mask"
    when_empty: ClassVar[str] = "A mask to start from is empty. Paint the lesion first, or draw a box."


@dataclass(frozen=True, eq=False)
class OrganMaskPrompt(BlockMask):
    """The organ that the lesion lies in: where a model expects it, and nothing that becomes lesion."""

    kind: ClassVar[str] = "organ-mask"
    when_empty: ClassVar[str] = "An organ's mask is empty. Choose a segment with voxels, or leave it out."
