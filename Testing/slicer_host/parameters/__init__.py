"""`slicer.parameterNodeWrapper`: typed parameters that are stored in the scene and shown by widgets."""

from slicer_host.parameters.annotations import (
    Choice,
    Default,
    Exclude,
    Maximum,
    Minimum,
    NotNone,
    Validator,
    WithinRange,
)
from slicer_host.parameters.packs import parameterPack
from slicer_host.parameters.wrapper import isParameterNodeWrapper, parameterNodeWrapper

__all__ = [
    "Choice",
    "Default",
    "Exclude",
    "Maximum",
    "Minimum",
    "NotNone",
    "Validator",
    "WithinRange",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
    "parameterPack",
]
