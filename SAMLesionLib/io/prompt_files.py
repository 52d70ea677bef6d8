"""Prompts on disk: our JSON, read and written, and Slicer's markups, read. See docs/prompt-files.md."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, Frame, IndexBox
from SAMLesionLib.io.files import atomic_write
from SAMLesionLib.io.markups_json import prompts_of_markups
from SAMLesionLib.prompts import (
    BoxPrompt,
    LinePrompt,
    MaskPrompt,
    OrganMaskPrompt,
    OrganPrompt,
    Prompt,
    PromptSet,
    ScribblePrompt,
)

MAX_FILE_BYTES = 64 * 2**20
"""A prompt file is text that people and programs draw; anything larger is another kind of file."""


@dataclass(frozen=True)
class LesionPrompts:
    """The prompts of one lesion of a file.

    Attributes:
        name: how people call the lesion.
        prompts: in voxels of the volume.
    """

    name: str
    prompts: PromptSet


def read_prompts(
    path: str | os.PathLike[str], affine: Affine, frame: Frame = "ijk"
) -> tuple[LesionPrompts, ...]:
    """Read our JSON or Slicer's `.mrk.json`.

    Args:
        path: the file.
        affine: the volume's grid, to which world coordinates are brought.
        frame: of files of ours that name none.

    Raises:
        PromptError: when it is missing, no such file, or holds something that is no prompt.
    """
    name = Path(path).name
    content = _load(Path(path))
    if "markups" in content:
        named = prompts_of_markups(content["markups"], affine, name)
        lesions = tuple(LesionPrompts(lesion, prompts) for lesion, prompts in named)
    elif "lesions" in content:
        lesions = _lesions(content, affine, frame, name)
    else:
        raise PromptError(
            f"{name} is no prompt file: expected an object with lesions (ours) or markups (3D Slicer's)."
        )
    if not lesions:
        raise PromptError(f"{name} holds no prompt. Draw a box, a line or a point first.")
    return lesions


def write_prompts(
    path: str | os.PathLike[str],
    lesions: Sequence[LesionPrompts],
    frame: Frame = "ijk",
    affine: Affine | None = None,
) -> None:
    """Write our JSON; `read_prompts` gives the same prompts back.

    Args:
        path: the file to make or replace.
        lesions: what to write.
        frame: of its coordinates.
        affine: the volume's grid; needed for frames other than ijk.

    Raises:
        OutputError: when it cannot be written.
        PromptError: for a mask prompt in a frame other than ijk: a mask belongs to its grid.
    """
    written = [{"name": x.name, "prompts": [_to_frame(p, frame, affine) for p in x.prompts]} for x in lesions]
    text = json.dumps({"frame": frame, "lesions": written}, indent=1, ensure_ascii=False)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")


def _load(path: Path) -> dict[str, Any]:
    if not os.path.isfile(path):
        raise PromptError(f"There is no prompt file {path}. Check the path.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise PromptError(f"{path.name} is too large for a prompt file ({path.stat().st_size / 1e6:.0f} MB).")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as broken:
        raise PromptError(f"{path.name} is no valid JSON ({str(broken)[:80]}). Save it again.") from None
    except OSError as failure:
        raise PromptError(f"{path.name} cannot be read ({failure.strerror}).") from failure
    return content if isinstance(content, dict) else {}


def _lesions(
    content: Mapping[str, Any], affine: Affine, default: Frame, file_name: str
) -> tuple[LesionPrompts, ...]:
    frame = content.get("frame", default)
    if frame not in get_args(Frame):
        raise PromptError(f"{file_name} needs a frame, one of ijk, ras, lps; got {str(frame)[:40]!r}.")
    entries = content["lesions"]
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise PromptError(f"{file_name} needs a list of lesions, each with a name and a list of prompts.")
    return tuple(
        _lesion(entry, n, affine, cast(Frame, frame), file_name) for n, entry in enumerate(entries, 1)
    )


def _lesion(
    entry: Mapping[str, Any], number: int, affine: Affine, frame: Frame, file_name: str
) -> LesionPrompts:
    name = str(entry.get("name") or f"Lesion {number}")
    prompts = entry.get("prompts")
    if not isinstance(prompts, list) or not prompts:
        raise PromptError(f"{name} of {file_name} has no prompts; give each lesion a list of at least one.")
    try:
        as_ijk = [_to_ijk(p, affine, frame) if isinstance(p, dict) else p for p in prompts]
        return LesionPrompts(name, PromptSet.from_json(as_ijk))
    except PromptError as wrong:
        raise PromptError(f"{name} of {file_name}: {wrong}") from None


def _to_ijk(values: Mapping[str, Any], affine: Affine, frame: Frame) -> dict[str, Any]:
    """The prompt as `PromptSet.to_json` writes it, from one whose fields end in `_ras` or `_lps`."""
    if frame == "ijk":
        return dict(values)
    if "bits" in values:
        raise PromptError("a mask belongs to its voxel grid; write the file in the frame ijk.")
    moved: dict[str, Any] = {}
    for key, value in values.items():
        stem, _, ending = key.rpartition("_")
        if ending != frame:
            moved[key] = value
        elif stem == "corners":
            box = IndexBox.around(affine.to_ijk(_corners(_points(value, key)), frame))
            moved |= {"start_ijk": list(box.start_ijk), "stop_ijk": list(box.stop_ijk)}
        else:
            points = affine.to_ijk(_points(value, key), frame)
            moved[f"{stem}_ijk"] = points.tolist() if stem == "points" else points[0].tolist()
    return moved


def _points(value: Any, field: str) -> npt.NDArray[np.float64]:
    try:
        points = np.atleast_2d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise PromptError(f"{field} needs three finite numbers per position, got {str(value)[:60]}.")
    return points


def _corners(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """All corners of a box given by two opposite ones along the world's axes, or by all of them."""
    if len(points) != 2:
        return points
    return np.stack(np.meshgrid(*points.T), axis=-1).reshape(-1, 3)


def _to_frame(prompt: Prompt, frame: Frame, affine: Affine | None) -> dict[str, Any]:
    if frame == "ijk" or isinstance(prompt, OrganPrompt):
        return prompt.to_json()
    if isinstance(prompt, (MaskPrompt, OrganMaskPrompt)):
        raise PromptError("A mask belongs to its voxel grid; write the prompts in the frame ijk.")
    if affine is None:
        raise ValueError("world coordinates need the volume's grid")
    if isinstance(prompt, BoxPrompt):
        corners = _world(prompt.box.corners_ijk(), frame, affine)
        return {"kind": "box", f"corners_{frame}": corners, "axis": prompt.axis}
    places = _world(prompt.positions_ijk(), frame, affine)
    if isinstance(prompt, LinePrompt):
        return {"kind": "line", f"start_{frame}": places[0], f"stop_{frame}": places[1]}
    if isinstance(prompt, ScribblePrompt):
        return {"kind": "scribble", f"points_{frame}": places, "is_positive": prompt.is_positive}
    return {"kind": "point", f"point_{frame}": places[0], "is_positive": prompt.is_positive}


def _world(points_ijk: npt.NDArray[np.float64], frame: Frame, affine: Affine) -> list[list[float]]:
    points = affine.to_ras(points_ijk)
    if frame == "lps":
        points = points * (-1, -1, 1)
    return [[float(v) for v in p] for p in points]
