"""The opponents by name: what one would use instead of our models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from SAMLesionLib.errors import InputError
from SAMLesionLib.evaluation.opponents import lite_medsam, seeded, shapes, thresholds
from SAMLesionLib.evaluation.opponents.question import Mask, Planner, Question
from SAMLesionLib.evaluation.opponents.segmenters import (
    Answer,
    NetworkSegmenter,
    SliceEngine,
    SlicePredictor,
    ToolSegmenter,
)
from SAMLesionLib.protocol import ModelInfo, Segmenter

NETWORK = "lite-medsam"
Factory = Callable[[Planner, Callable[[], SliceEngine]], Segmenter]
"""Makes an opponent from what turns prompts into boxes, and what gives an engine where it needs one."""

_Make = Callable[[ModelInfo, Planner, Callable[[], SliceEngine]], Segmenter]
_MEDSAM = "Ma et al., Segment anything in medical images, Nature Communications 15:654 (2024)"
_BOXES = frozenset({"box", "line"})
_WITH_CLICKS = _BOXES | {"point"}


@dataclass(frozen=True)
class _Opponent:
    """What people are told about an opponent, how it is made, and the package it needs."""

    name: str
    title: str
    summary: str
    make: _Make
    paper: str = ""
    licence: str = "Apache-2.0"
    prompts: frozenset[str] = _BOXES
    dimensions: int = 3
    package: str = "numpy"
    extra: str = "evaluation"

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(
            self.name,
            self.title,
            self.summary,
            self.paper,
            self.licence,
            self.dimensions,
            self.prompts,
            n_parameters=0,
            size_bytes=0,
            is_available=_is_installed(self.package),
        )

    def __call__(self, plan: Planner, engine: Callable[[], SliceEngine]) -> Segmenter:
        if not self.info.is_available:
            raise InputError(
                f"{self.name} needs the package {self.package}, which is not installed. "
                f'Run: pip install "samlesion[{self.extra}]"'
            )
        return self.make(self.info, plan, engine)


def opponents() -> dict[str, Factory]:
    """How to make each opponent.

    Every factory takes the engine's planner, so that all get the same boxes from the same prompts, and a
    function that gives an engine, which only those call that ask a network.

    Raises (the factories):
        InputError: when the opponent's package is not installed.
    """
    return {opponent.name: opponent for opponent in _OPPONENTS}


def _is_installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def _tool(tool: Callable[[Question], Mask], prepare: Callable[[], None] = lambda: None) -> _Make:
    """Makes a segmenter of a function that gives the mask over the question's block."""

    def make(info: ModelInfo, plan: Planner, engine: Callable[[], SliceEngine]) -> Segmenter:
        prepare()
        return ToolSegmenter(info, plan, lambda question: (question.block, tool(question)))

    return make


def _network(tool: Callable[[Question, SlicePredictor], Answer]) -> _Make:
    return lambda info, plan, engine: NetworkSegmenter(info, plan, engine(), NETWORK, tool)


_OPPONENTS = (
    _Opponent(
        "official-lite-medsam",
        "LiteMedSAM, official 3D procedure",
        "The authors' script: from the middle slice outwards, each slice with its neighbour's box.",
        _network(lite_medsam.official),
        _MEDSAM,
        dimensions=2,
    ),
    _Opponent(
        "same-box",
        "LiteMedSAM, same box in every slice",
        "The plain use of a 2D model: the box in each of its slices.",
        _network(lite_medsam.same_box),
        _MEDSAM,
        dimensions=2,
    ),
    _Opponent(
        "box-fill",
        "Box filling",
        "Every voxel of the box: what a box alone is worth.",
        _tool(shapes.box_fill),
    ),
    _Opponent(
        "ellipsoid", "Ellipsoid", "The ellipsoid in the box, without the image.", _tool(shapes.ellipsoid)
    ),
    _Opponent(
        "otsu",
        "Otsu threshold",
        "SimpleITK's Otsu threshold in the box.",
        _tool(thresholds.otsu),
        "Otsu, A threshold selection method from gray-level histograms, IEEE Trans SMC 9:62 (1979)",
    ),
    _Opponent(
        "midpoint",
        "Mid-point threshold",
        "Halfway between the middle of the box and what surrounds it.",
        _tool(thresholds.midpoint),
    ),
    _Opponent(
        "connected-threshold",
        "ConnectedThreshold",
        "SimpleITK's region growing from the middle and from clicks, between the mid-point's levels.",
        _tool(thresholds.connected_threshold),
        prompts=_WITH_CLICKS,
    ),
    _Opponent(
        "growcut",
        "GrowCut",
        "ITK's FastGrowCut from seeds in the middle, around the box, and from clicks.",
        _tool(seeded.growcut, seeded.load_itk),
        "Zhu et al., An effective interactive medical image segmentation method using fast GrowCut, "
        "MICCAI workshop on interactive methods (2014)",
        prompts=_WITH_CLICKS,
        package="itk-growcut",
        extra="growcut",
    ),
    _Opponent(
        "random-walker",
        "Random walker",
        "scikit-image's random walker from seeds in the middle, around the box, and from clicks.",
        _tool(seeded.random_walker),
        "Grady, Random walks for image segmentation, IEEE TPAMI 28:1768 (2006)",
        "BSD-3-Clause",
        prompts=_WITH_CLICKS,
        package="scikit-image",
    ),
)
