"""The application object, `slicer.app`."""

from __future__ import annotations

import os
from typing import Any

from PySide6.QtCore import Property, QObject, QProcessEnvironment, QSettings, Signal, Slot
from PySide6.QtWidgets import QApplication, QWidget

from slicer_host.standins.pausing import Pausing

MAJOR, MINOR, PATCH = 5, 10, 0
"""The release whose behaviour the test host shows; `facts/` may list later additions."""


def _constant(kind: Any, value: Any) -> Any:
    return Property(kind, lambda self: value)


class qSlicerCoreApplication(QApplication):
    """What the application has without a window.

    Attributes:
        host: the running `SlicerHost`, which holds the scene, the modules and the views.
    """

    mrmlSceneChanged = Signal(object)
    urlReceived = Signal(str)

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.host: Any = None
        self.setApplicationName("Slicer")
        self.setOrganizationName("slicer.org")
        self.setApplicationVersion(f"{MAJOR}.{MINOR}.{PATCH}")

    majorVersion = _constant(int, MAJOR)
    minorVersion = _constant(int, MINOR)
    mainApplicationMajorVersion = _constant(int, MAJOR)
    mainApplicationMinorVersion = _constant(int, MINOR)
    mainApplicationPatchVersion = _constant(int, PATCH)
    mainApplicationName = _constant(str, "Slicer")
    revision = _constant(str, "test host")
    isInstalled = _constant(bool, True)
    releaseType = _constant(str, "Stable")
    documentationBaseUrl = _constant(str, f"https://slicer.readthedocs.io/en/{MAJOR}.{MINOR}")
    documentationVersion = _constant(str, f"{MAJOR}.{MINOR}")
    documentationLanguage = _constant(str, "en")

    def _folder(self) -> str:
        return str(self.host.folder)

    slicerHome = Property(str, _folder)
    temporaryPath = Property(str, _folder)
    cachePath = Property(str, _folder)
    defaultScenePath = Property(str, _folder)
    extensionsInstallPath = Property(str, _folder)

    def testingEnabled(self) -> bool:
        return bool(self.host.is_testing)

    def mrmlScene(self) -> Any:
        return self.host.scene

    def applicationLogic(self) -> Any:
        return self.host.application_logic

    def moduleLogic(self, name: str) -> Any:
        return self.host.application_logic.GetModuleLogic(name)

    def moduleManager(self) -> Any:
        return self.host.modules.manager

    def coreIOManager(self) -> Any:
        return self.host.files

    def userSettings(self) -> QSettings:
        return self.host.settings

    settings = userSettings
    revisionUserSettings = userSettings

    def environment(self) -> QProcessEnvironment:
        return _environment(dict(os.environ))

    def startupEnvironment(self) -> QProcessEnvironment:
        return _environment(self.host.startup_environment)

    def setEnvironmentVariable(self, name: str, value: str) -> None:
        os.environ[name] = value

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"{self.documentationBaseUrl}/user_guide/modules/{name.lower()}.html"

    @Slot()
    def restart(self) -> None:
        self.host.restarts += 1


class qSlicerCommandOptions(QObject):
    """What the command line said: nothing."""

    noSplash = _constant(bool, False)
    disableToolTips = _constant(bool, False)
    noMainWindow = _constant(bool, False)
    showPythonInteractor = _constant(bool, False)
    enableQtTesting = _constant(bool, False)
    exitAfterStartup = _constant(bool, False)


class qSlicerApplication(Pausing, qSlicerCoreApplication):
    """What the application has with a window."""

    startupCompleted = Signal()
    renderPaused = Signal(bool)

    def layoutManager(self) -> Any:
        return self.host.layout_manager

    def ioManager(self) -> Any:
        return self.host.files

    def commandOptions(self) -> Any:
        return self.host.command_options

    def pythonConsole(self) -> None:
        return None

    def settingsDialog(self) -> QWidget:
        return self.host.settings_dialog

    @Slot(bool)
    def setRenderPaused(self, paused: bool) -> None:
        self.host.pause_rendering(paused)
        self.renderPaused.emit(paused)


def _environment(values: dict[str, str]) -> QProcessEnvironment:
    made = QProcessEnvironment()
    for name, value in values.items():
        made.insert(name, value)
    return made
