"""Lesions as a DICOM segmentation object, written by Slicer's own exporter."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from SAMLesionLib.errors import OutputError
from SAMLesionLib.host.session import Session


def exportDicomSegmentation(session: Session, folder: str) -> str:
    """Write a DICOM SEG of all lesions that have a mask; returns a sentence for the reader.

    Each segment says that it was made semi-automatically, and by which model.

    Raises:
        OutputError: this Slicer has no exporter, the scan is not from DICOM, or the exporter refused.
    """
    plugin = _plugin()
    source = session.controller.segments.node
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    copy = _copyWithMasks(session)
    try:
        item = hierarchy.GetItemByDataNode(copy)
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(_volumeItem(session, hierarchy)))
        exportables = plugin.examineForExport(item)
        if not exportables:
            raise OutputError(_("{name} cannot be written as DICOM SEG.").format(name=source.GetName()))
        for exportable in exportables:
            exportable.directory = folder
        # The exporter works on nodes, so it has to work here, and the views wait for it.
        with slicer.util.WaitCursor():
            error = plugin.export(exportables)
        if error:
            raise OutputError(_("The DICOM SEG was refused: {reason}").format(reason=error))
    finally:
        slicer.mrmlScene.RemoveNode(copy)
    return _("Written: a DICOM segmentation object in {folder}").format(folder=folder)


def _plugin() -> Any:
    try:
        import DICOMSegmentationPlugin
    except ImportError:
        raise OutputError(
            _(
                "This Slicer cannot write DICOM SEG. Use Slicer 5.12, or install the extension "
                "QuantitativeReporting."
            )
        ) from None
    return DICOMSegmentationPlugin.DICOMSegmentationPluginClass()


def _volumeItem(session: Session, hierarchy: Any) -> int:
    volumeNode = session.controller.segments.volume_node
    item = hierarchy.GetItemByDataNode(volumeNode)
    if not hierarchy.GetItemUID(item, "DICOM") and not volumeNode.GetAttribute("DICOM.instanceUIDs"):
        raise OutputError(
            _(
                "{name} does not come from DICOM, so it has no study to put a DICOM SEG into. Export "
                "another form."
            ).format(name=volumeNode.GetName())
        )
    return int(item)


def _copyWithMasks(session: Session) -> Any:
    """A segmentation with the lesions that have a mask: the exporter refuses empty segments."""
    segments = session.controller.segments
    filled = [
        lesion.lesion_id for lesion in session.annotation.snapshot.lesions if segments.block(lesion.lesion_id)
    ]
    if not filled:
        raise OutputError(_("No lesion has a mask yet, so there is nothing to write."))
    copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", segments.node.GetName())
    copy.SetReferenceImageGeometryParameterFromVolumeNode(segments.volume_node)
    for lesionId in filled:
        copy.GetSegmentation().CopySegmentFromSegmentation(segments.node.GetSegmentation(), lesionId)
    return copy
