"""Python classes over PySide6's, with the members and the manners of PythonQt's wrappers."""

from __future__ import annotations

import weakref
from typing import Any

import shiboken6
from PySide6 import QtCore

from slicer_host.errors import guarded
from slicer_host.pythonqt import facts
from slicer_host.pythonqt.class_members import class_members, is_method
from slicer_host.pythonqt.convert import is_alive, set_wrapper_factory, to_python, to_qt
from slicer_host.pythonqt.members import BoundMethod, Method, Property, Signal, call_native

_classes: dict[type, type] = {}


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
        members = class_members(native) if facts.is_public(native) else {}
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


def _class_for_subclass(cls: type) -> type:
    """The PySide6 class whose C++ virtual methods call what a Python subclass overrides."""
    native: type = cls.pythonqt_native_class
    if not _is_python_subclass(cls):
        return native
    if "pythonqt_made" not in vars(cls):
        names = {n for c in cls.__mro__ if _is_python_subclass(c) for n in vars(c)}
        names = {n for n in names if not n.startswith("_") and is_method(n, getattr(native, n, None))}
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
