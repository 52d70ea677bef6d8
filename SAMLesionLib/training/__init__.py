"""Training: what a network is shown, what is asked of it, and the loop."""

from __future__ import annotations

from SAMLesionLib.training.losses import ZoomLoss, balanced_focal_loss, dice_ce_loss, dice_loss, gate_loss

__all__ = ["ZoomLoss", "balanced_focal_loss", "dice_ce_loss", "dice_loss", "gate_loss"]
