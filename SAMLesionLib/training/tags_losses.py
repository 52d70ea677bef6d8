"""What training of TAGS makes small: the mask's loss, and how far features are from an organ's words.

Li et al., TAGS (arXiv 2505.17096), released code. Where that code applies a softmax to probabilities once
more, `as_released` repeats it; without, the focal loss is that of Lin et al. (ICCV 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

SMOOTH = 1e-5
SHARPNESS = 100.0
"""Cosines between features and words are multiplied by this before their softmax, as in CLIP."""


def tags_mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Half the Dice loss of the tumour and half the cross entropy.

    Args:
        logits: BxDxHxW, those of the tumour less those of the background: of two classes only their
            difference counts.
        target: BxDxHxW, 0 or 1.
    """
    logits, target = logits.float(), target.float()
    dice = dice_of_probabilities(logits.sigmoid(), target)
    return 0.5 * dice + 0.5 * F.binary_cross_entropy_with_logits(logits, target)


def alignment_loss(
    aligned: Sequence[Tensor], words: Tensor, target: Tensor, as_released: bool = False
) -> Tensor:
    """How badly each voxel's features tell the diseased organ from the healthy one, summed over the stages.

    Args:
        aligned: `Features.aligned`: for each stage BxhxwxdxE.
        words: Ex2, or BxEx2 where samples have organs of their own: the directions of the healthy and the
            diseased organ, from `words.WordFeatures`.
        target: BxDxHxW, 0 or 1.
        as_released: apply the second softmax.
    """
    losses = []
    for features in aligned:
        probability = word_probability(features, words, target.shape[1:])
        focal = focal_loss(probability, target, as_released)
        losses.append(0.5 * (focal + dice_of_probabilities(probability[:, 1], target)))
    return torch.stack(losses).sum()


def word_probability(features: Tensor, words: Tensor, size: Sequence[int]) -> Tensor:
    """How much each voxel is like the healthy and like the diseased organ.

    Args:
        features: BxhxwxdxE.
        words: Ex2 or BxEx2.
        size: D, H and W of the cube.

    Returns:
        Bx2xDxHxW, summing to one over the two.
    """
    by_depth = F.normalize(features.float(), dim=-1).permute(0, 3, 1, 2, 4)
    logits = (SHARPNESS * (by_depth @ words[..., None, None, :, :])).movedim(-1, 1)
    finer = F.interpolate(logits, size=tuple(size), mode="trilinear", align_corners=True)
    return finer.softmax(dim=1)


def focal_loss(probability: Tensor, target: Tensor, as_released: bool, gamma: float = 2.0) -> Tensor:
    """The focal loss of a batch, with targets drawn in by `SMOOTH`, the mean of its voxels.

    Args:
        probability: Bx2xDxHxW.
        target: BxDxHxW, 0 or 1.
        as_released: take the probabilities as logits and apply a softmax to them once more.
        gamma: focal exponent.
    """
    if as_released:
        probability = probability.softmax(dim=1)
    wanted = F.one_hot(target.long(), 2).movedim(-1, 1).to(probability.dtype).clamp(SMOOTH, 1 - SMOOTH)
    right = (wanted * probability).sum(dim=1) + SMOOTH
    # What is right can be a little more than one by the smoothing, and its distance from one is squared.
    return -((1 - right) ** gamma * right.log()).mean()


def dice_of_probabilities(probability: Tensor, target: Tensor) -> Tensor:
    """One minus the Dice of the tumour, the mean of a batch.

    Args:
        probability: BxDxHxW.
        target: BxDxHxW, 0 or 1.
    """
    p, y = probability.flatten(1), target.flatten(1).to(probability.dtype)
    common, both = (p * y).sum(dim=1), p.sum(dim=1) + y.sum(dim=1)
    return (1 - (2 * common + SMOOTH) / (both + SMOOTH)).mean()
