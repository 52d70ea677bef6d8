"""`slicer.i18n`: texts in English, as when no translation is chosen."""

from __future__ import annotations

__all__ = ["tr", "translate"]


def tr(text: str) -> str:
    """The text of a module's own file."""
    return translate("", text)


def translate(context: str, text: str) -> str:
    """The text of a context.

    Raises:
        TypeError: no text was given; Slicer's translator would find nothing to look up.
    """
    if not isinstance(text, str):
        raise TypeError(f"A text is translated, got {text!r}.")
    return text
