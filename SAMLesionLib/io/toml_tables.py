"""Tables of a TOML file become frozen dataclasses; what does not fit is named with its nearest relative."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, field, fields, is_dataclass
from math import inf
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from SAMLesionLib.errors import InputError

T = TypeVar("T")
Table = dict[str, Any]

_WORDS: dict[Any, str] = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "text in quotes",
}
_MANY: dict[Any, str] = {str: "names", int: "whole numbers", float: "numbers"}


def at_least(least: float, default: float | None) -> Any:
    """A number's field in a dataclass that a table may not put below a limit."""
    return field(default=default, metadata={"least": least})


def share(default: float | None, most: float = 1.0) -> Any:
    """The field of a number from 0 to 1, or to less than 1."""
    return field(default=default, metadata={"least": 0.0, "most": most})


def parse_toml(text: str) -> Table:
    """What TOML text holds.

    Raises:
        ValueError: when it is no TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    return tomllib.loads(text)


def read_toml(path: Path, absent: str) -> Table:
    """What a TOML file holds.

    Args:
        path: of the file.
        absent: the sentence when there is none.

    Raises:
        InputError: when it cannot be read.
    """
    try:
        return parse_toml(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(absent) from None
    except (OSError, ValueError) as broken:  # so are errors of TOML and of its letters
        raise InputError(f"{path} cannot be read as TOML ({broken}). Correct it.") from None


def from_table(cls: type[T], table: Mapping[str, Any], name: str = "", file: str = "The file") -> T:
    """A dataclass from the table that names its fields.

    Args:
        cls: the dataclass; tables within are dataclasses too.
        table: what the file holds.
        name: the table's name, empty for the file itself.
        file: how sentences call the file itself.

    Raises:
        InputError: naming an unknown key and the nearest known one, or a value of another kind.
    """
    any_class: Any = cls  # typing has no word for the class of a dataclass
    known = {f.name: f for f in fields(any_class)}
    for key in table:
        if key not in known:
            raise InputError(unknown_key(key, known, f"The table [{name}]" if name else file))
    for key, told in known.items():
        if key not in table and told.default is told.default_factory is MISSING:
            raise InputError(f"{_join(name, key)} is missing. Add it.")
    hints = get_type_hints(cls)
    values = {key: _value(hints[key], value, _join(name, key)) for key, value in table.items()}
    for key, value in values.items():
        _check_limits(value, _join(name, key), **known[key].metadata)
    return cls(**values)


def unknown_key(key: str, known: Iterable[str], place: str) -> str:
    """What to say about a key that a place does not have."""
    names = list(known)
    closest = difflib.get_close_matches(key, names, n=1, cutoff=0.0)
    advice = f" Did you mean {closest[0]}?" if closest else ""
    return f"{place} has no key {key}.{advice} The keys are {', '.join(names)}."


def _check_limits(value: Any, key: str, least: float | None = None, most: float = inf) -> None:
    """Refuse a number outside its limits, and what is infinite or, with no limits to name, NaN."""
    for part in value if isinstance(value, tuple) else (value,):
        if part in (inf, -inf) or (least is None and part != part):  # only NaN differs from itself
            raise InputError(f"{key} must be a number, got {value}.")
    if least is None or value is None or least <= value <= most:
        return
    wanted = f"{least} or more" if most == inf else f"from {least:g} to {most:g}"
    raise InputError(f"{key} must be {wanted}, got {value}.")


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
        known = ", ".join(str(option) or "empty" for option in options)
        raise InputError(f"{key} is one of {known}; got {value!r}.")
    if origin in (Union, UnionType):  # a value or nothing
        return value if value is None else _value(options[0], value, key)
    return _values(options[0], value, key) if origin is tuple else _plain(kind, value, key)


def _values(kind: Any, values: Any, key: str) -> tuple[Any, ...]:
    """A list's values; tables in it are numbered from 1."""
    if not isinstance(values, list | tuple):
        raise InputError(f"{key} must be a list of {_MANY.get(kind, f'tables [[{key}]]')}, got {values!r}.")
    if not is_dataclass(kind):
        return tuple(_value(kind, value, key) for value in values)
    return tuple(_value(kind, value, f"{key} {n}") for n, value in enumerate(values, 1))


def _plain(kind: Any, value: Any, key: str) -> Any:
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    if not isinstance(kind, type) or type(value) is kind:
        return value
    raise InputError(f"{key} must be {_WORDS[kind]}, got {value!r}.")


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
