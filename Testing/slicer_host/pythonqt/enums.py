"""Enum values as PythonQt gives them: flat on their class, and equal to their number."""

from __future__ import annotations

import enum
from typing import Any


class EnumValue(int):
    """A number that remembers its enum: `qt.Qt.Checked == 2`."""

    native: enum.Enum

    def __new__(cls, native: enum.Enum) -> EnumValue:
        value = super().__new__(cls, _number(native))
        value.native = native
        return value

    def __repr__(self) -> str:
        return f"{type(self.native).__name__}.{self.native.name} ({int(self)})"

    def __or__(self, other: int) -> int:
        return self._combined(other, int(self) | int(other))

    def __and__(self, other: int) -> int:
        return self._combined(other, int(self) & int(other))

    def __invert__(self) -> int:
        return EnumValue(~self.native) if isinstance(self.native, enum.Flag) else ~int(self)

    __ror__ = __or__
    __rand__ = __and__

    def _combined(self, other: int, number: int) -> int:
        # PythonQt gives a plain number here; keeping the enum spares a guess when Qt asks for it back.
        native = getattr(other, "native", None)
        is_flag = isinstance(self.native, enum.Flag) and type(native) is type(self.native)
        return EnumValue(type(self.native)(number)) if is_flag else number


class EnumType:
    """An enum's own name on its class, `qt.QSizePolicy.Policy`: makes values of numbers, has no members."""

    def __init__(self, native: type[enum.Enum]) -> None:
        self.native = native

    def __call__(self, number: int) -> EnumValue:
        return EnumValue(self.native(int(number)))

    def __getattr__(self, name: str) -> Any:
        if name in getattr(self.native, "__members__", {}):
            owner = self.native.__qualname__.rpartition(".")[0]
            raise AttributeError(
                f"PythonQt's enums are flat: write qt.{owner}.{name}, not {owner}."
                f"{self.native.__name__}.{name}"
            )
        raise AttributeError(f"{self.native.__qualname__} has no attribute named '{name}'")


def flat_enums(native: type) -> dict[str, Any]:
    """The enum types that a PySide6 class declares and all their values, by name."""
    found: dict[str, Any] = {}
    for name, value in vars(native).items():
        if isinstance(value, enum.EnumMeta):
            found[name] = EnumType(value)
            found |= {key: EnumValue(member) for key, member in value.__members__.items()}
    return found


def _number(native: enum.Enum) -> int:
    return int(native.value)
