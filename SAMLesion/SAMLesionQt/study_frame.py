"""The widgets of a study: one calm line of time, what to do, and three buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

TIMER_POINTS = 28


class StudyFrame:
    """Shows a reading; it is hidden until a study is open.

    Args:
        layout: the box layout of the panel, at whose top it appears.
        onStart: called by the button while no reading runs.
        onPause: called by the button that pauses and resumes.
        onFinish: called by the button that ends a reading.
        onSkip: receives the reason, one of the session's words.
    """

    def __init__(
        self,
        layout: Any,
        onStart: Callable[[], None],
        onPause: Callable[[], None],
        onFinish: Callable[[], None],
        onSkip: Callable[[str], None],
    ) -> None:
        self.frame = qt.QFrame()
        self.frame.objectName = "studyFrame"
        self.frame.frameShape = qt.QFrame.StyledPanel
        self.title, self.instructions, self.timer = qt.QLabel(), qt.QLabel(), qt.QLabel()
        for label in (self.title, self.instructions):
            label.wordWrap = True
        font = self.timer.font
        font.setPointSize(TIMER_POINTS)
        self.timer.font = font
        self.timer.alignment = qt.Qt.AlignCenter
        self.startButton = _button(_("Start"), _("The scan is loaded, and the clock runs."), onStart)
        self.pauseButton = _button(_("Pause"), _("Stop the clock while you are away."), onPause)
        self.finishButton = _button(_("Finish"), _("End this reading; its lesions are kept."), onFinish)
        self.skipButton = self._skipButton(onSkip)
        self._arrange(layout)
        self.frame.visible = False

    def show(self, title: str, instructions: str, isRunning: bool, canStart: bool) -> None:
        """Show a reading, or what comes next.

        Args:
            title: what it is.
            instructions: what to do.
            isRunning: whether a reading is at hand.
            canStart: whether one can begin.
        """
        self.frame.visible = True
        self.title.text, self.instructions.text = f"<b>{title}</b>", instructions
        self.instructions.visible = bool(instructions)
        self.startButton.visible = canStart
        for widget in (self.timer, self.pauseButton, self.finishButton, self.skipButton):
            widget.visible = isRunning

    def showTime(self, seconds: float, isPaused: bool) -> None:
        """Show how long the reading has run."""
        minutes, rest = divmod(int(seconds), 60)
        text = f"{minutes}:{rest:02d}"
        if self.timer.text != text:
            self.timer.text = text
        self.timer.enabled = not isPaused
        self.pauseButton.text = _("Resume") if isPaused else _("Pause")
        self.finishButton.enabled = not isPaused

    def hide(self) -> None:
        """Show nothing of a study."""
        self.frame.visible = False

    def _skipButton(self, onSkip: Callable[[str], None]) -> Any:
        button = qt.QToolButton()
        button.text = _("Skip")
        button.toolTip = _("Leave this reading undone, for good.")
        button.popupMode = qt.QToolButton.InstantPopup
        self.skipMenu = qt.QMenu(button)
        for text, reason in (
            (_("The image cannot be read"), "quality"),
            (_("The wrong case"), "wrong_case"),
            (_("No time"), "time"),
            (_("Another reason"), "other"),
        ):
            action = self.skipMenu.addAction(text)
            action.connect("triggered()", lambda reason=reason: onSkip(reason))
        button.setMenu(self.skipMenu)
        return button

    def _arrange(self, layout: Any) -> None:
        column = qt.QVBoxLayout(self.frame)
        for label in (self.title, self.instructions, self.timer):
            column.addWidget(label)
        row = qt.QHBoxLayout()
        for button in (self.startButton, self.pauseButton, self.finishButton, self.skipButton):
            row.addWidget(button)
        column.addLayout(row)
        layout.insertWidget(0, self.frame)


def _button(text: str, toolTip: str, onClicked: Callable[[], None]) -> Any:
    button = qt.QPushButton(text)
    button.toolTip = toolTip
    button.connect("clicked()", onClicked)
    return button
