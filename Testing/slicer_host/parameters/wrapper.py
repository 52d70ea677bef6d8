"""The class decorator `parameterNodeWrapper`."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import slicer

from slicer_host.parameters.gui import Connections
from slicer_host.parameters.packs import is_pack
from slicer_host.parameters.serializers import Parameter
from slicer_host.parameters.watched import watched


def parameterNodeWrapper(cls: type) -> type:
    """Turn a class of annotated members into a typed view of a parameter node."""
    parameters = dict(_parameters(cls, ""))
    body = {
        "allParameters": parameters,
        **{
            name: _member(name, kind)
            for name, kind in typing.get_type_hints(cls, include_extras=True).items()
        },
        **{n: v for n, v in vars(cls).items() if callable(v) and not n.startswith("__")},
    }
    return type(
        cls.__name__, (ParameterNodeWrapper,), body | {"__module__": cls.__module__, "__doc__": cls.__doc__}
    )


def isParameterNodeWrapper(thing: Any) -> bool:
    """Whether a class or an object was made by `parameterNodeWrapper`."""
    cls = thing if isinstance(thing, type) else type(thing)
    return issubclass(cls, ParameterNodeWrapper)


class ParameterNodeWrapper:
    """A parameter node with typed members.

    Attributes:
        parameterNode: the node.
        allParameters: what it holds, by name, with dots inside packs.
    """

    allParameters: typing.ClassVar[dict[str, Parameter]] = {}

    def __init__(self, parameterNode: Any = None) -> None:
        node = parameterNode or slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
        object.__setattr__(self, "parameterNode", node)
        object.__setattr__(self, "_connections", Connections(self))
        with slicer.util.NodeModify(node):
            for name, parameter in self.allParameters.items():
                if not node.HasParameter(name) and parameter.default is not None:
                    parameter.write(node, parameter.default)

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__} has no parameter '{name}'.")
        object.__setattr__(self, name, value)

    def getValue(self, name: str) -> Any:
        parameter = self.allParameters[name]
        return watched(parameter.read(self.parameterNode), lambda value: self.setValue(name, value))

    def setValue(self, name: str, value: Any) -> None:
        self.allParameters[name].write(self.parameterNode, value)

    def default(self, name: str) -> Any:
        return self.allParameters[name].default

    def dataType(self, name: str) -> Any:
        return self.allParameters[name].kind

    def isCached(self, name: str) -> bool:
        return False

    def connectGui(self, gui: Any) -> int:
        """Tie widgets to the parameters that their property `SlicerParameterName` names; returns a tag."""
        return self._connections.connect_named(gui)

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Tie widgets to parameters by name; returns a tag."""
        return self._connections.connect(mapping)

    def disconnectGui(self, tag: int) -> None:
        """Untie what a tag stands for."""
        self._connections.disconnect(tag)

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, before: int) -> None:
        self.parameterNode.EndModify(before)

    def AddObserver(self, *arguments: Any) -> int:
        return self.parameterNode.AddObserver(*arguments)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


class _Pack:
    """A pack inside a wrapper: its members are parameters with dots."""

    def __init__(self, wrapper: ParameterNodeWrapper, prefix: str, kind: type) -> None:
        vars(self).update(_wrapper=wrapper, _prefix=prefix, _kind=kind)

    def __getattr__(self, name: str) -> Any:
        hints = typing.get_type_hints(self._kind, include_extras=True)
        if name not in hints:
            raise AttributeError(f"{self._kind.__name__} has no parameter '{name}'.")
        return _read(self._wrapper, f"{self._prefix}{name}", hints[name])

    def __setattr__(self, name: str, value: Any) -> None:
        _write(
            self._wrapper, f"{self._prefix}{name}", getattr(self._kind, "__annotations__", {})[name], value
        )


def _parameters(cls: type, prefix: str) -> Iterator[tuple[str, Parameter]]:
    for name, annotation in typing.get_type_hints(cls, include_extras=True).items():
        if is_pack(annotation):
            yield from _parameters(annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, Parameter(prefix + name, annotation, getattr(cls, name, ...))


def _member(name: str, annotation: Any) -> property:
    return property(
        lambda self: _read(self, name, annotation), lambda self, value: _write(self, name, annotation, value)
    )


def _read(wrapper: ParameterNodeWrapper, name: str, annotation: Any) -> Any:
    return _Pack(wrapper, f"{name}.", annotation) if is_pack(annotation) else wrapper.getValue(name)


def _write(wrapper: ParameterNodeWrapper, name: str, annotation: Any, value: Any) -> None:
    if not is_pack(annotation):
        wrapper.setValue(name, value)
        return
    for field, kind in typing.get_type_hints(annotation, include_extras=True).items():
        _write(wrapper, f"{name}.{field}", kind, getattr(value, field))
