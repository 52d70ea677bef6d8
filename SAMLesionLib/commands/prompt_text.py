"""Text as typed on the command line becomes boxes, points, lines and windows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine, Frame, IndexBox
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, PointPrompt, Position


def box_from_text(text: str, frame: Frame, affine: Affine) -> IndexBox:
    """The block that six numbers mean.

    In `ijk` they are the first voxel and the one past the last. In a world frame they are two opposite
    corners in mm of a box along the world's axes; the block holds all eight corners, so on a turned
    grid it is the larger one.

    Raises:
        PromptError: when they are not six numbers, whole ones in `ijk`.
    """
    form = "--box", "i0,j0,k0,i1,j1,k1"
    if frame == "ijk":
        i0, j0, k0, i1, j1, k1 = _whole_numbers(*form, text, 6)
        return IndexBox((i0, j0, k0), (i1, j1, k1))
    corners = np.reshape(_numbers(*form, text, 6), (2, 3))
    return IndexBox.around(affine.to_ijk(list(product(*corners.T)), frame))


def box_2d_from_text(text: str, frame: Frame = "ijk") -> BoxPrompt:
    """The 2D box that `axis,index,a0,b0,a1,b1` means, in voxels.

    Raises:
        PromptError: when it cannot be read or a world frame was asked for.
    """
    form = "--box-2d", "axis,index,a0,b0,a1,b1"
    if frame != "ijk":
        raise PromptError(
            f"--box-2d counts voxels of a slice, so it needs --frame ijk, got {frame}. "
            "Give --box, or the boxes as voxels."
        )
    name, _, rest = text.partition(",")
    axis = {"i": 0, "j": 1, "k": 2, "0": 0, "1": 1, "2": 2}.get(name.strip().lower())
    if axis is None:
        raise _unreadable(*form, text, "Begin with the axis i, j or k")
    index, a0, b0, a1, b1 = _whole_numbers(*form, rest, 5, shown=text)
    start, stop = [a0, b0], [a1, b1]
    start.insert(axis, index)
    stop.insert(axis, index + 1)
    return BoxPrompt(IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])), axis)


def point_from_text(text: str, frame: Frame, affine: Affine) -> PointPrompt:
    """The click that `i,j,k` with an optional `,+` or `,-` means.

    Raises:
        PromptError: when it cannot be read.
    """
    position, is_positive = text, True
    if text.rstrip().endswith((",+", ",-")):
        position, is_positive = text.rstrip()[:-2], text.rstrip().endswith("+")
    numbers = _numbers("--point", "i,j,k or i,j,k,+ or i,j,k,-", position, 3, shown=text)
    return PointPrompt(_position(numbers, frame, affine), is_positive)


def line_from_text(text: str, frame: Frame, affine: Affine) -> LinePrompt:
    """The diameter that six numbers, two ends, mean.

    Raises:
        PromptError: when it cannot be read.
    """
    numbers = _numbers("--line", "i0,j0,k0,i1,j1,k1", text, 6)
    return LinePrompt(_position(numbers[:3], frame, affine), _position(numbers[3:], frame, affine))


def window_from_text(text: str) -> tuple[float, float]:
    """The grey values `low,high` between which a model sees.

    Raises:
        PromptError: when they cannot be read or are not in this order.
    """
    low, high = _numbers("--window", "low,high", text, 2)
    if not low < high:
        raise PromptError(f"--window needs its low below its high value, got {text}. Swap or widen them.")
    return low, high


def _position(numbers: Sequence[float], frame: Frame, affine: Affine) -> Position:
    i, j, k = (float(v) for v in affine.to_ijk([numbers], frame)[0])
    return i, j, k


def _whole_numbers(option: str, form: str, text: str, n: int, shown: str | None = None) -> list[int]:
    numbers = _numbers(option, form, text, n, shown)
    if any(v != int(v) for v in numbers):
        raise _unreadable(option, form, shown or text, "Voxel indices are whole numbers")
    return [int(v) for v in numbers]


def _numbers(option: str, form: str, text: str, n: int, shown: str | None = None) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != n or not all(abs(v) < 2**31 for v in numbers):
        raise _unreadable(option, form, shown or text, "Write numbers with commas and no spaces")
    return numbers


def _unreadable(option: str, form: str, text: str, advice: str) -> PromptError:
    return PromptError(f"{option} needs {form}, got {text!r}. {advice}.")
