"""All stand-ins for CTK's classes, as the module `ctk` finds them."""

from slicer_host.standins.ctk_buttons import ctkCollapsibleButton, ctkCollapsibleGroupBox, ctkMessageBox
from slicer_host.standins.ctk_numbers import ctkDoubleSpinBox, ctkRangeWidget, ctkSliderWidget

__all__ = [
    "ctkCollapsibleButton",
    "ctkCollapsibleGroupBox",
    "ctkDoubleSpinBox",
    "ctkMessageBox",
    "ctkRangeWidget",
    "ctkSliderWidget",
]
