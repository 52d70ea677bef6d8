"""The notice at the top of the panel: an offer with one button, which never stops the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Notice:
    """Shows one offer at a time.

    Args:
        ui: the panel's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._action: Callable[[], None] = _nothing
        ui.noticeFrame.visible = False
        ui.noticeButton.connect("clicked()", self._onButton)
        ui.noticeDismissButton.connect("clicked()", self.hide)

    @property
    def isShown(self) -> bool:
        """Whether an offer waits for an answer."""
        return not self._ui.noticeFrame.isHidden()

    def show(self, sentence: str, button: str, action: Callable[[], None]) -> None:
        """Offer something; the offer is gone once it is taken or put away."""
        self._ui.noticeLabel.text = sentence
        self._ui.noticeButton.text = button
        self._action = action
        self._ui.noticeFrame.visible = True

    def hide(self) -> None:
        """Put the offer away."""
        self._ui.noticeFrame.visible = False
        self._action = _nothing

    def _onButton(self) -> None:
        action = self._action
        self.hide()
        action()


def _nothing() -> None:
    pass
