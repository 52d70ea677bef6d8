"""The mouse and the keys of Qt, handed to the interactor of a view."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

_BUTTONS = {
    Qt.MouseButton.LeftButton: "LeftButton",
    Qt.MouseButton.MiddleButton: "MiddleButton",
    Qt.MouseButton.RightButton: "RightButton",
}
_KEYS = {
    Qt.Key.Key_Escape: "Escape",
    Qt.Key.Key_Delete: "Delete",
    Qt.Key.Key_Backspace: "BackSpace",
    Qt.Key.Key_Left: "Left",
    Qt.Key.Key_Right: "Right",
    Qt.Key.Key_Up: "Up",
    Qt.Key.Key_Down: "Down",
    Qt.Key.Key_Return: "Return",
}


def forward(event: QEvent, interactor: Any) -> bool:
    """Hand an event of Qt to a view's interactor; False when it is none of its kind."""
    kind = event.type()
    if kind in (QEvent.Type.Enter, QEvent.Type.Leave):
        interactor.InvokeEvent("EnterEvent" if kind == QEvent.Type.Enter else "LeaveEvent")
    elif isinstance(event, QMouseEvent):
        _forward_mouse(event, interactor)
    elif isinstance(event, QWheelEvent):
        _place(event, interactor)
        forward_ = event.angleDelta().y() > 0
        interactor.InvokeEvent("MouseWheelForwardEvent" if forward_ else "MouseWheelBackwardEvent")
    elif isinstance(event, QKeyEvent):
        _forward_key(event, interactor)
    else:
        return False
    return True


def _forward_mouse(event: QMouseEvent, interactor: Any) -> None:
    is_double = event.type() == QEvent.Type.MouseButtonDblClick
    _place(event, interactor, int(is_double))
    button = _BUTTONS.get(event.button())
    if event.type() == QEvent.Type.MouseMove:
        interactor.InvokeEvent("MouseMoveEvent")
    elif button is not None:
        what = "Release" if event.type() == QEvent.Type.MouseButtonRelease else "Press"
        interactor.InvokeEvent(f"{button}{what}Event")


def _place(event: Any, interactor: Any, repeat: int = 0) -> None:
    height = interactor.GetRenderWindow().GetSize()[1]
    x, y = int(event.position().x()), height - 1 - int(event.position().y())
    keys = event.modifiers()
    has_control = bool(keys & Qt.KeyboardModifier.ControlModifier)
    has_shift = bool(keys & Qt.KeyboardModifier.ShiftModifier)
    interactor.SetEventInformation(x, y, has_control, has_shift, "\0", repeat)
    interactor.SetAltKey(bool(keys & Qt.KeyboardModifier.AltModifier))


def _forward_key(event: QKeyEvent, interactor: Any) -> None:
    symbol = _KEYS.get(Qt.Key(event.key()), event.text())
    interactor.SetKeySym(symbol)
    interactor.SetKeyCode(event.text()[:1] or "\0")
    is_press = event.type() == QEvent.Type.KeyPress
    interactor.InvokeEvent("KeyPressEvent" if is_press else "KeyReleaseEvent")
    if is_press and event.text():
        interactor.InvokeEvent("CharEvent")
