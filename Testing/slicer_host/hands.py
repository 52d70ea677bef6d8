"""The user's hands: the mouse, the keyboard, and choices in menus, as Qt receives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeySequence, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox

Point = tuple[float, float]
_NONE = Qt.MouseButton.NoButton
LEFT = Qt.MouseButton.LeftButton
RIGHT = Qt.MouseButton.RightButton
NO_KEYS = Qt.KeyboardModifier.NoModifier


def click(button: Any) -> None:
    """Click a button as a user can: it is shown and not greyed out.

    Raises:
        AssertionError: the user could not click it.
    """
    native = button.pythonqt_native
    assert native.isVisible(), f"{native.objectName()} is not shown, so nobody can click it."
    assert native.isEnabled(), f"{native.objectName()} is greyed out: {native.toolTip()!r}."
    native.click()


def press_keys(widget: Any, keys: str) -> None:
    """Press a combination of keys, such as "Shift+N", while a widget has the focus."""
    native, combination = widget.pythonqt_native, QKeySequence(keys)[0]
    native.window().activateWindow()
    native.setFocus()
    QApplication.processEvents()  # a window that is not active has no shortcuts
    QTest.keyClick(native, combination.key(), combination.keyboardModifiers())


def type_text(widget: Any, text: str) -> None:
    """Replace what a field holds by typing."""
    native = widget.pythonqt_native
    native.selectAll()
    QTest.keyClicks(native, text)


def choose(combo: Any, text: str) -> None:
    """Choose an entry of a combo box, or of a selector of nodes, by what it says.

    Raises:
        AssertionError: there is no such entry, or the user could not choose.
    """
    native = combo.pythonqt_native
    box = native if isinstance(native, QComboBox) else native.findChild(QComboBox)
    assert native.isEnabled(), f"{native.objectName()} is greyed out."
    entries = [box.itemText(i) for i in range(box.count())]
    assert text in entries, f"{native.objectName()} offers {entries}, not {text!r}."
    row = entries.index(text)
    box.setCurrentIndex(row)
    box.activated.emit(row)
    box.textActivated.emit(text)


class Mouse:
    """A mouse over one widget; places are in its pixels, counted from its upper left corner."""

    def __init__(self, widget: Any) -> None:
        self._native = widget.pythonqt_native
        self._at = QPointF(-1, -1)

    def move(self, to: Point, button: Qt.MouseButton = _NONE, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
        """Move it, with a button held down or with none."""
        self._at = QPointF(*to)
        self._send(QEvent.Type.MouseMove, _NONE, button, keys)

    def click(self, at: Point, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
        """Move there and click."""
        self.drag([at], button, keys)

    def double_click(self, at: Point) -> None:
        """Click twice."""
        self.click(at)
        self._send(QEvent.Type.MouseButtonDblClick, LEFT, LEFT, NO_KEYS)
        self._send(QEvent.Type.MouseButtonRelease, LEFT, _NONE, NO_KEYS)

    def drag(
        self, path: Iterable[Point], button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NO_KEYS
    ) -> None:
        """Press at the first place, move through the others, and let go at the last."""
        first, *others = path
        self.move((first[0] + 2, first[1] + 2), keys=keys)  # a picked handle needs a move before the press
        self.move(first, keys=keys)
        self._send(QEvent.Type.MouseButtonPress, button, button, keys)
        for place in others:
            self.move(place, button, keys)
        self._send(QEvent.Type.MouseButtonRelease, button, _NONE, keys)

    def _send(
        self, kind: QEvent.Type, button: Qt.MouseButton, held: Qt.MouseButton, keys: Qt.KeyboardModifier
    ) -> None:
        everywhere = self._native.mapToGlobal(self._at)
        QApplication.sendEvent(self._native, QMouseEvent(kind, self._at, everywhere, button, held, keys))


def pixel_of(slice_widget: Any, ras: tuple[float, float, float]) -> Point:
    """Where in a slice view, in pixels from its upper left corner, a place in the world lies."""
    view = slice_widget.sliceView()
    x, y, _ = view.convertRASToXYZ(list(ras))
    return x, view.height - 1 - y
