"""Which segments share a labelmap, and how a segment gets one of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import vtk

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.labelmaps import (
    LABELMAP,
    block_of,
    image_of_block,
    is_on_grid,
    read_block,
    voxels_of_image,
)
from SAMLesionLib.host.segment_facts import read_status
from SAMLesionLib.imaging import label_boxes
from SAMLesionLib.lesions import Status
from SAMLesionLib.packed_masks import NOTHING

Piece = tuple[IndexBox, npt.NDArray[np.bool_]]
"""A block of a grid, and the mask (k, j, i) that fills it."""

_VOXELS_AT_ONCE = 2_000_000
"""Labels are looked for in so many at a time, which takes 5 ms."""


def separate(segmentation: Any, segment_ids: Iterable[str]) -> None:
    """Give each of these segments a layer of its own, if it shares one, as segments of files do.

    Slicer's own `SeparateSegmentLabelmap` copies the whole layer for each of them.
    """
    for _ in separating(segmentation, segment_ids):
        pass


def separating(segmentation: Any, segment_ids: Iterable[str]) -> Iterator[None]:
    """Do `separate` in steps of milliseconds; what is painted in between is looked at again."""
    # By the labelmaps themselves: IsSharedBinaryLabelmap also says no of layers that were just merged.
    layers: dict[Any, list[Any]] = {}
    for segment in _segments(segmentation).values():
        layers.setdefault(segment.GetRepresentation(LABELMAP), []).append(segment)
    chosen = {segmentation.GetSegment(segment_id) for segment_id in segment_ids}
    for image, segments in layers.items():
        leaving = [segment for segment in segments if segment in chosen]
        if image is not None and len(segments) > 1:
            yield from _take_out(image, leaving)


def accepted_parts(segmentation: Any, grid: Any, block: IndexBox, but: str = "") -> Iterator[Piece]:
    """Where in a block of a grid accepted segments can own voxels, and which; one segment left out."""
    for image, labels in _accepted_layers(segmentation, but).items():
        # A lesion is small, and so is its layer: nothing is looked at where it does not reach.
        common = block_of(image).intersect(block) if is_on_grid(image, grid) else block
        if not common.is_empty:
            voxels = read_block(image, grid, common)
            yield common, voxels == labels[0] if len(labels) == 1 else np.isin(voxels, labels)


def ground_if_empty(segment: Any, grid: Any) -> None:
    """Put a segment without voxels on a grid: saving resamples all segments to the grid of the first."""
    image = segment.GetRepresentation(LABELMAP)
    if image is not None and block_of(image).is_empty and not is_on_grid(image, grid):
        segment.AddRepresentation(LABELMAP, image_of_block(grid, NOTHING))


def _segments(segmentation: Any) -> dict[str, Any]:
    return {segment_id: segmentation.GetSegment(segment_id) for segment_id in segmentation.GetSegmentIDs()}


def _accepted_layers(segmentation: Any, but: str) -> dict[Any, list[int]]:
    """For each labelmap the labels of accepted segments in it."""
    layers: dict[Any, list[int]] = {}
    for segment_id, segment in _segments(segmentation).items():
        image = segment.GetRepresentation(LABELMAP)
        if segment_id != but and image is not None and read_status(segment) is Status.ACCEPTED:
            layers.setdefault(image, []).append(segment.GetLabelValue())
    return layers


def _take_out(image: Any, leaving: list[Any]) -> Iterator[None]:
    """Give segments that share a labelmap one of their own each; the others keep theirs."""
    grid = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(grid)
    while leaving:
        state = image.GetMTime()
        boxes = yield from _label_boxes(voxels_of_image(image))
        while leaving and image.GetMTime() == state:
            segment = leaving.pop()
            if segment.GetRepresentation(LABELMAP) is image:
                _take_one_out(image, grid, segment, boxes.get(segment.GetLabelValue(), NOTHING))
                image.Modified()
                state = image.GetMTime()
            yield


def _label_boxes(voxels: npt.NDArray[Any]) -> Generator[None, None, dict[int, IndexBox]]:
    """The tight block around each label, looked for in some slices at a time."""
    boxes: dict[int, IndexBox] = {}
    n_slices = max(1, _VOXELS_AT_ONCE // max(1, voxels[:1].size))
    for k in range(0, len(voxels), n_slices):
        for label, found in label_boxes(voxels[k : k + n_slices]).items():
            box = found.shift((0, 0, k))
            boxes[label] = boxes[label].union(box) if label in boxes else box
        yield
    return boxes


def _take_one_out(image: Any, grid: Any, segment: Any, box: IndexBox) -> None:
    voxels, label = voxels_of_image(image), segment.GetLabelValue()
    mask = voxels[box.slices_kji()] == label
    own = image_of_block(grid, box.shift(block_of(image).start_ijk) if mask.size else NOTHING, mask)
    voxels[box.slices_kji()][mask] = 0  # a new segment may get this label
    segment.SetLabelValue(1)
    segment.AddRepresentation(LABELMAP, own)
