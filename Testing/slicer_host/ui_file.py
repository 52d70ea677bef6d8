"""Designer's `.ui` files, read as Slicer does, and refused where Slicer's Qt would only print a warning."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from PySide6 import QtUiTools, QtWidgets
from PySide6.QtCore import QBuffer, QByteArray, QIODevice

from slicer_host.pythonqt import Wrapper, facts, wrapped, wrapper_class
from slicer_host.pythonqt.facts import extra
from slicer_host.pythonqt.members import Property
from slicer_host.standins import ctk, slicer

STAND_INS: dict[str, type] = {
    name: getattr(module, name) for module in (ctk, slicer) for name in module.__all__
}
_DESIGNER_CLASSES = {"Line": "QFrame", "Spacer": "QWidget", "QLayoutWidget": "QWidget"}
_DESIGNER_PROPERTIES = {"buddy", "orientation"}
"""What Designer writes like a property of any widget though it is none."""


class _Loader(QtUiTools.QUiLoader):
    def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> Any:
        if class_name in STAND_INS:
            widget = STAND_INS[class_name](parent)
            widget.setObjectName(name)
            return widget
        return super().createWidget(class_name, parent, name)


@extra("QUiLoader")
def load(self: Wrapper, file: Wrapper, parent: Wrapper | None = None) -> Wrapper | None:
    """The widget of an open file."""
    path = Path(file.fileName())
    root = ElementTree.fromstring(bytes(file.pythonqt_native.readAll().data()))
    for widget in root.iter("widget"):
        _check(widget, path)
    connections = root.find("connections")
    if connections is not None:
        root.remove(connections)  # Qt cannot make those that carry a scene
    buffer = QBuffer()
    buffer.setData(QByteArray(ElementTree.tostring(root)))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    loader = _Loader()
    loader.setWorkingDirectory(file.pythonqt_native.fileName() and _folder(path))
    made = loader.load(buffer, parent.pythonqt_native if parent is not None else None)
    if made is None:
        return None
    for connection in connections if connections is not None else ():
        _connect(made, connection)
    return wrapped(made)


def _folder(path: Path) -> Any:
    from PySide6.QtCore import QDir

    return QDir(str(path.parent))


def _check(widget: ElementTree.Element, path: Path) -> None:
    class_name = widget.get("class", "")
    wrapper = _class_of(_DESIGNER_CLASSES.get(class_name, class_name), path)
    for element in widget.findall("property"):
        name = element.get("name", "")
        is_dynamic = element.get("stdset") == "0"
        if is_dynamic or name in _DESIGNER_PROPERTIES:
            continue
        if not isinstance(_static(wrapper, name), Property):
            facts.missing(wrapper.pythonqt_native_class, name)
            raise AttributeError(
                f"{path.name}: {class_name} {widget.get('name')} has no property '{name}'. "
                'If it is one of your own, write stdset="0".'
            )
        if class_name in STAND_INS:
            _name_numbers(element, class_name)


def _class_of(class_name: str, path: Path) -> type:
    native = STAND_INS.get(class_name) or getattr(QtWidgets, class_name, None)
    if native is None:
        if class_name in facts.listing():
            raise NotImplementedError(
                f"{path.name}: {class_name} exists in Slicer, but the test host has no stand-in for it yet."
            )
        raise AttributeError(f"{path.name}: neither Qt nor the lists in facts/ have a widget {class_name}.")
    return wrapper_class(native)


def _static(cls: type, name: str) -> Any:
    return next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)


def _name_numbers(element: ElementTree.Element, class_name: str) -> None:
    """Write the enum names of CTK and Slicer as numbers, which the stand-ins keep."""
    value = element[0]
    if value.tag not in ("enum", "set"):
        return
    number = 0
    for text in (value.text or "").split("|"):
        number |= _number(text.strip(), class_name)
    element.remove(value)
    ElementTree.SubElement(element, "number").text = str(number)


def _number(text: str, class_name: str) -> int:
    owner, _, name = text.rpartition("::")
    if owner in ("", class_name):
        return int(facts.listing()[class_name]["enums"][name])
    scope = owner.split("::")[0]
    import qt

    return int(getattr(getattr(qt, scope), name))


def _connect(root: Any, connection: ElementTree.Element) -> None:
    sender, receiver = (_named(root, connection.findtext(part, "")) for part in ("sender", "receiver"))
    signal, slot = connection.findtext("signal", ""), connection.findtext("slot", "")
    if facts.is_stand_in(receiver.pythonqt_native_class) or "vtk" in signal:
        sender.connect(signal, getattr(receiver, slot.partition("(")[0]))
    else:
        sender.connect(signal, receiver, slot)


def _named(root: Any, name: str) -> Wrapper:
    return wrapped(root if root.objectName() == name else root.findChild(object, name))
