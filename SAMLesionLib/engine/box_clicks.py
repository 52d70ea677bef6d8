"""What a box says to a model that knows clicks only: one in its middle, then clicks on what is wrong.

Right is what a reader who drew the box would say: nothing outside it is lesion, and its core is. So a
click is put where the answer contradicts that the most, as simulated readers do with a known lesion.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame
from SAMLesionLib.prompts import PointPrompt

CORE = 0.5
"""How much of the way from the box's middle to its sides is surely lesion."""

MOST_CLICKS = 4
"""Clicks on errors after the one in the middle."""

LEAST_DEPTH_CELLS = 1.0
"""An error whose deepest cell is no farther from its edge than this gets no click."""


def first_click(box: IndexBox) -> PointPrompt:
    """The click in the middle of a box."""
    return PointPrompt(box.centre_ijk)


def next_click(frame: PatchFrame, logits: npt.NDArray[np.float32], box: IndexBox) -> PointPrompt | None:
    """The click on the deepest error of an answer, None when the answer agrees with the box.

    Args:
        frame: the cube looked at.
        logits: the answer (n, n, n).
        box: what the reader drew.
    """
    n = len(logits)
    low, high = (np.reshape(corner, (3, 1, 1, 1)) for corner in frame.box_dhw(box))
    cells = (np.indices(logits.shape) + 0.5) * (frame.size / n) - 0.5
    away = np.abs(cells - (low + high) / 2) / ((high - low) / 2)
    is_found = logits > 0
    too_much = is_found & (away > 1).any(axis=0)
    too_little = ~is_found & ((away**2).sum(axis=0) < CORE**2)
    depths = [_depth(error) for error in (too_much, too_little)]
    worst = int(np.argmax([depth.max() for depth in depths]))
    if depths[worst].max() <= LEAST_DEPTH_CELLS:
        return None
    deepest = cells[:, depths[worst] == depths[worst].max()].T
    middle = np.linalg.norm(deepest - deepest.mean(axis=0), axis=1).argmin()
    i, j, k = frame.to_ijk([deepest[middle]])[0]
    return PointPrompt((float(i), float(j), float(k)), is_positive=worst == 1)


def _depth(error: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """How many cells each cell of an error lies from what is right; the cube's sides count as right."""
    depth: npt.NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(error, 1))
    return depth[1:-1, 1:-1, 1:-1]
