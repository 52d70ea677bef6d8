"""What an opponent is asked: a scan, the boxes of a lesion slice by slice, and clicks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox, Triple
from SAMLesionLib.imaging import IN_PLANE
from SAMLesionLib.prompts import PointPrompt, PromptSet
from SAMLesionLib.protocol import SegmentRequest
from SAMLesionLib.volume import Volume

Mask = npt.NDArray[np.bool_]


class SlicePlan(Protocol):
    """Which slices are asked, with which box in each."""

    @property
    def axis(self) -> int:
        """The voxel axis across which slices are cut."""

    @property
    def boxes(self) -> tuple[IndexBox, ...]:
        """One box a slice, in the order of the slices."""


Planner = Callable[[PromptSet, Volume], SlicePlan]
"""Makes a plan of boxes and lines: the engine's own, so that every opponent gets what our models get."""


@dataclass(frozen=True, eq=False)
class Question:
    """One lesion for an opponent.

    Attributes:
        volume: the scan.
        axis: the voxel axis across which the boxes lie.
        boxes: one box a slice, on the image.
        positive_ijk: voxels clicked as lesion.
        negative_ijk: voxels clicked as no lesion.
        window: grey values (low, high) that the request asked for, None for the usual ones.
    """

    volume: Volume
    axis: int
    boxes: tuple[IndexBox, ...]
    positive_ijk: tuple[Triple, ...] = ()
    negative_ijk: tuple[Triple, ...] = ()
    window: tuple[float, float] | None = None

    @classmethod
    def of(cls, request: SegmentRequest, volume: Volume, plan: Planner) -> Question:
        """The question in a request.

        Raises:
            PromptError: when it has nothing but clicks.
        """
        drawn = PromptSet(tuple(p for p in request.prompts if not isinstance(p, PointPrompt)))
        if not len(drawn):
            raise PromptError(
                f"{request.model} needs a box or a line beside clicks, got clicks only. Draw a box around "
                "the lesion."
            )
        planned = plan(drawn, volume)
        clicks = request.prompts.of(PointPrompt)
        positive = tuple(_voxel(c) for c in clicks if c.is_positive)
        negative = tuple(_voxel(c) for c in clicks if not c.is_positive)
        return cls(volume, planned.axis, planned.boxes, positive, negative, request.window)

    @cached_property
    def block(self) -> IndexBox:
        """The block that holds all boxes."""
        block = self.boxes[0]
        for box in self.boxes[1:]:
            block = block.union(box)
        return block

    @cached_property
    def inside(self) -> Mask:
        """Whether a voxel of the block lies in its slice's box, (k, j, i)."""
        inside = np.zeros(self.block.shape_kji, bool)
        for box in self.boxes:
            inside[within(box, self.block)] = True
        return inside

    def grey(self, block: IndexBox) -> npt.NDArray[Any]:
        """The grey values of a block, (k, j, i)."""
        return self.volume.voxels[block.slices_kji()]

    def widened(self, rows: int, columns: int) -> IndexBox:
        """The block with so many voxels more around it within the slices, as far as the image goes."""
        by = [0, 0, 0]
        row_axis, column_axis = IN_PLANE[self.axis]
        by[row_axis], by[column_axis] = rows, columns
        return self.block.grow((by[0], by[1], by[2])).intersect(self.volume.block)


def within(part: IndexBox, block: IndexBox) -> tuple[slice, slice, slice]:
    """The index of a block in an array that fills a larger one."""
    i, j, k = block.start_ijk
    return part.shift((-i, -j, -k)).slices_kji()


def _voxel(click: PointPrompt) -> Triple:
    i, j, k = (int(v) for v in np.floor(np.add(click.point_ijk, 0.5)))
    return i, j, k
