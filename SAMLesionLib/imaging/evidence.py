"""What speaks for lesion at each voxel: the network, the box, and the grey value, added as log-odds.

A 2D network asked slice by slice with one 3D box claims too much: it cannot know how the lesion ends
along the third axis, and it fills a box drawn loosely. The two other witnesses know part of that. Where
in its box a lesion lies was counted on 475 expert outlines: the log-odds fall with the square of the
distance from the middle (`docs/procedure.md`). How its grey values differ from the tissue around the
box is read off the image itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FusionWeights:
    """How much each witness counts; how they were found is told in `docs/procedure.md`.

    Attributes:
        network: log-odds per logit of the network.
        logit_floor: logits below are cut, a certain network is not more right.
        logit_ceiling: logits above are cut.
        grey: weight of the log-ratio of grey-value histograms inside and outside.
        grey_smooth: share of that log-ratio taken from its neighbourhood.
        bias: log-odds in the middle of the box before anyone has spoken.
        radius: log-odds lost between the middle of the box and its side.
        depth: how much more the distance along the slice axis counts, where the network sees nothing.
        many_slices: from so many slices on, `depth` counts in full; with fewer, each was included on purpose.
    """

    network: float = 0.5
    logit_floor: float = -8.0
    logit_ceiling: float = 6.0
    grey: float = 1.45
    grey_smooth: float = 0.93
    bias: float = 0.95
    radius: float = 3.1
    depth: float = 2.1
    many_slices: int = 12


N_BINS = 48
HISTOGRAM_SMOOTHING_BINS = 2.0
GREY_LIMIT = 3.0
ROUNDS = 3
SHARPNESS = 2.0
"""How firmly a voxel's log-odds assign it to the inside or the outside histogram."""


def fuse(
    logits: Floats,
    prior: Floats,
    grey: npt.NDArray[Any],
    grey_outside: npt.NDArray[Any],
    spacing_mm: tuple[float, float, float],
    weights: FusionWeights,
) -> Floats:
    """Log-odds of lesion at each voxel of a block.

    Args:
        logits: (slices, rows, columns), the network's answer.
        prior: log-odds before looking at the image, same shape.
        grey: grey values, same shape.
        grey_outside: grey values (N,) of the tissue around the prompt.
        spacing_mm: distance of slices, rows and columns.
        weights: how much each witness counts.

    Returns:
        Log-odds, above 0 inside the lesion.
    """
    given = prior + network_log_odds(logits, weights)
    bins, outside = _bins(grey, grey_outside)
    log_odds = given
    for _ in range(ROUNDS):
        ratio = _grey_ratio(bins, outside, log_odds, prior)
        near = ndimage.gaussian_filter(ratio, [min(spacing_mm) / s for s in spacing_mm])
        ratio += np.float32(weights.grey_smooth) * (near - ratio)
        log_odds = given + np.float32(weights.grey) * ratio
    return log_odds


def network_log_odds(logits: Floats, weights: FusionWeights) -> Floats:
    """What the network's logits say, as log-odds."""
    cut = np.clip(logits, weights.logit_floor, weights.logit_ceiling)
    return np.float32(weights.network) * cut


def _bins(
    grey: npt.NDArray[Any], grey_outside: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The histogram bin of each voxel, and the histogram (N_BINS,) of the surrounding tissue."""
    low, high = np.percentile(np.concatenate([grey.ravel(), grey_outside]), (0.5, 99.5))
    scale = N_BINS / max(float(high) - float(low), 1e-3)

    def bin_of(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        return np.clip((values.astype(np.float32) - low) * scale, 0, N_BINS - 1).astype(np.intp)

    return bin_of(grey), np.bincount(bin_of(grey_outside), minlength=N_BINS).astype(np.float64)


def _grey_ratio(
    bins: npt.NDArray[np.intp], outside: npt.NDArray[np.float64], log_odds: Floats, prior: Floats
) -> Floats:
    """Log of how much more frequent each voxel's grey value is inside than outside."""
    inside = 1.0 / (1.0 + np.exp(-np.clip(SHARPNESS * log_odds, -30, 30)))
    claimed = inside > 0.5
    if claimed.sum() < 5:
        # Nothing is claimed: the voxels most likely beforehand stand in.
        claimed = prior >= np.quantile(prior, 0.9)
        inside = np.ones_like(inside)
    ours = np.bincount(bins[claimed], inside[claimed], N_BINS).astype(np.float64)
    theirs = outside + np.bincount(bins[~claimed], 1.0 - inside[~claimed], N_BINS)
    ratio = np.log(_density(ours) / _density(theirs))
    return np.clip(ratio, -GREY_LIMIT, GREY_LIMIT).astype(np.float32)[bins]


def _density(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    smooth = ndimage.gaussian_filter1d(counts, HISTOGRAM_SMOOTHING_BINS, mode="nearest")
    return smooth / max(smooth.sum(), 1e-9) + 0.02 / N_BINS
