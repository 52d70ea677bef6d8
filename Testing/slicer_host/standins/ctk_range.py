"""CTK's range of two numbers."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QWidget

from slicer_host.standins.properties import in_a_row, stored


def _of_both(kind: Any, name: str) -> Any:
    """A property that both spin boxes of a range have."""

    def read(self: Any) -> Any:
        return self._low.property(name)

    def write(self: Any, value: Any) -> None:
        for box in (self._low, self._high):
            box.setProperty(name, value)
        if name in ("minimum", "maximum"):
            self.rangeChanged.emit(self._low.minimum(), self._low.maximum())

    return Property(kind, read, write)


class ctkRangeWidget(QWidget):
    """Two numbers with the first below the second."""

    minimumValueChanged = Signal(float)
    minimumValueIsChanging = Signal(float)
    maximumValueChanged = Signal(float)
    maximumValueIsChanging = Signal(float)
    valuesChanged = Signal(float, float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high = QDoubleSpinBox(self), QDoubleSpinBox(self)
        in_a_row(self, self._low, self._high)
        self._high.setValue(self._high.maximum())
        self._low.valueChanged.connect(self._low_changed)
        self._high.valueChanged.connect(self._high_changed)

    singleStep = _of_both(float, "singleStep")
    minimum = _of_both(float, "minimum")
    maximum = _of_both(float, "maximum")
    prefix = _of_both(str, "prefix")
    suffix = _of_both(str, "suffix")
    tickInterval = stored(float, "tickInterval", 0.0)
    autoSpinBoxWidth = stored(bool, "autoSpinBoxWidth", True)
    spinBoxTextAlignment = stored(int, "spinBoxTextAlignment", 1)
    spinBoxAlignment = stored(int, "spinBoxAlignment", 128)
    tracking = stored(bool, "tracking", True)
    symmetricMoves = stored(bool, "symmetricMoves", False)

    def setRange(self, minimum: float, maximum: float) -> None:
        for box in (self._low, self._high):
            box.setRange(minimum, maximum)
        self.rangeChanged.emit(minimum, maximum)

    def _read_decimals(self) -> int:
        return self._low.decimals()

    @Slot(int)
    def setDecimals(self, decimals: int) -> None:
        for box in (self._low, self._high):
            box.setDecimals(decimals)

    decimals = Property(int, _read_decimals, setDecimals)

    def _read_low(self) -> float:
        return self._low.value()

    def _read_high(self) -> float:
        return self._high.value()

    @Slot(float)
    def setMinimumValue(self, value: float) -> None:
        self._low.setValue(min(value, self._high.value()))

    @Slot(float)
    def setMaximumValue(self, value: float) -> None:
        self._high.setValue(max(value, self._low.value()))

    @Slot(float, float)
    def setValues(self, low: float, high: float) -> None:
        self._high.setValue(max(low, high))
        self._low.setValue(min(low, high))

    @Slot()
    def reset(self) -> None:
        self.setValues(0.0, 0.0)

    minimumValue = Property(float, _read_low, setMinimumValue)
    maximumValue = Property(float, _read_high, setMaximumValue)

    def _low_changed(self, value: float) -> None:
        if value > self._high.value():
            self._high.setValue(value)
        self.minimumValueChanged.emit(value)
        self.valuesChanged.emit(value, self._high.value())

    def _high_changed(self, value: float) -> None:
        if value < self._low.value():
            self._low.setValue(value)
        self.maximumValueChanged.emit(value)
        self.valuesChanged.emit(self._low.value(), value)
