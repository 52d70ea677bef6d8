"""Keyboard shortcuts: made when the module is shown, removed when it is left, named in every tooltip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

KEYS: Mapping[str, str] = {
    "boxButton": "Shift+B",
    "box3dButton": "D",
    "pointPositiveButton": "P",
    "pointNegativeButton": "Shift+P",
    "scribblePositiveButton": "K",
    "scribbleNegativeButton": "Shift+K",
    "lineButton": "L",
    "outlineButton": "O",
    "segmentButton": "M",
    "runButton": "Shift+R",
    "cancelButton": "Shift+C",
    "newLesionButton": "Shift+N",
    "nextLesionButton": "N",
    "acceptButton": "A",
    "flagButton": "Shift+F",
    "deleteButton": "Shift+X",
    "undoButton": "U",
    "redoButton": "Shift+U",
    "editButton": "E",
    "helpButton": "Shift+H",
}
"""For each button its key. None is taken by Slicer's views, its Segment Editor or its menus."""


class Shortcuts:
    """Presses the panel's buttons by key; a button that is grey does nothing.

    Args:
        ui: the panel's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._shortcuts: list[Any] = []

    def install(self, window: Any) -> None:
        """Listen to the keys in a window, until `remove`."""
        self.remove()
        for name, key in KEYS.items():
            shortcut = qt.QShortcut(window)
            shortcut.setKey(qt.QKeySequence(key))
            shortcut.connect("activated()", getattr(self._ui, name).click)
            self._shortcuts.append(shortcut)

    def remove(self) -> None:
        """Stop listening."""
        for shortcut in self._shortcuts:
            shortcut.disconnect("activated()")
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []


def withKey(name: str, text: str) -> str:
    """A tooltip with the button's key."""
    key = KEYS.get(name)
    return f"{text} ({key})" if key else text


class HelpPopover:
    """A list of the keys that opens under its button and closes by itself.

    Args:
        button: opens it.
        titles: for each button of `KEYS` what it does, in a few words.
    """

    def __init__(self, button: Any, titles: Mapping[str, str]) -> None:
        self._button = button
        self._label = qt.QLabel()
        self._label.setWindowFlags(qt.Qt.Popup)
        self._label.setFrameShape(qt.QFrame.StyledPanel)
        self._label.setMargin(10)
        self._label.text = helpText(titles)
        button.connect("clicked()", self.show)

    def show(self) -> None:
        """Open under the button."""
        self._label.adjustSize()
        corner = self._button.mapToGlobal(qt.QPoint(self._button.width, self._button.height))
        self._label.move(corner.x() - self._label.width, corner.y())
        self._label.show()

    def close(self) -> None:
        """Close and forget it."""
        self._label.hide()
        self._label.deleteLater()


def helpText(titles: Mapping[str, str]) -> str:
    """The keys and what they do, as rich text."""
    rows = "".join(
        f"<tr><td><b>{key}</b>&nbsp;&nbsp;</td><td>{titles[name]}</td></tr>" for name, key in KEYS.items()
    )
    title = _("Keys")
    note = _("They work while this module is shown.")
    return f"<b>{title}</b><table>{rows}</table><i>{note}</i>"
