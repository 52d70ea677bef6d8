"""Lesions as segments: masks in and out, neighbours protected, each lesion in a layer of its own.

No function here changes another segment than the one it is asked to change, and no write ever covers a
voxel of an accepted one. Segments of a segmentation usually share one labelmap of the size of all of
them together; a lesion written here has its own, of the size of the lesion, so that a prompt costs the
same with forty lesions as with one. Saving puts them together again (`files.save_segmentation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer

from SAMLesionLib.host.labelmaps import LABELMAP, image_of_block
from SAMLesionLib.host.packed_segments import PackedSegments
from SAMLesionLib.host.segment_facts import read_status, read_tags, write_tags
from SAMLesionLib.host.volumes import check_scalar, parent_matrix
from SAMLesionLib.lesions import Status
from SAMLesionLib.packed_masks import NOTHING
from SAMLesionLib.palette import lesion_colour
from SAMLesionLib.provenance import LESION_TERMINOLOGY

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


class LesionSegments(PackedSegments):
    """The segments of one segmentation node as lesions: added, removed, accepted, described."""

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """All segments, ours and others, in the order of the table."""
        return tuple(self._segmentation.GetSegmentIDs())

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

    def place_before(self, segment_id: str, other_id: str) -> None:
        """Put a segment before another one in the order of the table."""
        segmentation = self._segmentation
        here, there = segmentation.GetSegmentIndex(segment_id), segmentation.GetSegmentIndex(other_id)
        if here > there:
            segmentation.SetSegmentIndex(segment_id, there)

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
        with self.told_once():
            write_tags(self.segment(segment_id), tags)

    def _free_name(self, base: str) -> str:
        taken = {self.segment(i).GetName() for i in self.segment_ids}
        if base != "Lesion" and base not in taken:
            return base
        return next(name for n in range(1, len(taken) + 2) if (name := f"{base} {n}") not in taken)
