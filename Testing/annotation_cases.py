"""Prompts and hand-made masks, for the tests of what a reader does with lesions."""

from __future__ import annotations

import numpy as np

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt, PointPrompt

A_BOX = BoxPrompt(IndexBox((1, 2, 3), (4, 5, 6)))
A_POINT = PointPrompt((2.0, 3.0, 4.0))
A_MASK = MaskPrompt(IndexBox((0, 0, 0), (2, 1, 1)), np.array([[[True, False]]]))
EDITS = [PackedMask.of(np.ones((1, 2, n), bool), (n, 0, 0)) for n in range(4)]
"""Hand-made masks, the first of them empty."""
