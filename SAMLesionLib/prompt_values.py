"""Values of prompts that come from people, files and the wire, checked where they enter.

Each function raises `ValueError` or `TypeError` for anything else; `prompts` makes the sentence of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from SAMLesionLib.geometry import IndexBox

Position = tuple[float, float, float]
"""A continuous voxel position (i, j, k)."""


def position(values: Sequence[float]) -> Position:
    """Three finite numbers."""
    i, j, k = (float(v) for v in values)
    if not np.isfinite([i, j, k]).all():
        raise ValueError("positions are finite numbers")
    return i, j, k


def index_box(values: Mapping[str, Any]) -> IndexBox:
    """The block between `start_ijk` and `stop_ijk`, three whole numbers each."""
    start = tuple(whole_number(v, "start_ijk") for v in values["start_ijk"])
    stop = tuple(whole_number(v, "stop_ijk") for v in values["stop_ijk"])
    if len(start) != 3 or len(stop) != 3:
        raise ValueError("start_ijk and stop_ijk hold three whole numbers each")
    return IndexBox(start, stop)


def flag(value: Any, name: str) -> bool:
    """True or false, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false, got {value!r}")
    return value


def whole_number(value: Any, name: str) -> int:
    """A whole number, small enough for voxel arithmetic."""
    if isinstance(value, bool) or int(value) != value or abs(value) > 2**31:
        raise ValueError(f"{name} holds whole numbers, got {value!r}")
    return int(value)
