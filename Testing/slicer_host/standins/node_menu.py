"""The entries of a selector of nodes: the nodes, "None", and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        text: what it says.
        node: the node that it chooses, None for "None" and for actions.
        action: what it does instead of choosing a node.
    """

    text: str
    node: Any = None
    action: Callable[[], Any] | None = None


def show(combo: QComboBox, entries: list[Entry], current: Any) -> None:
    """Fill the combo box: choices first, then a line, then actions; the current node is the chosen row."""
    choices = [e for e in entries if e.action is None]
    with QSignalBlocker(combo):
        combo.clear()
        for entry in choices:
            combo.addItem(entry.text)
        actions = entries[len(choices) :]
        if choices and actions:
            combo.insertSeparator(combo.count())
        for entry in actions:
            combo.addItem(entry.text)
        nodes = [e.node for e in choices]
        combo.setCurrentIndex(nodes.index(current) if current in nodes else -1)


def entry_at(entries: list[Entry], index: int) -> Entry:
    """The entry in a row of the combo box."""
    choices = sum(e.action is None for e in entries)
    has_line = 0 < choices < len(entries)
    return entries[index - 1 if has_line and index > choices else index]
