"""A double of Slicer's DICOM SEG exporter, which needs the application's DICOM database and a CLI module.

It has the calls of `DICOMSegmentationPlugin` (Slicer 5.12; before, in the extension QuantitativeReporting),
refuses what the real one refuses, and writes down what it would have written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
import vtk


@dataclass
class Exportable:
    """What `qSlicerDICOMExportable` holds."""

    subjectHierarchyItemID: int  # noqa: N815 -- Slicer's name
    directory: str = ""


class DICOMSegmentationPluginClass:
    """Examines items of the subject hierarchy, and exports them."""

    def examineForExport(self, item: int) -> list[Exportable]:
        node = _hierarchy().GetItemDataNode(item)
        return [Exportable(item)] if node is not None and node.IsA("vtkMRMLSegmentationNode") else []

    def export(self, exportables: list[Exportable]) -> str:
        """An empty text, or what was wrong."""
        try:
            for exportable in exportables:
                _export(exportable)
        except ValueError as wrong:
            return str(wrong)
        return ""


def _export(exportable: Exportable) -> None:
    hierarchy, item = _hierarchy(), exportable.subjectHierarchyItemID
    node = hierarchy.GetItemDataNode(item)
    volume = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    if volume is None:
        raise ValueError("Referenced volume is not found for the segmentation.")
    if not (volume.GetAttribute("DICOM.instanceUIDs") or "").split():
        raise ValueError("Referenced volume files were not found in the DICOM database")
    segments = [_segment(node, segment_id) for segment_id in node.GetSegmentation().GetSegmentIDs()]
    if not segments:
        raise ValueError("No non empty segments found.")
    study = hierarchy.GetItemUID(hierarchy.GetItemParent(item), "DICOM")
    written = {"study": study, "instances": volume.GetAttribute("DICOM.instanceUIDs"), "segments": segments}
    Path(exportable.directory, "subject_hierarchy_export.SEG.json").write_text(json.dumps(written))


def _segment(node: Any, segment_id: str) -> dict[str, str]:
    segment = node.GetSegmentation().GetSegment(segment_id)
    if not slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id).any():
        raise ValueError("Empty segments found in segmentation.")
    category, kind = _tag(segment, segment.GetTerminologyEntryTagName()).split("~")[1:3]
    if not category.strip("^") or not kind.strip("^"):
        raise ValueError(f"{segment.GetName()} has no category or type.")
    algorithm, name = _tag(segment, "DICOM.SegmentAlgorithmType"), _tag(segment, "DICOM.SegmentAlgorithmName")
    if algorithm not in ("", "MANUAL") and not name:
        raise ValueError(f"{segment.GetName()} does not name its algorithm.")
    return {"label": segment.GetName(), "algorithm": algorithm or "MANUAL", "name": name, "type": kind}


def _tag(segment: Any, name: str) -> str:
    value = vtk.mutable("")
    return str(value) if segment.GetTag(name, value) else ""


def _hierarchy() -> Any:
    return slicer.mrmlScene.GetSubjectHierarchyNode()
