"""All stand-ins for CTK's classes, as the module `ctk` finds them."""

from slicer_host.standins.ctk_buttons import ctkCollapsibleButton, ctkCollapsibleGroupBox, ctkMessageBox
from slicer_host.standins.ctk_fields import (
    ctkColorPickerButton,
    ctkComboBox,
    ctkMenuButton,
    ctkSearchBox,
)
from slicer_host.standins.ctk_paths import ctkDirectoryButton, ctkPathLineEdit
from slicer_host.standins.ctk_range import ctkRangeWidget
from slicer_host.standins.ctk_settings import ctkSettingsDialog, ctkSettingsPanel
from slicer_host.standins.ctk_slider import ctkSliderWidget
from slicer_host.standins.ctk_spin_box import ctkDoubleSpinBox

__all__ = [
    "ctkCollapsibleButton",
    "ctkCollapsibleGroupBox",
    "ctkColorPickerButton",
    "ctkComboBox",
    "ctkDirectoryButton",
    "ctkDoubleSpinBox",
    "ctkMenuButton",
    "ctkMessageBox",
    "ctkPathLineEdit",
    "ctkRangeWidget",
    "ctkSearchBox",
    "ctkSettingsDialog",
    "ctkSettingsPanel",
    "ctkSliderWidget",
]
