"""Lesions as segments: masks in and out, neighbours protected, each lesion in a layer of its own.

No function here changes another segment than the one it is asked to change, and no write ever covers a
voxel of an accepted one. Segments of a segmentation usually share one labelmap of the size of all of
them together; a lesion written here has its own, of the size of the lesion, so that a prompt costs the
same with forty lesions as with one. Saving puts them together again (`files.save_segmentation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from SAMLesionLib.errors import InputError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.labelmaps import (
    LABELMAP,
    block_of,
    blocks_meet,
    image_of_block,
    is_on_grid,
    read_block,
    voxels_of_image,
)
from SAMLesionLib.host.layers import accepted_layers, ground_if_empty, separate
from SAMLesionLib.host.segment_facts import read_status, read_tags, write_tags
from SAMLesionLib.host.volumes import check_scalar, parent_matrix
from SAMLesionLib.lesions import Status
from SAMLesionLib.packed_masks import NOTHING, PackedMask
from SAMLesionLib.palette import lesion_colour
from SAMLesionLib.provenance import LESION_TERMINOLOGY

Mask = npt.NDArray[np.bool_]
_Logic = slicer.vtkSlicerSegmentationsModuleLogic


def create_segmentation(scene: Any, volume_node: Any, name: str | None = None) -> Any:
    """A new segmentation node on a volume's grid and under its transform.

    Raises:
        ImageError: the volume is no scalar volume, or under a transform that bends space.
    """
    check_scalar(volume_node)
    parent_matrix(volume_node)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name or f"{volume_node.GetName()} lesions")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    # Under another transform every write would be resampled: a few voxels appear or vanish each time.
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    return node


class LesionSegments:
    """The segments of one segmentation node, addressed in the voxels of one volume.

    Attributes:
        node: the `vtkMRMLSegmentationNode`.
        volume_node: the volume whose grid masks are given on.
    """

    def __init__(self, segmentation_node: Any, volume_node: Any) -> None:
        check_scalar(volume_node)
        if segmentation_node.GetTransformNodeID() != volume_node.GetTransformNodeID():
            raise InputError(
                f"{segmentation_node.GetName()} and {volume_node.GetName()} lie under different transforms. "
                "Put the segmentation under the volume's transform in the Data module."
            )
        self.node = segmentation_node
        self.volume_node = volume_node

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """All segments, ours and others, in the order of the table."""
        return tuple(self._segmentation.GetSegmentIDs())

    def has(self, segment_id: str) -> bool:
        """Whether there is a segment of this id."""
        return self._segmentation.GetSegment(segment_id) is not None

    def add(self, segment_id: str = "lesion_1", name: str | None = None) -> str:
        """Add an empty lesion and return its id, which is `segment_id` unless that is taken."""
        segmentation = self._segmentation
        segment_id = segmentation.GenerateUniqueSegmentID(segment_id)
        segment = slicer.vtkSegment()
        # A segment that brings its own labelmap, even an empty one, is not put into the shared one.
        segment.AddRepresentation(LABELMAP, image_of_block(self._grid, NOTHING))
        segment.SetName(self._free_name(name or "Lesion"))
        segment.SetColor(*lesion_colour(segmentation.GetNumberOfSegments()))
        segment.SetTerminology(LESION_TERMINOLOGY)
        _Logic.SetSegmentStatus(segment, _Logic.NotStarted)
        segmentation.AddSegment(segment, segment_id)
        return segment_id

    def remove(self, segment_id: str) -> Any:
        """Remove a segment that is not accepted; the returned `vtkSegment` can be restored."""
        self._check_open(segment_id)
        self._own_layer(segment_id)
        segment = self.segment(segment_id)
        self._segmentation.RemoveSegment(segment_id)
        return segment

    def restore(self, segment_id: str, segment: Any) -> None:
        """Bring a removed segment back with its voxels, name, colour and tags."""
        self._segmentation.AddSegment(segment, segment_id)

    def separate(self, segment_ids: Iterable[str]) -> None:
        """Give each of these segments a layer of its own, as a lesion has that was written here."""
        separate(self._segmentation, segment_ids)

    def ground(self, segment_id: str) -> None:
        """Put a segment that has no voxel on the volume's grid."""
        ground_if_empty(self.segment(segment_id), self._grid)

    def place_before(self, segment_id: str, other_id: str) -> None:
        """Put a segment before another one in the order of the table."""
        segmentation = self._segmentation
        here, there = segmentation.GetSegmentIndex(segment_id), segmentation.GetSegmentIndex(other_id)
        if here > there:
            segmentation.SetSegmentIndex(segment_id, there)

    def read(self, segment_id: str, block: IndexBox | None = None) -> Mask:
        """A segment's mask (k, j, i) in a block, or on the whole grid."""
        block = block or IndexBox.whole(self.volume_node.GetImageData().GetDimensions())
        segment = self.segment(segment_id)
        image = segment.GetRepresentation(LABELMAP)
        if image is None:
            return np.zeros(block.shape_kji, dtype=bool)
        return read_block(image, self._grid, block) == segment.GetLabelValue()

    def block(self, segment_id: str) -> IndexBox | None:
        """The tight block around a segment's voxels on the volume's grid, None when it has none."""
        image = self.segment(segment_id).GetRepresentation(LABELMAP)
        if image is None:
            return None
        reach = self._reach(image)
        found = None if reach.is_empty else IndexBox.of_mask(self.read(segment_id, reach))
        return found.shift(reach.start_ijk) if found else None

    def write(self, segment_id: str, block: IndexBox, mask: Mask, is_whole: bool = False) -> None:
        """Make a block of a segment equal a mask, save for the voxels of accepted segments.

        Args:
            segment_id: the segment to change; no other changes.
            block: a block of the volume's grid; what lies off the image is left out.
            mask: (k, j, i) booleans that fill the block.
            is_whole: the mask is the whole segment: outside the block it becomes empty.

        Raises:
            InputError: there is no such segment, or it is accepted.
        """
        self._check_open(segment_id)
        self._own_layer(segment_id)
        block_inside = block.intersect(self._whole)
        before = None if is_whole and not block_inside.is_empty else self.block(segment_id)
        span = _union(before, block_inside)
        if span.is_empty:
            return
        is_kept = before is not None and not is_whole
        voxels = self.read(segment_id, span) if is_kept else np.zeros(span.shape_kji, dtype=bool)
        common = block_inside.intersect(span)
        here, there = (common.shift(_minus(x.start_ijk)).slices_kji() for x in (span, block))
        voxels[here] = mask[there]
        if not common.is_empty:
            voxels[here] &= ~self.protected(common, segment_id)
        self._replace(segment_id, span, voxels)

    def packed(self, segment_id: str) -> PackedMask:
        """A segment's whole mask in a few bytes."""
        image = self.segment(segment_id).GetRepresentation(LABELMAP)
        reach = NOTHING if image is None else self._reach(image)
        return (
            PackedMask() if reach.is_empty else PackedMask.of(self.read(segment_id, reach), reach.start_ijk)
        )

    def put_back(self, segment_id: str, mask: PackedMask) -> None:
        """Give a segment exactly this mask, which it had before or which keeps clear of accepted ones."""
        self._own_layer(segment_id)
        before = self.block(segment_id)
        if not mask.is_empty:
            self._replace(segment_id, mask.box, mask.unpack())
        elif before is not None:
            self._replace(segment_id, before, np.zeros(before.shape_kji, dtype=bool))

    def protected(self, block: IndexBox, but: str = "") -> Mask:
        """The voxels (k, j, i) of a block that accepted segments other than `but` own."""
        owned, grid = np.zeros(block.shape_kji, dtype=bool), self._grid
        for image, labels in accepted_layers(self._segmentation, but).items():
            if blocks_meet(image, grid, block):
                owned |= np.isin(read_block(image, grid, block), labels)
        return owned

    def is_accepted(self, segment_id: str) -> bool:
        """Whether the segment's status says that the reader has finished it."""
        return self.status(segment_id) is Status.ACCEPTED

    def status(self, segment_id: str) -> Status:
        """How far the segment is, as Slicer's segments table shows it."""
        return read_status(self.segment(segment_id))

    def accept(self, segment_id: str) -> None:
        """Freeze a segment: its status becomes "completed", and voxels of accepted ones are taken off it."""
        self._check_open(segment_id)
        block = self.block(segment_id)
        if block is not None:
            self.write(segment_id, block, self.read(segment_id, block))
        _Logic.SetSegmentStatus(self.segment(segment_id), _Logic.Completed)

    def reopen(self, segment_id: str) -> None:
        """Let an accepted segment be changed again."""
        _Logic.SetSegmentStatus(self.segment(segment_id), _Logic.InProgress)

    def tags(self, segment_id: str) -> dict[str, str | None]:
        """The tags of a segment that say how it was made, None for each that it does not have."""
        return read_tags(self.segment(segment_id))

    def set_tags(self, segment_id: str, tags: Mapping[str, str | None]) -> None:
        """Set tags, such as `provenance.provenance_tags` makes; None removes one."""
        write_tags(self.segment(segment_id), tags)

    def segment(self, segment_id: str) -> Any:
        """The `vtkSegment` of an id.

        Raises:
            InputError: there is none.
        """
        segment = self._segmentation.GetSegment(segment_id)
        if segment is None:
            raise InputError(
                f"{self.node.GetName()} has no segment {segment_id!r} any more. Choose or add one."
            )
        return segment

    @property
    def _segmentation(self) -> Any:
        return self.node.GetSegmentation()

    @property
    def _grid(self) -> Any:
        matrix = vtk.vtkMatrix4x4()
        self.volume_node.GetIJKToRASMatrix(matrix)
        return matrix

    @property
    def _whole(self) -> IndexBox:
        return IndexBox.whole(self.volume_node.GetImageData().GetDimensions())

    def _reach(self, image: Any) -> IndexBox:
        if not voxels_of_image(image).size:
            return IndexBox((0, 0, 0), (0, 0, 0))
        return block_of(image).intersect(self._whole) if is_on_grid(image, self._grid) else self._whole

    def _check_open(self, segment_id: str) -> None:
        if self.is_accepted(segment_id):
            name = self.segment(segment_id).GetName()
            raise InputError(f"{name} is accepted and cannot be changed. Reopen it first.")

    def _own_layer(self, segment_id: str) -> None:
        separate(self._segmentation, (segment_id,))

    def _replace(self, segment_id: str, block: IndexBox, voxels: Mask) -> None:
        # Slicer's own way to replace a labelmap: it also renews the 3D surface where there is one, and
        # tells every view once. It takes about 1 ms, since the layer holds nothing but this lesion.
        image = image_of_block(self._grid, block, voxels)
        if not _Logic.SetBinaryLabelmapToSegment(image, self.node, segment_id, _Logic.MODE_REPLACE):
            raise InputError(f"The mask could not be written into {self.node.GetName()}. See the error log.")

    def _free_name(self, base: str) -> str:
        taken = {self.segment(i).GetName() for i in self.segment_ids}
        if base != "Lesion" and base not in taken:
            return base
        return next(name for n in range(1, len(taken) + 2) if (name := f"{base} {n}") not in taken)


def _union(before: IndexBox | None, block: IndexBox) -> IndexBox:
    if before is None:
        return block
    return before if block.is_empty else before.union(block)


def _minus(triple: tuple[int, int, int]) -> tuple[int, int, int]:
    i, j, k = triple
    return -i, -j, -k
