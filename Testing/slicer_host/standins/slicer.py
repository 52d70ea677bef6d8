"""All stand-ins for Slicer's widgets, as the module `slicer` finds them."""

from slicer_host.standins.modules import (
    qSlicerAbstractModuleWidget,
    qSlicerScriptedLoadableModule,
    qSlicerScriptedLoadableModuleWidget,
    qSlicerWidget,
)
from slicer_host.standins.mrml_base import qMRMLWidget
from slicer_host.standins.node_combo_box import qMRMLNodeComboBox

__all__ = [
    "qMRMLNodeComboBox",
    "qMRMLWidget",
    "qSlicerAbstractModuleWidget",
    "qSlicerScriptedLoadableModule",
    "qSlicerScriptedLoadableModuleWidget",
    "qSlicerWidget",
]
