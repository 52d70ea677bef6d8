"""Which segments share a labelmap, and how a segment gets one of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import vtk

from SAMLesionLib.host.labelmaps import LABELMAP, block_of, image_of_block, is_on_grid, voxels_of_image
from SAMLesionLib.host.segment_facts import read_status
from SAMLesionLib.imaging import label_boxes
from SAMLesionLib.lesions import Status
from SAMLesionLib.packed_masks import NOTHING


def separate(segmentation: Any, segment_ids: Iterable[str]) -> None:
    """Give each of these segments a layer of its own, if it shares one, as segments of files do.

    Slicer's own `SeparateSegmentLabelmap` copies the whole layer for each of them.
    """
    # By the labelmaps themselves: IsSharedBinaryLabelmap also says no of layers that were just merged.
    layers: dict[Any, list[Any]] = {}
    for segment in _segments(segmentation).values():
        layers.setdefault(segment.GetRepresentation(LABELMAP), []).append(segment)
    chosen = {segmentation.GetSegment(segment_id) for segment_id in segment_ids}
    for image, segments in layers.items():
        leaving = [segment for segment in segments if segment in chosen]
        if image is not None and len(segments) > 1 and leaving:
            _take_out(image, leaving)


def accepted_layers(segmentation: Any, but: str = "") -> dict[Any, list[int]]:
    """For each labelmap the labels of accepted segments in it, one segment left out."""
    layers: dict[Any, list[int]] = {}
    for segment_id, segment in _segments(segmentation).items():
        image = segment.GetRepresentation(LABELMAP)
        if segment_id != but and image is not None and read_status(segment) is Status.ACCEPTED:
            layers.setdefault(image, []).append(segment.GetLabelValue())
    return layers


def ground_if_empty(segment: Any, grid: Any) -> None:
    """Put a segment without voxels on a grid: saving resamples all segments to the grid of the first."""
    image = segment.GetRepresentation(LABELMAP)
    if image is not None and block_of(image).is_empty and not is_on_grid(image, grid):
        segment.AddRepresentation(LABELMAP, image_of_block(grid, NOTHING))


def _segments(segmentation: Any) -> dict[str, Any]:
    return {segment_id: segmentation.GetSegment(segment_id) for segment_id in segmentation.GetSegmentIDs()}


def _take_out(image: Any, segments: Sequence[Any]) -> None:
    """Give segments that share a labelmap one of their own each; the others keep theirs."""
    voxels, here, grid = voxels_of_image(image), block_of(image), vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(grid)
    boxes = label_boxes(voxels)
    for segment in segments:
        label, box = segment.GetLabelValue(), boxes.get(segment.GetLabelValue(), NOTHING)
        mask = voxels[box.slices_kji()] == label
        own = image_of_block(grid, box.shift(here.start_ijk) if mask.size else NOTHING, mask)
        voxels[box.slices_kji()][mask] = 0  # a new segment may get this label
        segment.SetLabelValue(1)
        segment.AddRepresentation(LABELMAP, own)
    image.Modified()
