"""CTK's fields for choices, texts and colours."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QWidget

from slicer_host.dialogs import ask
from slicer_host.standins.properties import stored


class ctkComboBox(QComboBox):
    """A combo box that says what to do while nothing is chosen."""

    returnRelease = Signal()
    defaultTextChanged = Signal(str)
    currentUserDataAsStringChanged = Signal(str)

    defaultText = stored(str, "defaultText", "", "_show_default", "defaultTextChanged")
    forceDefault = stored(bool, "forceDefault", False)
    elideMode = stored(int, "elideMode", 3)
    scrollWheelEffect = stored(int, "scrollWheelEffect", 1)

    def _show_default(self) -> None:
        self.setPlaceholderText(self.defaultText)

    def _read_data(self) -> str:
        data = self.currentData()
        return "" if data is None else str(data)

    @Slot(str)
    def setCurrentUserDataAsString(self, text: str) -> None:
        self.setCurrentIndex(self.findData(text))

    currentUserDataAsString = Property(str, _read_data, setCurrentUserDataAsString)


class ctkSearchBox(QLineEdit):
    """A line to search in, with a button that empties it."""

    showSearchIcon = stored(bool, "showSearchIcon", False)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setClearButtonEnabled(True)


class ctkMenuButton(QPushButton):
    """A push button whose right end opens its menu."""


class ctkColorPickerButton(QPushButton):
    """A button in the colour that it chooses."""

    colorChanged = Signal(QColor)

    def __init__(self, *arguments: Any) -> None:
        colours = [a for a in arguments if isinstance(a, QColor)]
        super().__init__(*[a for a in arguments if not isinstance(a, QColor)])
        self._color = QColor(0, 0, 0)
        self.clicked.connect(self.changeColor)
        self.setColor(colours[0] if colours else QColor(0, 0, 0))

    def _read_color(self) -> QColor:
        return self._color

    @Slot(QColor)
    def setColor(self, color: QColor) -> None:
        if color == self._color:
            return
        self._color = QColor(color)
        swatch = QPixmap(16, 16)
        swatch.fill(color)
        self.setIcon(QIcon(swatch))
        self.colorChanged.emit(self._color)

    @Slot(bool)
    def changeColor(self, change: bool = True) -> None:
        chosen = ask("ctkColorPickerButton", "Select color")
        if chosen is not None:
            self.setColor(QColor(chosen))

    color = Property(QColor, _read_color, setColor)
