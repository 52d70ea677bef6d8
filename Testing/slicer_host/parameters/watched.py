"""Lists and dictionaries that tell when they are changed in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_CHANGES = [
    "append",
    "extend",
    "insert",
    "remove",
    "pop",
    "clear",
    "sort",
    "reverse",
    "update",
    "popitem",
    "setdefault",
    "__setitem__",
    "__delitem__",
    "__iadd__",
    "__ior__",
]


def watched(value: Any, changed: Callable[[Any], None]) -> Any:
    """A list or dictionary that hands itself over after each change; any other value as it is."""
    kind = {list: WatchedList, dict: WatchedDict}.get(type(value))
    if kind is None:
        return value
    made = kind(value)
    made.changed = changed
    return made


def _telling(base: type, name: str) -> Any:
    method = getattr(base, name)

    def change(self: Any, *arguments: Any, **named: Any) -> Any:
        result = method(self, *arguments, **named)
        self.changed(base(self))
        return result

    return change


WatchedList = type("WatchedList", (list,), {n: _telling(list, n) for n in _CHANGES if hasattr(list, n)})
WatchedDict = type("WatchedDict", (dict,), {n: _telling(dict, n) for n in _CHANGES if hasattr(dict, n)})
