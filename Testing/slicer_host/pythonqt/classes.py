"""Python classes over PySide6's, with the members and the manners of PythonQt's wrappers."""

from __future__ import annotations

import enum
import weakref
from typing import Any

import shiboken6
from PySide6 import QtCore

from slicer_host.errors import guarded
from slicer_host.pythonqt import facts
from slicer_host.pythonqt.convert import is_alive, set_wrapper_factory, to_python, to_qt
from slicer_host.pythonqt.enums import flat_enums
from slicer_host.pythonqt.members import BoundMethod, Method, Property, Refused, Signal, call_native
from slicer_host.pythonqt.signals import declared_signals

_classes: dict[type, type] = {}
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


class WrapperClass(type):
    """The type of all wrapper classes; names the class when it lacks an attribute."""

    def __getattr__(cls, name: str) -> Any:
        raise AttributeError(facts.missing(cls.pythonqt_native_class, name))


class Wrapper(metaclass=WrapperClass):
    """An object of Qt as Python code in Slicer sees it."""

    pythonqt_native_class: type = shiboken6.Object

    def __init__(self, *arguments: Any, **named: Any) -> None:
        if named:
            raise TypeError(f"{type(self).__name__} takes no keyword arguments: PythonQt ignores them.")
        native_class = _class_for_subclass(type(self))
        native = native_class.__new__(native_class)
        _bind(self, native)
        call_native(native.__init__, arguments)

    def __getattr__(self, name: str) -> Any:
        native = self.__dict__.get("pythonqt_native")
        if isinstance(native, QtCore.QObject) and is_alive(native) and not name.startswith("__"):
            if name in _dynamic_names(native):
                return to_python(native.property(name))
            for child in native.children():
                if child.objectName() == name:
                    return to_python(child)
        raise AttributeError(facts.missing(type(self).pythonqt_native_class, name))

    def __setattr__(self, name: str, value: Any) -> None:
        member = _static_member(type(self), name)
        native = self.__dict__.get("pythonqt_native")
        if isinstance(member, (Method, Property, Signal)):
            member.__set__(self, value)
        elif isinstance(native, QtCore.QObject) and name in _dynamic_names(native):
            native.setProperty(name, to_qt(value))
        elif _is_python_subclass(type(self)):
            object.__setattr__(self, name, value)
        else:
            facts.missing(type(self).pythonqt_native_class, name)  # says more where more is known
            raise AttributeError(
                f"'{name}' does not exist on {type(self).__name__} and creating new attributes on C++ "
                "objects is not allowed"
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wrapper) and bool(self.pythonqt_native == other.pythonqt_native)

    def __hash__(self) -> int:
        return hash(self.pythonqt_native)

    def __bool__(self) -> bool:
        return is_alive(self.pythonqt_native)

    def __repr__(self) -> str:
        return f"{type(self).__name__} ({self.pythonqt_native!r})"

    __str__ = __repr__

    def className(self) -> str:
        return type(self).__name__

    def inherits(self, name: str) -> bool:
        return any(base.__name__ == name for base in type(self).__mro__)

    def delete(self) -> None:
        shiboken6.delete(self.pythonqt_native)

    def help(self) -> None:
        print(dir(type(self)))


def wrapper_class(native: type) -> type:
    """The wrapper class of a PySide6 class, made when it is first asked for."""
    if native not in _classes:
        bases = tuple(dict.fromkeys(wrapper_class(base) for base in native.__bases__ if _is_wrapped(base)))
        members = _members(native) if facts.is_public(native) else {}
        _classes[native] = WrapperClass(
            native.__name__, bases or (Wrapper,), members | {"pythonqt_native_class": native}
        )
    return _classes[native]


def wrapped(native: Any) -> Any:
    """The wrapper of an object that Qt made or gave back; the same one as long as somebody holds it."""
    known = native.__dict__.get("pythonqt_wrapper") if hasattr(native, "__dict__") else None
    wrapper = known() if isinstance(known, weakref.ref) else known
    if wrapper is None:
        cls = wrapper_class(type(native))
        wrapper = cls.__new__(cls)
        _bind(wrapper, native)
    return wrapper


set_wrapper_factory(wrapped)


def _bind(wrapper: Wrapper, native: Any) -> None:
    wrapper.__dict__["pythonqt_native"] = native
    if isinstance(native, QtCore.QObject):
        # Weakly: as in PythonQt, an object without parent goes when nobody holds its wrapper. A Python
        # subclass has attributes of its own and stays with its object.
        native.pythonqt_wrapper = wrapper if _is_python_subclass(type(wrapper)) else weakref.ref(wrapper)


def _is_wrapped(native: type) -> bool:
    return native is not shiboken6.Object and issubclass(native, shiboken6.Object)


def _is_python_subclass(cls: type) -> bool:
    return "pythonqt_native_class" not in vars(cls)


def _static_member(cls: type, name: str) -> Any:
    return next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)


def _dynamic_names(native: QtCore.QObject) -> set[str]:
    return {name.data().decode() for name in native.dynamicPropertyNames()}


def _members(native: type) -> dict[str, Any]:
    """What a wrapper class has of its own, by PythonQt's order: properties, methods, signals, enums."""
    found: dict[str, Any] = flat_enums(native) | facts.listed_enums(native)
    meta = getattr(native, "staticMetaObject", None) if issubclass(native, QtCore.QObject) else None
    signals = declared_signals(meta) if meta else {}
    found |= {name: Signal(name, facts.real_signatures(native, name, s)) for name, s in signals.items()}
    properties = _properties(meta)
    declared = {n for n, (_, is_own) in properties.items() if is_own or n in vars(native)}
    for name, value in vars(native).items():
        if name in _OPERATORS:
            found[name] = _operator(name)
        elif _is_method(name, value) and name not in signals and name not in properties:
            found[name] = Method(name, native)
    extras = facts.extras(native)
    for name in declared:
        # QTimer.singleShot: a property of the object, and a function of the class.
        on_class = Method(name, native) if isinstance(vars(native).get(name), staticmethod) else None
        found[name] = Property(name, properties[name][0], extras.pop(name, on_class))
    if "exec" in found:
        found["exec_"] = found["exec"]
    if "objectName" in found:
        found["name"] = found["objectName"]
    refused = {name: Refused(native, name) for name in facts.qt6_only_names(native)}
    return {n: v for n, v in found.items() if facts.is_listed(native, n)} | refused | extras


def _properties(meta: QtCore.QMetaObject | None) -> dict[str, tuple[QtCore.QMetaProperty, bool]]:
    """All properties by name, and whether the class declares them itself."""
    indices = range(meta.propertyCount()) if meta else range(0)
    offset = meta.propertyOffset() if meta else 0
    return {p.name(): (p, i >= offset) for i, p in ((i, meta.property(i)) for i in indices)}


def _is_method(name: str, value: Any) -> bool:
    if name.startswith("_") or name in facts.NOT_IN_PYTHONQT or isinstance(value, (enum.EnumMeta, type)):
        return False
    return callable(value) or isinstance(value, staticmethod)


def _operator(name: str) -> Any:
    def apply(self: Wrapper, *others: Any) -> Any:
        result = getattr(self.pythonqt_native, name)(*map(to_qt, others))
        return result if result is NotImplemented else to_python(result)

    return apply


def _class_for_subclass(cls: type) -> type:
    """The PySide6 class whose C++ virtual methods call what a Python subclass overrides."""
    native: type = cls.pythonqt_native_class
    if not _is_python_subclass(cls):
        return native
    if "pythonqt_made" not in vars(cls):
        names = {n for c in cls.__mro__ if _is_python_subclass(c) for n in vars(c)}
        names = {n for n in names if not n.startswith("_") and _is_method(n, getattr(native, n, None))}
        body: dict[str, Any] = {name: _override(name, native) for name in names}
        type.__setattr__(
            cls, "pythonqt_made", type(cls.__name__, (native,), body | {"pythonqt_overrides": names})
        )
    made: type = vars(cls)["pythonqt_made"]
    return made


def _override(name: str, base: type) -> Any:
    def method(native: Any, *arguments: Any) -> Any:
        def python() -> Any:
            return to_qt(getattr(wrapped(native), name)(*map(to_python, arguments)))

        return guarded(python, lambda: getattr(base, name)(native, *arguments))()

    return method


__all__ = ["BoundMethod", "Wrapper", "wrapped", "wrapper_class"]
