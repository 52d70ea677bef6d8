"""What training makes small: the Zoom Loss of SGP-SAM, the loss of SAM-Med3D, and what gates are asked for.

Tang and Zhao (SGP-SAM, arXiv 2604.22825) say that the Zoom Loss joins Dice with a voxel-balanced focal term.
Its exact form is not known to us: weights, focal exponent and balancing are a design of our own
(docs/models.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

SMOOTH = 1e-5


@dataclass(frozen=True)
class ZoomLoss:
    """Dice and voxel-balanced focal loss: a lesion of 50 voxels weighs as much as one of 50 000.

    Attributes:
        dice: weight of the Dice term.
        focal: weight of the focal term.
        alpha: share of the lesion's voxels in the focal term; the background has the rest.
        gamma: focal exponent; 0 gives plain cross entropy.
        median_voxels: lesion voxels of a typical training sample; smaller lesions then count more. None for
            the same weight for all.
        small_exponent: how much more, as a power of the ratio of sizes.
        small_limit: the most that a small lesion counts.
    """

    dice: float = 1.0
    focal: float = 1.0
    alpha: float = 0.75
    gamma: float = 2.0
    median_voxels: float | None = None
    small_exponent: float = 0.25
    small_limit: float = 3.0

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch, the mean of its samples.

        Args:
            logits: Bx..., above 0 inside the lesion.
            target: Bx..., 0 or 1.
        """
        logits, target = logits.float(), target.float()
        dice = self.dice * dice_loss(logits, target)
        focal = self.focal * balanced_focal_loss(logits, target, self.alpha, self.gamma)
        return ((dice + focal) * self._weight(target)).mean()

    def _weight(self, target: Tensor) -> Tensor | float:
        if self.median_voxels is None:
            return 1.0
        n_voxels = target.flatten(1).sum(dim=1).clamp(min=1)
        return ((self.median_voxels / n_voxels) ** self.small_exponent).clamp(max=self.small_limit)


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """One minus the Dice of each sample, B, with squares in the denominator (SAM-Med3D, released code)."""
    p, y = torch.sigmoid(logits).flatten(1), target.flatten(1)
    common = (p * y).sum(dim=1)
    return 1 - (2 * common + SMOOTH) / (p.square().sum(dim=1) + y.square().sum(dim=1) + SMOOTH)


def balanced_focal_loss(logits: Tensor, target: Tensor, alpha: float, gamma: float) -> Tensor:
    """The focal loss of each sample, B: lesion and background are each averaged over their own voxels.

    Args:
        logits: Bx....
        target: Bx..., 0 or 1.
        alpha: share of the lesion.
        gamma: focal exponent (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017).
    """
    inside, outside = _focal_terms(logits, target, gamma)
    y = target.flatten(1)
    n_inside = y.sum(dim=1).clamp(min=1)
    n_outside = (1 - y).sum(dim=1).clamp(min=1)
    return alpha * inside.sum(dim=1) / n_inside + (1 - alpha) * outside.sum(dim=1) / n_outside


def focal_loss(logits: Tensor, target: Tensor, alpha: float, gamma: float) -> Tensor:
    """The focal loss of each sample, B, as published: all voxels weigh alike; see `balanced_focal_loss`."""
    inside, outside = _focal_terms(logits, target, gamma)
    return (alpha * inside + (1 - alpha) * outside).mean(dim=1)


def _focal_terms(logits: Tensor, target: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """The focal loss of the lesion's voxels and of the others, B x N each, 0 where a voxel is not of them."""
    x, y = logits.flatten(1), target.flatten(1)
    # In logarithms: 1 - p of a certain voxel would round to 0.
    log_p, log_q = F.logsigmoid(x), F.logsigmoid(-x)
    return -(gamma * log_q).exp() * log_p * y, -(gamma * log_p).exp() * log_q * (1 - y)


def dice_ce_loss(logits: Tensor, target: Tensor) -> Tensor:
    """The loss SAM-Med3D was trained with: Dice and cross entropy, the mean of a batch."""
    logits, target = logits.float(), target.float()
    return dice_loss(logits, target).mean() + F.binary_cross_entropy_with_logits(logits, target)


def gate_loss(probabilities: Tensor, wanted: float) -> Tensor:
    """How far the gates are, on average over layers and samples, from the share that should be open.

    Args:
        probabilities: layers x B, from `GateReading`.
        wanted: that share.
    """
    return (probabilities.float().mean() - wanted).square()
