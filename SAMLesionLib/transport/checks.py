"""Values from the other side of the wire, checked once: hostile ones become one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from SAMLesionLib.errors import EngineError, InputError
from SAMLesionLib.geometry import Triple

MAX_SIDE = 65_536
MAX_TEXT = 4000

T = TypeVar("T")


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn whatever wrong values raise into one sentence about `what`."""
    try:
        yield
    except KeyError as missing:
        raise InputError(f"A {what} needs the field {short(missing)}.") from None
    except (TypeError, ValueError, OverflowError, IndexError, AttributeError) as wrong:
        raise InputError(f"A {what} has a wrong value: {short(wrong)}.") from None


@contextmanager
def distrusting_the_engine() -> Iterator[None]:
    """Turn what a damaged answer raises into an `EngineError`: it is nobody's input."""
    try:
        with refusing("message"):
            yield
    except (InputError, MemoryError) as wrong:
        raise EngineError(f"The engine's answer is damaged ({short(wrong)}) Ask again.") from None


def volume_id(value: Any) -> str:
    """A checked volume id: 32 hexadecimal digits."""
    if not isinstance(value, str) or len(value) != 32 or not set(value) <= set("0123456789abcdef"):
        raise ValueError(f"volume_id is 32 hexadecimal digits, got {short(value)}")
    return value


def text(value: Any) -> str:
    """A checked string of at most `MAX_TEXT` characters."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"expected a text of at most {MAX_TEXT} characters, got {short(value)}")
    return value


def texts(values: Any) -> tuple[str, ...]:
    """A checked list of strings."""
    if not isinstance(values, list):
        raise ValueError(f"expected a list of texts, got {short(values)}")
    return tuple(text(v) for v in values)


def number(value: Any) -> float:
    """A checked finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {short(value)}")
    return float(value)


def whole(value: Any) -> int:
    """A checked whole number, small enough for voxel arithmetic in 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**40:
        raise ValueError(f"expected a whole number, got {short(value)}")
    return value


def triple(values: Any) -> Triple:
    """Three checked whole numbers, none beyond `MAX_SIDE`."""
    a, b, c = (whole(v) for v in values)
    if max(abs(a), abs(b), abs(c)) > MAX_SIDE:
        raise ValueError(f"voxel indices reach at most {MAX_SIDE:,}, got {short([a, b, c])}")
    return a, b, c


def flag(value: Any) -> bool:
    """A checked true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {short(value)}")
    return value


def record(cls: type[T], values: Mapping[str, Any]) -> T:
    """A dataclass of checked fields; those with a default may be missing."""
    given = {}
    for field in fields(cls):  # type: ignore[arg-type]
        if field.name in values or field.default is MISSING:
            given[field.name] = _CHECKS[str(field.type)](values[field.name])
    return cls(**given)


def short(value: object) -> str:
    """The beginning of a value, as it may stand in a sentence."""
    return str(value)[:120]


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "str": text,
    "int": whole,
    "float": number,
    "bool": flag,
    "frozenset[str]": lambda values: frozenset(texts(values)),
    "tuple[str, ...]": texts,
}
