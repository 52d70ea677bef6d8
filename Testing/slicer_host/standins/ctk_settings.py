"""CTK's settings dialog, for panels that a module adds."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import SIGNAL, QObject, QSettings, Signal, Slot
from PySide6.QtWidgets import QDialog, QTabWidget, QVBoxLayout, QWidget

from slicer_host.errors import guarded


class ctkSettingsPanel(QWidget):
    """A page of settings: widgets whose properties are kept under keys."""

    settingChanged = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._registered: dict[str, tuple[QObject, str, Any]] = {}

    def registerProperty(
        self,
        key: str,
        target: QObject,
        name: str,
        signal: str,
        label: str = "",
        options: int = 0,
        settings: Any = None,
    ) -> None:
        store = QSettings() if settings is None else settings
        self._registered[key] = (target, name, target.property(name))
        saved = store.value(key)
        if saved is not None:
            target.setProperty(name, saved)

        def save(*_: Any) -> None:
            QSettings().setValue(key, target.property(name))
            self.settingChanged.emit(key, target.property(name))

        QObject.connect(target, SIGNAL(str(signal).lstrip("2")), guarded(save))

    @Slot()
    def restoreDefaultSettings(self) -> None:
        for target, name, default in self._registered.values():
            target.setProperty(name, default)

    @Slot()
    def applySettings(self) -> None:
        """Every change is kept at once."""

    @Slot()
    def reloadSettings(self) -> None:
        for key, (target, name, default) in self._registered.items():
            target.setProperty(name, QSettings().value(key, default))


class ctkSettingsDialog(QDialog):
    """The application's settings, one page for each panel."""

    settingChanged = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pages = QTabWidget(self)
        QVBoxLayout(self).addWidget(self._pages)

    def addPanel(self, *arguments: Any) -> None:
        panel = next(a for a in arguments if isinstance(a, ctkSettingsPanel))
        labels = [a for a in arguments if isinstance(a, str)]
        self._pages.addTab(panel, labels[0] if labels else panel.windowTitle())
        panel.settingChanged.connect(self.settingChanged.emit)

    @Slot(object)
    def setCurrentPanel(self, which: Any) -> None:
        titles = [self._pages.tabText(i) for i in range(self._pages.count())]
        self._pages.setCurrentIndex(
            titles.index(which) if isinstance(which, str) else self._pages.indexOf(which)
        )
