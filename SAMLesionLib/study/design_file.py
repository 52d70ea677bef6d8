"""`design.toml`: a design as a plain file that one can read, version and send."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from SAMLesionLib.errors import InputError
from SAMLesionLib.study.design import AnalysisPlan, Arm, Order, StudyCase, StudyDesign
from SAMLesionLib.study.design_checks import check_design

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DESIGN = "design.toml"
FORMAT = 1
T = TypeVar("T")


def read_design(path: Path) -> StudyDesign:
    """The design that a file describes.

    Raises:
        InputError: when it is missing, no TOML, or no study that can be carried out.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no study design {path}. Make one with `samlesion study new`.") from None
    except (OSError, ValueError) as damage:  # a TOML error is a ValueError, too
        raise InputError(f"{path} is no TOML file that can be read ({damage}). Mend it there.") from None
    design = _from_toml(values, path.name)
    check_design(design, path.name)
    return design


def design_hash(design: StudyDesign) -> str:
    """64 hexadecimal digits: equal for equal designs, whatever their comments and layout."""
    return hashlib.sha256(json.dumps(asdict(design), sort_keys=True).encode()).hexdigest()


def differing(old: StudyDesign, new: StudyDesign) -> list[str]:
    """Which parts of two designs differ, in words for people."""
    names = [field.name for field in fields(StudyDesign) if field.name != "version"]
    return [name for name in names if getattr(old, name) != getattr(new, name)]


def _from_toml(values: Mapping[str, Any], file: str) -> StudyDesign:
    rest = dict(values)
    if rest.pop("format", FORMAT) != FORMAT:
        raise InputError(f"{file} has format {values['format']}, expected {FORMAT}. Update SAMLesion.")
    arms = tuple(_table(Arm, v, f"{file}, arm {n}") for n, v in enumerate(_tables(rest, "arms", file), 1))
    cases = tuple(
        _table(StudyCase, v, f"{file}, case {n}") for n, v in enumerate(_tables(rest, "cases", file), 1)
    )
    parts = {
        "arms": arms,
        "cases": cases,
        "order": _table(Order, rest.pop("order", {}), f"{file}, [order]"),
        "analysis": _table(AnalysisPlan, rest.pop("analysis", {}), f"{file}, [analysis]"),
    }
    return _table(StudyDesign, rest, file, parts)


def _tables(values: dict[str, Any], name: str, file: str) -> list[Any]:
    found = values.pop(name, [])
    if not isinstance(found, list):
        raise InputError(f"{file}: expected [[{name}]] tables, got {found!r}.")
    return found


def _table(kind: type[T], values: Any, place: str, parts: Mapping[str, Any] | None = None) -> T:
    """A dataclass from a table whose names and types are checked."""
    if not isinstance(values, Mapping):
        raise InputError(f"{place}: expected a table of names and values, got {values!r}.")
    known = {name: hint for name, hint in get_type_hints(kind).items() if name not in (parts or {})}
    if unknown := sorted(set(values) - set(known)):
        raise InputError(f"{place}: {unknown[0]!r} is not known there. Known are {', '.join(known)}.")
    checked = {name: _value(value, known[name], f"{place}: {name}") for name, value in values.items()}
    try:
        return kind(**checked, **(parts or {}))
    except TypeError as missing:
        names = ", ".join(re.findall(r"'(\w+)'", str(missing)))
        raise InputError(f"{place}: {names} is missing. Add it.") from None


def _value(value: Any, hint: Any, place: str) -> Any:
    choices = [x for x in get_args(hint) if isinstance(x, str)]
    if choices:
        if value not in choices:
            raise InputError(f"{place} is {value!r}, expected {' or '.join(choices)}.")
        return value
    if hint == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
            raise InputError(f"{place} is {value!r}, expected a list of names.")
        return tuple(value)
    wanted: Any = (int, float) if hint is float else hint
    is_right = isinstance(value, wanted) and (hint is bool or not isinstance(value, bool))
    if not is_right:
        word = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        raise InputError(f"{place} is {value!r}, expected {word[hint]}.")
    return float(value) if hint is float else value
