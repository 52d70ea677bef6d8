"""What a wrapped class has: properties, methods and signals, each as a descriptor."""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore
from shibokensupport.signature import get_signature

from slicer_host.pythonqt import facts
from slicer_host.pythonqt.convert import is_alive, to_property, to_python, to_qt
from slicer_host.pythonqt.signals import BoundSignal


class Method:
    """A method of the native class, static or not; called with wrapped values."""

    def __init__(self, name: str, owner: type) -> None:
        self._name = name
        self._owner = owner

    def __get__(self, wrapper: Any, cls: type) -> Callable[..., Any]:
        if wrapper is None:
            return BoundMethod(getattr(self._owner, self._name), f"{cls.__name__}.{self._name}")
        native = wrapper.pythonqt_native
        # A class made for a Python subclass calls back into Python: its super() needs the C++ method.
        holder = self._owner if self._name in getattr(native, "pythonqt_overrides", ()) else None
        function = getattr(holder, self._name).__get__(native) if holder else getattr(native, self._name)
        return BoundMethod(function, f"{cls.__name__}.{self._name}")

    def __set__(self, wrapper: Any, value: Any) -> None:
        raise AttributeError(f"Slot '{self._name}' can not be overwritten on {type(wrapper).__name__} object")


class BoundMethod:
    """A method with its object, as PythonQt's built-in slot: no Python function, so it gets all arguments."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function = function
        self.__name__ = name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if named:
            raise TypeError(f"{self.__name__} takes no keyword arguments: PythonQt ignores them.")
        return to_python(call_native(self._function, arguments))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundMethod) and self._function == other._function

    def __hash__(self) -> int:
        return hash(self._function)

    def __repr__(self) -> str:
        return f"<built-in qt slot {self.__name__}>"


class Property:
    """A Qt property, read and written as an attribute."""

    def __init__(self, name: str, meta: QtCore.QMetaProperty, on_class: Method | None = None) -> None:
        self._name = name
        self._type_name = meta.typeName()
        self._is_enum = meta.isEnumType()
        self._is_writable = meta.isWritable()
        self._on_class = on_class

    def __get__(self, wrapper: Any, cls: type) -> Any:
        if wrapper is None:
            return self._on_class.__get__(None, cls) if self._on_class else self
        native = _living(wrapper, self._name, "read")
        if self._is_enum:  # PySide6 cannot read all of them by name
            return to_python(getattr(native, self._name)())
        return to_python(native.property(self._name))

    def __set__(self, wrapper: Any, value: Any) -> None:
        native = _living(wrapper, self._name, "set")
        if not self._is_writable:
            raise AttributeError(
                f"Property '{self._name}' of {type(wrapper).__name__} object is not writable"
            )
        try:
            is_set = native.setProperty(self._name, to_property(value, self._type_name))
        except TypeError:
            is_set = False
        if not is_set:
            raise AttributeError(
                f"Property '{self._name}' of type '{self._type_name}' does not accept an object of type "
                f"{type(value).__name__} ({value!r})"
            )


class Signal:
    """A signal with its overloads."""

    def __init__(self, name: str, signatures: tuple[str, ...]) -> None:
        self._name = name
        self.signatures = signatures

    def __get__(self, wrapper: Any, cls: type) -> Any:
        return self if wrapper is None else BoundSignal(wrapper.pythonqt_native, self.signatures)

    def __set__(self, wrapper: Any, value: Any) -> None:
        raise AttributeError(
            f"Signal '{self._name}' can not be overwritten on {type(wrapper).__name__} object"
        )


class Refused:
    """A member that PySide6's class inherits and Slicer's Qt has not."""

    def __init__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, wrapper: Any, cls: type) -> Any:
        raise AttributeError(facts.missing(self._owner, self._name))


def call_native(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a PySide6 function; whole numbers stand for enum values where it asks for one."""
    native = tuple(map(to_qt, arguments))
    try:
        return function(*native)
    except (TypeError, ValueError):
        for converted in _with_enums(function, native):
            try:
                return function(*converted)
            except (TypeError, ValueError):
                continue
        raise


def _with_enums(function: Callable[..., Any], arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    signatures = get_signature(function)
    candidates = []
    for signature in signatures if isinstance(signatures, list) else [signatures]:
        kinds = [p.annotation for p in signature.parameters.values()] if signature else []
        kinds = kinds[len(kinds) - len(arguments) :] if "self" in str(signature)[:6] else kinds
        converted = tuple(_as_enum(a, k) for a, k in zip(arguments, kinds, strict=False))
        if len(converted) == len(arguments) and any(
            new is not old for new, old in zip(converted, arguments, strict=True)
        ):
            candidates.append(converted)
    return candidates


def _as_enum(value: Any, kind: Any) -> Any:
    kinds = typing.get_args(kind) or (kind,)
    if type(value) in (int, bool):
        for one in kinds:
            if isinstance(one, enum.EnumMeta):
                return one(int(value))
    return value


def _living(wrapper: Any, name: str, verb: str) -> Any:
    native = wrapper.pythonqt_native
    if not is_alive(native):
        raise ValueError(
            f"Trying to {verb} property '{name}' from a destroyed {type(wrapper).__name__} object"
        )
    return native
