"""The organ that the chosen lesion lies in: chosen from a list, or typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from SAMLesionLib.lesions import Lesion
from SAMLesionLib.prompts import OrganPrompt
from SAMLesionLib.terminology import ORGANS
from SAMLesionQt.desk import Desk


class OrganChoice:
    """Shows a lesion's organ and writes down another.

    Args:
        selector: the editable list.
        desk: the session and the chosen lesion.
        onChanged: called when the reader has chosen another organ.
    """

    def __init__(self, selector: Any, desk: Desk, onChanged: Callable[[], object]) -> None:
        self._selector, self._desk, self._onChanged = selector, desk, onChanged
        selector.addItem("")
        selector.addItems(sorted(word.capitalize() for word in ORGANS))
        selector.connect("activated(int)", self._onOrgan)
        selector.lineEdit().connect("editingFinished()", self._onOrgan)

    def show(self, lesion: Lesion | None) -> None:
        """Show this lesion's organ, unless the reader is typing."""
        self._selector.enabled = lesion is not None
        if not self._selector.lineEdit().hasFocus():
            self._selector.setCurrentText(lesion.organ.capitalize() if lesion is not None else "")

    def _onOrgan(self, *_args: object) -> None:
        session, lesion = self._desk.session, self._desk.lesion
        word = self._selector.currentText.strip()
        if session is not None and lesion is not None and word.lower() != lesion.organ:
            with self._desk.guarded():
                session.annotation.set_organ(lesion.lesion_id, word)
                if OrganPrompt.kind in (self._desk.model.prompts if self._desk.model else ()):
                    organ = OrganPrompt(word) if word else None
                    session.annotation.put_prompt(lesion.lesion_id, OrganPrompt, organ)
            self._onChanged()
