"""Values on their way between Python code and Qt, by PythonQt's rules of conversion.

The rules are those of PythonQt's `PythonQtConversion.cpp`: lists come back as tuples, a property of type
QString takes the text of any object, bool takes truth, int takes the whole part of a number.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore

from slicer_host.pythonqt.enums import EnumValue

_wrapper_of: Callable[[Any], Any]


def set_wrapper_factory(factory: Callable[[Any], Any]) -> None:
    """Tell how an object of PySide6 gets its wrapper (the classes are made elsewhere)."""
    global _wrapper_of
    _wrapper_of = factory


def to_python(value: Any) -> Any:
    """What Python code sees of a value that Qt gave."""
    if isinstance(value, enum.Enum):
        return EnumValue(value) if type(value).__module__.startswith("PySide6") else value
    if isinstance(value, shiboken6.Object):
        return _wrapper_of(value)
    if isinstance(value, (list, tuple)):
        return tuple(to_python(item) for item in value)
    if isinstance(value, dict):
        return {key: to_python(item) for key, item in value.items()}
    return value


def to_qt(value: Any) -> Any:
    """What Qt is given for a value of Python code."""
    if isinstance(value, EnumValue):
        return value.native
    if hasattr(type(value), "pythonqt_native_class"):
        return value.pythonqt_native
    if type(value) in (list, tuple):
        return type(value)(to_qt(item) for item in value)
    if type(value) is dict:
        return {key: to_qt(item) for key, item in value.items()}
    return value


def to_property(value: Any, type_name: str) -> Any:
    """What a property of this C++ type is set to.

    Raises:
        TypeError: PythonQt would not take the value either.
    """
    convert = _PROPERTY_TYPES.get(type_name)
    try:
        return to_qt(value) if convert is None else convert(value)
    except (ValueError, OverflowError) as error:
        raise TypeError(str(error)) from error


def _string_list(value: Any) -> list[str]:
    # A str is a sequence too: PythonQt makes a list of its letters of it.
    return [str(item) for item in value]


_PROPERTY_TYPES: dict[str, Callable[[Any], Any]] = {
    "QString": str,
    "bool": bool,
    "int": lambda value: math.floor(value) if isinstance(value, float) else int(value),
    "uint": lambda value: math.floor(value) if isinstance(value, float) else int(value),
    "double": float,
    "QStringList": _string_list,
}


def is_alive(native: Any) -> bool:
    """Whether the C++ object still exists."""
    return shiboken6.isValid(native)


def signature_text(signature: str) -> str:
    """A signal's or slot's signature as Qt writes it."""
    return QtCore.QMetaObject.normalizedSignature(signature).data().decode()
