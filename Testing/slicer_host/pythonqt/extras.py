"""Members that PythonQt gives to QObject and a few others in a form of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

from slicer_host.errors import guarded
from slicer_host.pythonqt.classes import Wrapper
from slicer_host.pythonqt.convert import signature_text
from slicer_host.pythonqt.facts import extra
from slicer_host.pythonqt.signals import connect as connect_callable
from slicer_host.pythonqt.signals import disconnect as disconnect_callable
from slicer_host.pythonqt.signals import native_signature


@extra("QObject")
def connect(self: Wrapper, signal: str, receiver: Any, slot: str | None = None) -> bool:
    """`sender.connect("clicked()", function)`, or with a receiving object and its slot."""
    if slot is None:
        return connect_callable(self.pythonqt_native, signal, receiver)
    return bool(QtCore.QObject.connect(*_ends(self, signal, receiver, slot)))


@extra("QObject")
def disconnect(self: Wrapper, signal: str, receiver: Any = None, slot: str | None = None) -> bool:
    """The reverse of `connect`; False when there was no such connection."""
    if slot is None:
        return disconnect_callable(self.pythonqt_native, signal, receiver)
    return bool(QtCore.QObject.disconnect(*_ends(self, signal, receiver, slot)))


@extra("QObject")
def findChild(self: Wrapper, kind: Any, name: str | None = None) -> Wrapper | None:
    """The first child, of any depth, of this class (a class or its name) and object name."""
    return next(iter(findChildren(self, kind, name)), None)


@extra("QObject")
def findChildren(self: Wrapper, kind: Any, name: Any = None) -> tuple[Wrapper, ...]:
    """All children, of any depth, of this class and object name (a text or `qt.QRegularExpression`)."""
    found = []
    for child in self.children():
        if _is_kind(child, kind) and _has_name(child, name):
            found.append(child)
        found.extend(findChildren(child, kind, name))
    return tuple(found)


@extra("QObject")
def tr(self: Wrapper, text: str) -> str:
    """The text: the test host speaks English."""
    return text


@extra("QTimer", "singleShot")
@staticmethod
def single_shot(delay_ms: int, receiver: Callable[[], Any] | Wrapper, slot: str | None = None) -> None:
    """Call the receiver once, later."""
    if slot is None:
        QtCore.QTimer.singleShot(int(delay_ms), guarded(receiver))
    else:
        native = receiver.pythonqt_native
        QtCore.QTimer.singleShot(int(delay_ms), native, QtCore.SLOT(_slot_of(native, slot)))


def _ends(sender: Wrapper, signal: str, receiver: Wrapper, slot: str) -> tuple[Any, ...]:
    native = receiver.pythonqt_native
    text = native_signature(sender.pythonqt_native, signal)
    return sender.pythonqt_native, QtCore.SIGNAL(text), native, QtCore.SLOT(_slot_of(native, slot))


def _slot_of(native: QtCore.QObject, slot: str) -> str:
    text = signature_text(slot)
    meta = type(native).staticMetaObject
    if meta.indexOfMethod(text) < 0:
        raise AttributeError(f"{meta.className()} has no slot '{slot}'.")
    return text


def _is_kind(child: Wrapper, kind: Any) -> bool:
    return child.inherits(kind) if isinstance(kind, str) else isinstance(child, kind)


def _has_name(child: Wrapper, name: Any) -> bool:
    if name is None:
        return True
    if isinstance(name, str):
        return child.objectName == name
    return re.search(name.pattern(), child.objectName) is not None
