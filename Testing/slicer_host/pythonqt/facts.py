"""What the real classes have: the lists in `facts/`, and the differences between PySide6 and PythonQt.

Plain Qt classes: PySide6's own meta objects and classes say it, less what `qt6_only.json` names.
CTK and Slicer classes: `ctk.json` and `slicer.json` say it, copied from their headers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "facts"

NOT_IN_PYTHONQT = frozenset(
    [
        "connect",
        "disconnect",
        "emit",
        "staticMetaObject",
        "sender",
        "senderSignalIndex",
        "receivers",
        "isSignalConnected",
        "findChild",
        "findChildren",
        "tr",
    ]
)
"""What PySide6 adds to QObject, or gives another form than PythonQt does; see `extras.py`."""

_KINDS = ("properties", "signals", "methods", "enums", "also")

_extras: dict[str, dict[str, Any]] = {}


def extra(class_name: str, *names: str) -> Callable[[Any], Any]:
    """Give a wrapper class a member that PySide6 has not, or has in another form."""

    def register(member: Any) -> Any:
        for name in names or (member.__name__,):
            _extras.setdefault(class_name, {})[name] = member
        return member

    return register


def extras(native: type) -> dict[str, Any]:
    """The members registered for a class itself."""
    return dict(_extras.get(native.__name__, {}))


@cache
def listing() -> dict[str, dict[str, Any]]:
    """The members of every CTK and Slicer class in the lists, by class."""
    return _read("ctk.json") | _read("slicer.json")


@cache
def listed_names(class_name: str) -> frozenset[str]:
    """The names of a listed class's own members."""
    entry = listing()[class_name]
    texts = [name for kind in _KINDS for name in entry.get(kind, ())]
    return frozenset(text.partition("(")[0] for text in texts)


def listed_enums(native: type) -> dict[str, int]:
    """The enum values of a listed class, flat."""
    enums: dict[str, int] = listing()[native.__name__].get("enums", {}) if is_stand_in(native) else {}
    return enums


def is_stand_in(native: type) -> bool:
    """Whether the class stands in for one of CTK or Slicer."""
    return not native.__module__.startswith("PySide6")


def is_public(native: type) -> bool:
    """Whether Python code in Slicer can know the class: not so for the inner parts of a stand-in."""
    return not is_stand_in(native) or native.__name__ in listing()


def is_listed(native: type, name: str) -> bool:
    """Whether the real class has this member, itself or from its bases in the lists."""
    if is_stand_in(native):
        listed = (cls.__name__ for cls in native.__mro__ if cls.__name__ in listing())
        return any(name in listed_names(cls) for cls in listed)
    return name not in _qt6_only().get(native.__name__, ())


def real_signatures(native: type, name: str, signatures: tuple[str, ...]) -> tuple[str, ...]:
    """The signatures of a signal as the real class, or one of its bases, declares them."""
    for cls in native.__mro__:
        if is_stand_in(cls) and cls.__name__ in listing():
            listed = listing()[cls.__name__].get("signals", [])
            found = tuple(s for s in listed if s.partition("(")[0] == name)
            if found:
                return found
    return signatures


def signal_is_listed(native: type, signature: str) -> bool:
    """Whether the real class, or one of its bases, has a signal of exactly this signature."""
    stand_ins = [c for c in native.__mro__ if c.__name__ in listing() and is_stand_in(c)]
    name = signature.partition("(")[0]
    for cls in stand_ins:
        if name in listed_names(cls.__name__):
            return signature in listing()[cls.__name__].get("signals", [])
    return True


def qt6_only_names(native: type) -> tuple[str, ...]:
    """Names of a Qt class, its own or inherited ones, that Qt 5.15 has not."""
    return () if is_stand_in(native) else tuple(_qt6_only().get(native.__name__, ()))


def is_qt6_only_class(name: str) -> bool:
    """Whether Qt 5.15 lacks a class of this name."""
    return name in _read("qt6_only.json")["only_classes"]


def missing(native: type, name: str) -> str:
    """The sentence for a member that is not there.

    Raises:
        NotImplementedError: the real class has it, and its stand-in has not.
    """
    for cls in native.__mro__:
        if cls.__name__ in listing() and is_stand_in(cls) and name in listed_names(cls.__name__):
            raise NotImplementedError(
                f"{cls.__name__}.{name} exists in Slicer, but the test host's stand-in does not have it yet. "
                "Add it to Testing/slicer_host."
            )
        if not is_stand_in(cls) and name in _qt6_only().get(cls.__name__, ()):
            return (
                f"{native.__name__} has no attribute named '{name}' (Qt 6 has it, Slicer's Qt 5.15 has not)"
            )
    return f"{native.__name__} has no attribute named '{name}'"


def _qt6_only() -> dict[str, list[str]]:
    classes: dict[str, list[str]] = _read("qt6_only.json")["classes"]
    return classes


@cache
def _read(file: str) -> dict[str, Any]:
    path = FOLDER / file
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
