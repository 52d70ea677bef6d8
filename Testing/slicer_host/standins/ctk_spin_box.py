"""CTK's spin box."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QWidget

from slicer_host.standins.properties import forwarded, in_a_row, stored


class ctkDoubleSpinBox(QWidget):
    """A spin box whose number of decimals the user can change."""

    valueChanged = Signal((float,), (str,))
    editingFinished = Signal()
    decimalsChanged = Signal(int)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*[a for a in arguments if not isinstance(a, int)])
        self._spin = QDoubleSpinBox(self)
        in_a_row(self, self._spin)
        self._spin.valueChanged.connect(self.valueChanged[float].emit)
        self._spin.textChanged.connect(self.valueChanged[str].emit)
        self._spin.editingFinished.connect(self.editingFinished.emit)

    frame = forwarded(bool, "_spin", "frame")
    prefix = forwarded(str, "_spin", "prefix")
    suffix = forwarded(str, "_spin", "suffix")
    cleanText = forwarded(str, "_spin", "cleanText")
    minimum = forwarded(float, "_spin", "minimum")
    maximum = forwarded(float, "_spin", "maximum")
    singleStep = forwarded(float, "_spin", "singleStep")
    alignment = stored(int, "alignment", 1)
    decimalsOption = stored(int, "decimalsOption", 9)
    setMode = stored(int, "setMode", 1)
    sizeHintPolicy = stored(int, "sizeHintPolicy", 0)
    invertedControls = stored(bool, "invertedControls", False)

    def _read_value(self) -> float:
        return self._spin.value()

    @Slot(float)
    def setValue(self, value: float) -> None:
        self._spin.setValue(value)

    setValueIfDifferent = setValueAlways = setValue
    value = Property(float, _read_value, setValue)

    def _read_decimals(self) -> int:
        return self._spin.decimals()

    @Slot(int)
    def setDecimals(self, decimals: int) -> None:
        self._spin.setDecimals(decimals)
        self.decimalsChanged.emit(decimals)

    decimals = Property(int, _read_decimals, setDecimals)

    def _read_only(self) -> bool:
        return self._spin.isReadOnly()

    @Slot(bool)
    def setReadOnly(self, read_only: bool) -> None:
        self._spin.setReadOnly(read_only)

    readOnly = Property(bool, _read_only, setReadOnly)

    @Slot()
    def stepUp(self) -> None:
        self._spin.stepUp()

    @Slot()
    def stepDown(self) -> None:
        self._spin.stepDown()
