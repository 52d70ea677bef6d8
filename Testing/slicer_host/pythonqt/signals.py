"""Signals as PythonQt connects them: by signature, to any callable, with no more arguments than it takes."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable
from typing import Any

from PySide6 import QtCore

from slicer_host.errors import guarded
from slicer_host.pythonqt import facts
from slicer_host.pythonqt.convert import signature_text, to_python, to_qt

_QT_TYPES = {"bool", "int", "double", "QString", "QStringList", "QVariant"}


class BoundSignal:
    """`button.clicked`: `connect`, `disconnect`, and a call that emits it.

    Attributes:
        signatures: its overloads, in the order of their declaration.
    """

    def __init__(self, native: Any, signatures: tuple[str, ...]) -> None:
        self._native = native
        self.signatures = signatures

    def connect(self, receiver: Callable[..., Any]) -> bool:
        """Call the receiver at each emission of the first overload."""
        return connect(self._native, self.signatures[0], receiver)

    def disconnect(self, receiver: Callable[..., Any] | None = None) -> bool:
        """Stop calling the receiver, or all; False when it was not connected."""
        return disconnect(self._native, self.signatures[0], receiver)

    def emit(self, *arguments: Any) -> None:
        """Emit the overload that has this number of arguments."""
        for signature in self.signatures:
            if len(_argument_types(signature)) == len(arguments):
                return self._emit(signature, arguments)
        wanted = " or ".join(self.signatures)
        raise TypeError(
            f"{wanted} was emitted with {len(arguments)} arguments. Give what the signal declares."
        )

    __call__ = emit

    def _emit(self, signature: str, arguments: tuple[Any, ...]) -> None:
        name, types_ = signature.partition("(")[0], ",".join(_argument_types(signature))
        getattr(self._native, name)[types_].emit(*map(to_qt, arguments))


def declared_signals(meta: QtCore.QMetaObject) -> dict[str, tuple[str, ...]]:
    """The signals of a meta object's own class, not of its bases: signatures by name."""
    found: dict[str, list[str]] = {}
    for index in range(meta.methodOffset(), meta.methodCount()):
        method = meta.method(index)
        if method.methodType() == QtCore.QMetaMethod.MethodType.Signal:
            found.setdefault(method.name().data().decode(), []).append(
                method.methodSignature().data().decode()
            )
    return {name: tuple(signatures) for name, signatures in found.items()}


def native_signature(native: QtCore.QObject, signature: str) -> str:
    """A signal's signature in the meta object at hand.

    A stand-in's signal carries nodes as Python objects, where the real class has `vtkMRMLNode*`.

    Raises:
        AttributeError: the class has no such signal.
    """
    wanted = signature_text(signature)
    meta = type(native).staticMetaObject
    for text in (wanted, _with_python_objects(wanted)):
        if meta.indexOfSignal(text) >= 0 and facts.signal_is_listed(type(native), wanted):
            return text
    name = wanted.partition("(")[0]
    native_ones = tuple(s for s in _all_signatures(meta) if s.partition("(")[0] == name)
    known = facts.real_signatures(type(native), name, native_ones)
    hint = f"It has {', '.join(known)}." if known else "There is no signal of that name."
    raise AttributeError(f"{meta.className()} has no signal '{signature}'. {hint}")


def connect(native: QtCore.QObject, signature: str, receiver: Callable[..., Any]) -> bool:
    """Call the receiver whenever the signal is emitted."""
    if not callable(receiver):
        raise TypeError(f"{signature} was connected to {receiver!r}, which cannot be called.")
    text = native_signature(native, signature)
    connection = QtCore.QObject.connect(native, QtCore.SIGNAL(text), _delivery(receiver))
    _connections(native).append((text, receiver, connection))
    return bool(connection)


def disconnect(native: QtCore.QObject, signature: str, receiver: Callable[..., Any] | None = None) -> bool:
    """Undo one connection to the receiver, or with None all connections of the signal."""
    text = native_signature(native, signature)
    known = _connections(native)
    found = [c for c in known if c[0] == text and (receiver is None or c[1] == receiver)]
    for entry in found if receiver is None else found[:1]:
        known.remove(entry)
        QtCore.QObject.disconnect(entry[2])
    return bool(found)


def accepted_count(receiver: Callable[..., Any]) -> int | None:
    """How many arguments PythonQt passes: those a Python function names, with defaults; None for all."""
    if isinstance(receiver, types.MethodType) and isinstance(receiver.__func__, types.FunctionType):
        count = accepted_count(receiver.__func__)
        return None if count is None else count - 1
    if not isinstance(receiver, types.FunctionType) or receiver.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return receiver.__code__.co_argcount


def _delivery(receiver: Callable[..., Any]) -> Callable[..., None]:
    count = accepted_count(receiver)

    def deliver(*arguments: Any) -> None:
        receiver(*map(to_python, arguments[:count]))

    return guarded(deliver)


def _connections(native: QtCore.QObject) -> list[tuple[str, Callable[..., Any], Any]]:
    if not hasattr(native, "pythonqt_connections"):
        native.pythonqt_connections = []
    known: list[tuple[str, Callable[..., Any], Any]] = native.pythonqt_connections
    return known


def _all_signatures(meta: QtCore.QMetaObject) -> Iterable[str]:
    current: QtCore.QMetaObject | None = meta
    while current is not None:
        for signatures in declared_signals(current).values():
            yield from signatures
        current = current.superClass()


def _argument_types(signature: str) -> list[str]:
    inside = signature.partition("(")[2].removesuffix(")")
    return inside.split(",") if inside else []


def _with_python_objects(signature: str) -> str:
    name = signature.partition("(")[0]
    types_ = [t if t in _QT_TYPES else "PyObject" for t in _argument_types(signature)]
    return f"{name}({','.join(types_)})"
