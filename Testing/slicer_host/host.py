"""Slicer's Python environment around a real scene: `qt`, `ctk`, `slicer.app` and the rest."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

import shiboken6
import slicer
from PySide6.QtCore import QEvent, QSettings, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QScrollArea

from SAMLesionLib.host.headless import HeadlessHost
from slicer_host import dialogs, errors, i18n, parameters, scripted, ui_file
from slicer_host.pythonqt import FlatModule, wrapped, wrapper_class
from slicer_host.pythonqt.module import QT_MODULES
from slicer_host.standins import ctk as ctk_stand_ins
from slicer_host.standins.application import qSlicerApplication, qSlicerCommandOptions
from slicer_host.standins.io_manager import qSlicerCoreIOManager
from slicer_host.standins.layout import qSlicerLayoutManager
from slicer_host.standins.modules import (
    qSlicerAbstractCoreModule,
    qSlicerModuleManager,
    qSlicerScriptedLoadableModule,
)
from slicer_host.standins.mrml_base import Observers
from slicer_host.subject_hierarchy import SubjectHierarchyItems
from slicer_host.theme import set_theme

_application: Any = None
PANEL_PX = 430
"""Width of the module panel."""


def application() -> qSlicerApplication:
    """The one Qt application of the process, drawn off the screen."""
    global _application
    if _application is None:
        _application = qSlicerApplication(["slicer-test-host", "-platform", "offscreen"])
        _application.setStyle("Fusion")
    return _application


class Modules:
    """`slicer.modules`: the loaded modules, by name in small letters."""

    def __init__(self) -> None:
        self._by_name: dict[str, Any] = {}
        self.manager = qSlicerModuleManager(self._by_name)

    def add(self, name: str, native: Any) -> None:
        """Let a module be found."""
        self._by_name[name] = native
        setattr(self, name.lower(), wrapped(native))


class SlicerHost(HeadlessHost):
    """A running Slicer without a screen; close it, or use it in a `with` statement.

    Attributes:
        scene: the `vtkMRMLScene`, also `slicer.mrmlScene`.
        user: who answers the dialogs.
        is_testing: what `slicer.app.testingEnabled()` says; True would skip all dialogs.
        main_window: the window that holds the panel of the chosen module.
        draws_views: whether shown views draw by themselves whenever something changes, as in Slicer. False
            spares time: they are drawn for screenshots.
        restarts: how often a restart of Slicer was asked for.
    """

    def __init__(self) -> None:
        self.app = application()
        super().__init__()
        self.application_logic = self._application
        self.folder = Path(self._cache.name)
        self.user = dialogs.reset()
        self.is_testing = False
        self.restarts = 0
        self.startup_environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        self.settings = self._fresh_settings()
        self.modules = Modules()
        self._items = SubjectHierarchyItems(self.scene)
        self.files = qSlicerCoreIOManager(self)
        self.draws_views = False
        self.layout_manager = qSlicerLayoutManager(self)
        self.settings_dialog = ctk_stand_ins.ctkSettingsDialog()
        self.command_options = qSlicerCommandOptions()
        self.main_window, self._panel_area = _main_window()
        self.main_window.setCentralWidget(self.layout_manager.viewport)
        self._entered: Any = None
        self._replaced: list[tuple[Any, str, Any]] = []
        self.set_dark(False)
        self._install()
        self.main_window.show()

    def load_module(self, path: Path) -> Any:
        """Load a scripted module from its file; returns the object of its module class."""
        native = qSlicerScriptedLoadableModule(path)
        folder = str(path.parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        self.modules.add(path.stem, native)
        native.load()
        self.modules.manager.moduleLoaded.emit(path.stem)
        return native.instance

    def show_module(self, name: str) -> Any:
        """Choose a module, as in the module list; returns the Python object of its panel."""
        self.leave_module()
        panel = self.modules.manager.module(name).widgetRepresentation()
        self._panel_area.setWidget(panel)
        self._entered = panel
        panel.enter()
        self.app.processEvents()
        return panel.self()

    def leave_module(self) -> None:
        """Choose another module than the one that is shown."""
        panel, self._entered = self._entered, None
        if panel is not None:
            panel.exit()
            self._panel_area.takeWidget()

    def set_dark(self, dark: bool = True) -> None:
        """Choose Slicer's dark style, or the light one."""
        set_theme(self.app, dark)

    def write_screenshot(self, path: Path, widget: Any = None) -> Path:
        """Write a picture of a widget, by default of the main window."""
        native = self.main_window if widget is None else widget.pythonqt_native
        if widget is None:
            for name in self.layout_manager.sliceViewNames():
                self.layout_manager.sliceWidget(name)
        self.app.processEvents()
        for view in self.layout_manager.views():
            view.sliceView().draw_now()
        native.grab().save(str(path))
        return path

    def close(self) -> None:
        """Unload the modules, empty the scene, and leave Python as it was."""
        try:
            self.leave_module()
            for name in self.modules.manager.modulesNames():
                self.modules.manager.moduleAboutToBeUnloaded.emit(name)
            self.app.aboutToQuit.emit()
        finally:
            self.layout_manager.close()
            Observers.clear_all()
            _delete_windows(self.app)
            super().close()
            self._uninstall()

    def pause_rendering(self, paused: bool) -> None:
        """Views draw only when nobody has paused them."""
        self.layout_manager.setRenderPaused(paused)

    def _fresh_settings(self) -> QSettings:
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
            QSettings.setPath(QSettings.Format.IniFormat, scope, str(self.folder / "settings"))
        return QSettings()

    def _install(self) -> None:
        self.app.host = self
        for module, logic in zip(
            ("Colors", "Volumes", "Markups", "Segmentations"), self._logics, strict=True
        ):
            self.modules.add(module, qSlicerAbstractCoreModule(module, logic))
        base = types.ModuleType("slicer.ScriptedLoadableModule")
        vars(base).update(
            {name: getattr(scripted, name) for name in scripted.__all__}, __all__=scripted.__all__
        )
        modules = {
            "qt": FlatModule("qt", QT_MODULES),
            "ctk": FlatModule("ctk", (ctk_stand_ins,)),
            "slicer.ScriptedLoadableModule": base,
            "slicer.i18n": i18n,
            "slicer.parameterNodeWrapper": parameters,
        }
        for name, module in modules.items():
            self._replace(sys.modules, name, module)
        for name in ("ScriptedLoadableModule", "i18n", "parameterNodeWrapper"):
            self._replace(slicer, name, modules[f"slicer.{name}"])
        self._replace(slicer, "app", wrapped(self.app))
        self._replace(slicer, "mrmlScene", self.scene)
        self._replace(slicer, "modules", self.modules)
        self._replace(slicer, "selfTests", {})
        for name, native in ui_file.STAND_INS.items():
            if not name.startswith("ctk"):
                self._replace(slicer, name, wrapper_class(native))
        self._replace(sys, "excepthook", lambda kind, error, trace: errors.caught.append(error))

    def _replace(self, holder: Any, name: str, value: Any) -> None:
        is_dict = isinstance(holder, dict)
        before = holder.get(name, _ABSENT) if is_dict else getattr(holder, name, _ABSENT)
        self._replaced.append((holder, name, before))
        _put(holder, name, value)

    def _uninstall(self) -> None:
        for holder, name, before in reversed(self._replaced):
            _put(holder, name, before)


def _delete_windows(app: qSlicerApplication) -> None:
    """Take all windows apart now, and not whenever Python collects its garbage."""
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    for window in app.topLevelWidgets():
        if shiboken6.isValid(window):
            shiboken6.delete(window)


def _main_window() -> tuple[QMainWindow, QScrollArea]:
    """The window with the panel at its left, as in Slicer."""
    window = QMainWindow()
    window.setObjectName("qSlicerMainWindow")
    area = QScrollArea()
    area.setWidgetResizable(True)
    dock = QDockWidget("Module Panel", window)
    dock.setObjectName("PanelDockWidget")
    dock.setWidget(area)
    area.setMinimumWidth(PANEL_PX)
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    window.statusBar()
    window.resize(1400, 900)
    return window, area


_ABSENT = object()


def _put(holder: Any, name: str, value: Any) -> None:
    if value is _ABSENT:
        holder.pop(name, None) if isinstance(holder, dict) else delattr(holder, name)
    elif isinstance(holder, dict):
        holder[name] = value
    else:
        setattr(holder, name, value)
