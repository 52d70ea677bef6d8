"""Tables of a TOML file become frozen dataclasses; what does not fit is named with its nearest relative."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from SAMLesionLib.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
Table = dict[str, Any]


def at_least(least: float, default: float | None) -> Any:
    """A number's field in a dataclass that a table may not put below a limit."""
    return field(default=default, metadata={"least": least})


def read_toml(path: Path) -> Table:
    """What a TOML file holds.

    Raises:
        InputError: when it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"There is no run file {path}. Check the path.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise InputError(f"{path} cannot be read as TOML ({broken}). Correct it.") from None


def read_changes(changes: list[str]) -> Table:
    """What `KEY=VALUE` words say, in TOML: `optimizer.lr=1e-4`; a bare word is text.

    Raises:
        InputError: when a word is something else.
    """
    table: Table = {}
    for change in changes:
        key, equals, value = change.partition("=")
        for line in (f"{key} {equals} {value}", f"{key} {equals} {json.dumps(value)}"):
            with suppress(tomllib.TOMLDecodeError):
                merge(table, tomllib.loads(line))
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
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            found += differences(ours, theirs, _join(name, key))
        elif ours != theirs:
            found.append(_join(name, key))
    return found


def from_table(cls: type[T], table: Mapping[str, Any], name: str = "") -> T:
    """A dataclass from the table that names its fields.

    Args:
        cls: the dataclass; tables within are dataclasses too.
        table: what the file holds.
        name: the table's name, empty for the file itself.

    Raises:
        InputError: naming an unknown key and the nearest known one, or a value of another kind.
    """
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]  # typing cannot say dataclass
    for key in table:
        if key not in known:
            raise InputError(unknown_key(key, known, name))
    absent = [k for k, f in known.items() if k not in table and f.default is f.default_factory is MISSING]
    if absent:
        raise InputError(f"{_place(name)} needs the key {absent[0]}.")
    hints = get_type_hints(cls)
    values = {key: _value(hints[key], value, _join(name, key)) for key, value in table.items()}
    for key, value in values.items():
        least = known[key].metadata.get("least")
        if least is not None and value is not None and value < least:
            raise InputError(f"{_join(name, key)} must be {least} or more, got {value}.")
    return cls(**values)


def unknown_key(key: str, known: Mapping[str, Any], name: str) -> str:
    """What to say about a key that a table does not have."""
    closest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    advice = f" Did you mean {closest[0]}?" if closest else ""
    return f"{_place(name)} has no key {key}.{advice} The keys are {', '.join(known)}."


def _value(kind: Any, value: Any, key: str) -> Any:
    """A value as its field wants it."""
    if is_dataclass(value):
        return value
    if is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, Mapping):
            return from_table(kind, value, key)
        raise InputError(f"{key} is a table: write [{key}] on a line of its own, got {value!r}.")
    origin, options = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value in options:
            return value
        raise InputError(f"{key} is one of {', '.join(map(str, options))}; got {value!r}.")
    if origin in (Union, UnionType):  # a value or nothing
        return value if value is None else _value(options[0], value, key)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(options[0], part, key) for part in value)
    return _plain(kind, value, key)


def _plain(kind: Any, value: Any, key: str) -> Any:
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    if not isinstance(kind, type) or type(value) is kind:
        return value
    wanted = {int: "a whole number", float: "a number", bool: "true or false", tuple: "a list"}.get(kind)
    raise InputError(f"{key} must be {wanted or 'text in quotes'}, got {value!r}.")


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _place(name: str) -> str:
    return f"The table [{name}]" if name else "The run file"
