"""Run files and recipes: what they hold, and what is changed in them for a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import InputError
from SAMLesionLib.io import toml_tables
from SAMLesionLib.io.toml_tables import T, Table, at_least, parse_toml, share, unknown_key

__all__ = [
    "Table",
    "at_least",
    "differences",
    "from_table",
    "merge",
    "read_changes",
    "read_toml",
    "share",
    "unknown_key",
]


def read_toml(path: Path) -> Table:
    """What a run file holds.

    Raises:
        InputError: when it cannot be read.
    """
    return toml_tables.read_toml(path, f"There is no run file {path}. Check the path.")


def from_table(cls: type[T], table: Mapping[str, Any], name: str = "") -> T:
    """A dataclass from a run file's table; see `toml_tables.from_table`."""
    return toml_tables.from_table(cls, table, name, "The run file")


def read_changes(changes: list[str]) -> Table:
    """What `KEY=VALUE` words say, in TOML: `optimizer.lr=1e-4`; a bare word is text.

    Raises:
        InputError: when a word is something else.
    """
    table: Table = {}
    for change in changes:
        key, equals, value = change.partition("=")
        for line in (f"{key} {equals} {value}", f"{key} {equals} {json.dumps(value)}"):
            with suppress(ValueError):
                merge(table, parse_toml(line))
                break
        else:
            raise InputError(f"A change of the run file is KEY=VALUE, got {change!r}.")
    return table


def merge(table: Table, changes: Mapping[str, Any]) -> None:
    """Put changes into a table, in place; tables in it are merged too."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(table.get(key), dict):
            merge(table[key], value)
        else:
            table[key] = value


def differences(before: Mapping[str, Any], now: Mapping[str, Any], name: str = "") -> list[str]:
    """The keys, those of tables within too, under which two tables differ."""
    found = []
    for key in sorted(before.keys() | now.keys()):
        ours, theirs = before.get(key), now.get(key)
        full = f"{name}.{key}" if name else key
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            found += differences(ours, theirs, full)
        elif ours != theirs:
            found.append(full)
    return found
