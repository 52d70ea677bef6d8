"""What may stand in `Annotated[type, ...]`: limits that raise ValueError, and defaults."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class Validator:
    """Refuses values; a subclass has `validate`."""

    def validate(self, value: Any) -> None:
        """Raise ValueError when the value is not allowed."""
        raise NotImplementedError


class NotNone(Validator):
    """Anything but None."""

    def validate(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")


@dataclass
class Minimum(Validator):
    """No less than this."""

    minimum: Any

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value {value} is below the minimum {self.minimum}")


@dataclass
class Maximum(Validator):
    """No more than this."""

    maximum: Any

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value {value} is above the maximum {self.maximum}")


@dataclass
class WithinRange(Validator):
    """Between two limits, both allowed."""

    minimum: Any
    maximum: Any

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value {value} is not within [{self.minimum}, {self.maximum}]")


class Choice(Validator):
    """One of these."""

    def __init__(self, choices: Iterable[Any]) -> None:
        self.choices = list(choices)

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Value {value!r} is none of {self.choices}")


class Exclude(Validator):
    """None of these."""

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = list(values)

    def validate(self, value: Any) -> None:
        if value in self.values:
            raise ValueError(f"Value {value!r} is excluded")


class Default:
    """The value before one is set."""

    def __init__(self, value: Any = None, *, generator: Any = None) -> None:
        self._value, self._generator = value, generator

    def make(self) -> Any:
        """A new default."""
        return self._generator() if self._generator else self._value
