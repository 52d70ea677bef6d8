"""What CTK's widgets for one number share: an inner spin box."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QWidget

from slicer_host.standins.properties import forwarded


class OneNumber(QWidget):
    """A widget whose number is that of its spin box."""

    decimalsChanged = Signal(int)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._spin = QDoubleSpinBox(self)

    prefix = forwarded(str, "_spin", "prefix")
    suffix = forwarded(str, "_spin", "suffix")
    minimum = forwarded(float, "_spin", "minimum")
    maximum = forwarded(float, "_spin", "maximum")
    singleStep = forwarded(float, "_spin", "singleStep")

    def _read_value(self) -> float:
        return self._spin.value()

    @Slot(float)
    def setValue(self, value: float) -> None:
        self._spin.setValue(value)

    value = Property(float, _read_value, setValue)

    def _read_decimals(self) -> int:
        return self._spin.decimals()

    @Slot(int)
    def setDecimals(self, decimals: int) -> None:
        self._spin.setDecimals(decimals)
        self.decimalsChanged.emit(decimals)

    decimals = Property(int, _read_decimals, setDecimals)
