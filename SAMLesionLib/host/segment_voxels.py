"""Masks of segments in and out, on the grid of one volume, with the voxels of accepted ones protected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
    image_of_block,
    is_on_grid,
    read_block,
    voxels_of_image,
    within,
)
from SAMLesionLib.host.layers import Piece, accepted_parts, ground_if_empty, separate, separating
from SAMLesionLib.host.segment_facts import read_status
from SAMLesionLib.host.volumes import check_scalar
from SAMLesionLib.lesions import Status
from SAMLesionLib.packed_masks import NOTHING, PackedMask

Mask = npt.NDArray[np.bool_]
_Logic = slicer.vtkSlicerSegmentationsModuleLogic


class SegmentVoxels:
    """The voxels of one segmentation node's segments, addressed in the voxels of one volume.

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

    def has(self, segment_id: str) -> bool:
        """Whether there is a segment of this id."""
        return self._segmentation.GetSegment(segment_id) is not None

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

    @contextmanager
    def told_once(self) -> Iterator[None]:
        """The views are told of all that is written inside when it ends; each telling costs milliseconds."""
        was_modifying = self.node.StartModify()
        try:
            yield
        finally:
            self.node.EndModify(was_modifying)

    def separate(self, segment_ids: Iterable[str]) -> None:
        """Give each of these segments a layer of its own, as a lesion has that was written here."""
        separate(self._segmentation, segment_ids)

    def separating(self, segment_ids: Iterable[str]) -> Iterator[None]:
        """The same in small steps."""
        return separating(self._segmentation, segment_ids)

    def ground(self, segment_id: str) -> None:
        """Put a segment that has no voxel on the volume's grid."""
        ground_if_empty(self.segment(segment_id), self._grid)

    def read(self, segment_id: str, block: IndexBox | None = None) -> Mask:
        """A segment's mask (k, j, i) in a block, or on the whole grid."""
        block = block or self._whole
        segment = self.segment(segment_id)
        image = segment.GetRepresentation(LABELMAP)
        if image is None:
            return np.zeros(block.shape_kji, dtype=bool)
        return read_block(image, self._grid, block) == segment.GetLabelValue()

    def block(self, segment_id: str) -> IndexBox | None:
        """The tight block around a segment's voxels on the volume's grid, None when it has none."""
        reach = self._reach(self.segment(segment_id).GetRepresentation(LABELMAP))
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
        self.write_pieces(segment_id, [(block, mask)], is_whole)

    def write_pieces(self, segment_id: str, pieces: Sequence[Piece], is_whole: bool = False) -> None:
        """Do `write` with several blocks, one after the other, at the price of one."""
        self._check_open(segment_id)
        self._own_layer(segment_id)
        before = self._reach(self.segment(segment_id).GetRepresentation(LABELMAP))
        wanted = _union(block.intersect(self._whole) for block, _ in pieces)
        span = wanted if is_whole and not wanted.is_empty else _union((before, wanted))
        if span.is_empty:
            return
        voxels = np.zeros(span.shape_kji, bool) if is_whole else self.read(segment_id, span)
        for block, mask in pieces:
            common = block.intersect(span)
            voxels[within(common, span)] = mask[within(common, block)]
        for block, owned in self._protected_parts(wanted, segment_id):
            voxels[within(block, span)] &= ~owned
        self._replace(segment_id, span, voxels)

    def put_back(self, segment_id: str, mask: PackedMask) -> None:
        """Give a segment exactly this mask, which it had before or which keeps clear of accepted ones."""
        self._own_layer(segment_id)
        if not mask.is_empty:
            self._replace(segment_id, mask.box, mask.unpack())
        elif (before := self.block(segment_id)) is not None:
            self._replace(segment_id, before, np.zeros(before.shape_kji, dtype=bool))

    def protected(self, block: IndexBox, but: str = "") -> Mask:
        """The voxels (k, j, i) of a block that accepted segments other than `but` own."""
        owned = np.zeros(block.shape_kji, dtype=bool)
        for part, mask in self._protected_parts(block, but):
            owned[within(part, block)] |= mask
        return owned

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

    def _protected_parts(self, block: IndexBox, but: str) -> Iterator[Piece]:
        return accepted_parts(self._segmentation, self._grid, block, but)

    def _reach(self, image: Any) -> IndexBox:
        """Where on the volume's grid an image can hold voxels."""
        if image is None or not voxels_of_image(image).size:
            return NOTHING
        return block_of(image).intersect(self._whole) if is_on_grid(image, self._grid) else self._whole

    def _check_open(self, segment_id: str) -> None:
        segment = self.segment(segment_id)
        if read_status(segment) is Status.ACCEPTED:
            raise InputError(f"{segment.GetName()} is accepted and cannot be changed. Reopen it first.")

    def _own_layer(self, segment_id: str) -> None:
        separate(self._segmentation, (segment_id,))

    def _replace(self, segment_id: str, block: IndexBox, voxels: Mask) -> None:
        # Slicer's own way to replace a labelmap: it also renews the 3D surface where there is one, and
        # tells every view once. It takes about 1 ms, since the layer holds nothing but this lesion.
        image = image_of_block(self._grid, block, voxels)
        if not _Logic.SetBinaryLabelmapToSegment(image, self.node, segment_id, _Logic.MODE_REPLACE):
            raise InputError(f"The mask could not be written into {self.node.GetName()}. See the error log.")


def _union(blocks: Iterable[IndexBox]) -> IndexBox:
    whole = NOTHING
    for block in blocks:
        if not block.is_empty:
            whole = block if whole.is_empty else whole.union(block)
    return whole
