"""What a wrapper class gets of its PySide6 class: as PythonQt orders it, less what Slicer's Qt lacks."""

from __future__ import annotations

import enum
from collections.abc import Container
from typing import Any

from PySide6 import QtCore

from slicer_host.pythonqt import facts
from slicer_host.pythonqt.convert import to_python, to_qt
from slicer_host.pythonqt.enums import flat_enums
from slicer_host.pythonqt.members import Method, Property, Refused, Signal
from slicer_host.pythonqt.signals import declared_signals

_OPERATORS = {
    "__add__",
    "__sub__",
    "__mul__",
    "__truediv__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__len__",
}


def class_members(native: type) -> dict[str, Any]:
    """What a wrapper class has of its own, by PythonQt's order: properties, methods, signals, enums."""
    found: dict[str, Any] = flat_enums(native) | facts.listed_enums(native)
    extras = facts.extras(native)
    for part in reversed(_parts(native)):
        signals = _signals(part)
        found |= {name: Signal(name, facts.real_signatures(native, name, s)) for name, s in signals.items()}
        found |= _methods(part, but=signals)
        found |= _properties(part, extras)
    aliases = {"exec_": "exec", "name": "objectName"}
    found |= {alias: found[name] for alias, name in aliases.items() if name in found}
    refused = {name: Refused(native, name) for name in facts.qt6_only_names(native)}
    return {n: v for n, v in found.items() if facts.is_listed(native, n)} | refused | extras


def _parts(native: type) -> list[type]:
    """The class, and the bases that only divide a stand-in into files."""
    parts = [native]
    for base in native.__mro__[1:]:
        if not facts.is_stand_in(base) or facts.is_public(base):
            break
        parts.append(base)
    return parts


def _meta(part: type) -> QtCore.QMetaObject | None:
    return getattr(part, "staticMetaObject", None) if issubclass(part, QtCore.QObject) else None


def _signals(part: type) -> dict[str, tuple[str, ...]]:
    meta = _meta(part)
    return declared_signals(meta) if meta is not None else {}


def _methods(part: type, but: Container[str]) -> dict[str, Any]:
    found = {}
    properties = {p.name() for p, _ in _all_properties(part)}
    for name, value in vars(part).items():
        if name in _OPERATORS:
            found[name] = _operator(name)
        elif is_method(name, value) and name not in but and name not in properties:
            found[name] = Method(name, part)
    return found


def _properties(part: type, extras: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for meta, is_own in _all_properties(part):
        name = meta.name()
        if is_own or name in vars(part):
            # QTimer.singleShot: a property of the object, and a function of the class.
            is_static = isinstance(vars(part).get(name), staticmethod)
            on_class = extras.pop(name, Method(name, part) if is_static else None)
            found[name] = Property(name, meta, on_class)
    return found


def _all_properties(part: type) -> list[tuple[QtCore.QMetaProperty, bool]]:
    """All properties, and whether the class declares them itself."""
    meta = _meta(part)
    if meta is None:
        return []
    return [(meta.property(i), i >= meta.propertyOffset()) for i in range(meta.propertyCount())]


def is_method(name: str, value: Any) -> bool:
    """Whether a member of a PySide6 class is a method that PythonQt has too."""
    if name.startswith("_") or name in facts.NOT_IN_PYTHONQT or isinstance(value, (enum.EnumMeta, type)):
        return False
    return callable(value) or isinstance(value, staticmethod)


def _operator(name: str) -> Any:
    def apply(self: Any, *others: Any) -> Any:
        result = getattr(self.pythonqt_native, name)(*map(to_qt, others))
        return result if result is NotImplemented else to_python(result)

    return apply
