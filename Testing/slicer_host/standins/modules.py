"""Modules as the application knows them, and the panels they show."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QVBoxLayout, QWidget

from slicer_host.pythonqt import wrapped
from slicer_host.standins.properties import stored


class qSlicerModuleManager(QObject):
    """The list of loaded modules."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self, modules: dict[str, Any]) -> None:
        super().__init__()
        self._modules = modules

    def modulesNames(self) -> list[str]:
        return list(self._modules)

    def module(self, name: str) -> Any:
        return self._modules.get(name)


class qSlicerAbstractCoreModule(QObject):
    """A module: its texts, its logic, its panel."""

    def __init__(self, name: str = "", logic: Any = None, path: str = "") -> None:
        super().__init__()
        self._name, self._logic, self._path = name, logic, path

    name = stored(str, "name", "")
    title = stored(str, "title", "")
    path = stored(str, "path", "")
    helpText = stored(str, "helpText", "")
    acknowledgementText = stored(str, "acknowledgementText", "")
    categories = stored("QStringList", "categories", [])
    contributors = stored("QStringList", "contributors", [])
    dependencies = stored("QStringList", "dependencies", [])
    associatedNodeTypes = stored("QStringList", "associatedNodeTypes", [])
    index = stored(int, "index", -1)
    hidden = stored(bool, "hidden", False)
    widgetRepresentationCreationEnabled = stored(bool, "widgetRepresentationCreationEnabled", True)
    isInstalled = stored(bool, "isInstalled", True)
    isBuiltIn = stored(bool, "isBuiltIn", True)

    def logic(self) -> Any:
        return self._logic

    def widgetRepresentation(self) -> Any:
        return None


class qSlicerWidget(QWidget):
    """A widget with a scene, the parent of module panels."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    @Slot(object)
    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


class qSlicerAbstractModuleWidget(qSlicerWidget):
    """A module's panel, which knows whether it is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_entered = False

    def _read_entered(self) -> bool:
        return self._is_entered

    isEntered = Property(bool, _read_entered)

    def enter(self) -> None:
        self._is_entered = True

    def exit(self) -> None:
        self._is_entered = False

    def setEditedNode(self, node: Any, role: str = "", context: str = "") -> bool:
        return False

    def nodeEditable(self, node: Any) -> float:
        return 0.0


class qSlicerScriptedLoadableModuleWidget(qSlicerAbstractModuleWidget):
    """The panel of a scripted module; what it does is in an object of `<Name>Widget`."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self._module = module
        self._python: Any = None
        self.setLayout(QVBoxLayout())

    def _read_name(self) -> str:
        return self._module.property("name")

    moduleName = Property(str, _read_name)

    def self(self) -> Any:
        return self._python

    def set_up(self) -> None:
        """Make the Python object, as Slicer does when the panel is first asked for."""
        import slicer

        name = self._module.property("name")
        self._python = getattr(sys.modules[name], f"{name}Widget")(wrapped(self))
        setattr(slicer.modules, f"{name}Widget", self._python)
        self._python.setup()

    def reload(self) -> None:
        entered = self._is_entered
        self.set_up()
        if entered:
            self._call("enter")

    def enter(self) -> None:
        super().enter()
        self._call("enter")

    def exit(self) -> None:
        super().exit()
        self._call("exit")

    def _call(self, name: str) -> None:
        method = getattr(self._python, name, None)
        if method is not None:
            method()


class qSlicerScriptedLoadableModule(qSlicerAbstractCoreModule):
    """A scripted module, read from its file."""

    extensions = stored("QVariantMap", "extensions", {})

    def __init__(self, path: Path) -> None:
        super().__init__(path.stem, None, str(path))
        self._icon = QIcon()
        self._widget: Any = None
        self.instance: Any = None

    def _read_icon(self) -> QIcon:
        return self._icon

    def _write_icon(self, icon: QIcon) -> None:
        self._icon = icon

    icon = Property(QIcon, _read_icon, _write_icon)

    def load(self) -> None:
        """Run the file, under the module's name, and make the object of the class of that name."""
        path = Path(self._path)
        spec = importlib.util.spec_from_file_location(self._name, path)
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[self._name] = loaded
        spec.loader.exec_module(loaded)
        self.instance = getattr(loaded, self._name)(wrapped(self))

    def widgetRepresentation(self) -> Any:
        if self._widget is None:
            import slicer

            self._widget = qSlicerScriptedLoadableModuleWidget(self)
            self._widget.setMRMLScene(slicer.mrmlScene)
            self._widget.set_up()
        return self._widget
