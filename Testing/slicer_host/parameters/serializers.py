"""Parameters as texts and node references of a `vtkMRMLScriptedModuleNode`."""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

import slicer

from slicer_host.parameters.annotations import Default, Validator
from slicer_host.parameters.packs import is_pack


class Parameter:
    """One member of a wrapper: its name, its type, and what it may be.

    Attributes:
        name: in the node, with dots inside packs.
        kind: the type without its annotations.
        validators: refuse values.
    """

    def __init__(self, name: str, annotation: Any, default: Any = ...) -> None:
        self.name = name
        extras = typing.get_args(annotation)[1:] if typing.get_origin(annotation) is typing.Annotated else ()
        self.kind = typing.get_args(annotation)[0] if extras else annotation
        self.validators = [v for v in extras if isinstance(v, Validator)]
        makers = [e for e in extras if isinstance(e, Default)]
        if default is not ...:
            makers.append(default if isinstance(default, Default) else Default(default))
        self._default = makers[-1] if makers else None
        check_supported(self.kind, name)

    @property
    def default(self) -> Any:
        """The value before one is set."""
        return self._default.make() if self._default else empty(self.kind)

    def read(self, node: Any) -> Any:
        """The value in the node."""
        if is_node(self.kind):
            return node.GetNodeReference(self.name)
        if not node.HasParameter(self.name):
            return self.default
        return from_plain(json.loads(node.GetParameter(self.name)), self.kind)

    def write(self, node: Any, value: Any) -> None:
        """Set the value in the node.

        Raises:
            TypeError: the value has another type.
            ValueError: the value is not allowed.
        """
        check_type(value, self.kind, self.name)
        for validator in self.validators:
            validator.validate(value)
        if is_node(self.kind):
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(self.name, json.dumps(to_plain(value)))


def is_node(kind: Any) -> bool:
    """Whether a type is a node class, None allowed or not."""
    return any(isinstance(k, type) and issubclass(k, slicer.vtkMRMLNode) for k in members(kind))


def members(kind: Any) -> tuple[Any, ...]:
    """The types of a union, None left out, or the type itself."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return tuple(k for k in typing.get_args(kind) if k is not type(None))
    return (kind,)


def is_optional(kind: Any) -> bool:
    """Whether None is a value of the type."""
    return type(None) in typing.get_args(kind) or is_node(kind)


def empty(kind: Any) -> Any:
    """The value of a type that has no default of its own."""
    if is_optional(kind):
        return None
    kind = typing.get_origin(kind) or kind
    if isinstance(kind, enum.EnumMeta):
        return next(iter(kind))
    return kind()


def check_supported(kind: Any, name: str) -> None:
    """Refuse a type that Slicer could not store either."""
    for one in members(kind):
        base = typing.get_origin(one) or one
        known = (int, float, str, bool, list, tuple, dict, PurePath, enum.Enum, slicer.vtkMRMLNode)
        if not (is_pack(base) or (isinstance(base, type) and issubclass(base, known))):
            raise TypeError(f"{name}: {kind} cannot be stored in a parameter node.")


def check_type(value: Any, kind: Any, name: str) -> None:
    """Refuse a value of another type."""
    if value is None and is_optional(kind):
        return
    bases = tuple(typing.get_origin(k) or k for k in members(kind))
    accepted = (*bases, int) if float in bases else bases
    if isinstance(value, bool) and bool not in bases:
        accepted = ()
    if not isinstance(value, accepted):
        raise TypeError(f"{name} is a {kind}, got {value!r} of type {type(value).__name__}.")


def to_plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, slicer.vtkMRMLNode):
        return value.GetID()
    if isinstance(value, dict):
        return [[to_plain(k), to_plain(v)] for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def from_plain(plain: Any, kind: Any) -> Any:
    """The value of a type that JSON holds."""
    if plain is None:
        return None
    kind = members(kind)[0]
    base, inner = typing.get_origin(kind) or kind, typing.get_args(kind)
    if base is dict:
        return {from_plain(k, inner[0]): from_plain(v, inner[1]) for k, v in plain}
    if base in (list, tuple):
        return base(_items(plain, base, inner))
    if isinstance(base, enum.EnumMeta):
        return base[plain]
    if is_node(base):
        return slicer.mrmlScene.GetNodeByID(plain)
    return Path(plain) if base is PurePath else base(plain)


def _items(plain: list[Any], base: type, inner: tuple[Any, ...]) -> Iterable[Any]:
    kinds = inner if base is tuple and Ellipsis not in inner else inner[:1] * len(plain)
    return (from_plain(item, k) for item, k in zip(plain, kinds, strict=True))
