"""Segments as files hold them: masks with names, colours and what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy.typing as npt

from SAMLesionLib.geometry import Affine, IndexBox, Triple
from SAMLesionLib.provenance import LESION_TERMINOLOGY

Colour = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Segment:
    """One lesion's mask with what people see of it.

    Attributes:
        name: shown to people; need not be unique.
        mask: (k, j, i) booleans that fill `box`, or the whole grid when no box is given; kept cropped to
            what is inside.
        box: where `mask` lies in the volume.
        colour: red, green and blue, each 0 to 1.
        terminology: what the segment is, in the form of Slicer's terminology tag.
        tags: further facts, saved with the segment by `.seg.nrrd` only; keys without `:` and `|`.
        label: its value in a label map; None for the next that is free.
        segment_id: its name for programs, kept by `.seg.nrrd` only; empty for one by its number there.
    """

    name: str
    mask: npt.NDArray[Any]
    box: IndexBox | None = None
    colour: Colour = (0.9, 0.2, 0.2)
    terminology: str = LESION_TERMINOLOGY
    tags: Mapping[str, str] = field(default_factory=dict)
    label: int | None = None
    segment_id: str = ""

    def __post_init__(self) -> None:
        given = self.box or IndexBox.whole(self.mask.shape[::-1])
        if self.mask.shape != given.shape_kji:
            raise ValueError(f"mask {self.mask.shape} must fill its box {given.shape_kji} (k, j, i)")
        mask = self.mask.astype(bool, copy=False)
        tight = IndexBox.of_mask(mask) or IndexBox((0, 0, 0), (0, 0, 0))
        # A copy of the lesion, so that the whole-grid array can be freed.
        object.__setattr__(self, "mask", mask[tight.slices_kji()].copy())
        object.__setattr__(self, "box", tight.shift(given.start_ijk))

    @property
    def block(self) -> IndexBox:
        """The tight block of voxels that `mask` fills."""
        assert self.box is not None
        return self.box


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The segments of a file and the grid they lie on.

    Attributes:
        segments: in the order of the file.
        affine: the grid's place in the patient.
        shape_ijk: the grid's size.
    """

    segments: tuple[Segment, ...]
    affine: Affine
    shape_ijk: Triple


def crop(segment: Segment, block: IndexBox) -> npt.NDArray[Any]:
    """The part of a segment's mask that lies in a block, which must lie in the segment's."""
    i, j, k = segment.block.start_ijk
    return segment.mask[block.shift((-i, -j, -k)).slices_kji()]


def labels_of(segments: Sequence[Segment]) -> list[int]:
    """The value of each segment in a label map."""
    given = [segment.label for segment in segments if segment.label is not None]
    if len(set(given)) < len(given) or not all(0 < label < 2**16 for label in given):
        raise ValueError(f"labels differ and lie between 1 and 65535, got {given}")
    free = (label for label in count(1) if label not in given)
    return [next(free) if segment.label is None else segment.label for segment in segments]
