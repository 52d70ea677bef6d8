"""CTK's fields for files and folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QSettings, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QStyle, QToolButton, QWidget

from slicer_host.dialogs import ask
from slicer_host.standins.properties import in_a_row, stored

FILES, WRITABLE = 0x002, 0x020
MAX_HISTORY = 5


class ctkPathLineEdit(QWidget):
    """A line for the path of a file or folder, with its history and a button that opens a file dialog."""

    validInputChanged = Signal(bool)
    currentPathChanged = Signal(str)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(arguments[-1] if arguments and isinstance(arguments[-1], QWidget) else None)
        self._was_valid = True
        self._combo = QComboBox(self)
        self._combo.setEditable(True)
        self._combo.setMinimumContentsLength(10)
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._browse = QToolButton(self)
        self._browse.setText("...")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._combo, 1)
        row.addWidget(self._browse)
        self._browse.clicked.connect(self.browse)
        self._combo.editTextChanged.connect(self._changed)

    label = stored(str, "label", "")
    filters = stored(int, "filters", 0x007)
    options = stored(int, "options", 0)
    settingKey = stored(str, "settingKey", "", "retrieveHistory")
    showBrowseButton = stored(bool, "showBrowseButton", True, "_show_buttons")
    showHistoryButton = stored(bool, "showHistoryButton", True)
    sizeAdjustPolicy = stored(int, "sizeAdjustPolicy", 2)
    minimumContentsLength = stored(int, "minimumContentsLength", 0)
    nameFilters = stored("QStringList", "nameFilters", [])

    def _read_path(self) -> str:
        return self._combo.currentText()

    @Slot(str)
    def setCurrentPath(self, path: str) -> None:
        self._combo.setEditText(path)

    currentPath = Property(str, _read_path, setCurrentPath)

    def comboBox(self) -> QComboBox:
        return self._combo

    @Slot()
    def browse(self) -> None:
        kind = "getExistingDirectory"
        if self.filters & FILES:
            kind = "getSaveFileName" if self.filters & WRITABLE else "getOpenFileName"
        path = ask(f"ctkPathLineEdit.{kind}", self.label or "Select a file")
        if path:
            self.setCurrentPath(str(path))

    @Slot()
    def retrieveHistory(self) -> None:
        current = self._read_path()
        self._combo.blockSignals(True)
        self._combo.clear()
        self._combo.addItems(self._history())
        self._combo.setEditText(current or (self._history() or [""])[0])
        self._combo.blockSignals(False)
        self._changed(self._read_path())

    @Slot()
    def addCurrentPathToHistory(self) -> None:
        path = self._read_path()
        if path:
            others = [p for p in self._history() if p != path]
            QSettings().setValue(f"ctkPathLineEdit/{self._key()}", [path, *others][:MAX_HISTORY])
            self.retrieveHistory()

    def _key(self) -> str:
        return self.settingKey or self.objectName()

    def _history(self) -> list[str]:
        stored_paths = QSettings().value(f"ctkPathLineEdit/{self._key()}", [])
        return [stored_paths] if isinstance(stored_paths, str) else list(stored_paths or [])

    def _show_buttons(self) -> None:
        self._browse.setVisible(self.showBrowseButton)

    def _changed(self, path: str) -> None:
        is_valid = Path(path).exists() or bool(self.filters & WRITABLE)
        if is_valid != self._was_valid:
            self._was_valid = is_valid
            self.validInputChanged.emit(is_valid)
        self.currentPathChanged.emit(path)


class ctkDirectoryButton(QWidget):
    """A button that shows a folder and chooses another."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, *arguments: Any) -> None:
        texts = [a for a in arguments if isinstance(a, str)]
        super().__init__(next((a for a in arguments if isinstance(a, QWidget)), None))
        self._directory = texts[0] if texts else "."
        icon = self.style().standardIcon(QStyle.StandardPixmap.SP_DirIcon)
        self._button = QPushButton(icon, self._directory, self)
        in_a_row(self, self._button)
        self._button.clicked.connect(self.browse)

    caption = stored(str, "caption", "")
    text = stored(str, "text", "", "_show")
    elideMode = stored(int, "elideMode", 2)
    options = stored(int, "options", 1)
    acceptMode = stored(int, "acceptMode", 0)

    def _read_directory(self) -> str:
        return str(Path(self._directory).absolute())

    def _write_directory(self, path: str) -> None:
        is_new = Path(path).absolute() != Path(self._directory).absolute()
        self._directory = path or "."
        self._show()
        self.directorySelected.emit(self._read_directory())
        if is_new:
            self.directoryChanged.emit(self._read_directory())

    directory = Property(str, _read_directory, _write_directory)

    @Slot(result=str)
    def browse(self) -> str:
        path = ask("ctkDirectoryButton.getExistingDirectory", self.caption or self.toolTip())
        if path:
            self._write_directory(str(path))
        return str(path or "")

    def _show(self) -> None:
        self._button.setText(self.text or self._read_directory())
