"""SAMLesion: a prompt on a lesion becomes an editable mask.

This module is the vocabulary of the project and loads nothing heavier than numpy.
"""

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.masks import MaskUpdate, RunReport, collect
from SAMLesionLib.prompts import (
    BoxPrompt,
    LinePrompt,
    MaskPrompt,
    OrganMaskPrompt,
    OrganPrompt,
    PointPrompt,
    PromptSet,
    ScribblePrompt,
)
from SAMLesionLib.protocol import ModelInfo, Segmenter, SegmentRequest
from SAMLesionLib.version import __version__
from SAMLesionLib.volume import Volume

__all__ = [
    "Affine",
    "BoxPrompt",
    "IndexBox",
    "LinePrompt",
    "MaskPrompt",
    "MaskUpdate",
    "ModelInfo",
    "OrganMaskPrompt",
    "OrganPrompt",
    "PointPrompt",
    "PromptSet",
    "RunReport",
    "SAMLesionError",
    "ScribblePrompt",
    "SegmentRequest",
    "Segmenter",
    "Volume",
    "__version__",
    "collect",
]
