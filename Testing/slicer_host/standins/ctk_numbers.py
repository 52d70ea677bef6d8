"""CTK's sliders and spin boxes."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Qt, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from slicer_host.standins.properties import forwarded, stored

STEPS = 1000
"""Positions of the slider, which Qt counts in whole numbers."""


def _row(widget: QWidget, *parts: QWidget) -> None:
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        row.addWidget(part)


class ctkDoubleSpinBox(QWidget):
    """A spin box whose number of decimals the user can change."""

    valueChanged = Signal((float,), (str,))
    editingFinished = Signal()
    decimalsChanged = Signal(int)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*[a for a in arguments if not isinstance(a, int)])
        self._spin = QDoubleSpinBox(self)
        _row(self, self._spin)
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


class ctkSliderWidget(QWidget):
    """A slider and a spin box that show the same number."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spin = QDoubleSpinBox(self)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, STEPS)
        _row(self, self._slider, self._spin)
        self._slider.valueChanged.connect(self._slid)
        self._spin.valueChanged.connect(self._changed)

    singleStep = forwarded(float, "_spin", "singleStep")
    pageStep = stored(float, "pageStep", 10.0)
    minimum = forwarded(float, "_spin", "minimum")
    maximum = forwarded(float, "_spin", "maximum")
    prefix = forwarded(str, "_spin", "prefix")
    suffix = forwarded(str, "_spin", "suffix")
    tickInterval = stored(float, "tickInterval", 0.0)
    tickPosition = stored(int, "tickPosition", 0)
    synchronizeSiblings = stored(int, "synchronizeSiblings", 3)
    spinBoxAlignment = stored(int, "spinBoxAlignment", 1)
    tracking = forwarded(bool, "_slider", "tracking")
    popupSlider = stored(bool, "popupSlider", False)
    invertedAppearance = forwarded(bool, "_slider", "invertedAppearance")
    invertedControls = forwarded(bool, "_slider", "invertedControls")

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
        _row(self, self._low, self._high)
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
