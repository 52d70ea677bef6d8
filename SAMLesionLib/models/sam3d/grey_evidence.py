"""What grey values say: how much likelier each is in the lesion than beside it, by what the prompts show.

Whether a lesion is the bright or the dark thing is seen at once from a click and is slow to learn for a
network. Interactive graph cuts (Boykov and Jolly, ICCV 2001) count it in histograms of the marked voxels.
Here it makes maps beside the prompts' own, a design of ours for the small model.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BINS = 24
GREY_RANGE = 3.0
"""Grey values, standardised by `robust_z`, are counted between this and its negative."""

PRIOR_SHARE = 0.05
"""How much of each histogram is spread evenly: a grey value never seen proves nothing."""

MOST = 3.0
"""Log-odds are cut off here, and divided by it."""


def marked(maps: Tensor) -> tuple[Tensor, Tensor]:
    """How surely prompts say of each cell that it is lesion, and that it is not, PxSxSxS each.

    Args:
        maps: PxN_MAPSxSxSxS, from `prompt_maps`.
    """
    mask, box, inside, outside = maps.unbind(dim=1)
    is_lesion = inside + box.clamp(min=0) + mask.clamp(min=0)
    # Most of a cube is no lesion, so where nothing is said that is the better guess.
    is_other = outside + (box < 0).to(maps.dtype) + (-mask).clamp(min=0) + 0.02
    return is_lesion * (1 - outside), is_other * (1 - inside)


def grey_evidence(grey: Tensor, is_lesion: Tensor, is_other: Tensor) -> Tensor:
    """Log-odds that grey values give, PxSxSxS, from -1 to 1; 0 where nothing was marked.

    Args:
        grey: (P or 1)xSxSxS.
        is_lesion: PxSxSxS, 0 or more.
        is_other: the same for what is not lesion.
    """
    place = ((grey.clamp(-GREY_RANGE, GREY_RANGE) / GREY_RANGE + 1) / 2 * (BINS - 1)).flatten(1)
    place = place.expand(len(is_lesion), -1)
    lower = place.floor().clamp(max=BINS - 2).long()
    share = place - lower
    odds = (_histogram(lower, share, is_lesion) / _histogram(lower, share, is_other)).log()
    odds = odds * (is_lesion.flatten(1).sum(dim=1, keepdim=True) > 0)
    found = torch.lerp(odds.gather(1, lower), odds.gather(1, lower + 1), share)
    return (found.clamp(-MOST, MOST) / MOST).view_as(is_lesion)


def _histogram(lower: Tensor, share: Tensor, weights: Tensor) -> Tensor:
    """Shares of the grey values, PxBINS, smoothed; each counts for the two bins it lies between."""
    weights = weights.flatten(1)
    counts = weights.new_zeros(len(weights), BINS)
    counts.scatter_add_(1, lower, weights * (1 - share)).scatter_add_(1, lower + 1, weights * share)
    # Sums and no convolution: autocast would round the counts to bfloat16.
    around = F.pad(counts, (1, 1), mode="replicate")
    counts = (around[:, :-2] + 2 * counts + around[:, 2:]) / 4
    counts = counts / counts.sum(dim=1, keepdim=True).clamp(min=1e-6)
    return (1 - PRIOR_SHARE) * counts + PRIOR_SHARE / BINS
