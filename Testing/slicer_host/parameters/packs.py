"""Parameters that belong together, as one parameter."""

from __future__ import annotations

import dataclasses
from typing import Any


def parameterPack(cls: type) -> type:
    """Make a class of annotated members a parameter of its own."""
    made = dataclasses.dataclass(cls)
    made.is_parameter_pack = True
    return made


def is_pack(kind: Any) -> bool:
    """Whether a type is a pack."""
    return getattr(kind, "is_parameter_pack", False) is True
