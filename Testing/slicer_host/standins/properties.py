"""Short forms for what most stand-ins have: properties, and parts in a row."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property
from PySide6.QtWidgets import QHBoxLayout, QWidget


def stored(kind: Any, name: str, default: Any, after: str | None = None, notify: str | None = None) -> Any:
    """A property that keeps what it is given.

    Args:
        kind: the type, as Qt names it or a Python type.
        name: its name, under which the object keeps the value.
        default: before it is set.
        after: name of a method to call after a change.
        notify: name of a signal to emit with the new value after a change.
    """
    key = f"_{name}"

    def read(self: Any) -> Any:
        return getattr(self, key, default)

    def write(self: Any, value: Any) -> None:
        if read(self) == value:
            return
        setattr(self, key, value)
        if after:
            getattr(self, after)()
        if notify:
            getattr(self, notify).emit(value)

    return Property(kind, read, write)


def forwarded(kind: Any, part: str, name: str) -> Any:
    """A property that is one of an inner widget, `self.<part>`."""

    def read(self: Any) -> Any:
        return getattr(self, part).property(name)

    def write(self: Any, value: Any) -> None:
        getattr(self, part).setProperty(name, value)

    return Property(kind, read, write)


def in_a_row(widget: QWidget, *parts: QWidget) -> None:
    """Lay the parts of a widget out side by side, without a margin."""
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        row.addWidget(part)


def opposite_of_checked() -> Any:
    """The property `collapsed` of sections that are open while they are checked."""

    def read(self: Any) -> bool:
        return not self.isChecked()

    def write(self: Any, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    return Property(bool, read, write)
