"""What a run makes small, chosen by name: the Zoom Loss of SGP-SAM, one it is compared with, or TAGS's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.losses import ZoomLoss, dice_ce_loss, dice_loss, focal_loss
from SAMLesionLib.training.tables import at_least, share
from SAMLesionLib.training.tags_losses import tags_mask_loss

Objective = Callable[[Tensor, Tensor], Tensor]
"""Logits and target (B x ...) to the loss of the batch."""


@dataclass(frozen=True)
class LossSettings:
    """The table `[loss]`; all but the name are of the Zoom Loss, see `ZoomLoss`.

    Attributes:
        name: `zoom`, SAM-Med3D's `dice-ce`, `dice` alone, `dice-focal`, whose voxels all weigh the same, or
            TAGS's `tags`.
        dice: weight of the Dice term.
        focal: weight of the focal term.
        alpha: share of the lesion's voxels in the focal term.
        gamma: focal exponent.
        median_voxels: lesion voxels of a typical sample; smaller lesions then count more.
        small_exponent: how much more.
        small_limit: the most that a small lesion counts.
    """

    name: Literal["zoom", "dice-ce", "dice", "dice-focal", "tags"] = "zoom"
    dice: float = at_least(0.0, 1.0)
    focal: float = at_least(0.0, 1.0)
    alpha: float = share(0.75)
    gamma: float = at_least(0.0, 2.0)
    median_voxels: float | None = at_least(1.0, None)
    small_exponent: float = at_least(0.0, 0.25)
    small_limit: float = at_least(0.0, 3.0)

    def __post_init__(self) -> None:
        """Refuse a loss that wants nothing."""
        if self.name in ("zoom", "dice-focal") and not self.dice and not self.focal:
            raise InputError("loss.dice and loss.focal are both 0, so nothing is learned. Set one of them.")


def objective(settings: LossSettings) -> Objective:
    """The loss of this name."""
    if settings.name == "dice-ce":
        return dice_ce_loss
    if settings.name == "tags":
        return tags_mask_loss
    if settings.name == "dice":
        return lambda logits, target: dice_loss(logits.float(), target.float()).mean()
    if settings.name == "dice-focal":
        return lambda logits, target: _dice_focal(logits.float(), target.float(), settings)
    return ZoomLoss(
        settings.dice,
        settings.focal,
        settings.alpha,
        settings.gamma,
        settings.median_voxels,
        settings.small_exponent,
        settings.small_limit,
    )


def _dice_focal(logits: Tensor, target: Tensor, settings: LossSettings) -> Tensor:
    focal = focal_loss(logits, target, settings.alpha, settings.gamma)
    return (settings.dice * dice_loss(logits, target) + settings.focal * focal).mean()
