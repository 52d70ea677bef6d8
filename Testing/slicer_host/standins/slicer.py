"""All stand-ins for Slicer's widgets, as the module `slicer` finds them."""

from slicer_host.standins.markups_place import qSlicerMarkupsPlaceWidget
from slicer_host.standins.modules import (
    qSlicerAbstractModuleWidget,
    qSlicerScriptedLoadableModule,
    qSlicerScriptedLoadableModuleWidget,
    qSlicerWidget,
)
from slicer_host.standins.mrml_base import qMRMLWidget
from slicer_host.standins.node_combo_box import qMRMLNodeComboBox
from slicer_host.standins.segment_editor import qMRMLSegmentEditorWidget
from slicer_host.standins.segments_table import qMRMLSegmentsTableView

__all__ = [
    "qMRMLNodeComboBox",
    "qMRMLSegmentEditorWidget",
    "qMRMLSegmentsTableView",
    "qMRMLWidget",
    "qSlicerAbstractModuleWidget",
    "qSlicerMarkupsPlaceWidget",
    "qSlicerScriptedLoadableModule",
    "qSlicerScriptedLoadableModuleWidget",
    "qSlicerWidget",
]
