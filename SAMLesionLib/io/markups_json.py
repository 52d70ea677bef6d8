"""3D Slicer's markups as prompts: boxes (ROI), point lists and lines, of any orientation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, Frame, IndexBox
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, PointPrompt, Position, Prompt, PromptSet

Floats = npt.NDArray[np.float64]
_FRAMES: dict[str, Frame] = {"LPS": "lps", "RAS": "ras", "1": "lps", "0": "ras"}
_NEGATIVE = re.compile(
    r"(?<![a-z])(negative|neg|background|exclude)(?![a-z])|^\s*[-\u2212]\s*$", re.IGNORECASE
)
_SIGN = re.compile(
    r"[\s_-]*(?<![a-z])(positive|pos|foreground|include|negative|neg|background|exclude)(?![a-z])",
    re.IGNORECASE,
)


def prompts_of_markups(markups: Any, affine: Affine, file_name: str) -> list[tuple[str, PromptSet]]:
    """The prompts of a `.mrk.json` file, lesion by lesion, each with the lesion's name.

    Every ROI is a lesion of its own; a line or a point belongs to the ROI of its name, else to the
    nearest. Without an ROI, markups of one name are one lesion. Slicer writes no names into these
    files, so there the file's name serves.

    Args:
        markups: the list of the file.
        affine: the volume's grid.
        file_name: for the sentence when something is wrong, and as the lesion's name.

    Raises:
        PromptError: for other markups than ROI, point list and line, or broken ones.
    """
    if not isinstance(markups, list) or not all(isinstance(m, dict) for m in markups):
        raise PromptError(f"{file_name} needs a list of markups. Save it again in 3D Slicer.")
    found = []
    for markup in markups:
        try:
            found += [(_base_name(markup), prompt) for prompt in _prompts(markup, affine, file_name)]
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            raise PromptError(
                f"{file_name} holds a broken markup ({type(wrong).__name__}: {wrong}). "
                "Save it again in 3D Slicer."
            ) from None
    default = file_name.removesuffix(".json").removesuffix(".mrk")
    lesions = _lesions_of_boxes(found, default)
    for name, prompt in found:
        if not isinstance(prompt, BoxPrompt):
            _add(lesions, name or default, prompt, affine, has_boxes=bool(_boxes(found)))
    return [(name, PromptSet(tuple(prompts))) for name, prompts in lesions]


Named = tuple[str, Prompt]
Lesions = list[tuple[str, list[Prompt]]]


def _boxes(found: list[Named]) -> list[Named]:
    return [(name, prompt) for name, prompt in found if isinstance(prompt, BoxPrompt)]


def _lesions_of_boxes(found: list[Named], default: str) -> Lesions:
    boxes = _boxes(found)
    numbers = [f" {n}" if len(boxes) > 1 else "" for n in range(1, len(boxes) + 1)]
    return [(name or default + n, [prompt]) for (name, prompt), n in zip(boxes, numbers, strict=True)]


def _add(lesions: Lesions, name: str, prompt: Prompt, affine: Affine, has_boxes: bool) -> None:
    """Put a line or a point where it belongs."""
    same = [prompts for own, prompts in lesions if own == name]
    if len(same) == 1:
        same[0].append(prompt)
    elif has_boxes:
        min((p for _, p in lesions), key=lambda p: _distance_mm(p[0], prompt, affine)).append(prompt)
    else:
        lesions.append((name, [prompt]))


def _distance_mm(box: Prompt, prompt: Prompt, affine: Affine) -> float:
    """From the middle of a prompt to a box; zero inside."""
    first, last = box.positions_ijk()
    middle = prompt.positions_ijk().mean(axis=0)
    nearest = np.clip(middle, first, last)
    return float(np.linalg.norm(affine.ijk_to_ras[:3, :3] @ (middle - nearest)))


def _prompts(markup: Mapping[str, Any], affine: Affine, file_name: str) -> list[Prompt]:
    kind = markup.get("type")
    frame = _FRAMES.get(str(markup.get("coordinateSystem", "LPS")).upper())
    if frame is None:
        raise PromptError(
            f"{file_name} has the coordinate system {markup['coordinateSystem']!r}, not LPS or RAS."
        )
    if kind == "ROI":
        return [BoxPrompt.from_roi(IndexBox.around(affine.to_ijk(_roi_corners(markup), frame)))]
    if kind == "Fiducial":
        return [
            PointPrompt(_place(point, affine, frame), not _is_negative(point, markup))
            for point in _placed_points(markup)
        ]
    if kind == "Line":
        ends = [_place(point, affine, frame) for point in _placed_points(markup)]
        if len(ends) != 2:
            raise PromptError(f"{file_name} holds a line with {len(ends)} of 2 ends placed. Place both.")
        return [LinePrompt(ends[0], ends[1])]
    raise PromptError(f"{file_name} holds a markup of type {kind}; expected ROI (a box), Fiducial or Line.")


def _roi_corners(markup: Mapping[str, Any]) -> Floats:
    """The eight corners (8, 3) of an ROI, in the file's frame; its axes are the matrix's columns."""
    centre = _numbers(markup["center"], 3)
    axes = _numbers(markup.get("orientation", np.eye(3).ravel()), 9).reshape(3, 3)
    half = _numbers(markup["size"], 3) / 2
    return centre + np.array(list(product((-1, 1), repeat=3))) * half @ axes.T


def _placed_points(markup: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    points = markup.get("controlPoints", [])
    return [p for p in points if p.get("positionStatus", "defined") == "defined"]


def _place(point: Mapping[str, Any], affine: Affine, frame: Frame) -> Position:
    i, j, k = (float(v) for v in affine.to_ijk(_numbers(point["position"], 3), frame)[0])
    return i, j, k


def _numbers(values: Any, n: int) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (n,) or not np.isfinite(numbers).all():
        raise ValueError(f"{n} finite numbers expected, got {str(values)[:60]}")
    return numbers


def _is_negative(point: Mapping[str, Any], markup: Mapping[str, Any]) -> bool:
    texts = (point.get("description"), point.get("label"), markup.get("name"))
    return any(_NEGATIVE.search(str(text)) for text in texts if text)


def _base_name(markup: Mapping[str, Any]) -> str:
    """The markup's name without the word that gives its sign."""
    return _SIGN.sub("", str(markup.get("name") or "")).strip()
