"""Cases made in memory, small enough to count on the fingers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from SAMLesionLib import Affine, Volume
from SAMLesionLib.datasets import Case
from SAMLesionLib.datasets.lesions import LesionRule, lesions_of

Span = tuple[int, int]


def a_case(
    blocks_kji: Iterable[tuple[Span, Span, Span]],
    shape_kji: tuple[int, int, int] = (8, 12, 16),
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 3.0),
    name: str = "phantom",
    contrast: int = 100,
    components: bool = True,
) -> Case:
    """A scan of noise in which the blocks, given as spans of k, j and i, are brighter lesions."""
    mask = np.zeros(shape_kji, bool)
    for span in blocks_kji:
        mask[tuple(slice(*s) for s in span)] = True
    noise = np.random.default_rng(1).integers(0, 20, shape_kji, dtype=np.int16)
    volume = Volume((noise + contrast * mask).astype(np.int16), Affine.from_spacing(spacing_mm), name, "CT")
    return Case(name, volume, lesions_of(mask, volume.affine, LesionRule(components=components)))
