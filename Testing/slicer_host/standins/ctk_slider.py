"""CTK's slider with its spin box."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal, Slot
from PySide6.QtWidgets import QSlider, QWidget

from slicer_host.standins.ctk_number import OneNumber
from slicer_host.standins.properties import forwarded, in_a_row, stored

STEPS = 1000
"""Positions of the slider, which Qt counts in whole numbers."""


class ctkSliderWidget(OneNumber):
    """A slider and a spin box that show the same number."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, STEPS)
        in_a_row(self, self._slider, self._spin)
        self._slider.valueChanged.connect(self._slid)
        self._spin.valueChanged.connect(self._changed)

    pageStep = stored(float, "pageStep", 10.0)
    tickInterval = stored(float, "tickInterval", 0.0)
    tickPosition = stored(int, "tickPosition", 0)
    synchronizeSiblings = stored(int, "synchronizeSiblings", 3)
    spinBoxAlignment = stored(int, "spinBoxAlignment", 1)
    tracking = forwarded(bool, "_slider", "tracking")
    popupSlider = stored(bool, "popupSlider", False)
    invertedAppearance = forwarded(bool, "_slider", "invertedAppearance")
    invertedControls = forwarded(bool, "_slider", "invertedControls")

    def _read_spin_box_visible(self) -> bool:
        return not self._spin.isHidden()

    @Slot(bool)
    def setSpinBoxVisible(self, visible: bool) -> None:
        self._spin.setVisible(visible)

    spinBoxVisible = Property(bool, _read_spin_box_visible, setSpinBoxVisible)

    @Slot()
    def reset(self) -> None:
        self.setValue(0.0)

    def _slid(self, position: int) -> None:
        low, high = self._spin.minimum(), self._spin.maximum()
        self._spin.setValue(low + (high - low) * position / STEPS)

    def _changed(self, value: float) -> None:
        low, high = self._spin.minimum(), self._spin.maximum()
        self._slider.blockSignals(True)
        self._slider.setValue(round(STEPS * (value - low) / (high - low)) if high > low else 0)
        self._slider.blockSignals(False)
        self.valueChanged.emit(value)
