"""Dialogs that never wait: the test says beforehand what the user answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtWidgets import QAbstractButton, QDialog, QMessageBox

from slicer_host.pythonqt import Wrapper, wrapped
from slicer_host.pythonqt.enums import EnumValue
from slicer_host.pythonqt.facts import extra


@dataclass
class Question:
    """A dialog that was shown.

    Attributes:
        kind: the class, or the function, that showed it.
        text: what it said.
        buttons: the buttons it offered.
        dialog: the dialog itself, None for the functions that make their own.
    """

    kind: str
    text: str
    buttons: tuple[str, ...] = ()
    dialog: Any = None


@dataclass
class User:
    """Who sits before the screen.

    Attributes:
        asked: every dialog shown so far.
    """

    asked: list[Question] = field(default_factory=list)
    _answers: deque[Any] = field(default_factory=deque)

    def will_answer(self, *answers: Any) -> None:
        """Say what the next dialogs are answered.

        Args:
            answers: the text of a button ("OK", "Yes"); for functions that ask for a text or a file, the
                text, or None to cancel; or a function that is given the open dialog and acts on it.
        """
        self._answers.extend(answers)

    def answer(self, question: Question) -> Any:
        """The next answer.

        Raises:
            AssertionError: nobody said what the user answers.
        """
        self.asked.append(question)
        if not self._answers:
            offered = f" It offers {', '.join(question.buttons)}." if question.buttons else ""
            raise AssertionError(
                f'{question.kind} asks "{question.text}" and nobody answers.{offered} '
                "Say a_user.will_answer(...) before the action that asks."
            )
        return self._answers.popleft()

    @property
    def unused(self) -> list[Any]:
        """Answers that nothing asked for."""
        return list(self._answers)


user = User()
"""The user of the running host."""


def reset() -> User:
    """Another user, who has not been asked anything."""
    global user
    user = User()
    return user


@extra("QDialog", "exec_", "exec")
def exec_(self: Wrapper) -> int:
    """Show the dialog, let the user answer, and give its result."""
    return run(self.pythonqt_native)


def run(dialog: QDialog) -> int:
    """Show a dialog of Qt's own and answer it."""
    dialog.setModal(False)
    dialog.show()
    answer = user.answer(_question(dialog))
    if callable(answer):
        answer(wrapped(dialog))
    elif isinstance(dialog, QMessageBox):
        _button(dialog, answer).click()
    elif isinstance(answer, bool) or answer is None:
        dialog.accept() if answer else dialog.reject()
    else:
        _button_of(dialog, answer).click()
    result = dialog.result()
    if dialog.isVisible():
        dialog.hide()
        raise AssertionError(f"{type(dialog).__name__} is still open after the answer {answer!r}.")
    return result


def _question(dialog: QDialog) -> Question:
    text = dialog.text() if isinstance(dialog, QMessageBox) else dialog.windowTitle()
    buttons = dialog.buttons() if isinstance(dialog, QMessageBox) else dialog.findChildren(QAbstractButton)
    return Question(type(dialog).__name__, text, tuple(map(_label, buttons)), wrapped(dialog))


def _button(box: QMessageBox, label: str) -> QAbstractButton:
    return _labelled(box.buttons(), label, type(box).__name__)


def _button_of(dialog: QDialog, label: str) -> QAbstractButton:
    return _labelled(dialog.findChildren(QAbstractButton), label, type(dialog).__name__)


def _labelled(buttons: list[QAbstractButton], label: str, kind: str) -> QAbstractButton:
    for button in buttons:
        if _label(button).lower() == label.lower():
            return button
    offered = ", ".join(map(_label, buttons))
    raise AssertionError(f"{kind} has no button {label!r}. It offers {offered}.")


def _label(button: QAbstractButton) -> str:
    return button.text().replace("&", "")


def _static_message(kind: str) -> Callable[..., EnumValue]:
    def show(
        parent: Any, title: str, text: str, buttons: int | None = None, default: int | None = None
    ) -> EnumValue:
        offered = QMessageBox.StandardButton(int(buttons)) if buttons is not None else _default_buttons(kind)
        box = QMessageBox(QMessageBox.Icon.NoIcon, title, text, offered)
        return EnumValue(QMessageBox.StandardButton(run(box)))

    return show


def _default_buttons(kind: str) -> QMessageBox.StandardButton:
    Button = QMessageBox.StandardButton
    return Button.Yes | Button.No if kind == "question" else Button.Ok


for _kind in ("question", "information", "warning", "critical"):
    extra("QMessageBox", _kind)(staticmethod(_static_message(_kind)))


def _asked_text(kind: str, empty: Any = "") -> Callable[..., Any]:
    def ask(parent: Any = None, title: str = "", *rest: Any) -> Any:
        answer = user.answer(Question(kind, title))
        return empty if answer is None else answer

    return ask


for _name in ("getOpenFileName", "getSaveFileName", "getExistingDirectory"):
    # PythonQt gives the path alone, where PySide6 gives it with the filter.
    extra("QFileDialog", _name)(staticmethod(_asked_text(f"QFileDialog.{_name}")))
extra("QFileDialog", "getOpenFileNames")(staticmethod(_asked_text("QFileDialog.getOpenFileNames", ())))
for _name in ("getText", "getItem", "getInt", "getDouble", "getMultiLineText"):
    extra("QInputDialog", _name)(staticmethod(_asked_text(f"QInputDialog.{_name}")))


def ask(kind: str, text: str) -> Any:
    """What the user answers to a dialog that a stand-in opens: a text, a path, a colour; None to cancel."""
    return user.answer(Question(kind, text))
