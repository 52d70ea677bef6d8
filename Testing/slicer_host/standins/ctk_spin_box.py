"""CTK's spin box."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal, Slot

from slicer_host.standins.ctk_number import OneNumber
from slicer_host.standins.properties import forwarded, in_a_row, stored


class ctkDoubleSpinBox(OneNumber):
    """A spin box whose number of decimals the user can change."""

    valueChanged = Signal((float,), (str,))
    editingFinished = Signal()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*[a for a in arguments if not isinstance(a, int)])
        in_a_row(self, self._spin)
        self._spin.valueChanged.connect(self.valueChanged[float].emit)
        self._spin.textChanged.connect(self.valueChanged[str].emit)
        self._spin.editingFinished.connect(self.editingFinished.emit)

    frame = forwarded(bool, "_spin", "frame")
    cleanText = forwarded(str, "_spin", "cleanText")
    alignment = stored(int, "alignment", 1)
    decimalsOption = stored(int, "decimalsOption", 9)
    setMode = stored(int, "setMode", 1)
    sizeHintPolicy = stored(int, "sizeHintPolicy", 0)
    invertedControls = stored(bool, "invertedControls", False)

    setValueIfDifferent = setValueAlways = OneNumber.setValue

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
