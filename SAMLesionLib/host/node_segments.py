"""All segments of a node as files hold them, so that a thread can write them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk

from SAMLesionLib.errors import OutputError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.labelmaps import LABELMAP, image_of_block
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.io import Segment, read_segmentation

_ONE_VOXEL = IndexBox((0, 0, 0), (1, 1, 1))


def segments_of_node(segments: LesionSegments) -> Callable[[], list[Segment]]:
    """Every segment of a node, those that are no lesions too, with all that it says of itself.

    Returns:
        What unpacks the masks, in any thread.

    Raises:
        OutputError: the temporary folder is full.
    """
    described = [(segment, segments.packed(segment.segment_id)) for segment in _described(segments)]
    return lambda: [replace(segment, mask=mask.unpack(), box=mask.box) for segment, mask in described]


def _described(segments: LesionSegments) -> tuple[Segment, ...]:
    """The segments with one voxel each in the place of their own.

    VTK does not list the tags that a segment has, but Slicer writes them all: this takes 10 ms.
    """
    node = slicer.vtkMRMLSegmentationNode()
    image = image_of_block(vtk.vtkMatrix4x4(), _ONE_VOXEL, np.ones((1, 1, 1), bool))
    for segment_id in segments.segment_ids:
        segment = slicer.vtkSegment()
        segment.DeepCopyMetadata(segments.segment(segment_id))
        segment.AddRepresentation(LABELMAP, image)
        node.GetSegmentation().AddSegment(segment, segment_id)
    with tempfile.TemporaryDirectory(prefix="samlesion-") as folder:
        return read_segmentation(_write(node, Path(folder) / "described.seg.nrrd")).segments


def _write(node: Any, path: Path) -> Path:
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetCropToMinimumExtent(True)
    storage.SetFileName(str(path))
    if not storage.WriteData(node):
        raise OutputError(f"{path} could not be written. Is the disk of the temporary folder full?")
    return path
