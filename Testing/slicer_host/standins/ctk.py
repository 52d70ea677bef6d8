"""All stand-ins for CTK's classes, as the module `ctk` finds them."""

from slicer_host.standins.ctk_buttons import ctkCollapsibleButton, ctkCollapsibleGroupBox, ctkMessageBox
from slicer_host.standins.ctk_fields import (
    ctkColorPickerButton,
    ctkComboBox,
    ctkDirectoryButton,
    ctkMenuButton,
    ctkPathLineEdit,
    ctkSearchBox,
)
from slicer_host.standins.ctk_numbers import ctkDoubleSpinBox, ctkRangeWidget, ctkSliderWidget
from slicer_host.standins.ctk_settings import ctkSettingsDialog, ctkSettingsPanel

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
