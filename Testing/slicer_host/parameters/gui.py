"""Widgets tied to parameters: each shows the other's value."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer_host.errors import guarded
from slicer_host.parameters.annotations import Choice, Maximum, Minimum, WithinRange
from slicer_host.parameters.serializers import Parameter, members

PROPERTY = "SlicerParameterName"
"""Dynamic property of a widget in a `.ui` file: the parameter that it shows."""


@dataclass(frozen=True)
class Tie:
    """How a kind of widget shows a value.

    Attributes:
        signal: says that the user changed it.
        read: its value, of the parameter's type.
        write: shows a value.
    """

    signal: str
    read: Callable[[Any, Parameter], Any]
    write: Callable[[Any, Any], None]


def _by_property(signal: str, name: str, convert: Callable[[Any], Any] | None = None) -> Tie:
    def read(widget: Any, parameter: Parameter) -> Any:
        kind = convert or members(parameter.kind)[0]
        return kind(getattr(widget, name))

    return Tie(signal, read, lambda widget, value: setattr(widget, name, _shown(value)))


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _read_choice(widget: Any, parameter: Parameter) -> Any:
    kind = members(parameter.kind)[0]
    return list(kind)[widget.currentIndex] if isinstance(kind, enum.EnumMeta) else kind(widget.currentText)


def _show_choice(widget: Any, value: Any) -> None:
    is_enum = isinstance(value, enum.Enum)
    index = list(type(value)).index(value) if is_enum else widget.findText(str(value))
    widget.setCurrentIndex(index)


# In the order of Slicer's own connectors: the most derived class first.
_TIES: tuple[tuple[str, Tie], ...] = (
    (
        "qMRMLNodeComboBox",
        Tie(
            "currentNodeChanged(vtkMRMLNode*)", lambda w, p: w.currentNode(), lambda w, v: w.setCurrentNode(v)
        ),
    ),
    ("ctkPathLineEdit", _by_property("currentPathChanged(QString)", "currentPath")),
    ("ctkSliderWidget", _by_property("valueChanged(double)", "value")),
    ("ctkCollapsibleButton", _by_property("toggled(bool)", "checked")),
    ("QAbstractButton", _by_property("toggled(bool)", "checked")),
    ("QGroupBox", _by_property("toggled(bool)", "checked")),
    ("QSlider", _by_property("valueChanged(int)", "value")),
    ("QSpinBox", _by_property("valueChanged(int)", "value")),
    ("QDoubleSpinBox", _by_property("valueChanged(double)", "value")),
    ("QComboBox", Tie("currentIndexChanged(int)", _read_choice, _show_choice)),
    ("QLineEdit", _by_property("textChanged(QString)", "text")),
    ("QPlainTextEdit", _by_property("textChanged()", "plainText")),
    ("QTextEdit", _by_property("textChanged()", "plainText")),
)


class Connections:
    """The widgets of one wrapper."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper
        self._tags = itertools.count(1)
        self._undo: dict[int, list[Callable[[], Any]]] = {}

    def connect_named(self, gui: Any) -> int:
        """Tie every widget, of any depth, that names a parameter."""
        import slicer

        widgets = vars(gui).values() if not hasattr(gui, "children") else slicer.util.findChildren(gui)
        named = {w.property(PROPERTY): w for w in widgets if hasattr(w, "property") and w.property(PROPERTY)}
        return self.connect(named)

    def connect(self, mapping: dict[str, Any]) -> int:
        """Tie widgets by the name of their parameter."""
        tag = next(self._tags)
        self._undo[tag] = [undo for name, widget in mapping.items() for undo in self._tie(name, widget)]
        return tag

    def disconnect(self, tag: int) -> None:
        """Untie what was tied under a tag."""
        for undo in self._undo.pop(tag):
            undo()

    def _tie(self, name: str, widget: Any) -> list[Callable[[], Any]]:
        wrapper = self._wrapper
        if name not in wrapper.allParameters:
            raise ValueError(
                f"{widget.name} shows the parameter '{name}', which {type(wrapper).__name__} lacks."
            )
        parameter, tie = wrapper.allParameters[name], _tie_of(widget)
        _limit(widget, parameter)

        def show() -> None:
            value = wrapper.getValue(name)
            if tie.read(widget, parameter) != value:
                tie.write(widget, value)

        def store() -> None:
            wrapper.setValue(name, tie.read(widget, parameter))

        show()
        widget.connect(tie.signal, store)
        node_tag = wrapper.AddObserver("ModifiedEvent", guarded(lambda *_: show()))
        return [lambda: widget.disconnect(tie.signal, store), lambda: wrapper.RemoveObserver(node_tag)]


def _tie_of(widget: Any) -> Tie:
    for class_name, tie in _TIES:
        if widget.inherits(class_name):
            return tie
    raise ValueError(f"{widget.name}: a {widget.className()} cannot show a parameter.")


def _limit(widget: Any, parameter: Parameter) -> None:
    for rule in parameter.validators:
        if isinstance(rule, (WithinRange, Minimum)) and hasattr(widget, "minimum"):
            widget.minimum = rule.minimum
        if isinstance(rule, (WithinRange, Maximum)) and hasattr(widget, "maximum"):
            widget.maximum = rule.maximum
        if isinstance(rule, Choice) and widget.inherits("QComboBox"):
            _fill(widget, [str(choice) for choice in rule.choices])
    kind = members(parameter.kind)[0]
    if isinstance(kind, enum.EnumMeta) and widget.inherits("QComboBox"):
        _fill(widget, [getattr(m, "label", lambda m=m: m.name)() for m in kind])


def _fill(widget: Any, texts: list[str]) -> None:
    if tuple(texts) != tuple(widget.itemText(i) for i in range(widget.count)):
        widget.clear()
        widget.addItems(texts)
