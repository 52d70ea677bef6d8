"""The flat modules `qt` and `ctk`: classes are wrapped when they are first asked for."""

from __future__ import annotations

import types
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtNetwork, QtSvg, QtUiTools, QtWidgets

from slicer_host.pythonqt import facts
from slicer_host.pythonqt.classes import wrapper_class

QT_MODULES = (QtCore, QtGui, QtWidgets, QtNetwork, QtSvg, QtUiTools)


class FlatModule(types.ModuleType):
    """A module that finds its classes in others."""

    def __init__(self, name: str, sources: tuple[types.ModuleType, ...]) -> None:
        super().__init__(name)
        self._sources = sources

    def __getattr__(self, name: str) -> Any:
        if facts.is_qt6_only_class(name):
            raise AttributeError(
                f"module 'qt' has no attribute '{name}' (Qt 6 has it, Slicer's Qt 5.15 has not)"
            )
        for source in self._sources:
            native = vars(source).get(name)
            if native is None and source.__name__.startswith("PySide6"):
                native = getattr(source, name, None)  # PySide6 loads its own classes when asked
            if isinstance(native, type) and _is_wrappable(native):
                setattr(self, name, wrapper_class(native))
                return vars(self)[name]
        if name in facts.listing():
            raise NotImplementedError(
                f"{name} exists in Slicer, but the test host has no stand-in for it yet."
            )
        raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")


def _is_wrappable(native: type) -> bool:
    return issubclass(native, shiboken6.Object) or native is QtCore.Qt
