"""Boxes drawn loosely: how much of its box a lesion needs tells how the box was drawn."""

from __future__ import annotations

LOOSE_SHARE = 0.6
"""A box of which the lesion needs a smaller share was drawn loosely, and is looked at again."""

FITTING_SHARE = 0.8
"""A box of which the lesion needs this share or more fits; below, it is doubted."""

DOUBT = 4.0
"""Log-odds that every voxel of a doubted box loses for each share of the box that is missing."""


def doubt(share: float) -> float:
    """Log-odds that every voxel loses in a box of which the lesion needs this share."""
    return DOUBT * max(0.0, FITTING_SHARE - share)
