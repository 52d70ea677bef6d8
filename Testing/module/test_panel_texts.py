"""What the panel says and shows: tooltips, keys, and icons that are legible on dark and on light."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ICONS = sorted((ROOT / "SAMLesion" / "Resources" / "Icons").glob("*.svg"))
CONTROLS = (
    "QAbstractButton",
    "QComboBox",
    "QLineEdit",
    "QTableWidget",
    "QListWidget",
    "QPlainTextEdit",
    "ctkPathLineEdit",
    "qMRMLNodeComboBox",
)
BACKGROUNDS = {"light": "#f0f0f0", "white": "#ffffff", "dark": "#323232"}
# Slicer's views, its Segment Editor, and its menus.
TAKEN = {
    *("Space", "Esc", "Z", "Y", "Ctrl+Z", "Ctrl+Y", "Q", "W", "/", "*", ",", ".", "<", ">", "I"),
    *("Up", "Down", "Left", "Right", "B", "F", "R", "T", "G", "V", "Shift+V", "[", "]", "{", "}", "S"),
    *("Del", "Backspace", "Ctrl+S", "Ctrl+O", "Ctrl+F", "Ctrl+W", "Alt+F", "Alt+E", "Alt+V", "Alt+H"),
    *(f"{prefix}{digit}" for prefix in ("", "Shift+") for digit in range(10)),
}


@pytest.fixture
def a_prepared_ui(a_ui: Any) -> Any:
    from SAMLesionQt.buttons import prepareButtons

    prepareButtons(a_ui, ROOT / "SAMLesion" / "Resources" / "Icons")
    return a_ui


def controls(ui: Any) -> dict[str, Any]:
    named = {name: widget for name, widget in vars(ui).items() if hasattr(widget, "inherits")}
    return {n: w for n, w in named.items() if any(w.inherits(kind) for kind in CONTROLS)}


def test_every_control_has_a_tooltip(a_prepared_ui: Any) -> None:
    found = controls(a_prepared_ui)
    assert len(found) > 50
    assert [name for name, widget in found.items() if not widget.toolTip and not name.startswith("qt_")] == []


def test_every_key_is_in_its_buttons_tooltip(a_prepared_ui: Any) -> None:
    from SAMLesionQt.shortcuts import KEYS

    for name, key in KEYS.items():
        assert f"({key})" in getattr(a_prepared_ui, name).toolTip


def test_no_key_is_taken_or_given_twice(a_slicer: Any) -> None:
    from SAMLesionQt.shortcuts import KEYS

    ours = [key.upper() for key in KEYS.values()]
    assert len(ours) == len(set(ours))
    assert not set(ours) & {key.upper() for key in TAKEN}


def test_every_button_with_a_key_is_in_the_help(a_slicer: Any) -> None:
    from SAMLesionQt.buttons import buttons
    from SAMLesionQt.shortcuts import KEYS, helpText

    assert buttons().keys() >= KEYS.keys()
    text = helpText({name: button.title for name, button in buttons().items()})
    assert all(key in text for key in KEYS.values())


def test_every_icon_that_is_named_is_there(a_slicer: Any) -> None:
    from SAMLesionQt.buttons import buttons

    names = {path.stem for path in ICONS}
    assert {button.icon for button in buttons().values()} <= names


@pytest.mark.parametrize("background", BACKGROUNDS.values(), ids=BACKGROUNDS.keys())
def test_every_icon_is_legible(background: str) -> None:
    drawn = [
        icon for icon in ICONS if icon.stem != "SAMLesion"
    ]  # the module's own has its background with it
    assert len(drawn) > 20
    for icon in drawn:
        # White is drawn on a disc of another colour.
        for colour in set(re.findall(r"#[0-9a-f]{6}", icon.read_text())) - {"#ffffff"}:
            assert contrast(colour, background) >= 3.0, f"{icon.name}: {colour} on {background}"


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours, 1 to 21; 3 is enough for pictures."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
