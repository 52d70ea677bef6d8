"""Slicer's light and dark style."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

_DARK = {
    "Window": "#323232",
    "WindowText": "#e6e6e6",
    "Base": "#3c3c3c",
    "AlternateBase": "#464646",
    "Text": "#e6e6e6",
    "Button": "#3c3c3c",
    "ButtonText": "#e6e6e6",
    "ToolTipBase": "#464646",
    "ToolTipText": "#e6e6e6",
    "Link": "#8ab4f8",
    "Highlight": "#3d6ea5",
    "HighlightedText": "#ffffff",
    "PlaceholderText": "#8c8c8c",
}


def set_theme(application: QApplication, dark: bool = False) -> None:
    """Draw all widgets dark on light, or light on dark."""
    palette = QPalette(application.style().standardPalette())
    if dark:
        for role, colour in _DARK.items():
            palette.setColor(QPalette.ColorRole[role], QColor(colour))
        for role in ("WindowText", "Text", "ButtonText"):
            grey = QColor("#7d7d7d")
            palette.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole[role], grey)
    application.setPalette(palette)
