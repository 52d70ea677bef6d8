"""What the reader chose in the panel, as one value that survives what other versions wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from SAMLesionLib.lesions import Status

TOOLS = ("box", "box3d", "point", "line", "scribble", "outline", "segment")
"""What the reader can draw with."""


@dataclass(frozen=True)
class Parameters:
    """A reader's choices.

    Attributes:
        model: name of the model.
        window: grey values (low, high) between which the model sees, None for the model's own recipe.
        auto_run: whether each prompt asks for its mask at once; otherwise `Controller.run` does.
        tool: what the reader draws with, one of `TOOLS`.
        is_positive: whether clicks and strokes say that the lesion is here.
        status_filter: which lesions the list shows; empty for all.
        prefetch: whether slices around the current one are encoded while nothing else is to do.
    """

    model: str = "lite-medsam"
    window: tuple[float, float] | None = None
    auto_run: bool = True
    tool: str = "box"
    is_positive: bool = True
    status_filter: tuple[Status, ...] = ()
    prefetch: bool = True

    def to_text(self) -> str:
        """One line of JSON, for a settings file or a parameter node."""
        return json.dumps(asdict(self) | {"status_filter": [status.value for status in self.status_filter]})

    @classmethod
    def from_text(cls, text: str | None) -> Parameters:
        """What `to_text` wrote, in this or another version.

        A value that is missing or not understood has its default: a reader's settings never keep the panel
        from opening.
        """
        try:
            values = json.loads(text or "{}")
        except ValueError:
            values = {}
        if not isinstance(values, Mapping):
            values = {}
        return cls(**{f.name: _read(f.name, values, f.default) for f in fields(cls)})


def _read(name: str, values: Mapping[str, Any], default: Any) -> Any:
    try:
        return _READERS[name](values[name])
    except (KeyError, TypeError, ValueError, OverflowError):
        return default


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a name is needed")
    return value


def _tool(value: Any) -> str:
    return TOOLS[TOOLS.index(value)]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is needed")
    return value


def _window(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = (float(v) for v in value)
    if not 0 < high - low < math.inf:
        raise ValueError("a window's low lies below its high value")
    return low, high


def _statuses(value: Any) -> tuple[Status, ...]:
    return tuple(Status(v) for v in value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "model": _name,
    "window": _window,
    "auto_run": _flag,
    "tool": _tool,
    "is_positive": _flag,
    "status_filter": _statuses,
    "prefetch": _flag,
}
