"""From prompts to a plan: which slices to ask, with which box in each, and what is likely beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from SAMLesionLib.engine.boxes import box_from_slice_box, boxes_between
from SAMLesionLib.engine.lines import boxes_from_lines
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import slab
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, MaskPrompt, PromptSet
from SAMLesionLib.volume import Volume

PLANNED_KINDS = frozenset({BoxPrompt.kind, LinePrompt.kind, MaskPrompt.kind})
"""What a plan can be made of; a set of prompts for a plan holds nothing else."""

MASK_MARGIN_VOXELS = 2


@dataclass(frozen=True, eq=False)
class SlicePlan:
    """What a 2D model is asked about one lesion.

    Attributes:
        axis: the voxel axis across which slices are cut.
        boxes: one box a slice, one voxel thick along `axis`, in the order of the slices.
        ends_inside: whether the lesion ends within the first and the last slice, as in a 3D box; False
            where the reader saw it in both.
        start: a mask to start from, None without one.
    """

    axis: int
    boxes: tuple[IndexBox, ...]
    ends_inside: bool = True
    start: MaskPrompt | None = None

    @property
    def block(self) -> IndexBox:
        """The block that holds all boxes; no voxel outside it becomes lesion."""
        block = self.boxes[0]
        for box in self.boxes[1:]:
            block = block.union(box)
        return block

    def contains(self, point_ijk: tuple[float, float, float]) -> bool:
        """Whether a point lies in one of the boxes."""
        return any(box.contains(point_ijk) for box in self.boxes)

    def middle_first(self) -> list[int]:
        """Positions in `boxes` from the middle outwards, so that a reader sees the lesion's core first."""
        middle = (len(self.boxes) - 1) / 2
        return sorted(range(len(self.boxes)), key=lambda n: (abs(n - middle), n))


def plan_slices(prompts: PromptSet, volume: Volume) -> SlicePlan:
    """The plan for these prompts.

    One 3D box: every slice of it along the scan's slice axis. 2D boxes in several slices of one view:
    interpolated between. 2D boxes in different views: the 3D box they span together. One 2D box: a 3D
    box as deep as it is wide. One or two diameters in a slice: a 2D box there. A mask: the box of each
    of its slices; with a box as well, the box says where to look.

    Args:
        prompts: on the image, and of `PLANNED_KINDS`.
        volume: the scan.

    Raises:
        PromptError: when the prompts contradict each other or more than one lesion is meant.
    """
    masks, boxes = prompts.of(MaskPrompt), prompts.of(BoxPrompt)
    lines = prompts.of(LinePrompt)
    start = _cropped(masks[-1], volume) if masks else None
    if lines:
        boxes = [*boxes, *boxes_from_lines(lines, volume.affine)]
    if not boxes and start is not None:
        return _plan_of_mask(start, volume)
    plan = _plan_of_boxes(boxes, volume)
    return SlicePlan(plan.axis, plan.boxes, plan.ends_inside, start)


def _plan_of_boxes(boxes: list[BoxPrompt], volume: Volume) -> SlicePlan:
    whole = [b for b in boxes if b.axis is None]
    flat = [b for b in boxes if b.axis is not None]
    if len(whole) > 1 or (whole and flat):
        raise PromptError(
            f"One lesion takes one 3D box, or 2D boxes and lines; got {len(whole)} 3D and {len(flat)} 2D. "
            "Make a lesion of its own for each."
        )
    if whole:
        return _plan_of_block(whole[0].box, volume)
    axes = {b.axis for b in flat}
    if len(axes) > 1:
        return _plan_of_block(_spanned(flat), volume)
    if len({b.index for b in flat}) == 1:
        return _plan_of_block(box_from_slice_box(flat[-1], volume.affine), volume)
    return SlicePlan(axes.pop() or 0, _clip(boxes_between(flat), volume), ends_inside=False)


def _plan_of_block(block: IndexBox, volume: Volume) -> SlicePlan:
    # Across the scan's own slices, whichever view it was drawn in: they are the sharpest and the fewest.
    axis = volume.affine.slice_axis
    block = block.intersect(volume.block)
    slices = range(block.start_ijk[axis], block.stop_ijk[axis])
    return SlicePlan(axis, tuple(slab(block, axis, n) for n in slices))


def _spanned(boxes: list[BoxPrompt]) -> IndexBox:
    """The 3D box that 2D boxes of several views span: along each axis, what every view of it covers."""
    start, stop = [0, 0, 0], [0, 0, 0]
    for axis in range(3):
        seen = [b.box for b in boxes if b.axis != axis]
        start[axis] = min(b.start_ijk[axis] for b in seen)
        stop[axis] = max(b.stop_ijk[axis] for b in seen)
    return IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _cropped(start: MaskPrompt, volume: Volume) -> MaskPrompt:
    """The part of a mask that lies on the image."""
    block = start.box.intersect(volume.block)
    i, j, k = start.box.start_ijk
    mask = start.mask[block.shift((-i, -j, -k)).slices_kji()]
    if not mask.any():
        raise PromptError(f"The mask to start from has no voxel on {volume.name}. Paint it on the image.")
    return MaskPrompt(block, mask)


def _plan_of_mask(start: MaskPrompt, volume: Volume) -> SlicePlan:
    axis = volume.affine.slice_axis
    boxes = []
    for n in range(start.box.start_ijk[axis], start.box.stop_ijk[axis]):
        plane = np.moveaxis(start.mask, 2 - axis, 0)[n - start.box.start_ijk[axis]]
        painted = IndexBox.of_mask(np.expand_dims(plane, 2 - axis)) if plane.any() else None
        box = painted.shift(start.box.start_ijk) if painted else start.box
        boxes.append(_widen(slab(box, axis, box.start_ijk[axis]), axis, n))
    return SlicePlan(axis, _clip(boxes, volume), ends_inside=False, start=start)


def _widen(box: IndexBox, axis: int, index: int) -> IndexBox:
    by = [MASK_MARGIN_VOXELS] * 3
    by[axis] = 0
    return slab(box.grow((by[0], by[1], by[2])), axis, index)


def _clip(boxes: list[IndexBox], volume: Volume) -> tuple[IndexBox, ...]:
    inside = [box.intersect(volume.block) for box in boxes]
    return tuple(box for box in inside if not box.is_empty)


def squared_radius(plan: SlicePlan, depth: float) -> npt.NDArray[np.float32]:
    """Squared distance from the middle of the boxes, 1 on their sides.

    Args:
        plan: the slices and boxes.
        depth: weight of the distance along the slice axis, where the lesion ends inside.

    Returns:
        (slices, rows, columns) over `plan.block`.
    """
    block = plan.block
    row_axis, column_axis = (a for a in (2, 1, 0) if a != plan.axis)
    in_depth = _distance(range(len(plan.boxes)), 0, len(plan.boxes)) * (depth if plan.ends_inside else 0.0)
    planes = []
    for box, far in zip(plan.boxes, in_depth, strict=True):
        along = [
            _distance(range(block.start_ijk[a], block.stop_ijk[a]), box.start_ijk[a], box.stop_ijk[a])
            for a in (row_axis, column_axis)
        ]
        planes.append(along[0][:, None] + along[1][None, :] + far)
    return np.stack(planes).astype(np.float32)


def ellipses(plan: SlicePlan) -> npt.NDArray[np.bool_]:
    """The ellipse in each slice's box, (k, j, i) over `plan.block`: about what a lesion in it looks like."""
    return np.moveaxis(squared_radius(plan, 0.0) < 1, 0, 2 - plan.axis)


def boxes_mask(plan: SlicePlan) -> npt.NDArray[np.bool_]:
    """The voxels of all boxes, (k, j, i) over `plan.block`."""
    i, j, k = plan.block.start_ijk
    inside = np.zeros(plan.block.shape_kji, bool)
    for box in plan.boxes:
        inside[box.shift((-i, -j, -k)).slices_kji()] = True
    return inside


def _distance(voxels: range, start: int, stop: int) -> npt.NDArray[np.float64]:
    """Squared distance of voxel centres from the middle of an interval, in half lengths."""
    half = (stop - start) / 2
    return ((np.asarray(voxels) + 0.5 - start - half) / half) ** 2
